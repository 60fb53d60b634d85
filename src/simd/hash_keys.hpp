// The numbers that define hash_bytes. They are part of a value that users may store: never change
// them. Read kernels/hash.cpp for the vector form, reference_bytes.cpp for the plain one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace abikit::simd {

inline constexpr std::size_t kHashStripeBytes = 64;
inline constexpr std::size_t kHashLanes = kHashStripeBytes / sizeof(std::uint64_t);
inline constexpr std::size_t kHashStripesInBlock = 16;
inline constexpr std::size_t kHashBlockBytes = kHashStripeBytes * kHashStripesInBlock;
// Longer inputs are hashed in stripes.
inline constexpr std::size_t kHashShortBytes = 256;
// The multiplier that stirs the sums between blocks: odd, and its bits are well mixed.
inline constexpr std::uint32_t kHashStir = 0x9E3779B1U;

// 64-bit words without structure: the output of SplitMix64 (G. Steele, D. Lea, C. Flood, "Fast
// splittable pseudorandom number generators", 2014) from a start of zero.
struct HashKeys {
    std::array<std::uint64_t, kHashStripesInBlock * kHashLanes> stripes{};  // by stripe, then lane
    std::array<std::uint64_t, kHashLanes> stir{};
    std::array<std::uint64_t, kHashLanes> last_stripe{};
    std::array<std::uint64_t, kHashLanes> finish{};
    std::array<std::uint64_t, kHashLanes> sums{};  // the sums before the first stripe
};

namespace detail {
consteval HashKeys make_hash_keys() {
    std::uint64_t state = 0;
    const auto fill = [&state](auto& words) {
        for (std::uint64_t& word : words) {
            state += 0x9E3779B97F4A7C15U;
            word = state;
            word = (word ^ (word >> 30U)) * 0xBF58476D1CE4E5B9U;
            word = (word ^ (word >> 27U)) * 0x94D049BB133111EBU;
            word ^= word >> 31U;
        }
    };
    HashKeys keys;
    fill(keys.stripes);
    fill(keys.stir);
    fill(keys.last_stripe);
    fill(keys.finish);
    fill(keys.sums);
    return keys;
}
}  // namespace detail

alignas(64) inline constexpr HashKeys kHashKeys = detail::make_hash_keys();

}  // namespace abikit::simd
