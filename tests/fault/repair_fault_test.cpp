// Repair of random databases with random damage, and repairs that are interrupted. What comes back
// was once committed, to the byte; what damage did not touch is there; the result passes verify.
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <set>

#include <abi/core/fs_fault.hpp>
#include <abi/storage/repair.hpp>

#include "crash_campaign.hpp"
#include "oracle.hpp"
#include "scale.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::uint32_t kDimension = 3;

// A database made of random commits, with everything that was ever committed to it.
struct Past {
    MemoryFileSystem disk;
    std::vector<Row> rows;                             // what it holds
    std::map<std::string, std::vector<Row>> versions;  // by id, all that a commit ever brought
    Random random;

    explicit Past(std::uint64_t seed) : random(seed) {
        const Context context = context_on(disk);
        ChangeMaker maker(seed, kDimension);
        Oracle oracle;
        Database database = must(Database::create(
            context, "/db", {.dimension = kDimension, .metric = Metric::kCosine, .embedder = {}}));
        for (int step = 0; step < 14; ++step) {
            const Change change = maker.change();
            const bool done =
                commit(database, change.rows, change.mode, change.deletes).has_value();
            REQUIRE(done == !oracle.apply(change).failure);
            for (const Row& row : oracle.rows()) {
                auto& known = versions[*row.id];
                if (std::find(known.begin(), known.end(), row) == known.end()) {
                    known.push_back(row);
                }
            }
            if (random.chance(0.25)) {
                must(database.checkpoint());
            }
        }
        if (random.chance(0.3)) {
            must(database.close());
        }
        rows = oracle.rows();
        must(disk.sync_directory("/"));
    }

    std::vector<std::string> files() {
        std::vector<std::string> names;
        for (const DirectoryEntry& entry : must(disk.list("/db"))) {
            if (entry.name != "LOCK") {
                names.push_back(entry.name);
            }
        }
        return names;
    }
    // Damages a file somewhere; says how.
    std::string damage(const std::string& name) {
        const std::string path = join_path("/db", name);
        std::string bytes = whole(disk, path);
        const double kind = random.uniform();
        if (kind < 0.1 || bytes.empty()) {
            must(disk.remove(path));
            return "no " + name;
        }
        const std::uint64_t at = random.below(bytes.size());
        std::string what = name + " at " + std::to_string(at);
        if (kind < 0.2) {
            bytes.resize(at);
            what += ": cut";
        } else if (kind < 0.6) {
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
            what += ": one bit";
        } else {
            const std::uint64_t length =
                1 + random.below(std::min<std::uint64_t>(bytes.size() - at, std::uint64_t{6000}));
            for (std::uint64_t i = 0; i < length; ++i) {
                bytes[at + i] = kind < 0.8 ? '\0' : static_cast<char>(random.below(256));
            }
            what += ": " + std::to_string(length) + " bytes";
        }
        put(disk, path, bytes);
        return what;
    }
    bool knows(const Row& row) const {
        const auto found = versions.find(*row.id);
        return found != versions.end() &&
               std::find(found->second.begin(), found->second.end(), row) != found->second.end();
    }
};

std::vector<Row> rows_at(FileSystem& fs, const std::string& path) {
    return rows_of(must(Database::open(context_on(fs), path, AccessMode::kRead)).snapshot());
}

// How many of the rows of `all` are in `some`, as they are there.
std::size_t count_of(const std::vector<Row>& some, const std::vector<Row>& all) {
    return static_cast<std::size_t>(std::count_if(some.begin(), some.end(), [&](const Row& row) {
        return std::find(all.begin(), all.end(), row) != all.end();
    }));
}

