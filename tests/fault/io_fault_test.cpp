// Calls that fail: the n-th of every kind, once and for ever, and disks that are full. The error is
// clean, nothing acknowledged is lost, nothing refused appears, and work goes on where it can.
#include <cerrno>
#include <functional>
#include <iostream>

#include <abi/core/fs_fault.hpp>

#include "oracle.hpp"
#include "scale.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::uint32_t kDimension = 3;

Row row(const std::string& id, float x) {
    return {id, {x, 1, 2}, "text of " + id, {}};
}

// A database with a segment, deleted rows, and rows in its log.
std::vector<Row> prepare(FileSystem& fs) {
    Database database = must(Database::create(
        context_on(fs), "/db", {.dimension = kDimension, .metric = Metric::kL2, .embedder = {}}));
    must(commit(database, {row("a", 1), row("b", 2), row("c", 3)}));
    must(database.checkpoint());
    must(commit(database, {row("d", 4)}, WriteMode::kUpsert, {"b"}));
    return rows_of(database.snapshot());
}

// What one run does with an open database; `rows` is what it would make of it.
struct Job {
    std::string name;
    std::function<Status(const Context&, Database&)> run;
    std::function<void(std::vector<Row>&)> effect = [](std::vector<Row>&) {};
};

std::vector<Job> jobs() {
    const auto add = [](std::vector<Row>& rows) { rows.push_back(row("new", 9)); };
    std::vector<Job> all;
    all.push_back({.name = "commit",
                   .run = [](const Context&, Database& database) -> Status {
                       ABI_CHECK(commit(database, {row("new", 9)}));
                       return {};
                   },
                   .effect = add});
    all.push_back({.name = "delete",
                   .run = [](const Context&, Database& database) -> Status {
                       ABI_CHECK(commit(database, {}, WriteMode::kUpsert, {"a"}));
                       return {};
                   },
                   .effect = [](std::vector<Row>& rows) { rows.erase(rows.begin()); }});
    all.push_back({.name = "import",
                   .run = [](const Context& context, Database& database) -> Status {
                       ImportInfo info;
                       return import_files(context, database, {"/new.jsonl"}, nullptr, {}, info);
                   },
                   .effect = add});
    all.push_back({.name = "checkpoint", .run = [](const Context&, Database& database) {
                       return database.checkpoint();
                   }});
    all.push_back({.name = "optimize", .run = [](const Context&, Database& database) -> Status {
                       ABI_CHECK(database.optimize());
                       return {};
                   }});
    return all;
}

bool clean(Code code) {
    return code == Code::kIo || code == Code::kNoSpace || code == Code::kInputMissing ||
           code == Code::kLocked;
}

// Opens whatever is there now and compares; then lets it work.
void check_reopened(FileSystem& fs, const std::vector<std::vector<Row>>& allowed) {
    const Context context = context_on(fs);
    Database database = must(Database::open(context, "/db", AccessMode::kReadWrite));
    std::vector<Row> rows = rows_of(database.snapshot());
    REQUIRE(std::find(allowed.begin(), allowed.end(), rows) != allowed.end());
    must(commit(database, {row("afterwards", 7)}));
    rows.push_back(row("afterwards", 7));
    must(database.close());
    const Database again = must(Database::open(context, "/db", AccessMode::kRead));
    REQUIRE(rows_of(again.snapshot()) == rows);
    const VerifyInfo info = must(verify(context, "/db"));
    REQUIRE(info.faults_total == 0);
}

