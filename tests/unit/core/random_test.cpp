// The seeded generator against independently computed numbers, and its distributions.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include <abi/core/random.hpp>
#include <abi/core/stats.hpp>

using namespace abikit;

TEST_SUITE("core/random") {
    TEST_CASE("splitmix64 gives the published numbers") {
        std::uint64_t state = 1234567;
        CHECK(splitmix64(state) == 6457827717110365317U);
        CHECK(splitmix64(state) == 3203168211198807973U);
        CHECK(splitmix64(state) == 9817491932198370423U);
    }

    TEST_CASE("the numbers of a seed never change") {
        Random zero(0);
        CHECK(zero() == 0x99ec5f36cb75f2b4);
        CHECK(zero() == 0xbf6e1f784956452a);
        CHECK(zero() == 0x1a5f849d4933e6e0);
        Random seeded(42);
        CHECK(seeded.next_u64() == 0x15780b2e0c2ec716);
        CHECK(seeded.next_u64() == 0x6104d9866d113a7e);
        Random stream(42, 7);
        CHECK(stream.next_u64() == 0x11a904479c05b3da);
        CHECK(stream.next_u64() == 0xcffd69429302c462);
        CHECK(Random(42, 0)() == Random(42)());
    }

    TEST_CASE("normal numbers never change and are those of the plain formula") {
        // Computed with Python's logarithm, which may differ in the last bit.
        Random random(42);
        for (const double expected :
             {-0.7262191382447857, -0.21119691823195985, 0.2216227015035933, 0.5227716877560146,
              0.46417731016247366, 0.7409788916865562, 1.476249461018415, 0.47075911993601033}) {
            CHECK(std::abs(random.normal() - expected) < 4e-16);
        }
        // To the last bit: what one machine gives, all must give.
        std::uint64_t digest = 0;
        for (int i = 0; i < 1000; ++i) {
            digest = std::rotl(digest, 1) ^ std::bit_cast<std::uint64_t>(random.normal());
        }
        CHECK(digest == 11903780666430616271U);
    }

    TEST_CASE("bounded numbers are in range and unbiased") {
        Random random(7);
        for (const std::uint64_t bound :
             {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{1000}, (std::uint64_t{1} << 63) + 1,
              std::numeric_limits<std::uint64_t>::max()}) {
            for (int i = 0; i < 200; ++i) {
                REQUIRE(random.below(bound) < bound);
            }
        }
        // Chi-squared with 5 degrees of freedom; 20.5 is the 99.9th percentile, the seed is fixed.
        std::array<int, 6> counts{};
        constexpr int kDraws = 60000;
        for (int i = 0; i < kDraws; ++i) {
            ++counts[static_cast<std::size_t>(random.below(6))];
        }
        double chi_squared = 0;
        for (const int count : counts) {
            chi_squared += std::pow(count - kDraws / 6.0, 2) / (kDraws / 6.0);
        }
        CHECK(chi_squared < 20.5);
        // With 3 * 2^62 a generator that merely multiplies hits every third value twice as often.
        const std::uint64_t bound = std::uint64_t{3} << 62;
        int low_third = 0;
        for (int i = 0; i < 30000; ++i) {
            low_third += random.below(bound) % 3 == 0 ? 1 : 0;
        }
        CHECK(std::abs(low_third - 10000) < 410);  // five standard deviations
    }

    TEST_CASE("between includes both ends and the whole range") {
        Random random(1);
        std::map<std::int64_t, int> seen;
        for (int i = 0; i < 1000; ++i) {
            ++seen[random.between(-2, 2)];
        }
        CHECK(seen.size() == 5);
        CHECK(seen.begin()->first == -2);
        CHECK(seen.rbegin()->first == 2);
        CHECK(random.between(9, 9) == 9);
        bool negative = false;
        bool positive = false;
        for (int i = 0; i < 100; ++i) {
            const std::int64_t value = random.between(std::numeric_limits<std::int64_t>::min(),
                                                      std::numeric_limits<std::int64_t>::max());
            negative = negative || value < 0;
            positive = positive || value > 0;
        }
        CHECK(negative);
        CHECK(positive);
    }

    TEST_CASE("uniform and normal numbers have the right moments") {
        Random random(99);
        RunningStats uniform;
        RunningStats normal;
        constexpr int kDraws = 100000;
        int beyond_two = 0;
        for (int i = 0; i < kDraws; ++i) {
            uniform.add(random.uniform());
            const double value = random.normal();
            normal.add(value);
            beyond_two += std::abs(value) > 2 ? 1 : 0;
        }
        CHECK(uniform.min() >= 0);
        CHECK(uniform.max() < 1);
        CHECK(std::abs(uniform.mean() - 0.5) < 0.005);
        CHECK(std::abs(uniform.variance() - 1.0 / 12) < 0.002);
        CHECK(std::abs(normal.mean()) < 0.016);
        CHECK(std::abs(normal.variance() - 1) < 0.023);
        CHECK(std::abs(beyond_two - 4550) < 330);
    }

    TEST_CASE("chance keeps to its ends") {
        Random random(5);
        int hits = 0;
        for (int i = 0; i < 1000; ++i) {
            REQUIRE_FALSE(random.chance(0));
            REQUIRE(random.chance(1));
            hits += random.chance(0.25) ? 1 : 0;
        }
        CHECK(std::abs(hits - 250) < 70);
    }

    TEST_CASE("shuffle gives each order equally often") {
        Random random(12);
        std::map<std::string, int> orders;
        constexpr int kRounds = 24000;
        for (int i = 0; i < kRounds; ++i) {
            std::string letters = "abcd";
            random.shuffle(std::span(letters));
            ++orders[letters];
        }
        CHECK(orders.size() == 24);
        for (const auto& [order, count] : orders) {
            CHECK_MESSAGE(std::abs(count - 1000) < 155, order);
        }
        std::vector<int> none;
        random.shuffle(std::span(none));
        CHECK(none.empty());
    }

    TEST_CASE("streams of a seed differ") {
        std::vector<std::uint64_t> firsts;
        for (std::uint64_t stream = 0; stream < 1000; ++stream) {
            firsts.push_back(Random(1, stream)());
        }
        std::sort(firsts.begin(), firsts.end());
        CHECK(std::adjacent_find(firsts.begin(), firsts.end()) == firsts.end());
    }

    TEST_CASE("secure bytes fill all of the span and nothing else") {
        std::vector<std::byte> bytes(5000 + 2, std::byte{0});
        REQUIRE(fill_secure(std::span(bytes).subspan(1, 5000)));
        CHECK(bytes.front() == std::byte{0});
        CHECK(bytes.back() == std::byte{0});
        std::array<int, 256> counts{};
        for (const std::byte byte : std::span(bytes).subspan(1, 5000)) {
            ++counts[std::to_integer<std::size_t>(byte)];
        }
        // About 20 each; 70 would be eleven standard deviations away.
        CHECK(*std::max_element(counts.begin(), counts.end()) < 70);
        CHECK(fill_secure({}));
    }
}
