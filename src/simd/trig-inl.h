// Sine and cosine of a vector of float32 over the whole range. Included by kernel files after
// highway.h; read math-inl.h for how the polynomials were made and abi/simd/math.hpp for the
// errors.
//
// x = q pi/2 + r with |r| <= pi/4. Up to kReduceLimit, q times pi/2 is taken off in parts of which
// all but the last have exact products (Cody and Waite 1980); lanes beyond it, of which there are
// few in practice, go one by one through a product with as many bits of 2/pi as they need (Payne
// and Hanek 1983).
#if defined(ABI_SIMD_TRIG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ABI_SIMD_TRIG_INL_H_
#undef ABI_SIMD_TRIG_INL_H_
#else
#define ABI_SIMD_TRIG_INL_H_
#endif

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <hwy/highway.h>

#include "math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE::math {

// 1.5 2^23: adding it rounds to an integer that stands in the low bits of the sum.
inline constexpr float kQuadrantRounder = 12582912.0F;
#if HWY_NATIVE_FMA
inline constexpr float kReduceLimit = 131072.0F;
#else
inline constexpr float kReduceLimit = 8192.0F;
#endif

// r of a finite |x| >= 1 and, in the low bits, q. The 24 bits of x times a window of 96 bits of
// 2/pi that starts where whole multiples of four end: what is left out is below 2^-60 of a quarter
// turn, and no float comes closer to a multiple of pi/2 than 2^-31 of one.
inline float reduce_large(float x, std::uint32_t& quadrant) {
    // 2/pi after the point.
    constexpr std::uint32_t kTwoOverPi[] = {0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0,
                                            0xDB629599, 0x3C439041, 0xFE5163AB, 0xDEBBC561};
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint64_t mantissa = (bits & 0x007FFFFFU) | 0x00800000U;
    // x = mantissa 2^shift. Bits of 2/pi of weight 2^(2 - shift) and more give multiples of four.
    const int shift = static_cast<int>((bits >> 23) & 0xFFU) - 150;
    // The window starts with the bit of weight 2^(1 - shift), which is bit (shift - 2) after the
    // point; a negative number of bits are zeros before it.
    const int first = shift - 2;
    const auto word = [&](int index) {
        // 32 bits of 2/pi from bit `first + 32 * index` on.
        const int start = first + 32 * index;
        std::uint64_t pair = 0;
        const int at = start >= 0 ? start / 32 : -1 - (-1 - start) / 32;
        for (int i = 0; i < 2; ++i) {
            pair = pair << 32 | (at + i >= 0 && at + i < 8 ? kTwoOverPi[at + i] : 0U);
        }
        return static_cast<std::uint32_t>(pair >> (32 - (start - 32 * at)));
    };
    // The product in units of 2^-62 quarter turns, modulo four of them: 24 x 96 bits, of which the
    // upper word's overflow is whole circles and the lowest word adds its upper half.
    std::uint64_t turns = (mantissa * word(0)) << 32;
    turns += mantissa * word(1);
    turns += (mantissa * word(2)) >> 32;
    const std::uint64_t rounded = turns + (std::uint64_t{1} << 61);
    quadrant = static_cast<std::uint32_t>(rounded >> 62);
    const auto rest = static_cast<std::int64_t>(turns - (rounded >> 62 << 62));
    constexpr double kHalfPiOver62 = 1.5707963267948966 * 0x1p-62;
    const double r = static_cast<double>(rest) * kHalfPiOver62;
    return static_cast<float>(std::signbit(x) ? -r : r);
}

// Replaces the lanes of r and q whose x the parts cannot reduce.
template <class D, class V = hn::Vec<D>, class DU = hn::RebindToUnsigned<D>>
HWY_NOINLINE void reduce_large_lanes(D d, V x, V& r, hn::Vec<DU>& q) {
    constexpr std::size_t kMost = hn::MaxLanes(d);
    HWY_ALIGN float values[kMost];
    HWY_ALIGN float remainders[kMost];
    HWY_ALIGN std::uint32_t quadrants[kMost];
    hn::Store(x, d, values);
    hn::Store(r, d, remainders);
    hn::Store(q, DU(), quadrants);
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
        if (!std::isfinite(values[i])) {
            remainders[i] = std::numeric_limits<float>::quiet_NaN();
        } else if (values[i] >= kReduceLimit) {
            remainders[i] = reduce_large(values[i], quadrants[i]);
        }
    }
    r = hn::Load(d, remainders);
    q = hn::Load(DU(), quadrants);
}

