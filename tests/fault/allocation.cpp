// The interposed operator new and delete. Shared libraries of the program take these too.
#include "allocation.hpp"

#include <cstdlib>
#include <new>

namespace {

struct Injection {
    bool armed = false, for_ever = false, fired = false;
    unsigned sheltered = 0;
    std::uint64_t left = 0;

    bool refuses() noexcept {
        if (!armed || sheltered != 0) {
            return false;
        }
        if (left > 1) {
            --left;
            return false;
        }
        const bool now = left == 1 || for_ever;
        left = 0;
        fired = fired || now;
        return now;
    }
};
thread_local Injection injection;

void* allocate(std::size_t size) noexcept {
    return injection.refuses() ? nullptr : std::malloc(size == 0 ? 1 : size);
}
void* allocate(std::size_t size, std::align_val_t align) noexcept {
    const auto boundary = static_cast<std::size_t>(align);
    return injection.refuses()
               ? nullptr
               : std::aligned_alloc(boundary, (size + boundary) / boundary * boundary);
}
void* or_throw(void* memory) {
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

}  // namespace

namespace abikit::storage::test {

void fail_allocation(std::uint64_t nth, bool for_ever) noexcept {
    injection = {.armed = true, .for_ever = for_ever, .left = nth};
}
bool allow_allocations() noexcept {
    injection.armed = false;
    return injection.fired;
}
AllocationShelter::AllocationShelter() noexcept {
    ++injection.sheltered;
}
AllocationShelter::~AllocationShelter() {
    --injection.sheltered;
}

}  // namespace abikit::storage::test

void* operator new(std::size_t size) {
    return or_throw(allocate(size));
}
void* operator new[](std::size_t size) {
    return or_throw(allocate(size));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return allocate(size);
}
void* operator new(std::size_t size, std::align_val_t align) {
    return or_throw(allocate(size, align));
}
void* operator new[](std::size_t size, std::align_val_t align) {
    return or_throw(allocate(size, align));
}
void* operator new(std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
    return allocate(size, align);
}
void* operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t&) noexcept {
    return allocate(size, align);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
    std::free(memory);
}
