// Every command with its n-th file-system call or its n-th allocation failing, once and for ever:
// the error is clean, everything acknowledged is there, verify finds nothing, work goes on.
#include <cerrno>
#include <functional>
#include <iostream>
#include <new>

#include <abi/core/fs_fault.hpp>
#include <abi/storage/backup.hpp>

#include "allocation.hpp"
#include "commands.hpp"
#include "scale.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

struct Outcome {
    Status status;
    Told told;
    bool fired = false;
};

// Opens what is there, as it must be; then lets it work.
void check_after(FileSystem& fs, const std::vector<std::vector<Row>>& allowed) {
    const Context context = context_on(fs);
    REQUIRE(must(verify(context, "/db")).faults_total == 0);
    Database database = must(Database::open(context, "/db", AccessMode::kReadWrite));
    std::vector<Row> rows = rows_of(database.snapshot());
    REQUIRE(std::find(allowed.begin(), allowed.end(), rows) != allowed.end());
    const Row more{"afterwards", {7, 7, 7}, "text", {}};
    must(commit(database, {more}));
    rows.push_back(more);
    must(database.close());
    REQUIRE(rows_of(must(Database::open(context, "/db", AccessMode::kRead)).snapshot()) == rows);
    REQUIRE(must(verify(context, "/db")).faults_total == 0);
}

// There is all of the new database or nothing, and what was left behind is no obstacle.
void check_made(const Outcome& outcome, const Command& command, MemoryFileSystem& base) {
    const Context context = context_on(base);
    if (!outcome.status) {
        Told told;
        const Status again = command.run(context, told);
        REQUIRE((again || again.error().code() == Code::kAlreadyExists));
    }
    REQUIRE(must(verify(context, command.made)).faults_total == 0);
    if (command.made_rows) {
        const Database made = must(Database::open(context, command.made, AccessMode::kRead));
        REQUIRE(made.snapshot().rows() == *command.made_rows);
    }
}
// Whatever failed, the backups that are listed are whole.
void check_backups(MemoryFileSystem& base) {
    const Context context = context_on(base);
    REQUIRE(must(list_backups(context, "/backups")).size() >= 1);
    REQUIRE(must(verify_backups(context, "/backups")).faults_total == 0);
}

void check_outcome(const Outcome& outcome, const Command& command, MemoryFileSystem& base,
                   const std::vector<Row>& before, std::uint64_t nth) {
    std::vector<Row> after = before;
    command.effect(after);
    std::vector<std::vector<Row>> allowed{after};
    if (!outcome.status && !outcome.told.acknowledged) {
        allowed.push_back(before);
    }
    if (!outcome.status) {
        INFO(outcome.status.error().describe());
        REQUIRE(outcome.fired);
        const Code code = outcome.status.error().code();
        REQUIRE((code == Code::kIo || code == Code::kNoSpace || code == Code::kLimit));
        REQUIRE_FALSE(outcome.status.error().describe().empty());
    }
    // The power goes as well, now and then: this is the long part.
    if (nth % 5 == 0) {
        for (const CrashPlan& plan : crash_plans(nth, 1)) {
            CAPTURE(describe(plan));
            check_after(*base.crash(plan), allowed);
        }
    }
    check_after(base, allowed);
    if (!command.made.empty()) {
        check_made(outcome, command, base);
    }
    check_backups(base);
}

// Runs one command with a fault; false when the fault was beyond its end.
template <class Run>
bool run_one(const Command& command, std::uint64_t nth, Run&& run) {
    MemoryFileSystem base;
    const std::vector<Row> before = prepare_database(base);
    REQUIRE(before.size() == 3);
    const Outcome outcome = run(base);
    check_outcome(outcome, command, base, before, nth);
    return outcome.fired;
}

// Of runs that are scaled down: prime, as the calls of a command come in groups.
constexpr std::uint64_t kCallStride = 31, kAllocationStride = 61;

template <class Run>
std::size_t sweep(std::string_view what, std::uint64_t step, Run&& run) {
    std::size_t runs = 0;
    for (const Command& command : commands()) {
        for (const bool for_ever : {false, true}) {
            for (std::uint64_t nth = 1;; nth += step, ++runs) {
                INFO(command.name, ": ", what, " ", nth, for_ever ? " for ever" : " once");
                if (!run_one(command, nth, [&](MemoryFileSystem& base) {
                        return run(command, base, nth, for_ever);
                    })) {
                    break;
                }
            }
        }
    }
    return runs;
}

// What goes on with the same handle after something failed in it.
struct HandleJob {
    std::string name;
    std::function<Status(Database&)> run;
    std::function<void(std::vector<Row>&)> effect = [](std::vector<Row>&) {};
};

