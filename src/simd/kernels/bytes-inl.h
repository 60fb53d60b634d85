// What the byte kernels share: 64 bytes at a time as a word of 64 bits, whatever the vectors'
// width. Included once for each target. Read bytes.cpp for the first user.
// clang-format off
#if defined(ABI_SIMD_BYTES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef ABI_SIMD_BYTES_INL_H
#undef ABI_SIMD_BYTES_INL_H
#else
#define ABI_SIMD_BYTES_INL_H
#endif
// clang-format on

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <hwy/highway.h>

// Plain code has no blocks of 16 bytes to look up in; there the reference serves.
#if HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::CappedTag<std::uint8_t, 64>;
using ByteVec = hn::Vec<Bytes>;
using ByteMask = hn::Mask<Bytes>;

constexpr std::size_t kBlock = 64;

static_assert(std::endian::native == std::endian::little,
              "StoreMaskBits writes the low byte first");

// Bit i of the result is lane i. Stored in exactly the width of the mask, which compilers then keep
// in registers.
HWY_INLINE std::uint64_t bits_of(ByteMask mask) {
    const Bytes d;
#if HWY_HAVE_SCALABLE
    std::uint64_t bits = 0;
    hn::StoreMaskBits(d, mask, reinterpret_cast<std::uint8_t*>(&bits));
    return bits;
#else
    alignas(8) std::uint8_t stored[8];
    hn::StoreMaskBits(d, mask, stored);
    if constexpr (hn::MaxLanes(d) == 64) {
        std::uint64_t bits;
        hwy::CopyBytes<8>(stored, &bits);
        return bits;
    } else if constexpr (hn::MaxLanes(d) == 32) {
        std::uint32_t bits;
        hwy::CopyBytes<4>(stored, &bits);
        return bits;
    } else {
        std::uint16_t bits;
        hwy::CopyBytes<2>(stored, &bits);
        return bits;
    }
#endif
}

// The lowest `count` bits, 0 to 63 of them.
HWY_INLINE std::uint64_t low_bits(std::size_t count) {
    return (std::uint64_t{1} << count) - 1;
}

// 64 readable bytes whose bits, shifted right by `drop`, begin with those of the last `rest` bytes
// of [p, p + size), 0 < rest < 64: either they are the end of the whole, or a copy in `padded`.
struct LastBlock {
    const std::uint8_t* p;
    std::size_t drop;
};
HWY_INLINE LastBlock last_block(const std::uint8_t* p, std::size_t size, std::size_t rest,
                                std::uint8_t* HWY_RESTRICT padded) {
    if (size >= kBlock) {
        return {p + size - kBlock, kBlock - rest};
    }
    std::copy_n(p + size - rest, rest, padded);
    return {padded, 0};
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // HWY_TARGET != HWY_SCALAR

#endif  // ABI_SIMD_BYTES_INL_H
