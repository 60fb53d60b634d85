// Elementary functions of a vector of float32, for the kernels of every target: exp, log, tanh,
// sigmoid, erf, silu and both forms of gelu. Included by kernel files after highway.h; the errors
// are stated in abi/simd/math.hpp and measured in docs/simd-accuracy.md. Read
// trig-inl.h next for sine and cosine.
//
// How the polynomials were made: Lawson's iteration (reweighted least squares, which tends to the
// minimax fit) on 1,500 Chebyshev nodes against mpmath with 40 digits, the error weighted to be
// relative to the result; then coefficients are rounded to float32 from the lowest power on, the
// rest fitted again after each rounding. The error left, relative to the result, stands
// beside each.
//
// Targets without fused multiply-add (SSSE3, SSE4, plain code) run the same polynomials; only where
// a product must be known to more than 24 bits is there a second variant.

// Per-target include guard, as Highway's own -inl.h files have it.
#if defined(ABI_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ABI_SIMD_MATH_INL_H_
#undef ABI_SIMD_MATH_INL_H_
#else
#define ABI_SIMD_MATH_INL_H_
#endif

#include <cstdint>
#include <limits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE::math {
namespace hn = hwy::HWY_NAMESPACE;

// ---- Building blocks -------------------------------------------------------------------------

// The smaller of x and a number; NaN stays NaN. On x86 the second operand of min wins when one is
// NaN; NEON and SVE take the number, and so does plain code.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V min_or_nan(D d, V x, float limit) {
    const V high = hn::Set(d, limit);
#if HWY_TARGET == HWY_SCALAR || !HWY_ARCH_X86
    return hn::IfThenElse(hn::Gt(x, high), high, x);
#else
    return hn::Min(high, x);
#endif
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V max_or_nan(D d, V x, float limit) {
    const V low = hn::Set(d, limit);
#if HWY_TARGET == HWY_SCALAR || !HWY_ARCH_X86
    return hn::IfThenElse(hn::Lt(x, low), low, x);
#else
    return hn::Max(low, x);
#endif
}

// c0 + c1 x + c2 x^2 + ... by Horner's rule.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V polynomial(D d, V /*x*/, float c0) {
    return hn::Set(d, c0);
}
template <class D, class V = hn::Vec<D>, class... Rest>
HWY_INLINE V polynomial(D d, V x, float c0, Rest... rest) {
    return hn::MulAdd(polynomial(d, x, rest...), x, hn::Set(d, c0));
}

// Adding this to |n| < 2^22 rounds n to an integer, which then stands in the low bits of the sum.
// The 254 is twice the bias of a float's exponent: half of those bits is an exponent.
inline constexpr float kRounder = 12582912.0F + 254.0F;

// x = n ln 2 + r with |r| <= 0.347: returns r and sets `steps` to n + kRounder. |x| < 1e6.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_remainder(D d, V x, V& steps) {
    const V rounder = hn::Set(d, kRounder);
    steps = hn::MulAdd(x, hn::Set(d, 0x1.715476p+0F), rounder);  // 1 / ln 2
    const V n = hn::Sub(steps, rounder);
#if HWY_NATIVE_FMA
    // ln 2 in two floats; the first difference is exact.
    const V r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e43p-1F), x);
    return hn::NegMulAdd(n, hn::Set(d, -0x1.05c61p-29F), r);
#else
    // The first part of ln 2 has nine bits, so that n times it is exact.
    const V r = hn::NegMulAdd(n, hn::Set(d, 0x1.63p-1F), x);
    return hn::NegMulAdd(n, hn::Set(d, -0x1.bd0106p-13F), r);
#endif
}

// e^r - 1 for |r| <= 0.347; the error is 2^-28.2 of e^r and about one rounding.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V expm1_polynomial(D d, V r) {
    const V q = polynomial(d, r, 0x1.fffffcp-2F, 0x1.555492p-3F, 0x1.5558b4p-5F, 0x1.1239a0p-7F,
                           0x1.6a495cp-10F);
    return hn::MulAdd(hn::Mul(r, r), q, r);
}

// e^x = result 2^(steps - kRounder), the result within [0.7, 1.42].
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_fraction(D d, V x, V& steps) {
    return hn::Add(expm1_polynomial(d, exp_remainder(d, x, steps)), hn::Set(d, 1.0F));
}

