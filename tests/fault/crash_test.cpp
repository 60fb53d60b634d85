// Power cuts: a program is run once, then cut after every operation under many plans. Every
// acknowledged commit must be there, at most the one in flight besides, whole.
#include <iostream>
#include <set>

#include <abi/core/fs_fault.hpp>

#include "oracle.hpp"
#include "scale.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::uint32_t kDimension = 3;  // odd, so that records end in padding

// A state of the database that was acknowledged when the file system had made `sequence` calls.
struct Acknowledged {
    std::uint64_t sequence = 0;
    std::vector<Row> rows;
};

// Runs random changes and tells what was acknowledged when. With a FaultFileSystem that fails for
// ever from some call on, it is a process that dies there.
class Program {
public:
    // `checkpoints` is how probable one is at each step.
    Program(MemoryFileSystem& disk, FileSystem& fs, std::uint64_t seed, double checkpoints = 0.1)
        : disk_(disk),
          context_(context_on(fs)),
          maker_(seed, kDimension),
          checkpoints_(checkpoints) {}

    // False when it was stopped by a failure. Afterwards nothing is open: a lock goes with its
    // process.
    bool run(int steps) {
        const bool done = run_all(steps);
        database_.reset();
        return done;
    }
    const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }
    // What the step that failed would have made of it.
    const std::optional<std::vector<Row>>& in_flight() const { return in_flight_; }

private:
    bool run_all(int steps) {
        auto made = Database::create(
            context_, "/db", {.dimension = kDimension, .metric = Metric::kCosine, .embedder = {}});
        if (!made) {
            return false;
        }
        database_ = *std::move(made);
        acknowledge();
        for (int step = 0; step < steps; ++step) {
            if (!run_step()) {
                return false;
            }
        }
        return database_->close().has_value();
    }
    void acknowledge() {
        disk_.mark("acknowledged");
        acknowledged_.push_back({disk_.sequence(), oracle_.rows()});
    }
    bool run_step() {
        if (maker_.random().chance(checkpoints_)) {
            return database_->checkpoint().has_value();
        }
        const double kind = maker_.random().uniform();
        if (kind < 0.04) {
            return database_->optimize().has_value();
        }
        if (kind < 0.11) {
            if (kind < 0.08 && !database_->close()) {
                return false;
            }
            database_.reset();
            auto opened = Database::open(context_, "/db", AccessMode::kReadWrite);
            if (!opened) {
                return false;
            }
            database_ = *std::move(opened);
            return true;
        }
        const Change change = maker_.change();
        const Oracle::Answer expected = oracle_.apply(change);
        if (!expected.failure) {
            in_flight_ = oracle_.rows();
        }
        const bool done = commit(*database_, change.rows, change.mode, change.deletes).has_value();
        if (!expected.failure && done) {
            acknowledge();
        }
        return done || expected.failure;
    }

    MemoryFileSystem& disk_;
    Context context_;
    ChangeMaker maker_;
    double checkpoints_;
    Oracle oracle_;
    std::optional<Database> database_;
    std::vector<Acknowledged> acknowledged_;
    std::optional<std::vector<Row>> in_flight_;
};

bool changes_something(const FsOperation& operation) {
    switch (operation.call) {
        case FsCall::kWrite:
        case FsCall::kSync:
        case FsCall::kTruncate:
        case FsCall::kRename:
        case FsCall::kRemove:
        case FsCall::kRemoveDirectory:
        case FsCall::kCreateDirectory:
        case FsCall::kSyncDirectory:
        case FsCall::kMark:
            return true;
        case FsCall::kOpen:
            return operation.mode != OpenMode::kRead && operation.mode != OpenMode::kReadWrite;
        default:
            return false;
    }
}

std::vector<std::uint64_t> crash_points(const MemoryFileSystem& fs, std::uint64_t after = 0) {
    std::vector<std::uint64_t> points;
    for (const FsOperation& operation : fs.log()) {
        if (operation.sequence > after && changes_something(operation)) {
            points.push_back(operation.sequence);
        }
    }
    return points;
}

