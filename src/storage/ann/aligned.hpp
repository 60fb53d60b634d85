// Vectors whose memory starts at a page: code rows must not straddle cache lines.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace abikit::storage::ann {

template <class T>
struct PageAllocator {
    using value_type = T;
    static constexpr std::align_val_t kAlignment{4096};

    PageAllocator() = default;
    template <class U>
    explicit PageAllocator(const PageAllocator<U>& /*other*/) noexcept {}
    T* allocate(std::size_t count) {
        return static_cast<T*>(::operator new(count * sizeof(T), kAlignment));
    }
    void deallocate(T* memory, std::size_t /*count*/) noexcept {
        ::operator delete(memory, kAlignment);
    }
    template <class U>
    bool operator==(const PageAllocator<U>& /*other*/) const noexcept {
        return true;
    }
};

template <class T>
using AlignedVector = std::vector<T, PageAllocator<T>>;

}  // namespace abikit::storage::ann
