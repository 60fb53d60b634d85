// Softmax and norms of rows, once per instruction set. Read abi/simd/normalize.hpp for the
// contract.
//
// A row is read from memory once and then worked on in the cache, two or three times over, while
// the next row is fetched. Outputs far larger than the caches are written past them. Softmax keeps
// the exponentials of a row on the stack until their sum is known.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <abi/simd/normalize.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/normalize_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

#include "math-inl.h"
#include "reduce-inl.h"
#include "transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// Longer rows are written to the output first and read again from there.
constexpr std::size_t kStackFloats = 16384;
// Outputs from this size on go past the caches, unless they replace the input, whose lines are
// there already. Half of a large last-level cache.
constexpr std::size_t kPastCachesBytes = std::size_t{16} << 20;

HWY_INLINE bool goes_past_caches(const float* x, const float* out, std::size_t rows,
                                 std::size_t cols) {
    return out != x && rows * cols * sizeof(float) >= kPastCachesBytes;
}

template <class Op, class... Inputs>
HWY_INLINE void write_row(bool past_caches, const Op& op, std::size_t cols, float* out,
                          const Inputs*... in) {
    if (past_caches) {
        math::transform_past_caches(Floats(), op, cols, out, in...);
    } else {
        math::transform(Floats(), op, cols, out, in...);
    }
}

// Calls row(x, out, ahead) for each row; `ahead` is the next row, null at the last.
template <class Row>
HWY_INLINE void for_rows(const float* x, std::size_t rows, std::size_t cols, float* out,
                         const Row& row) {
    for (std::size_t r = 0; r < rows; ++r) {
        row(x + r * cols, out + r * cols, r + 1 < rows ? x + (r + 1) * cols : nullptr);
    }
    hwy::FlushStream();
}

// ---- Softmax ---------------------------------------------------------------------------------

// out[i] = e^(x[i] - max), or nothing when out is null, and their sum. Four chains of sums of at
// most 64 terms in float32; then double precision.
template <bool kStore>
HWY_INLINE double exponentials(const float* x, std::size_t cols, float max, float* out,
                               const float* ahead) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Vec top = hn::Set(d, max);
    const std::size_t block = 256 * lanes;
    double sum = 0.0;
    std::size_t i = 0;
    for (; i + 4 * lanes <= cols;) {
        const std::size_t end = std::min(cols, i + block);
        Vec s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0;
        for (; i + 4 * lanes <= end; i += 4 * lanes) {
            if (ahead != nullptr) {
                math::prefetch_floats(ahead + i, 4 * lanes);
            }
            const Vec e0 = math::exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i), top));
            const Vec e1 = math::exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i + lanes), top));
            const Vec e2 = math::exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i + 2 * lanes), top));
            const Vec e3 = math::exp_nonpositive(d, hn::Sub(hn::LoadU(d, x + i + 3 * lanes), top));
            if constexpr (kStore) {
                hn::StoreU(e0, d, out + i);
                hn::StoreU(e1, d, out + i + lanes);
                hn::StoreU(e2, d, out + i + 2 * lanes);
                hn::StoreU(e3, d, out + i + 3 * lanes);
            }
            s0 = hn::Add(s0, e0);
            s1 = hn::Add(s1, e1);
            s2 = hn::Add(s2, e2);
            s3 = hn::Add(s3, e3);
        }
        sum += math::sum_of_lanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)));
    }
    while (i < cols) {
        const std::size_t n = std::min(lanes, cols - i);
        const auto inside = hn::FirstN(d, n);
        const Vec e = math::exp_nonpositive(d, hn::Sub(math::load_first(d, x + i, n), top));
        if constexpr (kStore) {
            math::store_first(e, d, out + i, n);
        }
        sum += math::sum_of_lanes(d, hn::IfThenElseZero(inside, e));
        i += n;
    }
    return sum;
}

struct Multiple {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return hn::Mul(x, hn::Set(d, factor)); }
    float factor;
};
struct Shifted {
    HWY_INLINE Vec operator()(Floats d, Vec x) const {
        return hn::Sub(hn::Sub(x, hn::Set(d, first)), hn::Set(d, second));
    }
    float first;
    float second;
};

// A row of -infinity has no largest value to take off; with 0 its exponentials are zeros. NaN may
// get lost here, but not in the exponentials.
HWY_INLINE float finite_top(const float* x, std::size_t cols) {
    const float top = math::extreme_of<math::Greatest>(Floats(), x, cols);
    return top == -std::numeric_limits<float>::infinity() ? 0.0F : top;
}

