// ThreadPool: workers and their search for work. Loops are in parallel_for.cpp, task sets in
// task_group.cpp.
#include <algorithm>
#include <cstdio>
#include <exception>

#include "os_cpu.hpp"
#include "thread_pool_impl.hpp"

namespace abikit {
namespace {

// Which pool this thread works for, if any. Not configuration: it names the thread's own deque.
struct ThisThread {
    const void* pool = nullptr;
    void* worker = nullptr;
    std::uint32_t random = 0x9E3779B9;
};
constinit thread_local ThisThread this_thread;

// Marsaglia's xorshift32: where to begin looking for a victim; quality does not matter.
std::uint32_t next_random() noexcept {
    std::uint32_t& state = this_thread.random;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

}  // namespace

ThreadPool::Impl::Impl(unsigned threads) {
    const unsigned cpus = os::usable_cpus();
    const unsigned wanted = threads != 0 ? threads : cpus;
    may_wait_awake_ = wanted <= cpus;
    workers_.reserve(wanted - 1);
    for (unsigned i = 1; i < wanted; ++i) {
        workers_.push_back(std::make_unique<Worker>());
    }
    start_workers();
}

void ThreadPool::Impl::start_workers() {
    try {
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            Worker& worker = *workers_[i];
            worker.thread = std::thread([this, &worker, i] { work(worker, i); });
            ++threads_;
        }
    } catch (const std::exception&) {
        // The system gives no more threads or memory: work with those that there are.
    }
}

ThreadPool::Impl::~Impl() {
    stop_.store(true);
    idle_.wake(~0U);
    for (const auto& worker : workers_) {
        if (worker->thread.joinable()) {
            worker->thread.join();
        }
    }
    while (Job* const job = find_job()) {
        execute(*job);
    }
}

void ThreadPool::Impl::submit(Job* job) {
    if (Worker* const self = this_worker()) {
        self->deque.push(job);
    } else {
        injected_.push(job);
    }
}

void ThreadPool::Impl::announce(unsigned count) noexcept {
    // A worker that waits awake looks once more after it has left this count, and wakes others when
    // it finds more than one job.
    const unsigned awake = awake_.load();
    if (count <= awake) {
        return;
    }
    count -= awake;
    if (count == 1) {
        if (!idle_.wake_one()) {
            waiting_.wake_one();
        }
        return;
    }
    const unsigned idle = idle_.sleepers();
    idle_.wake(std::min(count, idle));
    if (count > idle) {
        waiting_.wake(~0U);
    }
}

bool ThreadPool::Impl::claim_helper_place() noexcept {
    // Helpers of loops that ended stay queued while all workers are busy; the bound keeps a caller
    // of many short loops from piling them up.
    if (queued_helpers_.fetch_add(1) < 4 * threads_) {
        return true;
    }
    queued_helpers_.fetch_sub(1);
    return false;
}

void ThreadPool::Impl::work(Worker& self, std::size_t number) noexcept {
    this_thread = {.pool = this,
                   .worker = &self,
                   .random = 0x9E3779B9 * static_cast<std::uint32_t>(number + 1) | 1};
    char name[32];
    std::snprintf(name, sizeof name, "abi-worker-%zu", number + 1);
    os::name_this_thread(name);
    bool worked = false;  // since it last waited
    for (;;) {
        Job* job = find_job();
        if (job == nullptr) {
            job = wait_for_job(worked);
            worked = false;
            if (job == nullptr && stop_.load()) {
                return;
            }
            // Whoever submitted more work meanwhile may have counted on this thread for all of it.
            if (work_queued()) {
                announce(1);
            }
        }
        if (job != nullptr) {
            execute(*job);
            worked = true;
        }
    }
}

// Waits until there may be work: awake for a while when this thread just had some, then asleep.
// Null when it found none, and always once the pool stops and the queues are empty.
Job* ThreadPool::Impl::wait_for_job(bool worked) noexcept {
    if (worked && may_wait_awake_) {
        awake_.fetch_add(1);
        const bool found = wait_awake([this] { return work_queued() || stop_.load(); });
        awake_.fetch_sub(1);
        if (found) {
            return find_job();
        }
    }
    const int seen = idle_.prepare();
    Job* const job = find_job();
    if (job == nullptr && !stop_.load()) {
        idle_.sleep(seen);
    }
    idle_.leave();
    return job;
}

ThreadPool::Impl::Worker* ThreadPool::Impl::this_worker() const noexcept {
    return this_thread.pool == this ? static_cast<Worker*>(this_thread.worker) : nullptr;
}

Job* ThreadPool::Impl::find_job() noexcept {
    Worker* const self = this_worker();
    if (self == nullptr) {
        Job* const job = injected_.pop();
        return job != nullptr ? job : steal(nullptr);
    }
    // Now and then the outside goes first, so that tasks that spawn tasks cannot starve it.
    constexpr unsigned kFairness = 61;
    if (++self->searches % kFairness == 0) {
        if (Job* const job = injected_.pop()) {
            return job;
        }
    }
    if (Job* const job = self->deque.pop()) {
        return job;
    }
    if (Job* const job = injected_.pop()) {
        return job;
    }
    return steal(self);
}

bool ThreadPool::Impl::work_queued() const noexcept {
    return !injected_.empty() || std::any_of(workers_.begin(), workers_.end(),
                                             [](const auto& w) { return !w->deque.empty(); });
}

Job* ThreadPool::Impl::steal(const Worker* self) noexcept {
    const std::size_t count = workers_.size();
    const std::size_t start = count == 0 ? 0 : next_random() % count;
    for (std::size_t i = 0; i < count; ++i) {
        Worker& victim = *workers_[(start + i) % count];
        if (&victim == self) {
            continue;
        }
        if (Job* const job = victim.deque.steal()) {
            return job;
        }
    }
    return nullptr;
}

void ThreadPool::Impl::execute(Job& job) noexcept {
    const RoomScope scope(job.room);
    job.run(job);
}

ThreadPool::ThreadPool(unsigned threads) : impl_(std::make_unique<Impl>(threads)) {}
ThreadPool::~ThreadPool() = default;

unsigned ThreadPool::threads() const noexcept {
    return impl_->threads();
}

}  // namespace abikit
