// Archives that are imported while the power is cut or calls fail: a new database is there whole or
// not at all, one that was there has its old rows or also the new ones, and the next attempt
// succeeds.
#include <abi/core/fs_fault.hpp>
#include <abi/storage/archive.hpp>

#include "crash_campaign.hpp"
#include "scale.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

const std::vector<Row> kRows = {
    {"a", {1, 2, 3}, "one", R"({"k":1})"}, {"b", {4, 5, 6}, {}, {}}, {"c", {7, 8, 9}, "", {}}};
const std::vector<Row> kOld = {{"old", {9, 9, 9}, {}, {}}};

// A disk with an archive of one collection "new".
void make_archive(MemoryFileSystem& disk) {
    const Context context = context_on(disk);
    CreateOptions options{.dimension = 3, .metric = Metric::kCosine, .embedder = {}};
    options.name = "new";
    Database database = must(Database::create(context, "/source", options));
    must(commit(database, kRows));
    std::string bytes;
    const auto sink = string_sink(bytes);
    must(export_archive(context, database, *sink));
    must(database.close());
    put(disk, "/a.wda", bytes);
    must(disk.sync_directory("/"));
}

void make_target(MemoryFileSystem& disk) {
    const CreateOptions options{.dimension = 3, .metric = Metric::kL2, .embedder = {}};
    Database database = must(Database::create(context_on(disk), "/db", options));
    must(commit(database, kOld));
}

Status import_into(FileSystem& fs) {
    const Context context = context_on(fs);
    ABI_TRY(Database database, Database::open(context, "/db", AccessMode::kReadWrite));
    ImportInfo info;
    ABI_CHECK(import_archive(context, database, "/a.wda", {}, info));
    return database.close();
}

// True when the archive's collection is there; it is there whole, and the old rows are too.
bool imported(FileSystem& fs) {
    const Database database = must(Database::open(context_on(fs), "/db", AccessMode::kRead));
    REQUIRE(rows_of(database.snapshot()) == kOld);
    REQUIRE(must(verify(context_on(fs), "/db")).faults_total == 0);
    const auto added = database.collection("new");
    if (!added) {
        REQUIRE(added.error().code() == Code::kNotFound);
        return false;
    }
    REQUIRE(rows_of(added->snapshot()) == kRows);
    return true;
}

// No database at "/new", or the whole of it.
bool made(FileSystem& fs) {
    const auto opened = Database::open(context_on(fs), "/new", AccessMode::kRead, {"new", {}});
    if (!opened) {
        INFO(opened.error().describe());
        REQUIRE(opened.error().code() == Code::kInputMissing);
        REQUIRE(!must(fs.stat("/new")));
        return false;
    }
    REQUIRE(rows_of(opened->snapshot()) == kRows);
    REQUIRE(must(verify(context_on(fs), "/new")).faults_total == 0);
    return true;
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("archive: power cuts while a database is made") {
        MemoryFileSystem disk;
        make_archive(disk);
        const std::uint64_t start = disk.sequence();
        must(create_from_archive(context_on(disk), "/a.wda", "/new"));
        const std::uint64_t done = disk.sequence();
        std::size_t states = 0, whole = 0;
        for (const std::uint64_t at : crash_points(disk, start)) {
            for (const CrashPlan& plan : crash_plans(at, 2)) {
                INFO("cut after operation ", at, ": ", describe(plan));
                const auto after = disk.crash_at(at, plan);
                ++states;
                if (made(*after)) {
                    ++whole;
                    continue;
                }
                REQUIRE(at < done);
                must(create_from_archive(context_on(*after), "/a.wda", "/new"));
                REQUIRE(made(*after));
            }
        }
        CHECK(states > 20);
        CHECK(whole > 0);
        CHECK(whole < states);
    }

    TEST_CASE("archive: power cuts while a collection is taken over") {
        MemoryFileSystem disk;
        make_archive(disk);
        make_target(disk);
        const std::uint64_t start = disk.sequence();
        must(import_into(disk));
        const std::uint64_t done = disk.sequence();
        std::size_t states = 0, whole = 0;
        for (const std::uint64_t at : crash_points(disk, start)) {
            for (const CrashPlan& plan : crash_plans(at, 2)) {
                INFO("cut after operation ", at, ": ", describe(plan));
                const auto after = disk.crash_at(at, plan);
                ++states;
                const bool there = imported(*after);
                REQUIRE((there || at < done));
                whole += there ? 1 : 0;
                must(import_into(*after));
                REQUIRE(imported(*after));
            }
        }
        CHECK(states > 20);
        CHECK(whole > 0);
        CHECK(whole < states);
    }

    TEST_CASE("archive: every call fails once, and for ever") {
        for (const FaultRepeat repeat : {FaultRepeat::kOnce, FaultRepeat::kForEver}) {
            for (const bool existing : {false, true}) {
                std::uint64_t nth = 1;
                for (;; nth += stride(3)) {
                    CAPTURE(nth);
                    MemoryFileSystem disk;
                    make_archive(disk);
                    make_target(disk);
                    FaultFileSystem fs(disk);
                    fs.fail({.nth = nth, .repeat = repeat});
                    const bool succeeded =
                        existing
                            ? import_into(fs).has_value()
                            : create_from_archive(context_on(fs), "/a.wda", "/new").has_value();
                    const bool there = existing ? imported(disk) : made(disk);
                    REQUIRE((there || !succeeded));
                    if (fs.faults() == 0) {
                        REQUIRE(succeeded);
                        break;
                    }
                }
                CHECK(nth > 20);
            }
        }
    }
}
