// Elementary functions over float32 arrays: out[i] = f(x[i]) for i in [0, count). The arrays may be
// the same, but not overlap otherwise; they need no alignment beyond that of float, and nothing
// outside them is read or written. The result of an element depends on the element and the target
// alone, not on where it stands. noexcept, thread-safe, no allocation; any count, 0 included.
//
// Errors are bounds for every float32 and every target, in units in the last place (ULP) of the
// exact result; docs/simd-accuracy.md has what was measured. NaN gives NaN. Results below 2^-126
// are denormal, rounded once, and denormal arguments are taken at their value.
#pragma once

#include <cstddef>

#include <abi/core/export.h>

namespace abikit::simd {

// e^x; 0 below -103.98 and for -infinity, infinity above 88.72. At most 1.1 ULP.
ABI_API void exp(const float* x, std::size_t count, float* out) noexcept;
// The natural logarithm; -infinity for 0 and -0, NaN below. At most 1 ULP.
ABI_API void log(const float* x, std::size_t count, float* out) noexcept;
// Radians; NaN for infinities. Above 131,072 (8,192 without fused multiply-add) elements are
// reduced one by one, about 20 times slower. At most 2 ULP.
ABI_API void sin(const float* x, std::size_t count, float* out) noexcept;
ABI_API void cos(const float* x, std::size_t count, float* out) noexcept;
// At most 2 ULP; odd to the bit.
ABI_API void tanh(const float* x, std::size_t count, float* out) noexcept;
// 1 / (1 + e^-x). At most 2 ULP, for small results too.
ABI_API void sigmoid(const float* x, std::size_t count, float* out) noexcept;
// 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. At most 2 ULP; odd to the bit.
ABI_API void erf(const float* x, std::size_t count, float* out) noexcept;
// x Phi(x) with the normal distribution function Phi: x (1 + erf(x / sqrt(2))) / 2. At most 4 ULP
// for x > -5 and 2^-40 (9.1e-13) below; -0 below -14.2 and for -infinity, the limit.
ABI_API void gelu(const float* x, std::size_t count, float* out) noexcept;
// x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 (Hendrycks and Gimpel, arXiv:1606.08415). At
// most 4 ULP, also for x <= -5; -0 below -10.9 and for -infinity.
ABI_API void gelu_tanh(const float* x, std::size_t count, float* out) noexcept;
// x / (1 + e^-x). At most 4 ULP; -0 below -109 and for -infinity.
ABI_API void silu(const float* x, std::size_t count, float* out) noexcept;

}  // namespace abikit::simd
