// The scalar twins of reduce.hpp, histogram.hpp and normalize.hpp: what the vector kernels are
// checked against and compared with in speed. One obvious loop each, in double precision.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>
#include <abi/simd/normalize.hpp>
#include <abi/simd/reduce.hpp>
#include <abi/simd/reference.hpp>

namespace abikit::simd::reference {

// The sum and the sum of magnitudes.
ABI_API Sum sum(const float* x, std::size_t count) noexcept;
// NaN when any value is NaN.
ABI_API float minimum(const float* x, std::size_t count) noexcept;
ABI_API float maximum(const float* x, std::size_t count) noexcept;
// The first of equals; the first NaN when there is one.
ABI_API std::size_t index_of_minimum(const float* x, std::size_t count) noexcept;
ABI_API std::size_t index_of_maximum(const float* x, std::size_t count) noexcept;
// Two passes.
ABI_API Moments mean_and_variance(const float* x, std::size_t count) noexcept;
// The bin of one value by the rule of histogram.hpp; bins, bins + 1 and bins + 2 for below, above
// and NaN.
ABI_API std::size_t histogram_bin(float x, float low, float high, std::size_t bins) noexcept;

// One row each; x and out have `cols` values.
ABI_API void softmax_row(const float* x, std::size_t cols, double* out) noexcept;
ABI_API void log_softmax_row(const float* x, std::size_t cols, double* out) noexcept;
ABI_API void layer_norm_row(const float* x, std::size_t cols, RowAffine affine, float epsilon,
                            double* out) noexcept;
ABI_API void rms_norm_row(const float* x, std::size_t cols, RowAffine affine, float epsilon,
                          double* out) noexcept;

}  // namespace abikit::simd::reference
