// The hash: its value, which is a format, and its quality.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <abi/simd/bytes.hpp>
#include <abi/simd/reference_bytes.hpp>

#include "support.hpp"

namespace abikit::simd::test {
namespace {

std::string counting_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<char>(i * 7 + i / 256);
    }
    return bytes;
}

std::string key_of(std::uint64_t number, std::size_t size) {
    std::string key(size, '\0');
    for (std::size_t i = 0; i < size && i < 8; ++i) {
        key[i] = static_cast<char>(number >> (8 * i));
    }
    return key;
}

// Pairs of equal values among the 64 bits, the upper half and the lower half. Random values of h
// bits have n^2 / 2^(h+1) such pairs on average, with a deviation of its root.
void check_collisions(std::vector<std::uint64_t> hashes) {
    const double count = static_cast<double>(hashes.size());
    const auto pairs = [](std::vector<std::uint64_t> values) {
        std::sort(values.begin(), values.end());
        std::size_t equal = 0;
        for (std::size_t i = 1; i < values.size(); ++i) {
            equal += values[i] == values[i - 1] ? 1 : 0;
        }
        return static_cast<double>(equal);
    };
    CHECK(pairs(hashes) == 0);
    const double expected = count * count / std::exp2(33.0);
    for (const unsigned shift : {0U, 32U}) {
        std::vector<std::uint64_t> halves = hashes;
        for (std::uint64_t& half : halves) {
            half = (half >> shift) & 0xFFFFFFFFU;
        }
        CHECK(pairs(std::move(halves)) <= expected + 6 * std::sqrt(expected) + 3);
    }
    // Chi-squared of 1024 buckets by the low and by the high bits: mean 1023, deviation 45.
    for (const unsigned shift : {0U, 54U}) {
        std::vector<double> buckets(1024);
        for (const std::uint64_t hash : hashes) {
            buckets[hash >> shift & 1023U] += 1.0;
        }
        const double even = count / 1024.0;
        double chi_squared = 0.0;
        for (const double bucket : buckets) {
            chi_squared += (bucket - even) * (bucket - even) / even;
        }
        CHECK(chi_squared < 1023 + 6 * 45.3);
    }
}

// Flips each bit of keys and of the seed: each bit of the value must change for about half of them.
double worst_bias(std::size_t size, std::size_t rounds, std::size_t stride) {
    std::mt19937_64 random(size);
    double worst = 0.0;
    for (std::size_t bit = 0; bit < 8 * size + 64; bit += stride) {
        std::size_t changes[64] = {};
        for (std::size_t round = 0; round < rounds; ++round) {
            std::string key(size, '\0');
            std::generate(key.begin(), key.end(), [&] { return static_cast<char>(random()); });
            std::uint64_t seed = random();
            const std::uint64_t before = hash_bytes(key, seed);
            if (bit < 8 * size) {
                key[bit / 8] = static_cast<char>(key[bit / 8] ^ (1 << bit % 8));
            } else {
                seed ^= std::uint64_t{1} << (bit - 8 * size);
            }
            for (std::uint64_t rest = before ^ hash_bytes(key, seed); rest != 0; rest &= rest - 1) {
                ++changes[std::countr_zero(rest)];
            }
        }
        for (const std::size_t changed : changes) {
            const double share = static_cast<double>(changed) / static_cast<double>(rounds);
            worst = std::max(worst, std::abs(share - 0.5));
        }
    }
    return worst;
}

}  // namespace

