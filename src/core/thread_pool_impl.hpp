// The inside of ThreadPool, shared by thread_pool.cpp (workers, parallel loops) and task_group.cpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <abi/core/thread_pool.hpp>

#include "injection_queue.hpp"
#include "pool_parts.hpp"
#include "work_deque.hpp"

namespace abikit {

class ThreadPool::Impl {
public:
    explicit Impl(unsigned threads);
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    unsigned threads() const noexcept { return threads_; }

    // Queues a job where this thread's jobs go: its own deque if it is a worker of this pool, else
    // the injection queue. Throws without effect when memory ran out. Call announce() afterwards.
    void submit(Job* job);
    // Wakes threads for `count` submitted jobs.
    void announce(unsigned count) noexcept;
    // Wakes waiting threads because something that one of them may wait for is complete.
    void announce_completion() noexcept { waiting_.wake(~0U); }

    // Runs queued jobs until done() holds, sleeping while there are none for a while. done()
    // becomes true by a sequentially consistent change that is followed by announce_completion().
    template <class Done>
    void help_until(const Done& done) {
        while (!done()) {
            if (Job* const job = find_job()) {
                execute(*job);
                continue;
            }
            if (may_wait_awake_ && wait_awake([&] { return done() || work_queued(); })) {
                continue;
            }
            const int seen = waiting_.prepare();
            Job* job = nullptr;
            if (!done() && (job = find_job()) == nullptr) {
                waiting_.sleep(seen);
            }
            waiting_.leave();
            if (job != nullptr) {
                execute(*job);
            }
        }
    }

    // Claims one of the places for queued loop helpers; false when enough are queued already.
    bool claim_helper_place() noexcept;
    void free_helper_place() noexcept { queued_helpers_.fetch_sub(1); }

private:
    struct Worker {
        WorkDeque<Job> deque;
        std::thread thread;
        unsigned searches = 0;
    };

    void start_workers();
    void work(Worker& self, std::size_t number) noexcept;
    Job* wait_for_job(bool worked) noexcept;
    // The worker that the calling thread is; null when it is not one of this pool.
    Worker* this_worker() const noexcept;
    Job* find_job() noexcept;
    bool work_queued() const noexcept;
    Job* steal(const Worker* self) noexcept;
    static void execute(Job& job) noexcept;

    std::vector<std::unique_ptr<Worker>> workers_;
    InjectionQueue<Job> injected_;
    SleepingPlace idle_;              // workers without work
    SleepingPlace waiting_;           // threads in help_until
    std::atomic<unsigned> awake_{0};  // workers that look for work before they sleep
    std::atomic<unsigned> queued_helpers_{0};
    std::atomic<bool> stop_{false};
    unsigned threads_ = 1;
    bool may_wait_awake_ = false;  // each thread can have a processor of its own
};

}  // namespace abikit
