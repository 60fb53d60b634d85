// Backups and restores that are interrupted: power cut after every operation, the n-th call failing
// once and for ever. Earlier backups stay whole, nothing half-made opens as a database, and the
// next attempt succeeds.
#include <algorithm>
#include <iostream>

#include <abi/core/fs_fault.hpp>
#include <abi/storage/backup.hpp>

#include "crash_campaign.hpp"
#include "oracle.hpp"
#include "scale.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::uint32_t kDimension = 3;

std::vector<Row> rows_at(FileSystem& fs, const std::string& path) {
    return rows_of(must(Database::open(context_on(fs), path, AccessMode::kRead)).snapshot());
}

// A database that has changed between backups, each with the rows it must give back.
struct History {
    MemoryFileSystem disk;
    std::vector<std::vector<Row>> backups;  // rows of backup i + 1

    // Changes the database and leaves it as a process that died or one that closed.
    void change(std::uint64_t seed) {
        const Context context = context_on(disk);
        ChangeMaker maker(seed, kDimension);
        Database database = must(Database::open(context, "/db", AccessMode::kReadWrite));
        for (int step = 0; step < 4; ++step) {
            const Change next = maker.change();
            static_cast<void>(commit(database, next.rows, next.mode, next.deletes));
            if (step == 1 && seed % 2 == 0) {
                must(database.checkpoint());
            }
        }
        if (seed % 3 == 0) {
            must(database.optimize());
        }
        if (seed % 2 == 1) {
            must(database.close());
        }
    }
    void back_up() {
        const BackupInfo info = must(make_backup(context_on(disk), "/db", "/repo"));
        REQUIRE(info.number == backups.size() + 1);
        backups.push_back(rows_at(disk, "/db"));
    }
};

void begin(History& history, std::uint64_t seed, std::size_t backups) {
    must(Database::create(context_on(history.disk), "/db",
                          {.dimension = kDimension, .metric = Metric::kCosine, .embedder = {}}));
    for (std::size_t i = 0; i < backups; ++i) {
        history.change(seed * 10 + i);
        history.back_up();
    }
    history.change(seed * 10 + backups);
    must(history.disk.sync_directory("/"));
}

// Every listed backup is whole and gives back its rows; those `needed` are listed.
std::size_t check_backups(FileSystem& fs, const std::vector<std::vector<Row>>& rows,
                          std::size_t first_needed, std::size_t needed) {
    const Context context = context_on(fs);
    const auto listed = list_backups(context, "/repo");
    if (!listed) {
        INFO(listed.error().describe());
        REQUIRE(needed == 0);
        return 0;
    }
    std::size_t found = 0;
    for (const BackupEntry& entry : *listed) {
        REQUIRE(entry.fault.empty());
        REQUIRE(entry.number <= rows.size());
        const std::string path = "/restored-" + std::to_string(entry.number);
        const RestoreInfo info = must(restore_backup(context, "/repo", path, entry.number));
        REQUIRE(info.number == entry.number);
        REQUIRE(rows_at(fs, path) == rows[entry.number - 1]);
        found += entry.number > first_needed && entry.number <= first_needed + needed ? 1 : 0;
    }
    REQUIRE(found == needed);
    REQUIRE(must(verify_backups(context, "/repo")).faults_total == 0);
    return listed->size();
}

// After an interruption the next backup succeeds, and leaves nothing behind.
void check_next_backup(FileSystem& fs) {
    const Context context = context_on(fs);
    const std::vector<Row> rows = rows_at(fs, "/db");
    must(make_backup(context, "/db", "/repo"));
    const BackupCheck check = must(verify_backups(context, "/repo"));
    REQUIRE(check.faults_total == 0);
    REQUIRE(check.leftovers.empty());
    REQUIRE(check.foreign.empty());
    must(restore_backup(context, "/repo", "/again"));
    REQUIRE(rows_at(fs, "/again") == rows);
}