TEST_SUITE("simd") {
    TEST_CASE("hash values are a format: they never change") {
        struct Known {
            std::size_t size;
            std::uint64_t seed;
            std::uint64_t hash;
        };
        static constexpr Known kKnown[] = {
            {0, 0x0, 0xF467D725440D099FU},
            {1, 0x1, 0x7DD68FD622A3D67AU},
            {3, 0x0, 0x23C0551AADC5F8F2U},
            {4, 0x1, 0xA5C855D54D4065DFU},
            {7, 0x1, 0xD86298530ECEA9A0U},
            {8, 0x123456789ABCDEF, 0x04189E37A04A17D7U},
            {9, 0x0, 0xF1721074C2B1E8DEU},
            {16, 0x1, 0x2BEF9AA52C8427C8U},
            {17, 0x123456789ABCDEF, 0xEEE437EA078012CBU},
            {32, 0x123456789ABCDEF, 0x06EA345E2073C790U},
            {33, 0x0, 0xE6380522C4E5C9DFU},
            {64, 0x1, 0x86F1F9AC887986F5U},
            {255, 0x0, 0xFAD3B3972B967E57U},
            {256, 0x1, 0xE0524246B0E89B1DU},
            {257, 0x123456789ABCDEF, 0xADBC325FB0012356U},
            {320, 0x123456789ABCDEF, 0x2AD91BC00259790AU},
            {321, 0x0, 0x18895A2180AA284AU},
            {1024, 0x1, 0xF5ED12E1339EA354U},
            {1025, 0x123456789ABCDEF, 0xA359C5BBF8EA2CA7U},
            {1088, 0x123456789ABCDEF, 0x67ED3108232667F8U},
            {1089, 0x0, 0xA18F0B652F0DD6C1U},
            {5000, 0x123456789ABCDEF, 0xE78DC3EC97F8465DU},
        };
        on_every_target([&] {
            for (const Known& known : kKnown) {
                CAPTURE(known.size);
                CHECK(hash_bytes(counting_bytes(known.size), known.seed) == known.hash);
                CHECK(reference::hash_bytes(counting_bytes(known.size), known.seed) == known.hash);
            }
        });
    }

    TEST_CASE("the hash does not depend on where the bytes lie") {
        for (const std::size_t size : {3, 15, 100, 257, 1500}) {
            const std::string bytes = counting_bytes(size);
            for (std::size_t offset = 0; offset < 64; ++offset) {
                Buffer<char> moved(size, offset);
                std::copy(bytes.begin(), bytes.end(), moved.data());
                CHECK(hash_bytes({moved.data(), size}, 5) == hash_bytes(bytes, 5));
            }
        }
    }

    TEST_CASE("each bit of key and seed changes each bit of the hash in half of the cases") {
        // 6 standard deviations of 1000 tosses, over some 10^5 pairs of bits.
        constexpr double kBound = 6 * 0.5 / 31.6;
        for (const std::size_t size : {1, 2, 3, 4, 7, 8, 9, 13, 16, 17, 31, 33, 64}) {
            CAPTURE(size);
            CHECK(worst_bias(size, 1000, 1 + size / 8) < kBound);
        }
        for (const std::size_t size : {255, 256, 257, 320, 1024, 1500, 4100}) {
            CAPTURE(size);
            CHECK(worst_bias(size, 1000, size / 8 + 3) < kBound);
        }
    }

    TEST_CASE("keys that follow a pattern do not collide") {
        constexpr std::uint64_t kKeys = 200'000;
        for (const std::size_t size : {4, 8, 12, 16, 24, 100, 300}) {
            CAPTURE(size);
            std::vector<std::uint64_t> low;
            std::vector<std::uint64_t> high;
            for (std::uint64_t i = 0; i < kKeys; ++i) {
                low.push_back(hash_bytes(key_of(i, size)));
                high.push_back(hash_bytes(key_of(std::byteswap(i) >> (size < 8 ? 32U : 0U), size)));
            }
            check_collisions(std::move(low));
            check_collisions(std::move(high));
        }
    }

    TEST_CASE("seeds in a row, short strings and runs of one byte do not collide") {
        std::vector<std::uint64_t> seeds;
        for (std::uint64_t seed = 0; seed < 200'000; ++seed) {
            seeds.push_back(hash_bytes("key", seed));
        }
        check_collisions(std::move(seeds));
        std::vector<std::uint64_t> strings;
        for (int a = 'a'; a <= 'z'; ++a) {
            for (int b = 'a'; b <= 'z'; ++b) {
                for (int c = 'a'; c <= 'z'; ++c) {
                    for (const std::string_view prefix :
                         {"", "a", "id-", "user:", "/usr/share/doc/"}) {
                        std::string key(prefix);
                        key.append(
                            {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)});
                        strings.push_back(hash_bytes(key));
                    }
                }
            }
        }
        std::sort(strings.begin(), strings.end());
        // "a" + "bcd" does not occur twice: prefixed strings are longer than bare ones.
        check_collisions(std::move(strings));
        std::vector<std::uint64_t> runs;
        for (std::size_t size = 0; size < 2000; ++size) {
            runs.push_back(hash_bytes(std::string(size, '\0')));
            runs.push_back(hash_bytes(std::string(size + 1, '\xFF')));
        }
        check_collisions(std::move(runs));
    }

    TEST_CASE("long keys with one or two bits set do not collide") {
        for (const std::size_t size : {64, 256, 300, 1100}) {
            CAPTURE(size);
            std::vector<std::uint64_t> hashes;
            std::string key(size, '\0');
            const auto flip = [&key](std::size_t bit) {
                key[bit / 8] = static_cast<char>(key[bit / 8] ^ (1 << bit % 8));
            };
            const std::size_t step = 1 + 8 * size / 512;
            for (std::size_t first = 0; first < 8 * size; first += step) {
                flip(first);
                hashes.push_back(hash_bytes(key));
                for (std::size_t second = first + step; second < 8 * size; second += step) {
                    flip(second);
                    hashes.push_back(hash_bytes(key));
                    flip(second);
                }
                flip(first);
            }
            check_collisions(std::move(hashes));
        }
    }

    TEST_CASE("stripes that change places change the hash") {
        std::mt19937_64 random(1);
        std::string bytes(3000, '\0');
        std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<char>(random()); });
        std::vector<std::uint64_t> hashes = {hash_bytes(bytes)};
        for (std::size_t a = 0; a + 64 <= 2900; a += 64) {
            for (std::size_t b = a + 64; b + 64 <= 2900; b += 64) {
                std::string swapped = bytes;
                std::swap_ranges(&swapped[a], &swapped[a] + 64, &swapped[b]);
                hashes.push_back(hash_bytes(swapped));
            }
        }
        check_collisions(std::move(hashes));
    }
}

}  // namespace abikit::simd::test