#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
HWY_INLINE hn::Vec512<float> scalef(hn::Vec512<float> v, hn::Vec512<float> n) {
    return hn::Vec512<float>{_mm512_scalef_ps(v.raw, n.raw)};
}
HWY_INLINE hn::Vec256<float> scalef(hn::Vec256<float> v, hn::Vec256<float> n) {
    return hn::Vec256<float>{_mm256_scalef_ps(v.raw, n.raw)};
}
template <std::size_t kLanes>
HWY_INLINE hn::Vec128<float, kLanes> scalef(hn::Vec128<float, kLanes> v,
                                            hn::Vec128<float, kLanes> n) {
    return hn::Vec128<float, kLanes>{_mm_scalef_ps(v.raw, n.raw)};
}
#endif

// v 2^n for steps = n + kRounder, -252 <= n <= 254, rounded once: results below the normal range
// are denormal, those above it infinite. Needs 2^-100 < |v| < 2^100, or 0, NaN or infinity.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V scale(D d, V v, V steps) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    return scalef(v, hn::Sub(steps, hn::Set(d, kRounder)));
#else
    // Two factors of about 2^(n/2), since 2^n itself may not be a float. The shift to the exponent
    // drops what kRounder adds above.
    const hn::RebindToUnsigned<D> du;
    const auto bits = hn::BitCast(du, steps);
    const auto half = hn::ShiftRight<1>(bits);
    const V first = hn::BitCast(d, hn::ShiftLeft<23>(half));
    const V second = hn::BitCast(d, hn::ShiftLeft<23>(hn::Sub(bits, half)));
    return hn::Mul(hn::Mul(v, first), second);
#endif
}

// The same for results in the normal range only: -126 <= n <= 127.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V scale_normal(D d, V v, V steps) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    return scalef(v, hn::Sub(steps, hn::Set(d, kRounder)));
#else
    const hn::RebindToUnsigned<D> du;
    const auto exponent = hn::Sub(hn::BitCast(du, steps), hn::Set(du, 127U));
    return hn::Mul(v, hn::BitCast(d, hn::ShiftLeft<23>(exponent)));
#endif
}

// max(x, 0), but -0 for negative x: what is subtracted from it keeps its sign when it vanishes.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V positive_part(D d, V x) {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Set(d, -0.0F), x);
}

// product + error = a b exactly (but for underflow).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exact_product(D d, V a, V b, V& error) {
    const V product = hn::Mul(a, b);
#if HWY_NATIVE_FMA
    static_cast<void>(d);
    error = hn::MulSub(a, b, product);
#else
    // Halves of twelve bits have exact products (Dekker 1971, with a mask for the split).
    const hn::RebindToUnsigned<D> du;
    const V upper = hn::BitCast(d, hn::Set(du, 0xFFFFF000U));
    const V ah = hn::And(a, upper);
    const V bh = hn::And(b, upper);
    const V al = hn::Sub(a, ah);
    const V bl = hn::Sub(b, bh);
    error = hn::Add(
        hn::Add(hn::Add(hn::Sub(hn::Mul(ah, bh), product), hn::Mul(ah, bl)), hn::Mul(al, bh)),
        hn::Mul(al, bl));
#endif
    return product;
}

// ---- Exponentials ----------------------------------------------------------------------------

// e^x. Overflows to infinity above 88.7228, is denormal below -87.3366 and 0 below -103.98.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp(D d, V x) {
    x = max_or_nan(d, min_or_nan(d, x, 89.0F), -104.5F);
    V steps;
    const V fraction = exp_fraction(d, x, steps);
    return scale(d, fraction, steps);
}

// e^x for x <= 0 to a relative error of (|x| / 2 + 4) 2^-24, for sums that hold a term of 1, at
// half of the cost. On targets without a scaling instruction results below 2^-126.5 are 0.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp_nonpositive(D d, V x) {
    // The second is a little more than -127 ln 2, whose power of two below has the bits of 0.
    constexpr float kLowest = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3 ? -104.5F : -88.02F;
    // Like kRounder, but the low bits of a sum are those of a float's exponent.
    constexpr float kExponentRounder = 12582912.0F + 127.0F;
    const V above = max_or_nan(d, x, kLowest);
    const V rounder = hn::Set(d, kExponentRounder);
    const V per_ln2 = hn::Set(d, 0x1.715476p+0F);  // 1 / ln 2
    const V steps = hn::MulAdd(above, per_ln2, rounder);
    const V n = hn::Sub(steps, rounder);