// Opens what a power cut left. nullopt where no database may be expected yet.
std::optional<Database> reopen(const Context& context, bool created) {
    auto opened = Database::open(context, "/db", AccessMode::kReadWrite);
    if (!opened) {
        const Code code = opened.error().code();
        INFO(opened.error().describe());
        REQUIRE_FALSE(created);
        REQUIRE((code == Code::kInputMissing || code == Code::kCorrupt));
        return std::nullopt;
    }
    return *std::move(opened);
}

// The rows after a power cut must be those of the last acknowledged state, or of the next one.
std::vector<Row> check_state(const Database& database, const std::vector<Acknowledged>& states,
                             std::uint64_t cut, const std::optional<std::vector<Row>>& in_flight) {
    const std::vector<Row> rows = rows_of(database.snapshot());
    std::size_t last = 0;
    while (last + 1 < states.size() && states[last + 1].sequence <= cut) {
        ++last;
    }
    const bool as_acknowledged = !states.empty() && rows == states[last].rows;
    const bool next =
        last + 1 < states.size() ? rows == states[last + 1].rows : in_flight && rows == *in_flight;
    const bool just_made = (states.empty() || cut < states[0].sequence) && rows.empty();
    REQUIRE((as_acknowledged || next || just_made));
    return rows;
}

// Cuts the power during the recovery itself: it must end in the same rows.
std::size_t cut_recovery(const MemoryFileSystem& fs, const std::vector<Row>& rows,
                         std::uint64_t seed) {
    std::size_t states = 0;
    for (const std::uint64_t at : crash_points(fs)) {
        for (const CrashPlan& plan : crash_plans(seed + at, 1)) {
            INFO("cut again after operation ", at, " of the recovery: ", describe(plan));
            const auto again = fs.crash_at(at, plan);
            const auto database = reopen(context_on(*again), true);
            REQUIRE(rows_of(database->snapshot()) == rows);
            ++states;
        }
    }
    return states;
}

// A database that survived goes on working.
void check_it_works(const Context& context, Database& database, std::vector<Row> rows) {
    const Row extra{"written after the crash", std::vector<float>(kDimension, 1.0F), "text", {}};
    must(commit(database, {extra}));
    rows.push_back(extra);
    must(database.close());
    const Database again = must(Database::open(context, "/db", AccessMode::kRead));
    REQUIRE(rows_of(again.snapshot()) == rows);
    const VerifyInfo info = must(verify(context, "/db"));
    REQUIRE(info.faults_total == 0);
}

struct Campaign {
    std::uint64_t seed = 0;
    int steps = 20;
    double checkpoints = 0.1;
    std::size_t plans = 2;  // seeds of the plans that have one
};

