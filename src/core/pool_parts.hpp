// Small parts of the thread pool: the queued job, the first error of a set of jobs, the wait before
// sleep, and the place where threads sleep. Read thread_pool_impl.hpp next.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
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

// Tells the processor that this thread waits for another one.
inline void pause_processor() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb");  // `yield` does nothing on most
#endif
}

// Waits awake for a short while until ready() holds; false when it did not. A thread that sleeps in
// the kernel costs its waker and itself tens of microseconds, more than a small loop takes; one
// that just had work often has more in a moment. First the processor pauses, then other threads may
// run between two looks.
template <class Ready>
bool wait_awake(const Ready& ready) noexcept {
    constexpr std::chrono::microseconds kPausing{10};
    constexpr std::chrono::microseconds kLongest{50};
    constexpr int kLooks = 16;  // between two looks at the clock
    const auto begin = std::chrono::steady_clock::now();
    for (;;) {
        for (int i = 0; i < kLooks; ++i) {
            if (ready()) {
                return true;
            }
            pause_processor();
        }
        const auto spent = std::chrono::steady_clock::now() - begin;
        if (spent > kLongest) {
            return false;
        }
        if (spent > kPausing) {
            std::this_thread::yield();
        }
    }
}

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
