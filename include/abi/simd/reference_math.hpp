// The scalar twins of math.hpp in long double: what the vector functions are checked against. Slow
// on purpose; the C library's functions and one obvious formula each.
#pragma once

#include <cstddef>

#include <abi/core/export.h>

namespace abikit::simd::reference {

ABI_API long double exp(long double x) noexcept;
ABI_API long double log(long double x) noexcept;
ABI_API long double sin(long double x) noexcept;
ABI_API long double cos(long double x) noexcept;
ABI_API long double tanh(long double x) noexcept;
ABI_API long double sigmoid(long double x) noexcept;
ABI_API long double erf(long double x) noexcept;
// gelu, gelu_tanh and silu of -infinity are -0, the limit.
ABI_API long double gelu(long double x) noexcept;
ABI_API long double gelu_tanh(long double x) noexcept;
ABI_API long double silu(long double x) noexcept;

// |value - exact| in units of the last place of a float32 of the size of `exact`: 2^-149 below
// 2^-126. Where `exact` is beyond the floats, infinity is the right value; a pair of NaN has no
// error; NaN beside a number is infinitely wrong.
ABI_API double error_in_ulps(float value, long double exact) noexcept;

}  // namespace abikit::simd::reference
