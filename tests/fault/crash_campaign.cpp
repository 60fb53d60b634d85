// Power cuts: a program is run once, then cut after every operation under many plans.
#include "crash_campaign.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>

#include <abi/core/fs_fault.hpp>

#include "lying_files.hpp"
#include "thread_work.hpp"

namespace abikit::storage::test {

namespace {

using Kind = Violation::Kind;

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

// "torn 4096" rather than with its seed: the key of a tally.
std::string plan_name(const CrashPlan& plan) {
    if (plan.kind == CrashKind::kTorn) {
        return plan.tear_bytes == 512 ? "torn_512" : "torn_4096";
    }
    std::string name = describe(CrashPlan{plan.kind, 0, plan.tear_bytes});
    name.resize(std::min(name.size(), name.find(',')));
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
}

Database open(const Context& context, AccessMode mode) {
    return need(Database::open(context, "/db", mode), Kind::kUnreadable,
                mode == AccessMode::kRead ? "opening to read" : "opening to write");
}

void expect_sound(const Context& context, const Contents& contents) {
    const std::size_t rows = rows_in(contents);
    const VerifyInfo info = need(verify(context, "/db"), Kind::kDamaged, "verifying");
    if (info.faults_total != 0) {
        throw Violation(Kind::kDamaged,
                        "verify: " + info.faults.at(0).file + ": " + info.faults.at(0).what);
    }
    if (info.rows != rows) {
        throw Violation(Kind::kDamaged, "verify counts " + std::to_string(info.rows) +
                                            " rows, there are " + std::to_string(rows));
    }
}

// The states that a cut may leave: the last acknowledged one, and the next.
struct Allowed {
    const Contents* acknowledged = nullptr;  // null: the database itself may not be there yet
    const Contents* next = nullptr;
    const std::vector<Workload::Moment>* history = nullptr;
    // How many of its first moments were on the disk for certain, where that is less than what was
    // acknowledged: with sync modes other than full.
    std::optional<std::size_t> durable = {};

    void check(const Contents& found, std::string_view who) const {
        static const Contents kNew{{std::string(kDefaultCollection), {}}};
        const Contents& acked = acknowledged == nullptr ? kNew : *acknowledged;
        if (found == acked || (next != nullptr && found == *next)) {
            return;
        }
        if (durable && acknowledged != nullptr && found_from(*durable - 1, found)) {
            return;
        }
        const bool older =
            history != nullptr && std::any_of(history->begin(), history->end(),
                                              [&](const auto& m) { return m.contents == found; });
        throw Violation(older ? Kind::kLost : Kind::kPartial,
                        std::string(who) + " finds " + std::to_string(rows_in(found)) +
                            " rows, acknowledged were " + std::to_string(rows_in(acked)) +
                            (older ? ": an earlier state" : ": no state of its history"));
    }
    // A moment from this one on, up to the acknowledged one.
    bool found_from(std::size_t moment, const Contents& found) const {
        for (; &(*history)[moment].contents != acknowledged; ++moment) {
            if ((*history)[moment].contents == found) {
                return true;
            }
        }
        return false;
    }
};

const Row kExtra{"written after the crash", {}, "text", {}};

// One workload, and its states.
class Campaign {
public:
    explicit Campaign(const CrashOptions& options) : options_(options) {}

    CrashTally cut_everywhere() {
        MemoryFileSystem fs;
        const auto disk = lying(fs, options_.liar);
        Workload workload(options_.profile, options_.liar.empty() ? fs : *disk,
                          {.clock = [&fs] { return fs.sequence(); },
                           .acknowledge = [&fs] { fs.mark("acknowledged"); }});
        if (!workload.run()) {
            throw Violation(Kind::kWrongAnswer, "the workload itself failed");
        }
        const auto& moments = workload.moments();
        const auto& durable = workload.durable();
        std::size_t last = 0, last_durable = 0;
        for (const std::uint64_t at : crash_points(fs)) {
            while (last + 1 < moments.size() && moments[last + 1].sequence <= at) {
                ++last;
            }
            while (last_durable + 1 < durable.size() && durable[last_durable + 1].sequence <= at) {
                ++last_durable;
            }
            Allowed allowed{.history = &moments};
            if (at >= moments[0].sequence) {
                allowed.acknowledged = &moments[last].contents;
                allowed.next = last + 1 < moments.size() ? &moments[last + 1].contents : nullptr;
            }
            for (const CrashPlan& plan :
                 crash_plans(options_.profile.seed * 1000 + at, options_.plans)) {
                try_state(plan, "cut after operation " + std::to_string(at), [&] {
                    // A disk that keeps all is a process that ends: that takes nothing.
                    Allowed now = allowed;
                    if (plan.kind != CrashKind::kKeepAll) {
                        now.durable = durable[last_durable].moments;
                    }
                    check_cut(fs.crash_at(at, plan), now, at);
                });
            }
            if (options_.first_failure && !tally_.failures.empty()) {
                break;
            }
        }
        return std::move(tally_);
    }