// Runs a job with one failing rule. False when the rule never fired.
bool run_with(const Job& job, const FaultRule& rule) {
    MemoryFileSystem base;
    FaultFileSystem fs(base);
    put(base, "/new.jsonl", "{\"id\":\"new\",\"vector\":[9,1,2],\"text\":\"text of new\"}\n");
    const std::vector<Row> before = prepare(base);
    std::vector<Row> after = before;
    job.effect(after);
    must(base.sync_directory("/"));
    const Context context = context_on(fs);
    {
        Database database = must(Database::open(context, "/db", AccessMode::kReadWrite));
        fs.fail(rule);
        const Status status = job.run(context, database);
        const bool fired = fs.faults() != 0;
        if (!status) {
            REQUIRE(fired);
            INFO(status.error().describe());
            REQUIRE(clean(status.error().code()));
        }
        fs.clear();
        // Readable, with all of the job's effect or none: a failed checkpoint changes no rows, a
        // failed commit adds none.
        std::vector<Row> seen = rows_of(database.snapshot());
        REQUIRE(seen == (status ? after : before));
        // The handle either goes on or says that it does not.
        auto more = commit(database, {row("more", 8)});
        std::vector<std::vector<Row>> allowed{seen};
        if (more) {
            allowed[0].push_back(row("more", 8));
            REQUIRE(rows_of(database.snapshot()) == allowed[0]);
        } else {
            REQUIRE(more.error().code() == Code::kIo);
            REQUIRE(rows_of(database.snapshot()) == seen);
            if (!status) {
                allowed.push_back(after);  // it is unknown what reached the disk
            }
        }
        // A power cut now, whatever of the unsynced survives.
        for (const CrashPlan& plan : crash_plans(rule.nth, 1)) {
            CAPTURE(describe(plan));
            check_reopened(*base.crash(plan), allowed);
        }
        database = must(Database::open(context, "/db", AccessMode::kRead));
        check_reopened(fs, allowed);
        return fired;
    }
}

