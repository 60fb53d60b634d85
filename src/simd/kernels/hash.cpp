// The hash of bytes: short keys in plain code, long ones in stripes, once per instruction set. Read
// abi/simd/bytes.hpp for the contract and reference_bytes.cpp for the definition of the value.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <abi/simd/bytes.hpp>
#include <abi/simd/reference_bytes.hpp>

#include "hash_keys.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/hash.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#ifndef ABI_SIMD_HASH_TYPES
#define ABI_SIMD_HASH_TYPES
namespace abikit::simd {
namespace {
// The eight running sums, and what the seed adds to the keys of each.
struct HashState {
    alignas(kHashStripeBytes) std::uint64_t sums[kHashLanes];
    alignas(kHashStripeBytes) std::uint64_t seeds[kHashLanes];
};
}  // namespace
}  // namespace abikit::simd
#endif  // ABI_SIMD_HASH_TYPES

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE std::uint64_t read_word(const std::uint8_t* p) {
    std::uint64_t word;
    hwy::CopyBytes<8>(p, &word);
    return word;
}

HWY_INLINE void add_stripe(const std::uint8_t* p, const std::uint64_t* keys, HashState& state) {
    for (std::size_t lane = 0; lane < kHashLanes; ++lane) {
        const std::uint64_t word = read_word(p + lane * sizeof(word));
        const std::uint64_t keyed = word ^ keys[lane] ^ state.seeds[lane];
        state.sums[lane] += (keyed & 0xFFFFFFFFU) * (keyed >> 32U);
        state.sums[lane ^ 1U] += word;
    }
}

HWY_INLINE void add_stripes(const std::uint8_t* p, std::size_t count, HashState& state) {
    for (std::size_t stripe = 0; stripe < count; ++stripe) {
        add_stripe(p + stripe * kHashStripeBytes, &kHashKeys.stripes[stripe * kHashLanes], state);
    }
}

HWY_INLINE void stir(HashState& state) {
    for (std::size_t lane = 0; lane < kHashLanes; ++lane) {
        const std::uint64_t sum = state.sums[lane];
        state.sums[lane] = (sum ^ (sum >> 47U) ^ kHashKeys.stir[lane]) * kHashStir;
    }
}
#else
using Words = hn::CappedTag<std::uint64_t, kHashLanes>;
using WordVec = hn::Vec<Words>;

// Products of the low halves of 64-bit lanes.
HWY_INLINE WordVec multiply_low(WordVec a, WordVec b) {
    const hn::Repartition<std::uint32_t, Words> halves;
    return hn::MulEven(hn::BitCast(halves, a), hn::BitCast(halves, b));
}

HWY_INLINE WordVec add_lanes(const std::uint8_t* HWY_RESTRICT p,
                             const std::uint64_t* HWY_RESTRICT keys, WordVec seeds, WordVec sums) {
    const Words d;
    const WordVec word = hn::BitCast(d, hn::LoadU(hn::Repartition<std::uint8_t, Words>(), p));
    const WordVec keyed = hn::Xor(hn::Xor(hn::Load(d, keys), seeds), word);
    const WordVec product = multiply_low(keyed, hn::ShiftRight<32>(keyed));
    return hn::Add(sums, hn::Add(product, hn::Shuffle01(word)));
}

HWY_INLINE void add_stripe(const std::uint8_t* HWY_RESTRICT p,
                           const std::uint64_t* HWY_RESTRICT keys, HashState& state) {
    const Words d;
    for (std::size_t lane = 0; lane < kHashLanes; lane += hn::Lanes(d)) {
        const WordVec seeds = hn::Load(d, state.seeds + lane);
        const WordVec sums = hn::Load(d, state.sums + lane);
        hn::Store(add_lanes(p + lane * sizeof(std::uint64_t), keys + lane, seeds, sums), d,
                  state.sums + lane);
    }
}

// Vector by vector through all stripes of a block, so that sums stay in registers whatever their
// number: the block is in the first-level cache after the first.
HWY_INLINE void add_stripes(const std::uint8_t* HWY_RESTRICT p, std::size_t count,
                            HashState& state) {
    const Words d;
    for (std::size_t lane = 0; lane < kHashLanes; lane += hn::Lanes(d)) {
        const std::uint8_t* HWY_RESTRICT bytes = p + lane * sizeof(std::uint64_t);
        const std::uint64_t* HWY_RESTRICT keys = kHashKeys.stripes.data() + lane;
        const WordVec seeds = hn::Load(d, state.seeds + lane);
        WordVec sums = hn::Load(d, state.sums + lane);
        for (std::size_t stripe = 0; stripe < count; ++stripe) {
            sums = add_lanes(bytes + stripe * kHashStripeBytes, keys + stripe * kHashLanes, seeds,
                             sums);
        }
        hn::Store(sums, d, state.sums + lane);
    }
}