    // What a dead process had not synced still stands in the system's cache: its successor sees it,
    // and must not build on it before it is on the disk.
    CrashTally cut_after_dead_processes() {
        for (std::uint64_t nth = 1;; ++nth) {
            MemoryFileSystem disk;
            FaultFileSystem fs(disk);
            fs.fail({.nth = nth, .repeat = FaultRepeat::kForEver});
            Workload workload(options_.profile, fs,
                              {.clock = [&disk] { return disk.sequence(); },
                               .acknowledge = [&disk] { disk.mark("acknowledged"); }});
            if (workload.run()) {
                return std::move(tally_);
            }
            const std::string where = "dead from call " + std::to_string(nth);
            Contents contents;
            const bool created = !workload.moments().empty();
            bool there = false;
            guard(CrashPlan{CrashKind::kKeepAll}, where, [&] {
                there = commit_after_dead(context_on(disk), workload, created, contents);
            });
            for (const CrashPlan& plan : crash_plans(nth * 10, there ? 1 : 0)) {
                if (there) {
                    ++tally_.dead_states;
                    try_state(plan, where, [&] {
                        const auto after = disk.crash(plan);
                        const Context context = context_on(*after);
                        const Database survivor = open(context, AccessMode::kReadWrite);
                        Allowed{.acknowledged = &contents}.check(contents_of(context, survivor),
                                                                 "a writer");
                        expect_sound(context, contents);
                    });
                }
            }
        }
    }

    CrashTally cut_threads() {
        MemoryFileSystem fs;
        const std::size_t threads = 2 + options_.profile.seed % 4;
        const ThreadWork work(options_.profile.seed, threads, 12);
        const auto lsns = run_threads(fs, work);
        ThreadsSoFar so_far(threads);
        for (const FsOperation& operation : fs.log()) {
            so_far.note(operation, options_.profile.sync);
            if (!so_far.made || !changes_something(operation)) {
                continue;
            }
            for (const CrashPlan& plan : crash_plans(operation.sequence, 1)) {
                try_state(plan, "cut after operation " + std::to_string(operation.sequence), [&] {
                    const bool keeps_all = plan.kind == CrashKind::kKeepAll;
                    check_threads(work, fs.crash_at(operation.sequence, plan), lsns,
                                  keeps_all ? so_far.last_lsn : so_far.durable_lsn,
                                  so_far.acknowledged);
                });
            }
        }
        return std::move(tally_);
    }

private:
    using Lsns = std::vector<std::vector<std::uint64_t>>;  // of each thread's commits

    // What the marks in the log have told up to some operation.
    struct ThreadsSoFar {
        explicit ThreadsSoFar(std::size_t threads) : acknowledged(threads, 0) {}
        void note(const FsOperation& operation, SyncMode sync) {
            if (operation.call != FsCall::kMark) {
                return;
            }
            std::istringstream words(operation.path);
            std::string what;
            words >> what;
            if (what == "made") {
                made = true;
            } else if (what == "thread") {
                std::size_t thread = 0;
                std::uint64_t lsn = 0;
                words >> thread >> lsn;
                ++acknowledged[thread];
                last_lsn = std::max(last_lsn, lsn);
                durable_lsn = sync == SyncMode::kFull ? last_lsn : durable_lsn;
            } else if (what == "checkpointing") {
                before_checkpoint = last_lsn;
            } else if (what == "checkpointed") {
                durable_lsn = std::max(durable_lsn, before_checkpoint);
            }
        }
        bool made = false;
        std::vector<std::size_t> acknowledged;
        std::uint64_t last_lsn = 0, durable_lsn = 0, before_checkpoint = 0;
    };

