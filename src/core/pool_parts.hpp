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
// prepare(), looks once more for what it waits for, then sleep() or not, then leave(), then looks
// again. The waker makes its change, then calls wake() or wake_one(). All operations are
// sequentially consistent: either the waker sees the sleeper, or the sleeper's second look sees the
// change.
class SleepingPlace {
public:
    int prepare() noexcept {
        sleepers_.fetch_add(1);
        const int seen = epoch_.load();
        waking_.store(false);
        return seen;
    }
    void sleep(int seen) const noexcept { epoch_.wait(seen); }
    void leave() noexcept {
        sleepers_.fetch_sub(1);
        waking_.store(false);
    }

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

    // Sees to it that a thread is on its way; false when none sleeps. A burst of calls costs one
    // system call: while a woken thread has not looked yet, it will see what later wakers changed,
    // because it clears `waking_` before it looks.
    bool wake_one() noexcept {
        for (;;) {
            if (waking_.load() || waking_.exchange(true)) {
                return true;
            }
            if (sleepers() != 0) {
                epoch_.fetch_add(1);
                epoch_.notify_one();
                return true;
            }
            waking_.store(false);
            // Another waker may have relied on this one while it held the flag.
            if (sleepers() == 0) {
                return false;
            }
        }
    }

private:
    alignas(64) std::atomic<int> epoch_{0};  // int: the type that the kernel waits on directly
    std::atomic<unsigned> sleepers_{0};
    std::atomic<bool> waking_{false};
};

}  // namespace abikit