#if HWY_NATIVE_FMA
    const V f = hn::MulSub(above, per_ln2, n);
#else
    // The rounded product is off by half a unit of up to 2^6.
    V error;
    const V product = exact_product(d, above, per_ln2, error);
    const V f = hn::Add(hn::Sub(product, n), error);
#endif
    // 2^f for |f| <= 0.5, 2^-23.0.
    const V p = polynomial(d, f, 0x1.000002p+0F, 0x1.62e432p-1F, 0x1.ebf874p-3F, 0x1.c6ae24p-5F,
                           0x1.3d3280p-7F, 0x1.5f757cp-10F);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    return scalef(p, n);
#else
    const hn::RebindToUnsigned<D> du;
    return hn::Mul(p, hn::BitCast(d, hn::ShiftLeft<23>(hn::BitCast(du, steps))));
#endif
}

// 1 / (1 + e^-x). With e = e^-|x| it is 1 / (1 + e) or e / (1 + e), and neither overflows. What the
// sum and the division lose is put back, for three roundings on top of that of e were 2.2 ULP.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
    const V one = hn::Set(d, 1.0F);
    const V minus_magnitude = hn::Or(x, hn::Set(d, -0.0F));
    V steps;
    const V fraction = exp_fraction(d, max_or_nan(d, minus_magnitude, -104.5F), steps);
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
    const V e = scale(d, fraction, steps);
#else
    // Denormal results are rare, and two factors cost a tenth of the speed.
    V e = scale_normal(d, fraction, steps);
    if (HWY_UNLIKELY(!hn::AllFalse(d, hn::Lt(minus_magnitude, hn::Set(d, -87.0F))))) {
        e = scale(d, fraction, steps);
    }
#endif
    const V numerator = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one);
    const V sum = hn::Add(one, e);
    const V quotient = hn::Div(numerator, sum);
    // numerator - quotient (1 + e); the difference is exact, as the quotient is at least half of
    // the numerator. Times 1 / sum to 5 %, which is plenty for a correction of 2^-23.
    const V remainder = hn::NegMulAdd(quotient, e, hn::Sub(numerator, quotient));
    const V inverse = hn::NegMulAdd(sum, hn::Set(d, 0.5F), hn::Set(d, 1.457F));
    return hn::MulAdd(remainder, inverse, quotient);
}

// x - |x| e / (1 + e) for positive x and -|x| e / (1 + e) for negative, where
// e = fraction 2^(steps - kRounder) = e^-E(|x|): x times the logistic function of E. The scaling
// comes last, so that small results lose no more than the last rounding.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V times_logistic(D d, V x, V magnitude, V fraction, V steps) {
    const V e = scale(d, fraction, steps);
    const V rest = hn::Div(hn::Mul(magnitude, fraction), hn::Add(hn::Set(d, 1.0F), e));
    return hn::Sub(positive_part(d, x), scale(d, rest, steps));
}

// x / (1 + e^-x), also called swish.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V silu(D d, V x) {
    const V magnitude = min_or_nan(d, hn::Abs(x), 112.0F);
    V steps;
    const V fraction = exp_fraction(d, hn::Neg(magnitude), steps);
    return times_logistic(d, x, magnitude, fraction, steps);
}

// Near zero an odd polynomial; elsewhere 1 - 2 / (e^2|x| + 1), where the error of the exponential
// is damped.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V tanh(D d, V x) {
    const V one = hn::Set(d, 1.0F);
    const V a = min_or_nan(d, hn::Abs(x), 10.0F);
    const V z = hn::Mul(a, a);
    // (tanh(a) / a - 1) / a^2 for a <= 0.625, 2^-27.7.
    const V p = polynomial(d, z, -0x1.555532p-2F, 0x1.1106fap-3F, -0x1.b836cap-5F, 0x1.52044ap-6F,
                           -0x1.7550c6p-8F);
    const V small = hn::MulAdd(hn::Mul(a, z), p, a);
    V steps;
    const V fraction = exp_fraction(d, hn::Add(a, a), steps);
    const V e = scale_normal(d, fraction, steps);
    const V large = hn::Sub(one, hn::Div(hn::Set(d, 2.0F), hn::Add(e, one)));
    return hn::CopySignToAbs(hn::IfThenElse(hn::Lt(a, hn::Set(d, 0.625F)), small, large), x);
}