    // Does the work, with marks; syncs take a while, so that commits come together behind them.
    Lsns run_threads(MemoryFileSystem& fs, const ThreadWork& work) {
        Lsns lsns(work.threads());
        const auto slow = slow_syncs(fs, std::chrono::microseconds(200));
        const auto disk = lying(*slow, options_.liar);
        const Context context = context_on(options_.liar.empty() ? *slow : *disk);
        need(Database::create(
                 context, "/db",
                 {.dimension = ThreadWork::kDimension, .metric = Metric::kL2, .embedder = {}}),
             Kind::kWrongAnswer, "creating");
        Database database = need(
            Database::open(context, "/db", AccessMode::kReadWrite, {.sync = options_.profile.sync}),
            Kind::kWrongAnswer, "opening");
        fs.mark("made");
        const ThreadWork::Hooks hooks{
            .acknowledged =
                [&](std::size_t thread, std::size_t, std::uint64_t lsn) {
                    lsns[thread].push_back(lsn);
                    fs.mark("thread " + std::to_string(thread) + " " + std::to_string(lsn));
                },
            .checkpoint = [&fs](bool done) { fs.mark(done ? "checkpointed" : "checkpointing"); }};
        if (!work.run(database, std::vector<std::size_t>(work.threads(), 0), hooks)) {
            throw Violation(Kind::kWrongAnswer, "the threads themselves failed");
        }
        tally_.thread_commits += work.threads() * work.commits();
        for (const FsOperation& operation : fs.log()) {
            tally_.thread_log_syncs +=
                operation.call == FsCall::kSync && operation.path.find("log-") != std::string::npos
                    ? 1U
                    : 0U;
        }
        return lsns;
    }

    void check_threads(const ThreadWork& work, std::unique_ptr<MemoryFileSystem> after,
                       const Lsns& lsns, std::uint64_t durable,
                       const std::vector<std::size_t>& acknowledged) {
        const Context context = context_on(*after);
        Database database = open(context, AccessMode::kReadWrite);
        const Contents found = contents_of(context, database);
        work.check_order(found.at(std::string(kDefaultCollection)), lsns, durable, acknowledged);
        expect_sound(context, found);
        Row row = extra();
        row.vector.assign(ThreadWork::kDimension, 1.0F);
        need(commit(database, {row}), Kind::kNotWritable, "committing after the cut");
    }

    template <class Body>
    void guard(const CrashPlan& plan, const std::string& where, Body&& body) {
        try {
            body();
        } catch (const Violation& violation) {
            tally_.failures.push_back({number_, std::string(violation_name(violation.kind())),
                                       where + ": " + describe(plan), violation.what()});
        }
    }
    // States are numbered in the order of the campaign, skipped ones included.
    template <class Body>
    void try_state(const CrashPlan& plan, const std::string& where, Body&& body) {
        ++number_;
        if (options_.only_state ? *options_.only_state == number_
                                : number_ % options_.state_every == 0) {
            ++tally_.states;
            ++tally_.by_plan[plan_name(plan)];
            guard(plan, where, body);
        }
    }
    Row extra() const {
        Row row = kExtra;
        row.vector.assign(options_.profile.dimension, 1.0F);
        return row;
    }

    // False where no database has come into being.
    bool commit_after_dead(const Context& context, const Workload& workload, bool created,
                           Contents& contents) {
        auto opened = Database::open(context, "/db", AccessMode::kReadWrite);
        if (!opened && !created) {
            return false;
        }
        Database database = need(std::move(opened), Kind::kUnreadable, "opening to write");
        contents = contents_of(context, database);
        Allowed allowed{.history = &workload.moments()};
        allowed.acknowledged = created ? &workload.moments().back().contents : nullptr;
        allowed.next = workload.in_flight() ? &*workload.in_flight() : nullptr;
        allowed.check(contents, "a successor");
        need(commit(database, {extra()}), Kind::kNotWritable, "committing");
        default_rows(contents).push_back(extra());
        return true;
    }