std::size_t cut_everywhere(const Campaign& campaign) {
    const std::uint64_t seed = campaign.seed;
    MemoryFileSystem fs;
    Program program(fs, fs, seed, campaign.checkpoints);
    REQUIRE(program.run(campaign.steps));
    std::size_t states = 0;
    for (const std::uint64_t at : crash_points(fs)) {
        for (const CrashPlan& plan : crash_plans(seed * 1000 + at, campaign.plans)) {
            INFO("seed ", seed, ", cut after operation ", at, ": ", describe(plan));
            const auto after = fs.crash_at(at, plan);
            const Context context = context_on(*after);
            const bool created = at >= program.acknowledged().at(0).sequence;
            ++states;
            auto database = reopen(context, created);
            if (!database) {
                continue;
            }
            const auto rows = check_state(*database, program.acknowledged(), at, std::nullopt);
            const VerifyInfo info = must(verify(context, "/db"));
            REQUIRE(info.faults_total == 0);
            REQUIRE(info.rows == rows.size());
            if (states % 29 == 0) {
                states += cut_recovery(*after, rows, at);
            }
            if (states % 17 == 0) {
                check_it_works(context, *database, rows);
            }
        }
    }
    return states;
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("crash: every power cut leaves what was acknowledged, and at most one more commit") {
        const bool replay = std::getenv("ABI_TEST_SEED") != nullptr;
        const std::uint64_t first = seed_or(1);
        const std::size_t seeds = replay ? 1 : scaled(10);
        std::size_t states = 0;
        for (std::uint64_t seed = first; seed < first + seeds; ++seed) {
            INFO("replay with ABI_TEST_SEED=", seed);
            states += cut_everywhere({.seed = seed});
        }
        std::cout << "crash: " << states << " states\n";
        CHECK((replay || states >= scaled(20'000)));
    }

    TEST_CASE("crash: power cuts while many small segments are folded") {
        const std::uint64_t first = seed_or(50);
        std::size_t states = 0;
        for (std::uint64_t seed = first; seed < first + scaled(2); ++seed) {
            INFO("replay with ABI_TEST_SEED=", seed);
            states += cut_everywhere({.seed = seed, .steps = 40, .checkpoints = 0.5, .plans = 1});
        }
        std::cout << "crash: " << states << " states around folded segments\n";
        CHECK(states > 1000);
    }

    TEST_CASE("crash: a process that dies, then a power cut after the next one's commit") {
        // What a dead process had not synced still stands in the system's cache: its successor sees
        // it, and must not build on it before it is on the disk.
        const std::uint64_t first = seed_or(100);
        std::size_t states = 0;
        for (std::uint64_t seed = first; seed < first + scaled(2); ++seed) {
            for (std::uint64_t nth = 1;; ++nth) {
                MemoryFileSystem disk;
                FaultFileSystem fs(disk);
                fs.fail({.nth = nth, .repeat = FaultRepeat::kForEver});
                Program program(disk, fs, seed);
                if (program.run(14)) {
                    break;
                }
                INFO("replay with ABI_TEST_SEED=", seed, ", dead from call ", nth);
                const Context context = context_on(disk);
                auto database = reopen(context, !program.acknowledged().empty());
                if (!database) {
                    continue;
                }
                std::vector<Row> rows = check_state(*database, program.acknowledged(),
                                                    disk.sequence(), program.in_flight());
                const Row extra{"extra", std::vector<float>(kDimension, 2.0F), {}, {}};
                must(commit(*database, {extra}));
                rows.push_back(extra);
                for (const CrashPlan& plan : crash_plans(nth * 10, 1)) {
                    CAPTURE(describe(plan));
                    const auto after = disk.crash(plan);
                    const auto survivor = reopen(context_on(*after), true);
                    REQUIRE(rows_of(survivor->snapshot()) == rows);
                    ++states;
                }
            }
        }
        std::cout << "crash: " << states << " states after dead processes\n";
        CHECK(states > 100);
    }

    TEST_CASE("crash: importing documents again is cut anywhere, and can be repeated") {
        MemoryFileSystem fs;
        const Context context = context_on(fs);
        must(fs.create_directory("/docs"));
        for (int i = 0; i < 6; ++i) {
            put(fs, "/docs/" + std::to_string(i) + ".txt",
                "words of document " + std::to_string(i));
        }
        must(fs.sync_directory("/docs"));
        must(fs.sync_directory("/"));
        Database database = must(Database::create(
            context, "/db", {.dimension = 0, .embedder = EmbedderChoice{"hash", 64}}));
        ImportInfo info;
        must(import_files(context, database, {"/docs"}, nullptr, {}, info));
        must(database.checkpoint());
        must(fs.remove("/docs/0.txt"));
        put(fs, "/docs/1.txt", "changed words");
        put(fs, "/docs/7.txt", "new words");
        must(fs.sync_directory("/docs"));
        const std::uint64_t begin = fs.sequence();
        ImportOptions options;
        options.commit_every = 1;
        must(import_files(context, database, {"/docs"}, nullptr, options, info));
        must(database.close());
        const std::vector<Row> expected = rows_of(database.snapshot());
        REQUIRE(expected.size() == 6);
        for (const std::uint64_t at : crash_points(fs, begin)) {
            for (const CrashPlan& plan : crash_plans(at, 1)) {
                CAPTURE(at);
                CAPTURE(describe(plan));
                const auto after = fs.crash_at(at, plan);
                const Context later = context_on(*after);
                auto survivor = reopen(later, true);
                ImportInfo again;
                must(import_files(later, *survivor, {"/docs"}, nullptr, options, again));
                std::set<std::string> ids, wanted;
                for (const Row& row : rows_of(survivor->snapshot())) {
                    ids.insert(*row.id + "=" + *row.text);
                }
                for (const Row& row : expected) {
                    wanted.insert(*row.id + "=" + *row.text);
                }
                REQUIRE(ids == wanted);
                must(survivor->close());
                REQUIRE(must(verify(later, "/db")).faults_total == 0);
            }
        }
    }
}