void softmax_all(const float* x, std::size_t rows, std::size_t cols, float* out) {
    HWY_ALIGN float kept[kStackFloats];
    const bool past_caches = goes_past_caches(x, out, rows, cols) && cols <= kStackFloats;
    for_rows(x, rows, cols, out, [&](const float* from, float* to, const float* ahead) HWY_ATTR {
        float* exponential = past_caches ? kept : to;
        const float top = finite_top(from, cols);
        const double sum = exponentials<true>(from, cols, top, exponential, ahead);
        const float factor = sum == 0.0 ? 0.0F : static_cast<float>(1.0 / sum);
        write_row(past_caches, Multiple{factor}, cols, to, exponential);
    });
}

void log_softmax_all(const float* x, std::size_t rows, std::size_t cols, float* out) {
    const bool past_caches = goes_past_caches(x, out, rows, cols);
    for_rows(x, rows, cols, out, [&](const float* from, float* to, const float* ahead) HWY_ATTR {
        const float top = finite_top(from, cols);
        const double sum = exponentials<false>(from, cols, top, nullptr, ahead);
        const float log_sum = sum == 0.0 ? 0.0F : static_cast<float>(std::log(sum));
        write_row(past_caches, Shifted{top, log_sum}, cols, to, from);
    });
}

// ---- Norms -----------------------------------------------------------------------------------

struct Standard {
    HWY_INLINE Vec operator()(Floats d, Vec x) const {
        return hn::Mul(hn::Sub(x, hn::Set(d, mean)), hn::Set(d, factor));
    }
    float mean;
    float factor;
};
struct StandardGain {
    HWY_INLINE Vec operator()(Floats d, Vec x, Vec gain) const { return hn::Mul(base(d, x), gain); }
    Standard base;
};
struct StandardBias {
    HWY_INLINE Vec operator()(Floats d, Vec x, Vec bias) const { return hn::Add(base(d, x), bias); }
    Standard base;
};
struct StandardGainBias {
    HWY_INLINE Vec operator()(Floats d, Vec x, Vec gain, Vec bias) const {
        return hn::MulAdd(base(d, x), gain, bias);
    }
    Standard base;
};

HWY_INLINE void write_standard(bool past_caches, const Standard& base, const float* x,
                               std::size_t cols, RowAffine affine, float* out) {
    if (affine.gain != nullptr && affine.bias != nullptr) {
        write_row(past_caches, StandardGainBias{base}, cols, out, x, affine.gain, affine.bias);
    } else if (affine.gain != nullptr) {
        write_row(past_caches, StandardGain{base}, cols, out, x, affine.gain);
    } else if (affine.bias != nullptr) {
        write_row(past_caches, StandardBias{base}, cols, out, x, affine.bias);
    } else {
        write_row(past_caches, base, cols, out, x);
    }
}

void layer_norm_all(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                    float epsilon, float* out) {
    const Floats d;
    const double size = static_cast<double>(cols);
    const bool past_caches = goes_past_caches(x, out, rows, cols);
    for_rows(x, rows, cols, out, [&](const float* from, float* to, const float* ahead) HWY_ATTR {
        const float mean =
            static_cast<float>(math::sum_terms(d, from, cols, math::PlainTerm()) / size);
        const double squares =
            math::sum_terms(d, from, cols, math::SquaredDeviationTerm{mean}, ahead);
        const double deviation = std::sqrt(squares / size + static_cast<double>(epsilon));
        const Standard base{mean, static_cast<float>(1.0 / deviation)};
        write_standard(past_caches, base, from, cols, affine, to);
    });
}

void rms_norm_all(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                  float epsilon, float* out) {
    const Floats d;
    const double size = static_cast<double>(cols);
    const bool past_caches = goes_past_caches(x, out, rows, cols);
    for_rows(x, rows, cols, out, [&](const float* from, float* to, const float* ahead) HWY_ATTR {
        const double squares = math::sum_terms(d, from, cols, math::SquareTerm(), ahead);
        const double root = std::sqrt(squares / size + static_cast<double>(epsilon));
        const Standard base{0.0F, static_cast<float>(1.0 / root)};
        write_standard(past_caches, base, from, cols, affine, to);
    });
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(softmax_all);
HWY_EXPORT(log_softmax_all);
HWY_EXPORT(layer_norm_all);
HWY_EXPORT(rms_norm_all);
}  // namespace

void softmax_rows(const float* x, std::size_t rows, std::size_t cols, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(softmax_all)(x, rows, cols, out);
}

void log_softmax_rows(const float* x, std::size_t rows, std::size_t cols, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(log_softmax_all)(x, rows, cols, out);
}

void layer_norm_rows(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                     float epsilon, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(layer_norm_all)(x, rows, cols, affine, epsilon, out);
}

void rms_norm_rows(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                   float epsilon, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(rms_norm_all)(x, rows, cols, affine, epsilon, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
