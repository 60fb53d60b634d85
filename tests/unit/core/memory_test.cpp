// Memory accounting: counts by room, the limit, and that threads cannot pass it together. The
// accounts are one for the process and stay on, so every check is of differences.
#include <doctest/doctest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <abi/core/memory.hpp>

using namespace abikit;

namespace {

RoomUsage usage_of(Room room) {
    return memory_usage().rooms[static_cast<std::size_t>(room)];
}

std::uint64_t total_bytes() {
    const MemoryUsage usage = memory_usage();
    return usage.heap.current_bytes + usage.mapped.current_bytes;
}

}  // namespace

TEST_SUITE("core/memory") {
    TEST_CASE("room names are distinct") {
        std::set<std::string_view> names;
        for (std::size_t i = 0; i < static_cast<std::size_t>(Room::kCount); ++i) {
            names.insert(room_name(static_cast<Room>(i)));
        }
        CHECK(names.size() == static_cast<std::size_t>(Room::kCount));
        CHECK(room_name(Room::kStorage) == "storage");
        CHECK(room_name(Room::kCount) == "other");
    }

    TEST_CASE("scopes nest and belong to their thread") {
        CHECK(current_room() == Room::kOther);
        const RoomScope outer(Room::kData);
        {
            const RoomScope inner(Room::kText);
            CHECK(current_room() == Room::kText);
            Room elsewhere = Room::kCount;
            std::thread([&] { elsewhere = current_room(); }).join();
            CHECK(elsewhere == Room::kOther);
        }
        CHECK(current_room() == Room::kData);
    }

    // The first case that turns accounting on; doctest runs cases of a file in order, and this
    // checks for itself whether another came first.
    TEST_CASE("off, nothing is counted") {
        if (!memory_accounting_enabled()) {
            Room room = Room::kText;
            CHECK(account_allocate(1000, room));
            CHECK(room == Room::kCount);
            CHECK(account_map(1000));
            CHECK(memory_usage().heap.allocations == 0);
            CHECK(memory_usage().mapped.current_bytes == 0);
            account_unmap(1000);
            account_free(1000, room);
            CHECK(memory_usage().heap.current_bytes == 0);
            CHECK(memory_usage().mapped.current_bytes == 0);
        }
    }

    TEST_CASE("on, the room of the thread is charged") {
        enable_memory_accounting(0);
        CHECK(memory_accounting_enabled());
        const RoomUsage before = usage_of(Room::kStorage);
        const MemoryUsage all_before = memory_usage();
        Room room = Room::kCount;
        {
            const RoomScope scope(Room::kStorage);
            REQUIRE(account_allocate(4096, room));
        }
        CHECK(room == Room::kStorage);
        const RoomUsage during = usage_of(Room::kStorage);
        CHECK(during.current_bytes == before.current_bytes + 4096);
        CHECK(during.allocations == before.allocations + 1);
        CHECK(during.live_allocations == before.live_allocations + 1);
        CHECK(during.peak_bytes >= during.current_bytes);
        CHECK(memory_usage().heap.current_bytes == all_before.heap.current_bytes + 4096);
        CHECK(memory_usage().heap.allocations == all_before.heap.allocations + 1);
        CHECK(memory_usage().peak_bytes >= 4096);
        account_free(4096, room);
        const RoomUsage after = usage_of(Room::kStorage);
        CHECK(after.current_bytes == before.current_bytes);
        CHECK(after.live_allocations == before.live_allocations);
        CHECK(after.allocations == before.allocations + 1);
        CHECK(after.peak_bytes == during.peak_bytes);
        account_free(99, Room::kCount);  // never counted
        CHECK(memory_usage().heap.current_bytes == all_before.heap.current_bytes);
    }

    TEST_CASE("mapped bytes are counted apart and share the limit") {
        const std::uint64_t base = total_bytes();
        const std::uint64_t mapped = memory_usage().mapped.current_bytes;
        enable_memory_accounting(base + 1000);
        CHECK(memory_usage().limit_bytes == base + 1000);
        REQUIRE(account_map(600));
        CHECK(memory_usage().mapped.current_bytes == mapped + 600);
        Room room = Room::kCount;
        CHECK_FALSE(account_allocate(401, room));
        CHECK(room == Room::kCount);
        CHECK_FALSE(account_map(401));
        CHECK_FALSE(account_allocate(~std::uint64_t{0}, room));
        CHECK(total_bytes() == base + 600);
        REQUIRE(account_allocate(400, room));
        CHECK(total_bytes() == base + 1000);
        CHECK_FALSE(account_map(1));
        account_free(400, room);
        account_unmap(600);
        CHECK(total_bytes() == base);
        enable_memory_accounting(0);
    }

    TEST_CASE(
        "threads together never pass the limit, and small requests are not refused for large") {
        const std::uint64_t base = total_bytes();
        constexpr std::uint64_t kLimit = 10000;
        enable_memory_accounting(base + kLimit);
        std::atomic<std::uint64_t> held{0};
        std::atomic<int> overshoots{0};
        std::atomic<int> wrong_refusals{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t) {
            threads.emplace_back([&] {
                for (int i = 0; i < 5000; ++i) {
                    Room room = Room::kCount;
                    if (!account_allocate(3000, room)) {
                        // Three threads hold at most 9000 bytes: refusing would be wrong.
                        wrong_refusals.fetch_add(1);
                        continue;
                    }
                    overshoots.fetch_add(held.fetch_add(3000) + 3000 > kLimit ? 1 : 0);
                    held.fetch_sub(3000);
                    account_free(3000, room);
                }
            });
        }
        threads.emplace_back([&] {
            for (int i = 0; i < 5000; ++i) {
                Room room = Room::kCount;
                if (account_allocate(kLimit + 1, room)) {
                    overshoots.fetch_add(1);
                    account_free(kLimit + 1, room);
                }
            }
        });
        for (std::thread& thread : threads) {
            thread.join();
        }
        CHECK(overshoots.load() == 0);
        CHECK(wrong_refusals.load() == 0);
        CHECK(total_bytes() == base);
        enable_memory_accounting(0);
    }

    TEST_CASE("counts of many threads add up") {
        const RoomUsage before = usage_of(Room::kNn);
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([] {
                const RoomScope scope(Room::kNn);
                for (int i = 0; i < 10000; ++i) {
                    Room room = Room::kCount;
                    static_cast<void>(account_allocate(16, room));
                    if (i % 2 == 0) {
                        account_free(16, room);
                    }
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        const RoomUsage after = usage_of(Room::kNn);
        CHECK(after.allocations == before.allocations + 40000);
        CHECK(after.live_allocations == before.live_allocations + 20000);
        CHECK(after.current_bytes == before.current_bytes + 20000 * 16);
        for (int i = 0; i < 20000; ++i) {
            account_free(16, Room::kNn);
        }
        CHECK(usage_of(Room::kNn).current_bytes == before.current_bytes);
    }
}
