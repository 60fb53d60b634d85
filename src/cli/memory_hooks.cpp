// Replaces global operator new and delete, so that --memory-tracking and --memory-limit see every
// allocation of the executable and its libraries. Each block is preceded by a header that says how
// it was counted, so that blocks from before accounting began are told apart when they are freed.
#include "memory_hooks.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <new>

#include <abi/core/memory.hpp>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ABI_MEMORY_HOOKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define ABI_MEMORY_HOOKS 0
#endif
#endif
#ifndef ABI_MEMORY_HOOKS
#define ABI_MEMORY_HOOKS 1
#endif

namespace abikit::cli {

bool memory_hooks_active() noexcept {
    return ABI_MEMORY_HOOKS != 0;
}

}  // namespace abikit::cli

#if ABI_MEMORY_HOOKS
namespace {

using abikit::Room;

// Lies directly before the block. Its size keeps the block aligned for every ordinary type.
struct alignas(__STDCPP_DEFAULT_NEW_ALIGNMENT__) Header {
    std::uint64_t counted_bytes = 0;  // 0: not counted
    Room room = Room::kOther;
};
static_assert(sizeof(Header) == __STDCPP_DEFAULT_NEW_ALIGNMENT__);

// While an exception is on its way the limit has done its work; the few bytes that telling of it
// takes are allowed beyond the limit, uncounted.
constexpr std::size_t kMessageBytes = 4096;

bool failing() noexcept {
    return std::uncaught_exceptions() > 0 || std::current_exception() != nullptr;
}

bool count(std::size_t bytes, Header& header) noexcept {
    if (!abikit::memory_accounting_enabled()) {
        return true;
    }
    if (abikit::account_allocate(bytes, header.room)) {
        header.counted_bytes = bytes;
        return true;
    }
    return bytes <= kMessageBytes && failing();
}

void* place(void* base, std::size_t offset, const Header& header) noexcept {
    std::byte* block = static_cast<std::byte*>(base) + offset;
    ::new (static_cast<void*>(block - sizeof(Header))) Header(header);
    return block;
}

// `offset` is the room before the block: the header, or the alignment where that is larger.
void* try_allocate(std::size_t bytes, std::size_t alignment) noexcept {
    const std::size_t offset = std::max(alignment, sizeof(Header));
    if (bytes > static_cast<std::size_t>(PTRDIFF_MAX) - 2 * offset) {
        return nullptr;
    }
    Header header;
    const std::size_t whole = bytes + offset;
    if (!count(whole, header)) {
        return nullptr;
    }
    void* base =
        alignment <= alignof(std::max_align_t)
            ? std::malloc(whole)
            : std::aligned_alloc(alignment, (whole + alignment - 1) / alignment * alignment);
    if (base == nullptr) {
        if (header.counted_bytes != 0) {
            abikit::account_free(header.counted_bytes, header.room);
        }
        return nullptr;
    }
    return place(base, offset, header);
}

void* allocate(std::size_t bytes, std::size_t alignment) {
    while (true) {
        if (void* block = try_allocate(bytes, alignment)) {
            return block;
        }
        const std::new_handler handler = std::get_new_handler();
        if (handler == nullptr) {
            throw std::bad_alloc();
        }
        handler();
    }
}

void release(void* block, std::size_t alignment) noexcept {
    if (block == nullptr) {
        return;
    }
    std::byte* start = static_cast<std::byte*>(block);
    const auto* header = reinterpret_cast<const Header*>(start - sizeof(Header));
    if (header->counted_bytes != 0) {
        abikit::account_free(header->counted_bytes, header->room);
    }
    std::free(start - std::max(alignment, sizeof(Header)));
}

void* allocate_or_null(std::size_t bytes, std::size_t alignment) noexcept {
    try {
        return allocate(bytes, alignment);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

constexpr std::size_t kPlain = alignof(Header);
std::size_t of(std::align_val_t alignment) noexcept {
    return static_cast<std::size_t>(alignment);
}

}  // namespace

// Every replaceable form ([new.delete]), so that none pairs with the library's own.
void* operator new(std::size_t n) {
    return allocate(n, kPlain);
}
void* operator new[](std::size_t n) {
    return allocate(n, kPlain);
}
void* operator new(std::size_t n, std::align_val_t a) {
    return allocate(n, of(a));
}
void* operator new[](std::size_t n, std::align_val_t a) {
    return allocate(n, of(a));
}
void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
    return allocate_or_null(n, kPlain);
}
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept {
    return allocate_or_null(n, kPlain);
}
void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate_or_null(n, of(a));
}
void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return allocate_or_null(n, of(a));
}
void operator delete(void* p) noexcept {
    release(p, kPlain);
}
void operator delete[](void* p) noexcept {
    release(p, kPlain);
}
void operator delete(void* p, std::size_t) noexcept {
    release(p, kPlain);
}
void operator delete[](void* p, std::size_t) noexcept {
    release(p, kPlain);
}
void operator delete(void* p, const std::nothrow_t&) noexcept {
    release(p, kPlain);
}
void operator delete[](void* p, const std::nothrow_t&) noexcept {
    release(p, kPlain);
}
void operator delete(void* p, std::align_val_t a) noexcept {
    release(p, of(a));
}
void operator delete[](void* p, std::align_val_t a) noexcept {
    release(p, of(a));
}
void operator delete(void* p, std::size_t, std::align_val_t a) noexcept {
    release(p, of(a));
}
void operator delete[](void* p, std::size_t, std::align_val_t a) noexcept {
    release(p, of(a));
}
void operator delete(void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
    release(p, of(a));
}
void operator delete[](void* p, std::align_val_t a, const std::nothrow_t&) noexcept {
    release(p, of(a));
}
#endif
