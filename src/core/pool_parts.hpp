// Small parts of the thread pool: the queued job, the first error of a set of jobs, and the place
// where threads sleep. Read thread_pool_impl.hpp next.
#pragma once

#include <atomic>
#include <exception>
#include <utility>

#include <abi/core/memory.hpp>

namespace abikit {

// What the queues hold. `run` disposes of the job in whatever way its kind needs. The room is that
// of the submitting thread.
struct Job {
    using Run = void (*)(Job&) noexcept;
    explicit Job(Run function) noexcept : run(function), room(current_room()) {}
    Run run;
    Room room;
};

// Keeps the first exception of many threads. get() is for after all of them ended.
class FirstError {
public:
    // In a catch block. Keeps the exception in flight unless one is kept already.
    void capture() noexcept {
        if (!taken_.exchange(true)) {
            error_ = std::current_exception();
        }
    }
    bool any() const noexcept { return taken_.load(std::memory_order_relaxed); }
    // Hands the error out once; null when there is none.
    std::exception_ptr take() noexcept {
        taken_.store(false);
        return std::exchange(error_, nullptr);
    }

private:
    std::atomic<bool> taken_{false};
    std::exception_ptr error_;
};

// Threads sleep here until there may be something to do (an "event count"). The sleeper calls
// prepare(), looks once more for what it waits for, then sleep() or not, then leave(). The waker
// makes its change, then calls wake(). All operations are sequentially consistent: either the
// waker sees the sleeper, or the sleeper's second look sees the change.
class SleepingPlace {
public:
    int prepare() noexcept {
        sleepers_.fetch_add(1);
        return epoch_.load();
    }
    void sleep(int seen) const noexcept { epoch_.wait(seen); }
    void leave() noexcept { sleepers_.fetch_sub(1); }

    unsigned sleepers() const noexcept { return sleepers_.load(); }
    // Wakes up to `count` threads.
    void wake(unsigned count) noexcept {
        if (count == 0 || sleepers() == 0) {
            return;
        }
        epoch_.fetch_add(1);
        if (count >= sleepers()) {
            epoch_.notify_all();
            return;
        }
        for (; count > 0; --count) {
            epoch_.notify_one();
        }
    }

private:
    alignas(64) std::atomic<int> epoch_{0};  // int: the type that the kernel waits on directly
    std::atomic<unsigned> sleepers_{0};
};

}  // namespace abikit
