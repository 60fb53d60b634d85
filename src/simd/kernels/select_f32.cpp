// Scans over float32 values: the first one that is not finite, and the indices of those not above a
// threshold. Read abi/simd/distance.hpp for the contract, topk.cpp for the main user.
#include <cstddef>
#include <cstdint>
#include <limits>

#include <abi/core/error.hpp>
#include <abi/simd/distance.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/select_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Ints = hn::RebindToSigned<Floats>;
using Indices = hn::RebindToUnsigned<Floats>;

// Without its sign, every bit pattern above this one is an infinity or a NaN.
constexpr std::int32_t kMagnitudeBits = 0x7fffffff;
constexpr std::int32_t kLargestFinite = 0x7f7fffff;

HWY_INLINE bool is_finite(float value) {
    std::int32_t bits;
    hwy::CopySameSize(&value, &bits);
    return (bits & kMagnitudeBits) <= kLargestFinite;
}

HWY_INLINE hn::Vec<Ints> magnitude(const float* p) {
    const Ints d;
    const auto bits = hn::BitCast(d, hn::LoadU(Floats(), p));
    return hn::And(bits, hn::Set(d, kMagnitudeBits));
}

// Integer maxima of four vectors at a time; only a group with a hit is searched one by one.
std::size_t find_non_finite(const float* values, std::size_t count) {
    const Ints d;
    const std::size_t lanes = hn::Lanes(d);
    const auto limit = hn::Set(d, kLargestFinite);
    std::size_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
        const float* p = values + i;
        const auto a = hn::Max(magnitude(p), magnitude(p + lanes));
        const auto b = hn::Max(magnitude(p + 2 * lanes), magnitude(p + 3 * lanes));
        if (HWY_UNLIKELY(!hn::AllFalse(d, hn::Gt(hn::Max(a, b), limit)))) {
            break;
        }
    }
    while (i < count && is_finite(values[i])) {
        ++i;
    }
    return i;
}

// Appends the indices of the set lanes. The whole vector is stored: `selected` never exceeds
// `first`, so it ends inside the room that the caller gives for every index.
HWY_INLINE std::size_t append(hn::Mask<Floats> mask, std::size_t first, std::uint32_t* out,
                              std::size_t selected) {
    const Indices d;
    const auto indices = hn::Iota(d, static_cast<std::uint32_t>(first));
    // Compress and a plain store: compressing straight to memory is microcoded on some processors.
    hn::StoreU(hn::Compress(indices, hn::RebindMask(d, mask)), d, out + selected);
    return selected + hn::CountTrue(Floats(), mask);
}

// Vectors that share one branch: half a kilobyte, or less for short vectors.
constexpr std::size_t kGroup = hn::MaxLanes(Floats()) >= 16 ? 8 : 16;

// The least of a group, lane by lane; values come first, because where one of them is NaN, x86
// keeps the other.
HWY_INLINE hn::Vec<Floats> least_of_group(const float* HWY_RESTRICT p) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    auto a = hn::Set(d, std::numeric_limits<float>::infinity());
    auto b = a;
    HWY_UNROLL(8)
    for (std::size_t i = 0; i < kGroup; i += 2) {
        a = hn::Min(hn::LoadU(d, p + i * lanes), a);
        b = hn::Min(hn::LoadU(d, p + (i + 1) * lanes), b);
    }
    return hn::Min(a, b);
}

// One minimum and one branch for a group, since few hold a value that passes: what the loop does
// beside loading decides how far ahead of a cache miss the processor can look.
std::size_t find_not_above(const float* HWY_RESTRICT values, std::size_t count, float threshold,
                           std::uint32_t* HWY_RESTRICT out) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const auto limit = hn::Set(d, threshold);
    std::size_t selected = 0;
    std::size_t i = 0;
    for (; i + kGroup * lanes <= count; i += kGroup * lanes) {
        if (HWY_LIKELY(hn::AllFalse(d, hn::Le(least_of_group(values + i), limit)))) {
            continue;
        }
        for (std::size_t j = i; j < i + kGroup * lanes; j += lanes) {
            const auto passes = hn::Le(hn::LoadU(d, values + j), limit);
            if (!hn::AllFalse(d, passes)) {
                selected = append(passes, j, out, selected);
            }
        }
    }
    for (; i < count; ++i) {
        if (values[i] <= threshold) {
            out[selected++] = static_cast<std::uint32_t>(i);
        }
    }
    return selected;
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(find_non_finite);
HWY_EXPORT(find_not_above);
}  // namespace

std::size_t first_non_finite(const float* values, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(find_non_finite)(values, count);
}

std::size_t select_not_above(const float* values, std::size_t count, float threshold,
                             std::uint32_t* out) noexcept {
    ABI_ASSERT(count <= UINT32_MAX);
    return HWY_DYNAMIC_DISPATCH(find_not_above)(values, count, threshold, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