// ---- The error function and gelu -------------------------------------------------------------

// Near zero an odd polynomial; elsewhere 1 - e^L with L the logarithm of the complement.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V erf(D d, V x) {
    const V a = min_or_nan(d, hn::Abs(x), 4.0F);
    const V z = hn::Mul(a, a);
    // erf(a) / a - 1 for a <= 0.875, 2^-26.1.
    const V p = polynomial(d, z, 0x1.06eba6p-3F, -0x1.8126f2p-2F, 0x1.ce1d70p-4F, -0x1.b6c21cp-6F,
                           0x1.48b522p-8F, -0x1.40ed3ep-11F);
    const V small = hn::MulAdd(a, p, a);
    // log(1 - erf(a)) for 0.875 <= a <= 4; the error in erf is 2^-33.4.
    const V l = polynomial(d, a, 0x1.53cab8p-13F, -0x1.2123d8p+0F, -0x1.4456a0p-1F, -0x1.baf01cp-4F,
                           0x1.9a0bcap-6F, -0x1.0f091cp-8F, 0x1.bfd570p-12F, -0x1.571e7cp-16F);
    V steps;
    const V fraction = exp_fraction(d, l, steps);
    const V large = hn::Sub(hn::Set(d, 1.0F), scale_normal(d, fraction, steps));
    return hn::CopySignToAbs(hn::IfThenElse(hn::Lt(a, hn::Set(d, 0.875F)), small, large), x);
}

// Phi(-a) e^(a^2 / 2) for 0 <= a <= 14.5, Phi the normal distribution function: a polynomial in
// u = 1 / (a + 3.5), which is needed to more than 24 bits. 2^-26.0 for a <= 5.05, 2^-20 beyond.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V scaled_normal_tail(D d, V a) {
    const V shift = hn::Set(d, 3.5F);
    const V one = hn::Set(d, 1.0F);
    const V sum = hn::Add(a, shift);
    const V sum_error = hn::Sub(a, hn::Sub(sum, shift));
    const V u = hn::Div(one, sum);
    V remainder;
#if HWY_NATIVE_FMA
    remainder = hn::NegMulAdd(u, sum, one);
#else
    const V product = exact_product(d, u, sum, remainder);
    remainder = hn::Sub(hn::Sub(one, product), remainder);
#endif
    remainder = hn::NegMulAdd(u, sum_error, remainder);
    // Near the middle of u's range, where the value is almost a float.
    const V t = hn::MulAdd(u, remainder, hn::Sub(u, hn::Set(d, 0x1.59p-3F)));
    return polynomial(d, t, 0x1.2784f4p-3F, 0x1.ab9fbep+0F, 0x1.fe54b8p+2F, 0x1.9f174ap+4F,
                      0x1.7af954p+5F, -0x1.368b10p+1F, -0x1.949e62p+7F, -0x1.bcc486p+6F,
                      0x1.d17378p+9F);
}

// x Phi(x). With a = |x| it is max(x, 0) - a Phi(-a): nothing cancels for negative x, and less than
// half is taken off for positive x. The square in the exponent is needed to more than 24 bits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu(D d, V x) {
    const V a = min_or_nan(d, hn::Abs(x), 14.5F);
    V square_error;
    const V square = exact_product(d, a, a, square_error);
    const V minus_half = hn::Set(d, -0.5F);
    V steps;
    V r = exp_remainder(d, hn::Mul(square, minus_half), steps);
    r = hn::MulAdd(square_error, minus_half, r);
    const V tail = hn::Mul(a, scaled_normal_tail(d, a));
    const V rest = hn::MulAdd(tail, expm1_polynomial(d, r), tail);
    return hn::Sub(positive_part(d, x), scale(d, rest, steps));
}

