// Memory accounting: bytes and allocations by room, a limit over heap and mapped buffers, leaks at
// exit. The executable replaces global operator new and delete with functions that call account_*
// (src/cli/memory_hooks.cpp); mapped regions call them from the file system. Off, it costs one
// relaxed load per allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <abi/core/export.h>

namespace abikit {

// Who allocates. Numbers are not stored anywhere.
enum class Room : std::uint8_t {
    kOther,
    kCore,
    kSimd,
    kData,
    kText,
    kStorage,
    kNn,
    kReport,
    kCli,
    kCount
};
ABI_API std::string_view room_name(Room room) noexcept;

// The room that this thread's allocations are tagged with now; kOther unless a RoomScope is open.
ABI_API Room current_room() noexcept;

// Tags allocations of this thread until the end of the scope. Nests. A task on the pool starts with
// the room of the thread that submitted it.
class ABI_API RoomScope {
public:
    explicit RoomScope(Room room) noexcept;
    ~RoomScope();
    RoomScope(const RoomScope&) = delete;
    RoomScope& operator=(const RoomScope&) = delete;

private:
    Room previous_;
};

struct RoomUsage {
    std::uint64_t current_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::uint64_t allocations = 0;  // since accounting began
    std::uint64_t live_allocations = 0;
};
struct MemoryUsage {
    RoomUsage heap;                 // all rooms together
    RoomUsage mapped;               // mapped files and buffers
    std::uint64_t peak_bytes = 0;   // heap and mapped together at their highest
    std::uint64_t limit_bytes = 0;  // 0: none
    std::array<RoomUsage, static_cast<std::size_t>(Room::kCount)> rooms;
};

// Turns accounting on (it stays on). limit_bytes = 0 sets no limit. Call before threads start: what
// was allocated earlier is not counted and its release is ignored.
ABI_API void enable_memory_accounting(std::uint64_t limit_bytes) noexcept;
ABI_API bool memory_accounting_enabled() noexcept;
// A snapshot. Each number is exact on its own; numbers read while other threads allocate may be a
// few allocations apart from each other.
ABI_API MemoryUsage memory_usage() noexcept;

// For the hooks: whether `bytes` more would stay within the limit; on true they are counted to this
// thread's room, and `room` is what must be handed back to account_free with the same number of
// bytes. While accounting is off the answer is true, `room` is kCount and nothing is counted. The
// sum of heap and mapped bytes never passes the limit, not even for a moment. Thread-safe,
// lock-free, async-signal-safe.
ABI_API bool account_allocate(std::uint64_t bytes, Room& room) noexcept;
// Takes back what account_allocate counted; does nothing for kCount ("was never counted").
ABI_API void account_free(std::uint64_t bytes, Room room) noexcept;
// The same for mapped memory; false means that the limit would be passed and nothing was counted.
// Both do nothing while accounting is off.
ABI_API bool account_map(std::uint64_t bytes) noexcept;
ABI_API void account_unmap(std::uint64_t bytes) noexcept;

}  // namespace abikit