// No database at `path`, or the whole of it.
bool whole_or_nothing(FileSystem& fs, const std::string& path, const std::vector<Row>& rows) {
    const auto opened = Database::open(context_on(fs), path, AccessMode::kRead);
    if (!opened) {
        const Code code = opened.error().code();
        INFO(opened.error().describe());
        REQUIRE((code == Code::kInputMissing || code == Code::kCorrupt));
        const auto info = must(fs.stat(path));
        REQUIRE((!info || must(fs.list(path)).empty()));
        return false;
    }
    REQUIRE(rows_of(opened->snapshot()) == rows);
    REQUIRE(must(verify(context_on(fs), path)).faults_total == 0);
    return true;
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("backup: power cuts while one is made") {
        std::size_t states = 0;
        const std::uint64_t first = seed_or(1);
        for (std::uint64_t seed = first; seed < first + scaled(3); ++seed) {
            for (const std::size_t earlier : {0U, 2U}) {
                History history;
                begin(history, seed, earlier);
                const std::uint64_t start = history.disk.sequence();
                history.back_up();
                const std::uint64_t done = history.disk.sequence();
                for (const std::uint64_t at : crash_points(history.disk, start)) {
                    for (const CrashPlan& plan : crash_plans(at, 1)) {
                        INFO("replay with ABI_TEST_SEED=", seed, ", earlier backups ", earlier,
                             ", cut after operation ", at, ": ", describe(plan));
                        const auto after = history.disk.crash_at(at, plan);
                        check_backups(*after, history.backups, 0, earlier + (at >= done ? 1 : 0));
                        check_next_backup(*after);
                        ++states;
                    }
                }
            }
        }
        std::cout << "backup: " << states << " states\n";
        CHECK(states > scaled(300));
    }

    TEST_CASE("backup: power cuts while old ones are pruned") {
        std::size_t states = 0;
        History history;
        begin(history, 4, 4);
        const std::uint64_t start = history.disk.sequence();
        must(prune_backups(context_on(history.disk), "/repo", 2));
        for (const std::uint64_t at : crash_points(history.disk, start)) {
            for (const CrashPlan& plan : crash_plans(at, 2)) {
                INFO("cut after operation ", at, ": ", describe(plan));
                const auto after = history.disk.crash_at(at, plan);
                check_backups(*after, history.backups, 2, 2);
                check_next_backup(*after);
                ++states;
            }
        }
        CHECK(states > 30);
    }

    TEST_CASE("backup: a prune that dies, then a backup, then a power cut") {
        // What the prune removed may come back with the power: then its files must be there too.
        for (std::uint64_t nth = 1;; nth += stride(5)) {
            History history;
            begin(history, 4, 3);
            FaultFileSystem fs(history.disk);
            fs.fail({.nth = nth, .repeat = FaultRepeat::kForEver});
            if (prune_backups(context_on(fs), "/repo", 1)) {
                CHECK(nth > 10);
                break;
            }
            history.disk.mark("dead");
            const std::uint64_t start = history.disk.sequence();
            auto rows = history.backups;
            must(make_backup(context_on(history.disk), "/db", "/repo"));
            rows.push_back(rows_at(history.disk, "/db"));
            for (const std::uint64_t at : crash_points(history.disk, start)) {
                for (const CrashPlan& plan : crash_plans(at, 1)) {
                    INFO("dead from call ", nth, ", cut after operation ", at, ": ",
                         describe(plan));
                    const auto after = history.disk.crash_at(at, plan);
                    check_backups(*after, rows, 2, 1);
                }
            }
        }
    }

    TEST_CASE("backup: power cuts during a restore") {
        std::size_t states = 0, made = 0;
        const std::uint64_t first = seed_or(1);
        for (std::uint64_t seed = first; seed < first + scaled(3); ++seed) {
            for (const bool there : {false, true}) {
                History history;
                begin(history, seed, 2);
                if (there) {
                    must(history.disk.create_directory("/new"));
                    must(history.disk.sync_directory("/"));
                }
                const std::uint64_t start = history.disk.sequence();
                must(restore_backup(context_on(history.disk), "/repo", "/new"));
                const std::uint64_t done = history.disk.sequence();
                for (const std::uint64_t at : crash_points(history.disk, start)) {
                    for (const CrashPlan& plan : crash_plans(at, 2)) {
                        INFO("replay with ABI_TEST_SEED=", seed, ", cut after operation ", at, ": ",
                             describe(plan));
                        const auto after = history.disk.crash_at(at, plan);
                        const Context context = context_on(*after);
                        ++states;
                        if (whole_or_nothing(*after, "/new", history.backups[1])) {
                            ++made;
                            // A left-over mark goes with the next writer.
                            must(must(Database::open(context, "/new", AccessMode::kReadWrite))
                                     .close());
                            REQUIRE_FALSE(must(after->stat("/new/MANIFEST.tmp")));
                            continue;
                        }
                        REQUIRE(at < done);
                        must(restore_backup(context, "/repo", "/new"));
                        REQUIRE(whole_or_nothing(*after, "/new", history.backups[1]));
                        REQUIRE_FALSE(must(after->stat("/new.partial")));
                    }
                }
            }
        }
        std::cout << "backup: " << states << " states of restores\n";
        CHECK(states > scaled(500));
        CHECK(made > 20);
    }

    TEST_CASE("backup: the n-th call of a backup fails, once and for ever") {
        std::size_t failures = 0;
        for (const FaultRepeat repeat : {FaultRepeat::kOnce, FaultRepeat::kForEver}) {
            for (const int code : {EIO, ENOSPC}) {
                for (std::uint64_t nth = 1;; nth += stride(5)) {
                    CAPTURE(nth);
                    History history;
                    begin(history, 2, 1);
                    FaultFileSystem fs(history.disk);
                    fs.fail({.nth = nth, .repeat = repeat, .errno_value = code});
                    const auto made = make_backup(context_on(fs), "/db", "/repo");
                    if (fs.faults() == 0) {
                        REQUIRE(made);
                        break;
                    }
                    auto rows = history.backups;
                    rows.push_back(rows_at(history.disk, "/db"));
                    if (!made) {
                        ++failures;
                        REQUIRE((made.error().code() == Code::kIo ||
                                 made.error().code() == Code::kNoSpace));
                    }
                    // A failed last sync may leave the new one too, whole.
                    check_backups(history.disk, rows, 0, made ? 2 : 1);
                    check_next_backup(history.disk);
                }
            }
        }
        CHECK(failures * stride(5) > 100);
    }

    TEST_CASE("backup: the n-th call of a restore fails, once and for ever") {
        std::size_t failures = 0;
        for (const FaultRepeat repeat : {FaultRepeat::kOnce, FaultRepeat::kForEver}) {
            for (std::uint64_t nth = 1;; nth += stride(5)) {
                CAPTURE(nth);
                History history;
                begin(history, 2, 1);
                FaultFileSystem fs(history.disk);
                fs.fail({.nth = nth, .repeat = repeat});
                const auto made = restore_backup(context_on(fs), "/repo", "/new");
                if (fs.faults() == 0) {
                    REQUIRE(made);
                    break;
                }
                if (!made) {
                    ++failures;
                    INFO(made.error().describe());
                    REQUIRE((made.error().code() == Code::kIo ||
                             made.error().code() == Code::kCorrupt));
                }
                const bool whole = whole_or_nothing(history.disk, "/new", history.backups[0]);
                REQUIRE((!made || whole));
                if (!whole) {
                    must(restore_backup(context_on(history.disk), "/repo", "/new"));
                    REQUIRE(whole_or_nothing(history.disk, "/new", history.backups[0]));
                }
                REQUIRE_FALSE(must(history.disk.stat("/new.partial")));
                check_backups(history.disk, history.backups, 0, 1);
            }
        }
        CHECK(failures * stride(5) > 50);
    }

    TEST_CASE("backup: a disk that fills up anywhere") {
        std::size_t refused = 0;
        for (std::uint64_t quota = 0; quota < 30'000; quota += 1'499) {
            CAPTURE(quota);
            History history;
            begin(history, 2, 1);
            FaultFileSystem fs(history.disk);
            fs.set_quota(quota);
            const auto made = make_backup(context_on(fs), "/db", "/repo");
            if (!made) {
                ++refused;
                REQUIRE(made.error().code() == Code::kNoSpace);
            }
            fs.clear();
            auto rows = history.backups;
            rows.push_back(rows_at(history.disk, "/db"));
            check_backups(history.disk, rows, 0, made ? 2 : 1);
            const auto restored = [&] {
                FaultFileSystem full(history.disk);
                full.set_quota(quota);
                return restore_backup(context_on(full), "/repo", "/new").has_value();
            }();
            REQUIRE(whole_or_nothing(history.disk, "/new", rows[made ? 1 : 0]) == restored);
        }
        CHECK(refused > 5);
    }
}
