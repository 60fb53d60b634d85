// Memory accounting: a handful of relaxed counters. Process-wide by nature, because operator new
// is; everything here is constant-initialised, so it works before and after main().
#include <algorithm>
#include <atomic>

#include <abi/core/memory.hpp>

namespace abikit {
namespace {

using Counter = std::atomic<std::uint64_t>;
constexpr auto kRelaxed = std::memory_order_relaxed;

// One cache line a room, so that rooms on different threads do not slow each other down.
struct alignas(64) RoomCounters {
    Counter current_bytes{0};
    Counter peak_bytes{0};
    Counter allocations{0};
    Counter releases{0};
};

struct Accounts {
    std::atomic<bool> enabled{false};
    Counter limit_bytes{0};
    alignas(64) Counter total_bytes{0};  // heap and mapped: what the limit is about
    Counter total_peak_bytes{0};
    alignas(64) Counter heap_bytes{0};
    Counter heap_peak_bytes{0};
    RoomCounters mapped;
    std::array<RoomCounters, static_cast<std::size_t>(Room::kCount)> rooms;
};

constinit Accounts accounts;

// Initial-exec: no lazy allocation behind the first access, which would recurse into the hooks.
[[gnu::tls_model("initial-exec")]] constinit thread_local Room thread_room = Room::kOther;

void raise_peak(Counter& peak, std::uint64_t value) noexcept {
    std::uint64_t seen = peak.load(kRelaxed);
    while (seen < value && !peak.compare_exchange_weak(seen, value, kRelaxed)) {
    }
}

// Adds to the total unless that would pass the limit. A compare-exchange rather than add-and-undo:
// with the latter a large request that fails would make small ones of other threads fail too.
bool reserve(std::uint64_t bytes) noexcept {
    const std::uint64_t limit = accounts.limit_bytes.load(kRelaxed);
    if (limit == 0) {
        raise_peak(accounts.total_peak_bytes,
                   accounts.total_bytes.fetch_add(bytes, kRelaxed) + bytes);
        return true;
    }
    std::uint64_t total = accounts.total_bytes.load(kRelaxed);
    do {
        if (total > limit || bytes > limit - total) {
            return false;
        }
    } while (!accounts.total_bytes.compare_exchange_weak(total, total + bytes, kRelaxed));
    raise_peak(accounts.total_peak_bytes, total + bytes);
    return true;
}

void add(RoomCounters& room, std::uint64_t bytes) noexcept {
    raise_peak(room.peak_bytes, room.current_bytes.fetch_add(bytes, kRelaxed) + bytes);
    room.allocations.fetch_add(1, kRelaxed);
}

void subtract(RoomCounters& room, std::uint64_t bytes) noexcept {
    room.current_bytes.fetch_sub(bytes, kRelaxed);
    room.releases.fetch_add(1, kRelaxed);
    accounts.total_bytes.fetch_sub(bytes, kRelaxed);
}

RoomUsage usage_of(const RoomCounters& room) noexcept {
    // Releases first: read the other way round, a release in between would show a negative count.
    const std::uint64_t releases = room.releases.load(std::memory_order_acquire);
    const std::uint64_t allocations = room.allocations.load(kRelaxed);
    return {.current_bytes = room.current_bytes.load(kRelaxed),
            .peak_bytes = room.peak_bytes.load(kRelaxed),
            .allocations = allocations,
            .live_allocations = allocations - std::min(releases, allocations)};
}

}  // namespace

std::string_view room_name(Room room) noexcept {
    switch (room) {
        case Room::kOther:
            return "other";
        case Room::kCore:
            return "core";
        case Room::kSimd:
            return "simd";
        case Room::kData:
            return "data";
        case Room::kText:
            return "text";
        case Room::kStorage:
            return "storage";
        case Room::kNn:
            return "nn";
        case Room::kReport:
            return "report";
        case Room::kCli:
            return "cli";
        case Room::kCount:
            break;
    }
    return "other";
}

Room current_room() noexcept {
    return thread_room;
}

RoomScope::RoomScope(Room room) noexcept : previous_(thread_room) {
    thread_room = room;
}
RoomScope::~RoomScope() {
    thread_room = previous_;
}

void enable_memory_accounting(std::uint64_t limit_bytes) noexcept {
    accounts.limit_bytes.store(limit_bytes, kRelaxed);
    accounts.enabled.store(true, kRelaxed);
}

bool memory_accounting_enabled() noexcept {
    return accounts.enabled.load(kRelaxed);
}

MemoryUsage memory_usage() noexcept {
    MemoryUsage usage;
    for (std::size_t i = 0; i < accounts.rooms.size(); ++i) {
        usage.rooms[i] = usage_of(accounts.rooms[i]);
        usage.heap.allocations += usage.rooms[i].allocations;
        usage.heap.live_allocations += usage.rooms[i].live_allocations;
    }
    usage.heap.current_bytes = accounts.heap_bytes.load(kRelaxed);
    usage.heap.peak_bytes = accounts.heap_peak_bytes.load(kRelaxed);
    usage.mapped = usage_of(accounts.mapped);
    usage.peak_bytes = accounts.total_peak_bytes.load(kRelaxed);
    usage.limit_bytes = accounts.limit_bytes.load(kRelaxed);
    return usage;
}

bool account_allocate(std::uint64_t bytes, Room& room) noexcept {
    room = Room::kCount;
    if (!memory_accounting_enabled()) {
        return true;
    }
    if (!reserve(bytes)) {
        return false;
    }
    room = thread_room;
    raise_peak(accounts.heap_peak_bytes, accounts.heap_bytes.fetch_add(bytes, kRelaxed) + bytes);
    add(accounts.rooms[static_cast<std::size_t>(room)], bytes);
    return true;
}

void account_free(std::uint64_t bytes, Room room) noexcept {
    if (room >= Room::kCount) {
        return;
    }
    accounts.heap_bytes.fetch_sub(bytes, kRelaxed);
    subtract(accounts.rooms[static_cast<std::size_t>(room)], bytes);
}

bool account_map(std::uint64_t bytes) noexcept {
    if (!memory_accounting_enabled()) {
        return true;
    }
    if (!reserve(bytes)) {
        return false;
    }
    add(accounts.mapped, bytes);
    return true;
}

void account_unmap(std::uint64_t bytes) noexcept {
    if (memory_accounting_enabled()) {
        subtract(accounts.mapped, bytes);
    }
}

}  // namespace abikit
