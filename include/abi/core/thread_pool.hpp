// A work-stealing thread pool: one Chase-Lev deque per worker (Chase, Lev 2005; Le et al. 2013 for
// the C11 orders), a lock-free injection queue for outside threads. Owned by main and passed by
// reference; libraries never spawn threads.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <abi/core/export.h>

namespace abikit {

// The one alias for a task, because libc++ lacks std::move_only_function.
using Task = std::move_only_function<void()>;

// Runs tasks on `threads()` threads, the caller of a waiting function included (so a pool of 1
// spawns none). Thread-safe. Destruction finishes what was submitted, then joins. Idle workers wait
// awake for at most 50 microseconds, and only where every thread has a processor; then they
// sleep in the kernel. A task starts with the RoomScope (memory.hpp) of the thread that submitted
// it. A waiting thread runs other queued tasks meanwhile: hold no lock while waiting that a task
// may want.
class ABI_API ThreadPool {
public:
    // threads = 0: as many as the process may run on (affinity and cgroup quota respected). Where
    // the system refuses to start that many, the pool works with those it got.
    explicit ThreadPool(unsigned threads = 0);
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    // Number of threads that can work at once, the waiting caller included; at least 1.
    unsigned threads() const noexcept;

    // Splits [begin, end) into pieces of `grain` (the last may be shorter; 0 is taken as 1) and
    // runs body(first, last) for each, in no particular order, on all threads including this one;
    // returns when all are done. Pieces depend on `grain` alone, never on the thread count, so
    // results that depend on the split are reproducible. The first exception thrown by a body is
    // rethrown here after all started pieces ended; later pieces are skipped. May be called from
    // inside a task (nested); the caller helps instead of blocking.
    void parallel_for(std::size_t begin, std::size_t end, std::size_t grain,
                      const std::function<void(std::size_t, std::size_t)>& body);

    class Impl;

private:
    friend class TaskGroup;
    std::unique_ptr<Impl> impl_;
};

// A set of tasks that is waited for together. Single thread: run() and wait() come from the owning
// thread. The destructor waits. A null pool runs each task at once on the calling thread.
class ABI_API TaskGroup {
public:
    explicit TaskGroup(ThreadPool* pool);
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    // With a pool of one thread the task is run by wait().
    // Throws only std::bad_alloc, and then the task was not taken.
    void run(Task task);
    // Helps with queued work until every task of this group ended; rethrows the first exception of
    // a task.
    void wait();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace abikit
