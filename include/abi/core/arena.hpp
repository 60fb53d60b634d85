// A bump allocator for scratch memory that is thrown away all at once: a query's candidates, a
// batch's strings. Allocation is an addition and a comparison, freeing is nothing.
#pragma once

#include <cstddef>
#include <limits>
#include <memory_resource>
#include <new>
#include <span>
#include <type_traits>

#include <abi/core/export.h>

namespace abikit {

// Hands out memory from growing blocks; all of it is valid until reset() or destruction. Single
// thread. Also a std::pmr::memory_resource, so `std::pmr::vector<T> v(&arena)` works; what such
// containers give back is not reused before reset(). Throws std::bad_alloc when `upstream` does.
class ABI_API Arena final : public std::pmr::memory_resource {
public:
    static constexpr std::size_t kDefaultBlockBytes = std::size_t{64} << 10;

    // Takes nothing until the first allocation; each further block is twice as large as the last.
    // `upstream` provides the blocks and must outlive the arena.
    explicit Arena(std::size_t first_block_bytes = kDefaultBlockBytes,
                   std::pmr::memory_resource* upstream = std::pmr::new_delete_resource()) noexcept;
    ~Arena() override;
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    // `count` elements of T, default-initialised: plain numbers are not zeroed. `alignment` is a
    // power of two, such as 64 for vector kernels; less than T needs is raised to that. Destructors
    // are not run, so only types that do not need one are taken.
    template <class T>
    std::span<T> alloc_span(std::size_t count, std::size_t alignment = alignof(T)) {
        static_assert(std::is_trivially_destructible_v<T>, "the arena runs no destructors");
        if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) {
            throw std::bad_array_new_length();
        }
        alignment = alignment < alignof(T) ? alignof(T) : alignment;
        T* const first = static_cast<T*>(allocate(count * sizeof(T), alignment));
        for (std::size_t i = 0; i < count; ++i) {
            ::new (static_cast<void*>(first + i)) T;
        }
        return {first, count};
    }

    // Invalidates everything handed out. Keeps the largest block, gives the others back: an arena
    // that is reset after each of many similar tasks soon allocates nothing any more.
    void reset() noexcept;

    // Bytes handed out since the last reset, padding for alignment included.
    std::size_t used_bytes() const noexcept { return used_before_ + offset_; }
    // Bytes held in blocks.
    std::size_t capacity_bytes() const noexcept { return capacity_; }

private:
    struct Block;

    void* do_allocate(std::size_t bytes, std::size_t alignment) override;
    void do_deallocate(void*, std::size_t, std::size_t) override {}
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }
    void add_block(std::size_t at_least);
    void free_block(Block* block) noexcept;

    std::pmr::memory_resource* upstream_;
    Block* current_ = nullptr;  // the newest block, linked to the older ones
    std::size_t offset_ = 0;    // into the current block
    std::size_t used_before_ = 0;
    std::size_t capacity_ = 0;
    std::size_t next_block_bytes_;
};

}  // namespace abikit
