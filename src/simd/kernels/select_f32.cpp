// Scans over float32 values: the first one that is not finite, and the indices of those not above a
// threshold. Read abi/simd/distance.hpp for the contract, topk.cpp for the main user.
#include <cstddef>
#include <cstdint>

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

std::size_t find_not_above(const float* HWY_RESTRICT values, std::size_t count, float threshold,
                           std::uint32_t* HWY_RESTRICT out) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const auto limit = hn::Set(d, threshold);
    std::size_t selected = 0;
    std::size_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
        const auto v0 = hn::LoadU(d, values + i);
        const auto v1 = hn::LoadU(d, values + i + lanes);
        const auto v2 = hn::LoadU(d, values + i + 2 * lanes);
        const auto v3 = hn::LoadU(d, values + i + 3 * lanes);
        const auto m0 = hn::Le(v0, limit);
        const auto m1 = hn::Le(v1, limit);
        const auto m2 = hn::Le(v2, limit);
        const auto m3 = hn::Le(v3, limit);
        if (HWY_LIKELY(hn::AllFalse(d, hn::Or(hn::Or(m0, m1), hn::Or(m2, m3))))) {
            continue;
        }
        selected = append(m0, i, out, selected);
        selected = append(m1, i + lanes, out, selected);
        selected = append(m2, i + 2 * lanes, out, selected);
        selected = append(m3, i + 3 * lanes, out, selected);
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