constexpr std::array kCalls{FsCall::kOpen,         FsCall::kRead,   FsCall::kWrite,  FsCall::kSync,
                            FsCall::kTruncate,     FsCall::kSize,   FsCall::kMap,    FsCall::kLock,
                            FsCall::kStat,         FsCall::kRename, FsCall::kRemove, FsCall::kList,
                            FsCall::kSyncDirectory};

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("fault: the n-th call of each kind fails, once or for ever") {
        std::size_t runs = 0;
        for (const Job& job : jobs()) {
            for (const FsCall call : kCalls) {
                for (const FaultRepeat repeat : {FaultRepeat::kOnce, FaultRepeat::kForEver}) {
                    for (std::uint64_t nth = 1;; nth += stride(3), ++runs) {
                        INFO(job.name, ": ", fs_call_name(call), " ", nth,
                             repeat == FaultRepeat::kOnce ? " once" : " for ever");
                        if (!run_with(job, {.call = call, .nth = nth, .repeat = repeat})) {
                            break;
                        }
                    }
                }
            }
        }
        std::cout << "fault: " << runs << " failing calls\n";
        CHECK(runs * stride(3) > 100);
    }

    TEST_CASE("fault: an import of documents that failed anywhere can be repeated") {
        std::size_t runs = 0;
        for (const FaultRepeat repeat : {FaultRepeat::kOnce, FaultRepeat::kForEver}) {
            for (std::uint64_t nth = 1;; nth += stride(3), ++runs) {
                CAPTURE(nth);
                MemoryFileSystem base;
                FaultFileSystem fs(base);
                must(base.create_directory("/docs"));
                for (const char* name : {"a", "b", "c"}) {
                    put(base, join_path("/docs", name), std::string("words of ") + name);
                }
                const Context context = context_on(fs);
                ImportOptions options;
                options.commit_every = 2;
                ImportInfo info;
                {
                    Database database = must(Database::create(
                        context, "/db", {.dimension = 0, .embedder = EmbedderChoice{"hash", 64}}));
                    fs.fail({.nth = nth, .repeat = repeat});
                    const Status status =
                        import_files(context, database, {"/docs"}, nullptr, options, info);
                    REQUIRE((status || clean(status.error().code())));
                    const Status closed = database.close();
                    REQUIRE((closed || clean(closed.error().code())));
                }
                const bool fired = fs.faults() != 0;
                fs.clear();
                Database database = must(Database::open(context, "/db", AccessMode::kReadWrite));
                must(import_files(context, database, {"/docs"}, nullptr, options, info));
                REQUIRE(database.snapshot().rows() == 3);
                REQUIRE(database.embedder()->learned_documents() > 0);
                must(database.close());
                REQUIRE(must(verify(context, "/db")).faults_total == 0);
                if (!fired) {
                    break;
                }
            }
        }
        CHECK(runs * stride(3) > 40);
    }

    TEST_CASE("fault: a failing call while opening loses nothing") {
        for (const AccessMode mode : {AccessMode::kRead, AccessMode::kReadWrite}) {
            for (std::uint64_t nth = 1;; ++nth) {
                CAPTURE(nth);
                MemoryFileSystem base;
                FaultFileSystem fs(base);
                const std::vector<Row> rows = prepare(base);
                fs.fail({.nth = nth});
                {
                    const auto opened = Database::open(context_on(fs), "/db", mode);
                    if (fs.faults() == 0) {
                        must(std::move(opened).has_value() ? Status() : fail(Code::kIo, "?"));
                        break;
                    }
                    if (opened) {  // an orphan that could not be removed does no harm
                        CHECK(rows_of(opened->snapshot()) == rows);
                    } else {
                        INFO(opened.error().describe());
                        CHECK(clean(opened.error().code()));
                    }
                }
                fs.clear();
                check_reopened(fs, {rows});
            }
        }
    }

    TEST_CASE("fault: a disk that is full at any byte, and space again") {
        // Enough for nothing at all up to all that the run writes.
        std::size_t refused = 0;
        for (std::uint64_t quota = 0; quota < 24'000;
             quota += (quota < 400 ? 3 : 509) * stride(5)) {
            CAPTURE(quota);
            MemoryFileSystem base;
            FaultFileSystem fs(base);
            std::vector<Row> rows = prepare(base);
            Database database = must(Database::open(context_on(fs), "/db", AccessMode::kReadWrite));
            fs.set_quota(quota);
            bool full = false;
            for (int i = 0; i < 8; ++i) {
                const Row next = row("n" + std::to_string(i), static_cast<float>(i));
                const auto done = commit(database, {next});
                if (done) {
                    rows.push_back(next);
                } else {
                    REQUIRE(done.error().code() == Code::kNoSpace);
                    full = true;
                }
                REQUIRE(rows_of(database.snapshot()) == rows);
                if (i == 5) {
                    const Status status = database.checkpoint();
                    REQUIRE((status || status.error().code() == Code::kNoSpace));
                    full = full || !status;
                    REQUIRE(rows_of(database.snapshot()) == rows);
                }
            }
            refused += full ? 1U : 0U;
            // Another process sees the same while the disk is full.
            REQUIRE(rows_of(must(Database::open(context_on(base), "/db", AccessMode::kRead))
                                .snapshot()) == rows);
            for (const CrashPlan& plan : crash_plans(quota, 1)) {
                CAPTURE(describe(plan));
                check_reopened(*base.crash(plan), {rows});
            }
            // Closing does not need space: the log keeps what it has.
            SUBCASE("closed while full") {}
            SUBCASE("space comes back to the same handle") {
                fs.release(1 << 20);
                must(commit(database, {row("back", 5)}));
                rows.push_back(row("back", 5));
                must(database.checkpoint());
            }
            must(database.close());
            fs.clear();
            check_reopened(fs, {rows});
        }
        CHECK(refused * stride(5) > 50);
    }

    TEST_CASE("fault: a short write and then a full disk") {
        for (const std::size_t partial : {0U, 1U, 40U, 41U, 100U}) {
            for (std::uint64_t nth = 1; nth <= 4; ++nth) {
                CAPTURE(partial);
                CAPTURE(nth);
                run_with(jobs()[0], {.call = FsCall::kWrite,
                                     .nth = nth,
                                     .errno_value = ENOSPC,
                                     .partial_bytes = partial});
            }
        }
    }

    TEST_CASE("fault: after a failed sync the handle only reads, and a reopen shows what is true") {
        MemoryFileSystem base;
        FaultFileSystem fs(base);
        const std::vector<Row> rows = prepare(base);
        must(base.sync_directory("/"));
        std::string log;
        for (const DirectoryEntry& entry : must(base.list("/db"))) {
            log = entry.name.starts_with("log-") ? join_path("/db", entry.name) : log;
        }
        Database database = must(Database::open(context_on(fs), "/db", AccessMode::kReadWrite));
        fs.fail({.call = FsCall::kSync});
        CHECK(code_of(commit(database, {row("lost", 1)})) == Code::kIo);
        fs.clear();
        // As Linux does it: the pages count as written, but never reached the disk.
        must(base.forget_unsynced(log));
        const Error refused = error_of(commit(database, {row("more", 2)}));
        CHECK(refused.code() == Code::kIo);
        CHECK(refused.hint() == "open it again; what was acknowledged is safe");
        CHECK(code_of(database.checkpoint()) == Code::kIo);
        CHECK(code_of(database.optimize()) == Code::kIo);
        CHECK(rows_of(database.snapshot()) == rows);
        CHECK(code_of(database.close()) == Code::kIo);

        // The next writer still sees the commit in the cache. What it acknowledges must survive.
        Database next = must(Database::open(context_on(fs), "/db", AccessMode::kReadWrite));
        std::vector<Row> seen = rows_of(next.snapshot());
        must(commit(next, {row("more", 2)}));
        seen.push_back(row("more", 2));
        for (const CrashPlan& plan : crash_plans(1, 5)) {
            CAPTURE(describe(plan));
            check_reopened(*base.crash(plan), {seen});
        }
    }

    TEST_CASE("fault: a manifest swap that fails half way is told, and nothing is built on it") {
        struct Case {
            FsCall call;
            std::string path;
            std::uint64_t nth;
        };
        for (const Case& which :
             {Case{FsCall::kRename, "MANIFEST", 1}, Case{FsCall::kSyncDirectory, "/db", 1},
              Case{FsCall::kSync, "MANIFEST.tmp", 1}, Case{FsCall::kWrite, "MANIFEST.tmp", 1}}) {
            INFO(fs_call_name(which.call), " of ", which.path);
            for (const bool for_ever : {false, true}) {
                MemoryFileSystem base;
                FaultFileSystem fs(base);
                std::vector<Row> rows = prepare(base);
                must(base.sync_directory("/"));
                Database database =
                    must(Database::open(context_on(fs), "/db", AccessMode::kReadWrite));
                fs.fail({.call = which.call,
                         .path_contains = which.path,
                         .nth = which.nth,
                         .repeat = for_ever ? FaultRepeat::kForEver : FaultRepeat::kOnce});
                CHECK(code_of(database.checkpoint()) == Code::kIo);
                CHECK(rows_of(database.snapshot()) == rows);
                fs.clear();
                if (commit(database, {row("more", 2)})) {
                    rows.push_back(row("more", 2));
                } else {
                    // Only where the new manifest may be the one that a crash leaves.
                    CHECK(which.call == FsCall::kSyncDirectory);
                }
                database = must(Database::open(context_on(fs), "/db", AccessMode::kRead));
                Database next = must(Database::open(context_on(fs), "/db", AccessMode::kReadWrite));
                CHECK(rows_of(next.snapshot()) == rows);
                must(commit(next, {row("next", 3)}));
                rows.push_back(row("next", 3));
                for (const CrashPlan& plan : crash_plans(which.nth, 5)) {
                    CAPTURE(describe(plan));
                    check_reopened(*base.crash(plan), {rows});
                }
            }
        }
    }

    TEST_CASE("fault: bits that flip on the way from the disk are seen, not served") {
        MemoryFileSystem base;
        std::vector<Row> rows = prepare(base);
        {
            Database database =
                must(Database::open(context_on(base), "/db", AccessMode::kReadWrite));
            must(database.close());
        }
        std::size_t seen = 0;
        for (const DirectoryEntry& entry : must(base.list("/db"))) {
            const std::string path = join_path("/db", entry.name);
            const std::uint64_t size = must(base.stat(path))->size_bytes;
            for (std::uint64_t at = 0; at < size; at += entry.name == "MANIFEST" ? 1 : 61) {
                CAPTURE(path);
                CAPTURE(at);
                FaultFileSystem fs(base);
                fs.flip_bit_on_read(path, at, static_cast<unsigned>(at % 8));
                const auto opened = Database::open(context_on(fs), "/db", AccessMode::kRead);
                if (!opened) {
                    const Code code = opened.error().code();
                    REQUIRE((code == Code::kCorrupt || code == Code::kIncompatible));
                    ++seen;
                    continue;
                }
                std::vector<Row> served;
                const Snapshot snapshot = opened->snapshot();
                const Status status = snapshot.scan(0, [&](RowNumber number) -> Result<bool> {
                    ABI_TRY(const RowView view, snapshot.read(number));
                    served.push_back({view.id,
                                      {view.vector.begin(), view.vector.end()},
                                      owned(view.text),
                                      owned(view.metadata)});
                    return true;
                });
                if (status) {
                    REQUIRE(served == rows);  // a byte between the sections, or of the index
                } else {
                    REQUIRE(status.error().code() == Code::kCorrupt);
                    ++seen;
                }
            }
        }
        CHECK(seen > 200);
    }
}
