// The scalar twin of each kernel in double precision: what the vector kernels are checked against,
// by the tests and by the benchmark suites. Slow on purpose; one obvious loop each.
#pragma once

#include <cstddef>

#include <abi/core/export.h>

namespace abikit::simd::reference {

// A sum and the sum of its terms' magnitudes, which bounds the error of any order of summation: a
// float32 result is right when |result - value| <= (dim + 2) * 2^-23 * magnitude.
struct Sum {
    double value = 0.0;
    double magnitude = 0.0;
};

// sum_j (a[j] - b[j])^2, the difference taken in float32 as the kernels do.
ABI_API Sum l2_squared(const float* a, const float* b, std::size_t dim) noexcept;
// sum_j a[j] * b[j].
ABI_API Sum dot(const float* a, const float* b, std::size_t dim) noexcept;
// sum_j a[j]^2.
ABI_API Sum squared_norm(const float* a, std::size_t dim) noexcept;

}  // namespace abikit::simd::reference