std::vector<HandleJob> handle_jobs() {
    const Row row{"new", {1, 2, 3}, "text", {}};
    return {{.name = "commit",
             .run = [row](Database& database) -> Status {
                 ABI_CHECK(commit(database, {row}, WriteMode::kUpsert, {"a"}));
                 return {};
             },
             .effect =
                 [row](std::vector<Row>& rows) {
                     rows.erase(rows.begin());
                     rows.push_back(row);
                 }},
            {.name = "checkpoint", .run = [](Database& database) { return database.checkpoint(); }},
            {.name = "optimize", .run = [](Database& database) -> Status {
                 ABI_CHECK(database.optimize());
                 return {};
             }}};
}

// The handle shows all of the job or nothing, and either goes on or says that it does not.
bool run_in_handle(const HandleJob& job, std::uint64_t nth, bool for_ever) {
    MemoryFileSystem base;
    const std::vector<Row> before = prepare_database(base);
    std::vector<Row> after = before;
    job.effect(after);
    const auto fs = sheltered(base);
    std::vector<std::vector<Row>> allowed;
    bool fired = false;
    {
        Database database = must(Database::open(context_on(*fs), "/db", AccessMode::kReadWrite));
        Status status;
        fail_allocation(nth, for_ever);
        try {
            status = job.run(database);
        } catch (const std::bad_alloc&) {  // in what the test itself brings along
            status = fail(Error::out_of_memory());
        }
        fired = allow_allocations();
        REQUIRE((status || status.error().code() == Code::kLimit));
        allowed.push_back(status ? after : before);
        REQUIRE(rows_of(database.snapshot()) == allowed[0]);
        const Row more{"more", {4, 5, 6}, "text", {}};
        const auto done = commit(database, {more});
        if (done) {
            allowed[0].push_back(more);
        } else {
            REQUIRE(done.error().code() == Code::kIo);
            allowed.push_back(after);  // the log may hold what could not be applied
        }
        REQUIRE(rows_of(database.snapshot()) == (done ? allowed[0] : before));
    }
    check_after(base, allowed);
    return fired;
}

}  // namespace

TEST_SUITE("fault") {
    TEST_CASE("sweep: the n-th file-system call of each command fails, once or for ever") {
        const std::size_t runs = sweep(
            "call", stride(kCallStride),
            [](const Command& command, MemoryFileSystem& base, std::uint64_t nth, bool for_ever) {
                FaultFileSystem fs(base);
                fs.fail(
                    {.nth = nth, .repeat = for_ever ? FaultRepeat::kForEver : FaultRepeat::kOnce});
                Outcome outcome;
                outcome.status = command.run(context_on(fs), outcome.told);
                outcome.fired = fs.faults() != 0;
                return outcome;
            });
        std::cout << "sweep: " << runs << " failing calls\n";
        CHECK(runs * stride(kCallStride) > 300);
    }

    TEST_CASE("sweep: the n-th allocation of each command fails, once or for ever") {
        const std::size_t runs = sweep(
            "allocation", stride(kAllocationStride),
            [](const Command& command, MemoryFileSystem& base, std::uint64_t nth, bool for_ever) {
                const auto fs = sheltered(base);
                Outcome outcome;
                fail_allocation(nth, for_ever);
                try {
                    outcome.status = command.run(context_on(*fs), outcome.told);
                } catch (const std::bad_alloc&) {  // in what the test itself brings along
                    outcome.status = fail(Error::out_of_memory());
                }
                outcome.fired = allow_allocations();
                return outcome;
            });
        std::cout << "sweep: " << runs << " failing allocations\n";
        CHECK(runs * stride(kAllocationStride) > 1000);
    }

    TEST_CASE(
        "sweep: an allocation fails in an open handle, which goes on or says that it does not") {
        std::size_t runs = 0;
        for (const HandleJob& job : handle_jobs()) {
            for (const bool for_ever : {false, true}) {
                for (std::uint64_t nth = 1;; nth += stride(5), ++runs) {
                    INFO(job.name, ": allocation ", nth, for_ever ? " for ever" : " once");
                    if (!run_in_handle(job, nth, for_ever)) {
                        break;
                    }
                }
            }
        }
        std::cout << "sweep: " << runs << " failing allocations in open handles\n";
        CHECK(runs * stride(5) > 100);
    }

    TEST_CASE("sweep: the disk is full from the n-th write of each command on") {
        std::size_t runs = 0;
        for (const std::size_t partial : {0U, 1U, 100U, 5000U}) {
            runs += sweep(
                "write", stride(kCallStride),
                [&](const Command& command, MemoryFileSystem& base, std::uint64_t nth,
                    bool for_ever) {
                    FaultFileSystem fs(base);
                    fs.fail({.call = FsCall::kWrite,
                             .nth = nth,
                             .repeat = for_ever ? FaultRepeat::kForEver : FaultRepeat::kOnce,
                             .errno_value = ENOSPC,
                             .partial_bytes = partial});
                    Outcome outcome;
                    outcome.status = command.run(context_on(fs), outcome.told);
                    outcome.fired = fs.faults() != 0;
                    REQUIRE((outcome.status || outcome.status.error().code() == Code::kNoSpace));
                    return outcome;
                });
        }
        std::cout << "sweep: " << runs << " writes to a full disk\n";
        CHECK(runs * stride(kCallStride) > 100);
    }
}
