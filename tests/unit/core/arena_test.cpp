// Arena: alignment, growth, reuse after reset, and what it asks of its upstream.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <new>
#include <string>
#include <vector>

#include <abi/core/arena.hpp>

using namespace abikit;

namespace {

// Counts what is taken and given back; refuses once `budget` is used up.
class CountingResource final : public std::pmr::memory_resource {
public:
    std::size_t live_bytes = 0;
    int allocations = 0;
    std::size_t budget = std::numeric_limits<std::size_t>::max();

private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (bytes > budget - live_bytes) {
            throw std::bad_alloc();
        }
        live_bytes += bytes;
        ++allocations;
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* p, std::size_t bytes, std::size_t alignment) override {
        live_bytes -= bytes;
        std::pmr::new_delete_resource()->deallocate(p, bytes, alignment);
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }
};

bool is_aligned(const void* p, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(p) % alignment == 0;
}

}  // namespace

TEST_SUITE("core/arena") {
    TEST_CASE("takes nothing before it is asked, gives everything back") {
        CountingResource upstream;
        {
            Arena arena(4096, &upstream);
            CHECK(upstream.allocations == 0);
            CHECK(arena.capacity_bytes() == 0);
            CHECK(arena.used_bytes() == 0);
            CHECK(arena.alloc_span<int>(3).size() == 3);
            CHECK(upstream.allocations == 1);
            CHECK(arena.used_bytes() == 3 * sizeof(int));
            for (int i = 0; i < 100; ++i) {
                CHECK(arena.allocate(1000) != nullptr);
            }
            CHECK(arena.capacity_bytes() >= 100000);
        }
        CHECK(upstream.live_bytes == 0);
    }

    TEST_CASE("every alignment, and pieces that do not overlap") {
        Arena arena(2048);
        std::vector<std::span<unsigned char>> pieces;
        for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
            for (const std::size_t size : {std::size_t{1}, std::size_t{63}, std::size_t{700}}) {
                const auto piece = arena.alloc_span<unsigned char>(size, alignment);
                REQUIRE(is_aligned(piece.data(), alignment));
                std::memset(piece.data(), static_cast<int>(pieces.size()), piece.size());
                pieces.push_back(piece);
            }
        }
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            for (const unsigned char byte : pieces[i]) {
                REQUIRE(byte == static_cast<unsigned char>(i));
            }
        }
        CHECK(is_aligned(arena.alloc_span<double>(5, 1).data(), alignof(double)));
        CHECK(is_aligned(arena.alloc_span<float>(5, 64).data(), 64));
    }

    TEST_CASE("reset keeps the largest block and then needs no other") {
        CountingResource upstream;
        Arena arena(1024, &upstream);
        const auto round = [&] {
            for (int i = 0; i < 50; ++i) {
                static_cast<void>(arena.alloc_span<std::uint64_t>(100));
            }
        };
        round();
        const int first_round = upstream.allocations;
        CHECK(first_round > 1);
        arena.reset();
        CHECK(arena.used_bytes() == 0);
        CHECK(arena.capacity_bytes() >= 20000);
        CHECK(arena.capacity_bytes() < upstream.live_bytes + 1);
        round();
        arena.reset();
        const int settled = upstream.allocations;
        for (int i = 0; i < 10; ++i) {
            round();
            arena.reset();
        }
        CHECK(upstream.allocations == settled);
        arena.reset();
        CHECK(arena.used_bytes() == 0);
    }

    TEST_CASE("a request larger than any block gets a block of its own") {
        Arena arena(1024);
        const auto large = arena.alloc_span<std::byte>(1 << 20, 256);
        CHECK(large.size() == 1 << 20);
        CHECK(is_aligned(large.data(), 256));
        std::memset(large.data(), 7, large.size());
        CHECK(arena.alloc_span<int>(0).empty());
    }

    TEST_CASE("sizes that cannot be are refused, and the arena lives on") {
        Arena arena;
        const std::size_t huge = std::numeric_limits<std::size_t>::max();
        CHECK_THROWS_AS(static_cast<void>(arena.alloc_span<int>(huge / 2)),
                        std::bad_array_new_length);
        CHECK_THROWS_AS(static_cast<void>(arena.alloc_span<char>(huge - 8)), std::bad_alloc);
        CHECK(arena.alloc_span<int>(4).size() == 4);
    }

    TEST_CASE("when upstream refuses, what was handed out stays good") {
        CountingResource upstream;
        upstream.budget = 4096;
        Arena arena(1024, &upstream);
        const auto numbers = arena.alloc_span<int>(4);
        numbers[3] = 9;
        CHECK_THROWS_AS(static_cast<void>(arena.alloc_span<char>(100000)), std::bad_alloc);
        CHECK(numbers[3] == 9);
        CHECK(arena.alloc_span<int>(4).size() == 4);
    }

    TEST_CASE("standard containers live in it") {
        Arena arena;
        std::pmr::vector<std::pmr::string> words(&arena);
        for (int i = 0; i < 1000; ++i) {
            words.emplace_back("a word that is too long for the small buffer " + std::to_string(i));
        }
        CHECK(words[999].ends_with(" 999"));
        CHECK(words.get_allocator().resource() == &arena);
        CHECK(arena.is_equal(arena));
        CHECK_FALSE(arena.is_equal(*std::pmr::new_delete_resource()));
    }
}
