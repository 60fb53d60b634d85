// Sums, extremes and moments of float32 arrays, once per instruction set. Read abi/simd/reduce.hpp
// for the contract, reduce-inl.h for the chains of additions.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <abi/simd/reduce.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/reduce_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#include "reduce-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// Values that are looked at together: they stay in the first-level cache.
constexpr std::size_t kBlock = 4096;

double sum_all(const float* x, std::size_t count) {
    return math::sum_terms(Floats(), x, count, math::PlainTerm());
}

// Index of the first NaN, `count` when there is none.
std::size_t first_nan(const float* x, std::size_t count) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
        // A sum of differences is NaN for NaN, but for infinities too, so values are compared.
        const Vec a = hn::LoadU(d, x + i);
        const Vec b = hn::LoadU(d, x + i + lanes);
        const Vec c = hn::LoadU(d, x + i + 2 * lanes);
        const Vec e = hn::LoadU(d, x + i + 3 * lanes);
        const auto numbers =
            hn::And(hn::And(hn::Eq(a, a), hn::Eq(b, b)), hn::And(hn::Eq(c, c), hn::Eq(e, e)));
        if (HWY_UNLIKELY(!hn::AllTrue(d, numbers))) {
            break;
        }
    }
    while (i < count && !std::isnan(x[i])) {
        ++i;
    }
    return i;
}

template <class Extreme>
float extreme_all(const float* x, std::size_t count) {
    float extreme = Extreme::kNone;
    for (std::size_t i = 0; i < count; i += kBlock) {
        const std::size_t n = std::min(kBlock, count - i);
        if (first_nan(x + i, n) < n) {
            return std::numeric_limits<float>::quiet_NaN();
        }
        const float of_block = math::extreme_of<Extreme>(Floats(), x + i, n);
        extreme = hn::GetLane(Extreme::of(hn::Set(Floats(), of_block), hn::Set(Floats(), extreme)));
    }
    return extreme;
}

// The first index of a value that is there.
std::size_t first_equal(const float* x, std::size_t count, float value) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Vec wanted = hn::Set(d, value);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const auto at = hn::FindFirstTrue(d, hn::Eq(hn::LoadU(d, x + i), wanted));
        if (at >= 0) {
            return i + static_cast<std::size_t>(at);
        }
    }
    while (i < count && x[i] != value) {
        ++i;
    }
    return i;
}

// One pass over blocks for the first block with the extreme; then that block once more.
template <class Extreme>
std::size_t index_of_extreme(const float* x, std::size_t count) {
    float extreme = Extreme::kNone;
    std::size_t block = 0;
    for (std::size_t i = 0; i < count; i += kBlock) {
        const std::size_t n = std::min(kBlock, count - i);
        const std::size_t nan = first_nan(x + i, n);
        if (nan < n) {
            return i + nan;
        }
        const float of_block = math::extreme_of<Extreme>(Floats(), x + i, n);
        const float better =
            hn::GetLane(Extreme::of(hn::Set(Floats(), of_block), hn::Set(Floats(), extreme)));
        if (better != extreme) {
            extreme = better;
            block = i;
        }
    }
    return block + first_equal(x + block, std::min(kBlock, count - block), extreme);
}

float minimum_all(const float* x, std::size_t count) {
    return extreme_all<math::Least>(x, count);
}
float maximum_all(const float* x, std::size_t count) {
    return extreme_all<math::Greatest>(x, count);
}
std::size_t index_of_minimum_all(const float* x, std::size_t count) {
    return index_of_extreme<math::Least>(x, count);
}
std::size_t index_of_maximum_all(const float* x, std::size_t count) {
    return index_of_extreme<math::Greatest>(x, count);
}

Moments moments_all(const float* x, std::size_t count) {
    const Floats d;
    double mean = 0.0;
    double squares = 0.0;  // of deviations from the mean
    for (std::size_t i = 0; i < count; i += kBlock) {
        const std::size_t n = std::min(kBlock, count - i);
        const double size = static_cast<double>(n);
        const float centre =
            static_cast<float>(math::sum_terms(d, x + i, n, math::PlainTerm()) / size);
        const double shift = math::sum_terms(d, x + i, n, math::DeviationTerm{centre}) / size;
        const double of_block =
            math::sum_terms(d, x + i, n, math::SquaredDeviationTerm{centre}) - shift * shift * size;
        const double before = static_cast<double>(i);
        const double apart = static_cast<double>(centre) + shift - mean;
        mean += apart * size / (before + size);
        squares += std::max(of_block, 0.0) + apart * apart * (before * size / (before + size));
    }
    return {mean, count == 0 ? 0.0 : squares / static_cast<double>(count)};
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(sum_all);
HWY_EXPORT(minimum_all);
HWY_EXPORT(maximum_all);
HWY_EXPORT(index_of_minimum_all);
HWY_EXPORT(index_of_maximum_all);
HWY_EXPORT(moments_all);
}  // namespace

double sum(const float* x, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(sum_all)(x, count);
}

float minimum(const float* x, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(minimum_all)(x, count);
}

float maximum(const float* x, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(maximum_all)(x, count);
}

std::size_t index_of_minimum(const float* x, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(index_of_minimum_all)(x, count);
}

std::size_t index_of_maximum(const float* x, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(index_of_maximum_all)(x, count);
}

Moments mean_and_variance(const float* x, std::size_t count) noexcept {
    return HWY_DYNAMIC_DISPATCH(moments_all)(x, count);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
