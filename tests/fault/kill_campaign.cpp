// The parent knows the whole history from a run in memory; each child goes on where the database
// stands.
#include "kill_campaign.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <new>
#include <optional>
#include <thread>

#include <abi/core/fs_memory.hpp>

#include "thread_work.hpp"

namespace abikit::storage::test {

namespace {

using Kind = Violation::Kind;

constexpr std::size_t kMostThreads = 16;
// How many commits each thread makes, and how long a child lives at most.
#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kThreadCommits = 20;
constexpr std::uint64_t kLife = 150'000;  // microseconds: everything takes longer
#elif defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kThreadCommits = 30;
constexpr std::uint64_t kLife = 50'000;
#else
constexpr std::size_t kThreadCommits = 60;
constexpr std::uint64_t kLife = 25'000;
#endif

// Survives the child.
struct Shared {
    std::atomic<std::uint64_t> acknowledged = 0;  // how many moments of the history
    std::array<std::atomic<std::uint64_t>, kMostThreads> by_thread = {};
};

class SharedPage {
public:
    SharedPage()
        : memory_(::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        if (memory_ == MAP_FAILED) {
            throw std::bad_alloc();
        }
        shared_ = new (memory_) Shared();
    }
    ~SharedPage() { ::munmap(memory_, sizeof(Shared)); }
    SharedPage(const SharedPage&) = delete;
    SharedPage& operator=(const SharedPage&) = delete;
    std::atomic<std::uint64_t>& acknowledged() { return shared_->acknowledged; }
    std::atomic<std::uint64_t>& of_thread(std::size_t thread) { return shared_->by_thread[thread]; }

private:
    void* memory_;
    Shared* shared_ = nullptr;
};

class KillCampaign {
public:
    explicit KillCampaign(const KillOptions& options)
        : options_(options),
          path_(join_path(options.directory, "db")),
          fs_(real_file_system()),
          context_(context_on(*fs_)),
          random_(options.profile.seed, 2) {}

    KillTally run() {
        MemoryFileSystem memory;
        Workload workload(options_.profile, memory, silent(memory));
        if (!workload.run()) {
            throw Violation(Kind::kWrongAnswer, "the workload itself failed");
        }
        for (const Workload::Moment& moment : workload.moments()) {
            history_.push_back(moment.contents);
        }
        try {
            while (cycle()) {
            }
        } catch (const Violation& violation) {
            tally_.failures.push_back(
                {tally_.cycles, std::string(violation_name(violation.kind())), violation.what()});
        }
        tally_.acknowledged = page_.acknowledged();
        return std::move(tally_);
    }

private:
    static Workload::Hooks silent(MemoryFileSystem& memory) {
        return {.clock = [&memory] { return memory.sequence(); }, .acknowledge = [] {}};
    }

    // One child from its birth to its end; false when the workload was done.
    bool cycle() {
        ++tally_.cycles;
        const pid_t child = ::fork();
        if (child < 0) {
            throw Violation(Kind::kWrongAnswer, "no child can be made");
        }
        if (child == 0) {
            ::_exit(work());
        }
        watch(child);
        int status = 0;
        ::waitpid(child, &status, 0);
        const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        tally_.killed += killed ? 1U : 0U;
        if (!killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
            throw Violation(Kind::kNotWritable,
                            "the child failed by itself, status " + std::to_string(status));
        }
        look(killed);
        return killed;
    }

    // The child: catches up in memory with what the database holds, then goes on with it.
    int work() {
        try {
            auto& acknowledged = page_.acknowledged();
            const Workload::Hooks hooks{.clock = [] { return std::uint64_t{0}; },
                                        .acknowledge = [&] { ++acknowledged; }};
            if (held_ == 0) {
                acknowledged = 0;
                Workload workload(options_.profile, *fs_, hooks, path_);
                return workload.run() ? 0 : 1;
            }
            MemoryFileSystem memory;
            Workload workload(options_.profile, memory, silent(memory));
            if (!workload.run_until(held_)) {
                return 2;
            }
            acknowledged = held_;
            return workload.move_to(*fs_, path_, hooks) && workload.run() ? 0 : 3;
        } catch (const std::exception& error) {
            std::cerr << "child: " << error.what() << '\n';
            return 4;
        }
    }

