// Commits from several threads: what waits together shares one sync, fails alone when it is wrong
// by itself, and together when the disk fails; under the sync modes too.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include <abi/core/fs_fault.hpp>

#include "gate_fs.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

// A database on a disk that can be cut, fail, and be held up at its syncs.
struct Store {
    MemoryFileSystem disk;
    FaultFileSystem faults{disk};
    GateFileSystem gate{faults};
    Context context = context_on(gate);
    std::optional<Database> database;

    Store() {
        database = must(Database::create(context, "/db",
                                         {.dimension = 1, .metric = Metric::kL2, .embedder = {}}));
    }
    std::uint64_t syncs() const { return faults.calls(FsCall::kSync); }
    std::vector<std::string> ids_on_disk() {
        return ids_of(must(Database::open(context_on(disk), "/db", AccessMode::kRead)).snapshot());
    }
};

Row row(std::string id) {
    return {std::move(id), {1.0F}, {}, {}};
}

struct Outcome {
    std::optional<CommitInfo> info;
    std::optional<Code> code;
};

// One commit that stands at the gate, and behind it one by each thread of `batches`, which wait.
// `meanwhile` happens before the gate opens.
template <class Meanwhile>
std::vector<Outcome> commit_behind_gate(Store& store, const std::vector<std::vector<Row>>& batches,
                                        WriteMode mode, Meanwhile meanwhile) {
    std::vector<Outcome> outcomes(batches.size());
    store.gate.close();
    std::jthread first([&] { CHECK(commit(*store.database, {row("first")})); });
    store.gate.wait_for_one();
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < batches.size(); ++i) {
        threads.emplace_back([&, i] {
            auto done = commit(*store.database, batches[i], mode);
            if (done) {
                outcomes[i].info = *std::move(done);
            } else {
                outcomes[i].code = done.error().code();
            }
        });
    }
    // Long enough for all to wait in the queue; should one come late, it makes a group of its own,
    // which no check here minds.
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    meanwhile();
    store.gate.open();
    first.join();
    threads.clear();
    return outcomes;
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("group commit: what waits for a sync shares the next one") {
        for (int attempt = 0;; ++attempt) {
            Store store;
            const std::uint64_t before = store.syncs();
            const auto outcomes = commit_behind_gate(
                store, {{row("a")}, {row("b")}, {row("c")}, {row("d")}}, WriteMode::kUpsert, [] {});
            std::vector<std::uint64_t> numbers;
            for (const Outcome& outcome : outcomes) {
                REQUIRE(outcome.info);
                CHECK(outcome.info->added == 1);
                numbers.push_back(outcome.info->lsn);
            }
            std::sort(numbers.begin(), numbers.end());
            CHECK(numbers == std::vector<std::uint64_t>{2, 3, 4, 5});
            CHECK(store.database->snapshot().rows() == 5);
            CHECK(store.database->snapshot().stats().lsn == 5);
            CHECK(store.ids_on_disk() == ids_of(store.database->snapshot()));
            if (store.syncs() - before == 2) {
                break;
            }
            REQUIRE(attempt < 50);  // the machine was busy elsewhere: once more
        }
    }

    TEST_CASE("group commit: each one sees those before it, and fails alone") {
        Store store;
        // Whoever comes first inserts the row; the others find it there.
        const auto outcomes = commit_behind_gate(
            store, {{row("same"), row("w")}, {row("same"), row("x")}, {row("same"), row("y")}},
            WriteMode::kInsert, [] {});
        std::size_t winners = 0;
        for (const Outcome& outcome : outcomes) {
            winners += outcome.info ? 1U : 0U;
            CHECK((outcome.info || outcome.code == Code::kAlreadyExists));
        }
        CHECK(winners == 1);
        CHECK(store.database->snapshot().rows() == 3);
        CHECK(store.ids_on_disk() == ids_of(store.database->snapshot()));
        must(store.database->close());
        CHECK(must(verify(store.context, "/db")).faults_total == 0);
    }

    TEST_CASE("group commit: without room on the disk none is there, and writing goes on") {
        Store store;
        must(commit(*store.database, {row("old"), row("a")}));
        must(store.database->checkpoint());
        must(commit(*store.database, {row("b"), row("c")}));
        // Rows of the segment and of the log are replaced by those that fail.
        const auto outcomes = commit_behind_gate(
            store, {{row("a")}, {row("b"), row("b")}, {row("new")}, {row("old"), row("c")}},
            WriteMode::kUpsert, [&store] {
                store.faults.fail({.call = FsCall::kWrite,
                                   .path_contains = ".wal",
                                   .repeat = FaultRepeat::kForEver,
                                   .errno_value = ENOSPC,
                                   .partial_bytes = 50});
            });
        for (const Outcome& outcome : outcomes) {
            CHECK(outcome.code == Code::kNoSpace);
        }
        const std::vector<std::string> expected{"old", "a", "b", "c", "first"};
        CHECK(ids_of(store.database->snapshot()) == expected);
        CHECK(store.ids_on_disk() == expected);
        store.faults.clear();
        const CommitInfo info = must(commit(*store.database, {row("b"), row("new")}));
        CHECK(info.replaced == 1);
        CHECK(info.lsn == 4);
        const std::vector<std::string> after{"old", "a", "c", "first", "b", "new"};
        CHECK(ids_of(store.database->snapshot()) == after);
        must(store.database->close());
        CHECK(store.ids_on_disk() == after);
        CHECK(must(verify(store.context, "/db")).faults_total == 0);
    }

    TEST_CASE("group commit: after a failed sync none is acknowledged and nothing is written") {
        Store store;
        const auto outcomes =
            commit_behind_gate(store, {{row("a")}, {row("b")}, {row("c")}}, WriteMode::kUpsert,
                               [&store] { store.faults.fail({.call = FsCall::kSync, .nth = 2}); });
        for (const Outcome& outcome : outcomes) {
            CHECK(outcome.code == Code::kIo);
        }
        CHECK(store.database->snapshot().rows() == 1);
        const std::uint64_t writes = store.faults.calls(FsCall::kWrite);
        CHECK(code_of(commit(*store.database, {row("d")})) == Code::kIo);
        CHECK(code_of(store.database->collection("default")->commit({})) == Code::kIo);
        CHECK(error_of(store.database->checkpoint()).code() == Code::kIo);
        CHECK(store.faults.calls(FsCall::kWrite) == writes);
    }

    TEST_CASE("group commit: a power cut anywhere leaves commits whole and in order") {
        Store store;
        std::vector<std::vector<Row>> batches;
        for (int i = 0; i < 6; ++i) {
            const std::string name = std::to_string(i);
            batches.push_back({row(name + "-a"), row(name + "-b"), row(name + "-c")});
        }
        const std::uint64_t begin = store.disk.sequence();
        const auto outcomes = commit_behind_gate(store, batches, WriteMode::kUpsert, [] {});
        const std::vector<std::string> all = ids_of(store.database->snapshot());
        REQUIRE(all.size() == 19);
        std::size_t most = 0;
        for (std::uint64_t at = begin; at <= store.disk.sequence(); ++at) {
            for (const CrashPlan& plan : crash_plans(at, 6)) {
                INFO("after operation ", at, ": ", describe(plan));
                const auto after = store.disk.crash_at(at, plan);
                const Context context = context_on(*after);
                Database database = must(Database::open(context, "/db", AccessMode::kReadWrite));
                const std::vector<std::string> ids = ids_of(database.snapshot());
                REQUIRE((ids.size() <= 1 || ids.size() % 3 == 1));
                REQUIRE(std::equal(ids.begin(), ids.end(), all.begin()));
                most = std::max(most, ids.size());
                must(commit(database, {row("after")}));
                REQUIRE(database.snapshot().rows() == ids.size() + 1);
            }
        }
        CHECK(most == 19);
        CHECK(store.database->snapshot().rows() == 19);
    }

    TEST_CASE("group commit: without syncs a kill loses nothing, a power cut only the last ones") {
        for (const SyncMode mode : {SyncMode::kNormal, SyncMode::kOff}) {
            CAPTURE(sync_mode_name(mode));
            Store store;
            store.database.reset();
            OpenOptions options;
            options.sync = mode;
            store.database =
                must(Database::open(store.context, "/db", AccessMode::kReadWrite, options));
            const std::uint64_t before = store.syncs();
            const std::uint64_t begin = store.disk.sequence();
            for (int i = 0; i < 8; ++i) {
                must(commit(*store.database, {row(std::to_string(i)), row("x")}));
            }
            CHECK(store.syncs() == before);
            const std::vector<std::string> all = ids_of(store.database->snapshot());
            CHECK(store.ids_on_disk() == all);
            for (std::uint64_t at = begin; at <= store.disk.sequence(); ++at) {
                for (const CrashPlan& plan : crash_plans(at, 2)) {
                    INFO("after operation ", at, ": ", describe(plan));
                    const auto after = store.disk.crash_at(at, plan);
                    const Context context = context_on(*after);
                    const Database database =
                        must(Database::open(context, "/db", AccessMode::kReadWrite));
                    const std::vector<std::string> ids = ids_of(database.snapshot());
                    REQUIRE((ids.empty() || ids.back() == "x"));
                    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
                        REQUIRE(ids[i] == std::to_string(i));
                    }
                }
            }
            // A checkpoint makes all of it durable, and so does closing without room for one.
            must(store.database->checkpoint());
            const auto after = store.disk.crash({CrashKind::kLoseUnsynced});
            CHECK(ids_of(must(Database::open(context_on(*after), "/db", AccessMode::kRead))
                             .snapshot()) == all);
            must(commit(*store.database, {row("last")}));
            store.faults.fail({.call = FsCall::kOpen,
                               .path_contains = "seg-",
                               .repeat = FaultRepeat::kForEver,
                               .errno_value = ENOSPC});
            must(store.database->close());
            const auto closed = store.disk.crash({CrashKind::kLoseUnsynced});
            CHECK(must(Database::open(context_on(*closed), "/db", AccessMode::kRead))
                      .snapshot()
                      .rows() == all.size() + 1);
        }
    }

    TEST_CASE("group commit: many threads, checkpoints and readers at once") {
        constexpr int kThreads = 5, kCommits = 40;
        Store store;
        std::atomic<bool> done = false;
        std::atomic<int> wrong = 0;
        {
            std::jthread reader([&] {
                while (!done) {
                    // Each commit brings two rows: a view between them would show an odd number.
                    const Snapshot snapshot = store.database->snapshot();
                    wrong += snapshot.rows() % 2 == 0 ? 0 : 1;
                    const auto found = snapshot.find("0-0-b");
                    wrong += found ? 0 : 1;
                }
            });
            std::vector<std::jthread> writers;
            for (int thread = 0; thread < kThreads; ++thread) {
                writers.emplace_back([&, thread] {
                    for (int i = 0; i < kCommits; ++i) {
                        const std::string name =
                            std::to_string(thread) + "-" + std::to_string(i) + "-";
                        wrong +=
                            commit(*store.database, {row(name + "a"), row(name + "b")}) ? 0 : 1;
                        if (i % 20 == 11) {
                            wrong += store.database->checkpoint() ? 0 : 1;
                        }
                        if (i == 30 && thread == 0) {
                            wrong += store.database->optimize() ? 0 : 1;
                        }
                    }
                });
            }
            writers.clear();
            done = true;
        }
        CHECK(wrong == 0);
        CHECK(store.database->snapshot().rows() == 2 * kThreads * kCommits);
        CHECK(store.ids_on_disk() == ids_of(store.database->snapshot()));
        must(store.database->close());
        CHECK(must(verify(store.context, "/db")).faults_total == 0);
    }
}