void whole_or_nothing(FileSystem& fs, const std::vector<Row>& rows, bool must_be_there) {
    const auto opened = Database::open(context_on(fs), "/new", AccessMode::kRead);
    if (opened) {
        REQUIRE(rows_of(opened->snapshot()) == rows);
        REQUIRE(must(verify(context_on(fs), "/new")).faults_total == 0);
        return;
    }
    REQUIRE_FALSE(must_be_there);
    const auto info = must(fs.stat("/new"));
    REQUIRE((!info || must(fs.list("/new")).empty()));
    must(repair(context_on(fs), "/db", "/new"));
    REQUIRE(rows_at(fs, "/new") == rows);
    REQUIRE_FALSE(must(fs.stat("/new.partial")));
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("repair: random databases with random damage") {
        const bool replay = std::getenv("ABI_TEST_SEED") != nullptr;
        const std::uint64_t first = seed_or(1);
        std::size_t damaged = 0, complete = 0, hopeless = 0;
        for (std::uint64_t seed = first; seed < first + (replay ? 1 : scaled(1500)); ++seed) {
            Past past(seed);
            const std::vector<std::string> names = past.files();
            std::set<std::string> hit;
            std::string what;
            for (std::uint64_t i = 1 + past.random.below(3); i > 0; --i) {
                const std::string& name = names[past.random.below(names.size())];
                if (hit.insert(name).second) {
                    what += past.damage(name) + "; ";
                }
            }
            INFO("replay with ABI_TEST_SEED=", seed, ": ", what);
            const Context context = context_on(past.disk);
            const auto info = repair(context, "/db", "/new");
            if (!info) {
                INFO(info.error().describe());
                REQUIRE(info.error().code() == Code::kCorrupt);
                REQUIRE_FALSE(must(past.disk.stat("/new")));
                REQUIRE(hit.contains("MANIFEST"));
                ++hopeless;
                continue;
            }
            const std::vector<Row> rows = rows_at(past.disk, "/new");
            REQUIRE(must(verify(context, "/new")).faults_total == 0);
            REQUIRE(rows.size() == info->rows);
            for (const Row& row : rows) {
                INFO("row ", *row.id);
                REQUIRE(past.knows(row));
            }
            ++damaged;
            const bool told = info->lost_total + info->doubt_total != 0;
            complete += rows == past.rows ? 1 : 0;
            REQUIRE((told || rows == past.rows));
            const bool segments_only = std::all_of(
                hit.begin(), hit.end(), [](const auto& name) { return name.starts_with("seg-"); });
            if (segments_only) {
                REQUIRE(count_of(rows, past.rows) == rows.size());
                REQUIRE(rows.size() + info->rows_lost >= past.rows.size());
            }
        }
        std::cout << "repair: " << damaged << " databases, " << complete << " of them complete, "
                  << hopeless << " without anything to read\n";
        CHECK((replay || damaged > scaled(1000)));
    }

    TEST_CASE("repair: power cuts anywhere") {
        std::size_t states = 0;
        const std::uint64_t first = seed_or(1);
        for (std::uint64_t seed = first; seed < first + scaled(4); ++seed) {
            Past past(seed);
            const std::vector<std::string> names = past.files();
            INFO("replay with ABI_TEST_SEED=", seed);
            past.damage(names.back());
            const std::uint64_t start = past.disk.sequence();
            must(repair(context_on(past.disk), "/db", "/new"));
            const std::uint64_t done = past.disk.sequence();
            const std::vector<Row> rows = rows_at(past.disk, "/new");
            for (const std::uint64_t at : crash_points(past.disk, start)) {
                for (const CrashPlan& plan : crash_plans(at, 1)) {
                    INFO("cut after operation ", at, ": ", describe(plan));
                    const auto after = past.disk.crash_at(at, plan);
                    whole_or_nothing(*after, rows, at >= done);
                    ++states;
                }
            }
        }
        std::cout << "repair: " << states << " states\n";
        CHECK(states > scaled(300));
    }

    TEST_CASE("repair: the n-th call fails, once and for ever") {
        std::size_t failures = 0;
        for (const FaultRepeat repeat : {FaultRepeat::kOnce, FaultRepeat::kForEver}) {
            for (const FsCall call :
                 {FsCall::kOpen, FsCall::kWrite, FsCall::kSync, FsCall::kRename, FsCall::kRemove,
                  FsCall::kSyncDirectory, FsCall::kCreateDirectory, FsCall::kList, FsCall::kStat}) {
                for (std::uint64_t nth = 1;; nth += stride(3)) {
                    INFO(fs_call_name(call), " ", nth);
                    Past past(3);
                    FaultFileSystem fs(past.disk);
                    // Calls on the damaged database that fail are damage: those rows are missing.
                    fs.fail({.call = call, .path_contains = "/new", .nth = nth, .repeat = repeat});
                    const auto made = repair(context_on(fs), "/db", "/new");
                    if (fs.faults() == 0) {
                        REQUIRE(made);
                        break;
                    }
                    failures += made ? 0 : 1;
                    whole_or_nothing(past.disk, past.rows, made.has_value());
                }
            }
        }
        CHECK(failures * stride(3) > 60);
    }
}
