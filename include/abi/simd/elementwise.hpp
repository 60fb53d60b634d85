// Arithmetic on float32 arrays, element by element: out[i] depends on element i of the inputs
// alone. `out` may be any of the inputs; arrays must not overlap otherwise. No alignment beyond
// that of float is needed, and nothing outside [0, count) is read or written. Each operation is
// rounded as IEEE 754 says, NaN and infinities included. noexcept, thread-safe, no allocation.
// Read reduce.hpp for what makes one number of an array, math.hpp for functions.
#pragma once

#include <cstddef>

#include <abi/core/export.h>

namespace abikit::simd {

// out[i] = a[i] + b[i], a[i] - b[i], a[i] * b[i].
ABI_API void add(const float* a, const float* b, std::size_t count, float* out) noexcept;
ABI_API void subtract(const float* a, const float* b, std::size_t count, float* out) noexcept;
ABI_API void multiply(const float* a, const float* b, std::size_t count, float* out) noexcept;
// out[i] = a[i] * b[i] + c[i], rounded once on targets with fused multiply-add (AVX2 and later,
// ARM64), twice on the others.
ABI_API void multiply_add(const float* a, const float* b, const float* c, std::size_t count,
                          float* out) noexcept;
// out[i] = factor * x[i].
ABI_API void scale(const float* x, float factor, std::size_t count, float* out) noexcept;
// out[i] = x[i], but low where it is lower and high where it is higher; NaN stays NaN. Needs
// low <= high.
ABI_API void clamp(const float* x, float low, float high, std::size_t count, float* out) noexcept;
// y[i] += alpha * x[i], rounded like multiply_add.
ABI_API void axpy(float alpha, const float* x, std::size_t count, float* y) noexcept;

}  // namespace abikit::simd