// x / (1 + e^-E) with E = 2 sqrt(2 / pi) (x + 0.044715 x^3), which is
// 0.5 x (1 + tanh(E / 2)) (Hendrycks and Gimpel, arXiv:1606.08415). E is needed to more than 24
// bits: it is the sum of `whole` and `low`.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu_tanh(D d, V x) {
    const V a = min_or_nan(d, hn::Abs(x), 11.0F);
    // The factors of a and a^3, each in two floats.
    const V linear = hn::Set(d, 0x1.988454p+0F);
    const V linear_low = hn::Set(d, -0x1.857936p-25F);
    const V cubic = hn::Set(d, 0x1.2444f2p-4F);
    const V cubic_low = hn::Set(d, 0x1.49b16ap-29F);
    V square_error;
    const V square = exact_product(d, a, a, square_error);
    V term_error;
    const V term = exact_product(d, cubic, square, term_error);
    term_error = hn::Add(term_error, hn::MulAdd(cubic, square_error, hn::Mul(cubic_low, square)));
    // slope + slope_error = linear + term, exactly but for the last rounding (Knuth's two-sum).
    const V slope = hn::Add(linear, term);
    const V shift = hn::Sub(slope, linear);
    V slope_error = hn::Add(hn::Sub(linear, hn::Sub(slope, shift)), hn::Sub(term, shift));
    slope_error = hn::Add(slope_error, hn::Add(term_error, linear_low));
    V low;
    const V whole = exact_product(d, a, slope, low);
    low = hn::MulAdd(a, slope_error, low);
    V steps;
    const V r = hn::Sub(exp_remainder(d, hn::Neg(whole), steps), low);
    const V fraction = hn::Add(expm1_polynomial(d, r), hn::Set(d, 1.0F));
    return times_logistic(d, x, a, fraction, steps);
}

// ---- Logarithm -------------------------------------------------------------------------------

// x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2); log(1 + f) is a series in
// s = f / (2 + f).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V log(D d, V x) {
    const hn::RebindToSigned<D> di;
    // Denormals are scaled into the normal range.
    const auto tiny = hn::Lt(x, hn::Set(d, 0x1p-126F));
    const V normal = hn::IfThenElse(tiny, hn::Mul(x, hn::Set(d, 0x1p+23F)), x);
    const auto root = hn::Set(di, 0x3F3504F3);  // sqrt(1/2)
    const auto offset = hn::Sub(hn::BitCast(di, normal), root);
    const V mantissa = hn::BitCast(d, hn::Add(hn::And(offset, hn::Set(di, 0x007FFFFF)), root));
    const V k = hn::Sub(hn::ConvertTo(d, hn::ShiftRight<23>(offset)),
                        hn::IfThenElseZero(tiny, hn::Set(d, 23.0F)));
    const V f = hn::Sub(mantissa, hn::Set(d, 1.0F));
    const V s = hn::Div(f, hn::Add(f, hn::Set(d, 2.0F)));
    const V z = hn::Mul(s, s);
    // (log(1 + f) - 2 s) / s / s^2, 2^-30.2.
    const V r = hn::Mul(z, polynomial(d, z, 0x1.55557ap-1F, 0x1.995ed2p-2F, 0x1.31e134p-2F));
    const V half_square = hn::Mul(hn::Mul(f, f), hn::Set(d, 0.5F));
    // ln 2 in two parts; the first has sixteen bits, so that k times it is exact.
    const V low = hn::MulAdd(k, hn::Set(d, 0x1.7f7d1cp-20F), hn::Mul(s, hn::Add(half_square, r)));
    const V log1p = hn::Sub(f, hn::Sub(half_square, low));
    V result = hn::MulAdd(k, hn::Set(d, 0x1.62e4p-1F), log1p);
    // NaN and +infinity are their own logarithms.
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const V infinity = hn::Set(d, kInfinity);
    result = hn::IfThenElse(hn::Lt(x, infinity), result, x);
    result = hn::IfThenElse(hn::Lt(x, hn::Zero(d)),
                            hn::Set(d, std::numeric_limits<float>::quiet_NaN()), result);
    return hn::IfThenElse(hn::Eq(x, hn::Zero(d)), hn::Neg(infinity), result);
}

}  // namespace abikit::simd::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