    // Waits for a random moment, reading now and then, and kills the child unless it was faster.
    void watch(pid_t child) {
        const std::uint64_t target = held_ + random_.below(12);
        const auto delay = std::chrono::microseconds(random_.chance(0.5) ? 0 : random_.below(3000));
        const bool by_time = random_.chance(0.2);
        const auto pause = std::chrono::microseconds(by_time ? random_.below(20'000) : 0);
        const bool reads = random_.chance(0.3);
        std::this_thread::sleep_for(pause);
        while (!by_time && page_.acknowledged() < target && !ended(child)) {
            if (reads) {
                read_beside();
            }
            std::this_thread::sleep_for(std::chrono::microseconds(30));
        }
        std::this_thread::sleep_for(delay);
        if (target < history_.size() || random_.chance(0.5)) {
            ::kill(child, SIGKILL);
        }
    }
    static bool ended(pid_t child) {
        siginfo_t info{};
        return ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
               info.si_pid != 0;
    }

    // A reader sees one moment, none older than what was acknowledged before it looked.
    void read_beside() {
        const std::uint64_t before = page_.acknowledged();
        if (before == 0) {
            return;
        }
        ++tally_.reads;
        // Half of them by a reader that goes on beside all children, half by one that has just
        // come.
        if (!follower_ || random_.chance(0.5)) {
            auto fresh = need(Database::open(context_, path_, AccessMode::kRead), Kind::kUnreadable,
                              "reading beside the writer");
            if (follower_) {
                compare(fresh, before);
                return;
            }
            follower_ = std::move(fresh);
        }
        ++tally_.follows;
        compare(*follower_, before);
    }
    void compare(const Database& database, std::uint64_t before) {
        const std::string key(kDefaultCollection);
        const std::vector<Row> rows = need(load_rows(database.snapshot()), Kind::kUnreadable,
                                           "reading rows beside the writer");
        const std::uint64_t after = page_.acknowledged();
        for (std::uint64_t at = before; at <= after + 1 && at <= history_.size(); ++at) {
            if (history_[at - 1].at(key) == rows) {
                return;
            }
        }
        throw Violation(Kind::kPartial, "a reader sees no moment from " + std::to_string(before) +
                                            " to " + std::to_string(after + 1));
    }

    // What is there is the last moment that was acknowledged, or the next.
    void look(bool killed) {
        const std::uint64_t acknowledged = page_.acknowledged();
        auto opened = Database::open(context_, path_, AccessMode::kRead);
        if (!opened && acknowledged == 0) {
            const Code code = opened.error().code();
            if (code != Code::kInputMissing && code != Code::kCorrupt) {
                throw Violation(Kind::kUnreadable, opened.error().describe());
            }
            ++tally_.unborn;
            return;
        }
        const Database database =
            need(std::move(opened), Kind::kUnreadable, "opening after the kill");
        const Contents found = contents_of(context_, database);
        const auto is = [&](std::uint64_t moment) {
            return moment >= 1 && moment <= history_.size() && history_[moment - 1] == found;
        };
        if (!is(acknowledged) && !is(acknowledged + 1)) {
            throw Violation(known(found) ? Kind::kLost : Kind::kPartial,
                            std::to_string(acknowledged) + " moments were acknowledged, of " +
                                std::to_string(history_.size()) + "; found is " +
                                (known(found) ? "an earlier one" : "none"));
        }
        const bool more = !is(acknowledged);
        held_ = acknowledged + (more ? 1 : 0);
        if (follower_ && contents_of(context_, *follower_) != found) {
            throw Violation(Kind::kWrongAnswer,
                            "a reader that was there before sees something else");
        }
        if (killed) {
            ++(more ? tally_.in_flight : tally_.lost_in_flight);
        }
        const VerifyInfo info = need(verify(context_, path_), Kind::kDamaged, "verifying");
        if (info.faults_total != 0) {
            throw Violation(Kind::kDamaged, info.faults.at(0).file + ": " + info.faults.at(0).what);
        }
        if (info.rows != rows_in(found)) {
            throw Violation(Kind::kDamaged, "verify counts " + std::to_string(info.rows) + " rows");
        }
    }
    bool known(const Contents& found) const {
        return std::find(history_.begin(), history_.end(), found) != history_.end();
    }

    KillOptions options_;
    std::string path_;
    std::unique_ptr<FileSystem> fs_;
    Context context_;
    Random random_;
    SharedPage page_;
    std::vector<Contents> history_;
    std::uint64_t held_ = 0;  // how many moments of it the database holds
    std::optional<Database> follower_;
    KillTally tally_;
};

// The same for threads: each has a history of its own.
class ThreadKillCampaign {
public:
    ThreadKillCampaign(const KillOptions& options, std::size_t threads)
        : path_(join_path(options.directory, "db")),
          fs_(real_file_system()),
          context_(context_on(*fs_)),
          random_(options.profile.seed, 3),
          sync_(options.profile.sync),
          work_(options.profile.seed, threads, kThreadCommits),
          held_(threads, 0) {}

    KillTally run() {
        try {
            while (cycle()) {
            }
        } catch (const Violation& violation) {
            tally_.failures.push_back(
                {tally_.cycles, std::string(violation_name(violation.kind())), violation.what()});
        }
        for (std::size_t thread = 0; thread < work_.threads(); ++thread) {
            tally_.acknowledged += page_.of_thread(thread);
        }
        return std::move(tally_);
    }

private:
    std::vector<std::size_t> acknowledged() {
        std::vector<std::size_t> counts;
        for (std::size_t thread = 0; thread < work_.threads(); ++thread) {
            counts.push_back(page_.of_thread(thread));
        }
        return counts;
    }
    bool cycle() {
        ++tally_.cycles;
        const pid_t child = ::fork();
        if (child < 0) {
            throw Violation(Kind::kWrongAnswer, "no child can be made");
        }
        if (child == 0) {
            ::_exit(work());
        }
        const auto end =
            std::chrono::steady_clock::now() + std::chrono::microseconds(random_.below(kLife));
        while (std::chrono::steady_clock::now() < end) {
            look_beside();
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        tally_.killed += killed ? 1U : 0U;
        if (!killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
            throw Violation(Kind::kNotWritable,
                            "the child failed by itself, status " + std::to_string(status));
        }
        look();
        return killed;
    }
    int work() {
        try {
            auto opened =
                page_.acknowledged() == 0
                    ? Database::create(context_, path_,
                                       {.dimension = ThreadWork::kDimension,
                                        .metric = Metric::kL2,
                                        .embedder = {}})
                    : Database::open(context_, path_, AccessMode::kReadWrite, {.sync = sync_});
            if (!opened) {
                return 2;
            }
            page_.acknowledged() = 1;
            const bool done = work_.run(
                *opened, held_,
                {.acknowledged = [this](std::size_t thread, std::size_t commits, std::uint64_t) {
                    page_.of_thread(thread) = commits;
                }});
            return done && opened->close() ? 0 : 3;
        } catch (const std::exception& error) {
            std::cerr << "child: " << error.what() << '\n';
            return 4;
        }
    }
    void look_beside() {
        if (page_.acknowledged() == 0) {
            return;
        }
        ++tally_.reads;
        const std::vector<std::size_t> before = acknowledged();
        const bool follows = follower_ && random_.chance(0.5);
        tally_.follows += follows ? 1U : 0U;
        if (!follows) {
            follower_ = need(Database::open(context_, path_, AccessMode::kRead), Kind::kUnreadable,
                             "reading beside the writers");
        }
        const std::vector<Row> rows =
            need(load_rows(follower_->snapshot()), Kind::kUnreadable, "reading rows");
        work_.check(rows, before, acknowledged());
    }
    void look() {
        auto opened = Database::open(context_, path_, AccessMode::kRead);
        if (!opened && page_.acknowledged() == 0) {
            ++tally_.unborn;
            return;
        }
        page_.acknowledged() = 1;
        const Database database =
            need(std::move(opened), Kind::kUnreadable, "opening after the kill");
        const std::vector<Row> rows =
            need(load_rows(database.snapshot()), Kind::kUnreadable, "reading rows");
        if (follower_ && need(load_rows(follower_->snapshot()), Kind::kUnreadable,
                              "reading on after the kill") != rows) {
            throw Violation(Kind::kWrongAnswer,
                            "a reader that was there before sees something else");
        }
        const std::vector<std::size_t> counts = acknowledged();
        held_ = work_.check(rows, counts, counts);
        for (std::size_t thread = 0; thread < held_.size(); ++thread) {
            ++(held_[thread] > counts[thread] ? tally_.in_flight : tally_.lost_in_flight);
            page_.of_thread(thread) = held_[thread];
        }
        const VerifyInfo info = need(verify(context_, path_), Kind::kDamaged, "verifying");
        if (info.faults_total != 0) {
            throw Violation(Kind::kDamaged, info.faults.at(0).file + ": " + info.faults.at(0).what);
        }
    }

    std::string path_;
    std::unique_ptr<FileSystem> fs_;
    Context context_;
    Random random_;
    SyncMode sync_;
    ThreadWork work_;
    SharedPage page_;
    std::vector<std::size_t> held_;  // commits of each thread that the database holds
    std::optional<Database> follower_;
    KillTally tally_;
};

}  // namespace

KillTally kill_again_and_again(const KillOptions& options) {
    return KillCampaign(options).run();
}

KillTally kill_threads(const KillOptions& options, std::size_t threads) {
    return ThreadKillCampaign(options, std::min(threads, kMostThreads)).run();
}

}  // namespace abikit::storage::test