// x >= 0 (or NaN) to r; the two low bits of q are the quadrant.
template <class D, class V = hn::Vec<D>, class DU = hn::RebindToUnsigned<D>>
HWY_INLINE V reduce_quarters(D d, V x, hn::Vec<DU>& q) {
    const V rounder = hn::Set(d, kQuadrantRounder);
    const V sum = hn::MulAdd(x, hn::Set(d, 0x1.45f306p-1F), rounder);  // 2/pi
    const V n = hn::Sub(sum, rounder);
    q = hn::BitCast(DU(), sum);
#if HWY_NATIVE_FMA
    V r = hn::NegMulAdd(n, hn::Set(d, 0x1.921fb6p+0F), x);
    r = hn::NegMulAdd(n, hn::Set(d, -0x1.777a5cp-25F), r);
    r = hn::NegMulAdd(n, hn::Set(d, -0x1.ee59dap-50F), r);
#else
    // Parts of eleven bits: n of thirteen bits times one is exact.
    V r = hn::NegMulAdd(n, hn::Set(d, 0x1.92p+0F), x);
    r = hn::NegMulAdd(n, hn::Set(d, 0x1.fb4p-12F), r);
    r = hn::NegMulAdd(n, hn::Set(d, 0x1.444p-24F), r);
    r = hn::NegMulAdd(n, hn::Set(d, 0x1.68c234p-39F), r);
#endif
    // Written so that NaN takes the slow way as well.
    const auto reduced = hn::Lt(x, hn::Set(d, kReduceLimit));
    if (HWY_UNLIKELY(!hn::AllTrue(d, reduced))) {
        reduce_large_lanes(d, x, r, q);
    }
    return r;
}

// The sine of r + q pi/2.
template <class D, class V = hn::Vec<D>, class DU = hn::RebindToUnsigned<D>>
HWY_INLINE V sine_of_quarters(D d, V r, hn::Vec<DU> q) {
    const DU du;
    const V z = hn::Mul(r, r);
    // (sin(r) / r - 1) / r^2, 2^-27.9, and (cos(r) - 1 + r^2 / 2) / r^4, 2^-32.9.
    const V ps = polynomial(d, z, -0x1.555546p-3F, 0x1.11076ep-7F, -0x1.994e34p-13F);
    const V pc = polynomial(d, z, 0x1.55554ap-5F, -0x1.6c0c20p-10F, 0x1.99e42cp-16F);
    const V sine = hn::MulAdd(hn::Mul(r, z), ps, r);
    // 1 - z / 2 is rounded first; what that loses is added back with the small terms.
    const V half = hn::Mul(z, hn::Set(d, 0.5F));
    const V one = hn::Set(d, 1.0F);
    const V first = hn::Sub(one, half);
    const V lost = hn::Sub(hn::Sub(one, first), half);
    const V cosine = hn::Add(first, hn::MulAdd(hn::Mul(z, z), pc, lost));
    const auto odd = hn::Eq(hn::And(q, hn::Set(du, 1U)), hn::Set(du, 1U));
    const V value = hn::IfThenElse(hn::RebindMask(d, odd), cosine, sine);
    const auto sign = hn::ShiftLeft<30>(hn::And(q, hn::Set(du, 2U)));
    return hn::Xor(value, hn::BitCast(d, sign));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V sin(D d, V x) {
    hn::Vec<hn::RebindToUnsigned<D>> q;
    const V magnitude = hn::Abs(x);
    const V r = reduce_quarters(d, magnitude, q);
    return hn::Xor(sine_of_quarters(d, r, q), hn::And(x, hn::Set(d, -0.0F)));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V cos(D d, V x) {
    const hn::RebindToUnsigned<D> du;
    hn::Vec<hn::RebindToUnsigned<D>> q;
    const V r = reduce_quarters(d, hn::Abs(x), q);
    return sine_of_quarters(d, r, hn::Add(q, hn::Set(du, 1U)));
}

}  // namespace abikit::simd::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
