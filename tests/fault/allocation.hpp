// Allocations that fail: a program linked with allocation.cpp has an operator new that counts, and
// refuses on request. sweep.hpp uses it.
#pragma once

#include <cstdint>

namespace abikit::storage::test {

// Counts from here on; the n-th allocation of this thread fails, and with `for_ever` all after it.
void fail_allocation(std::uint64_t nth, bool for_ever) noexcept;
// Everything succeeds again. True when one was refused.
bool allow_allocations() noexcept;

// While one lives, the thread's allocations succeed and are not counted: for test doubles, whose
// books must not break.
class AllocationShelter {
public:
    AllocationShelter() noexcept;
    ~AllocationShelter();
    AllocationShelter(const AllocationShelter&) = delete;
    AllocationShelter& operator=(const AllocationShelter&) = delete;
};

}  // namespace abikit::storage::test
