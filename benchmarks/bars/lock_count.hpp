// Counts the locks that threads take, and wait for, while they are inside a scope.
#pragma once

#include <cstdint>

namespace abikit::bars {

// While one lives, its thread's locks of mutexes, reader-writer locks and semaphores are counted,
// whichever library takes them; so are waits on condition variables, which need a mutex. The
// allocator's own locks are not seen.
class CountLocks {
public:
    CountLocks();
    ~CountLocks();
    CountLocks(const CountLocks&) = delete;
    CountLocks& operator=(const CountLocks&) = delete;
    // By all threads so far.
    static std::uint64_t taken();
    static std::uint64_t waited_for();  // those of them that were not free
};

}  // namespace abikit::bars