HWY_INLINE void stir(HashState& state) {
    const Words d;
    const WordVec factor = hn::Set(d, kHashStir);
    for (std::size_t lane = 0; lane < kHashLanes; lane += hn::Lanes(d)) {
        const WordVec sums = hn::Load(d, state.sums + lane);
        const WordVec mixed = hn::Xor(hn::Xor(sums, hn::ShiftRight<47>(sums)),
                                      hn::Load(d, kHashKeys.stir.data() + lane));
        const WordVec high = multiply_low(hn::ShiftRight<32>(mixed), factor);
        hn::Store(hn::Add(multiply_low(mixed, factor), hn::ShiftLeft<32>(high)), d,
                  state.sums + lane);
    }
}
#endif  // HWY_TARGET == HWY_SCALAR

void add_all(const std::uint8_t* p, std::size_t size, HashState& state) {
    // The last stripe ends with the input and may repeat bytes of the one before.
    std::size_t stripes = (size - 1) / kHashStripeBytes;
    const std::uint8_t* at = p;
    for (; stripes >= kHashStripesInBlock; stripes -= kHashStripesInBlock) {
        add_stripes(at, kHashStripesInBlock, state);
        stir(state);
        at += kHashBlockBytes;
    }
    add_stripes(at, stripes, state);
    add_stripe(p + size - kHashStripeBytes, kHashKeys.last_stripe.data(), state);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(add_all);

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

HWY_INLINE std::uint64_t read8(const std::uint8_t* p) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof(word));
    return word;
}
HWY_INLINE std::uint64_t read4(const std::uint8_t* p) {
    std::uint32_t word;
    std::memcpy(&word, p, sizeof(word));
    return word;
}

// The halves of the product, and the factors too, so that a factor of zero does not lose the other.
HWY_INLINE std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    std::uint64_t high;
    const std::uint64_t low = hwy::Mul128(a, b, &high);
    return low ^ high ^ a ^ b;
}

HWY_INLINE std::uint64_t finish(std::uint64_t hash) {
    hash = (hash ^ (hash >> 32U)) * kHashKeys.finish[1];
    return hash ^ (hash >> 29U);
}

HWY_INLINE std::uint64_t hash_tiny(const std::uint8_t* p, std::size_t size, std::uint64_t seed) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (size > 8) {
        a = read8(p);
        b = read8(p + size - 8);
    } else if (size >= 4) {
        a = read4(p);
        b = read4(p + size - 4);
    } else if (size > 0) {
        a = p[0] | std::uint64_t{p[size / 2]} << 8U | std::uint64_t{p[size - 1]} << 16U;
    }
    const auto& keys = kHashKeys.finish;
    std::uint64_t high;
    const std::uint64_t low = hwy::Mul128(a ^ keys[2], b ^ seed, &high);
    return fold(low ^ keys[3] ^ size, high ^ keys[4]);
}

HWY_INLINE std::uint64_t hash_short(const std::uint8_t* p, std::size_t size, std::uint64_t seed) {
    const auto& keys = kHashKeys.stripes;
    std::uint64_t hash = seed + size * kHashKeys.finish[0];
    for (std::size_t pair = 0; pair < (size - 1) / 16; ++pair) {
        hash += fold(read8(p + 16 * pair) ^ keys[2 * pair] ^ seed,
                     read8(p + 16 * pair + 8) ^ keys[2 * pair + 1]);
    }
    const auto& last = kHashKeys.last_stripe;
    hash += fold(read8(p + size - 16) ^ last[0] ^ seed, read8(p + size - 8) ^ last[1]);
    return finish(hash);
}

std::uint64_t hash_long(const std::uint8_t* p, std::size_t size, std::uint64_t seed) {
    HashState state;
    for (std::size_t lane = 0; lane < kHashLanes; ++lane) {
        state.seeds[lane] = fold(seed, kHashKeys.sums[lane]);
        state.sums[lane] = kHashKeys.sums[lane] + state.seeds[lane];
    }
    HWY_DYNAMIC_DISPATCH(add_all)(p, size, state);
    std::uint64_t hash = seed + size * kHashKeys.finish[0];
    for (std::size_t lane = 0; lane < kHashLanes; lane += 2) {
        hash += fold(state.sums[lane] ^ kHashKeys.finish[lane],
                     state.sums[lane + 1] ^ kHashKeys.finish[lane + 1]);
    }
    return finish(hash);
}

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
    const auto* p = reinterpret_cast<const std::uint8_t*>(bytes.data());
    const std::uint64_t mixed = fold(seed ^ kHashKeys.finish[5], kHashKeys.finish[6]);
    if (bytes.size() <= 16) {
        return hash_tiny(p, bytes.size(), mixed);
    }
    return bytes.size() <= kHashShortBytes ? hash_short(p, bytes.size(), mixed)
                                           : hash_long(p, bytes.size(), mixed);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