    void check_cut(std::unique_ptr<MemoryFileSystem> after, const Allowed& allowed,
                   std::uint64_t at) {
        const Context context = context_on(*after);
        const bool created = allowed.acknowledged != nullptr;
        auto reader = Database::open(context, "/db", AccessMode::kRead);
        if (!reader && !created) {
            check_unborn(context, reader.error());
            return;
        }
        const Contents found =
            contents_of(context, need(std::move(reader), Kind::kUnreadable, "opening to read"));
        allowed.check(found, "a reader");
        expect_sound(context, found);
        const std::uint64_t begin = after->sequence();
        const std::uint64_t committed = write_again(*after, found);
        if (number_ % options_.recovery_every == 0) {
            cut_recovery(*after, begin, committed, found, at);
        }
    }
    // A creation that was cut off: it is said to be missing or no database, and can be repeated.
    void check_unborn(const Context& context, const Error& error) const {
        if (error.code() != Code::kInputMissing && error.code() != Code::kCorrupt) {
            throw Violation(Kind::kUnreadable, "an unfinished creation: " + error.describe());
        }
        Database made = need(
            Database::create(
                context, "/db",
                {.dimension = options_.profile.dimension, .metric = Metric::kL2, .embedder = {}}),
            Kind::kNotWritable, "creating again");
        need(commit(made, {extra()}), Kind::kNotWritable, "committing into what was created again");
    }
    // Recovers, commits one more row, closes in half of the cases; returns when that was
    // acknowledged.
    std::uint64_t write_again(MemoryFileSystem& fs, Contents expected) const {
        const Context context = context_on(fs);
        Database database = open(context, AccessMode::kReadWrite);
        Allowed{.acknowledged = &expected}.check(contents_of(context, database), "a writer");
        need(commit(database, {extra()}), Kind::kNotWritable, "committing after the cut");
        fs.mark("acknowledged");
        const std::uint64_t committed = fs.sequence();
        default_rows(expected).push_back(extra());
        if (number_ % 2 == 0) {
            need(database.close(), Kind::kNotWritable, "closing after the cut");
        }
        const Database again = open(context, AccessMode::kRead);
        Allowed{.acknowledged = &expected}.check(contents_of(context, again), "a later reader");
        expect_sound(context, expected);
        return committed;
    }

    // Cuts the power again while the first writer after the cut recovers and commits.
    void cut_recovery(const MemoryFileSystem& fs, std::uint64_t begin, std::uint64_t committed,
                      const Contents& found, std::uint64_t seed) {
        Contents more = found;
        default_rows(more).push_back(extra());
        for (const std::uint64_t at : crash_points(fs, begin)) {
            const bool done = at >= committed;
            const Allowed allowed{.acknowledged = done ? &more : &found,
                                  .next = done ? nullptr : &more};
            for (const CrashPlan& plan : crash_plans(seed + at, 1)) {
                ++tally_.recovery_states;
                ++tally_.states;
                ++tally_.by_plan[plan_name(plan)];
                guard(plan, "cut again after operation " + std::to_string(at) + " of the recovery",
                      [&] {
                          const auto again = fs.crash_at(at, plan);
                          const Context context = context_on(*again);
                          const Database database = open(context, AccessMode::kReadWrite);
                          const Contents rows = contents_of(context, database);
                          allowed.check(rows, "a writer after two cuts");
                          expect_sound(context, rows);
                      });
            }
        }
    }

    CrashOptions options_;
    std::uint64_t number_ = 0;  // of the state at hand; those of its recovery share it
    CrashTally tally_;
};

}  // namespace

std::vector<std::uint64_t> crash_points(const MemoryFileSystem& fs, std::uint64_t after) {
    std::vector<std::uint64_t> points;
    for (const FsOperation& operation : fs.log()) {
        if (operation.sequence > after && changes_something(operation)) {
            points.push_back(operation.sequence);
        }
    }
    return points;
}

CrashTally cut_everywhere(const CrashOptions& options) {
    return Campaign(options).cut_everywhere();
}

CrashTally cut_threads(const CrashOptions& options) {
    return Campaign(options).cut_threads();
}

CrashTally cut_after_dead_processes(const CrashOptions& options) {
    return Campaign(options).cut_after_dead_processes();
}

}  // namespace abikit::storage::test
