// What makes one number of a float32 array. Arrays need no alignment beyond that of float; nothing
// outside them is read. On one target the result depends on the values and their order alone;
// between targets sums differ by the order of additions, within the bounds stated. noexcept,
// thread-safe, no allocation. Read prefix_sum.hpp for running sums, histogram.hpp for counts.
#pragma once

#include <cstddef>

#include <abi/core/export.h>

namespace abikit::simd {

// The sum, 0 for none: lanes add at most 40 numbers in float32 before they go on in double
// precision, so the error is at most 2^-18 sum |x[i]| for any count. Infinite when such a partial
// sum leaves the range of float32.
ABI_API double sum(const float* x, std::size_t count) noexcept;

// The least and the greatest value; +infinity and -infinity for none. NaN when any value is NaN, so
// that an error cannot hide. Of -0 and +0 either may be returned.
ABI_API float minimum(const float* x, std::size_t count) noexcept;
ABI_API float maximum(const float* x, std::size_t count) noexcept;
// The first index of it. When any value is NaN, the index of the first NaN. `count`, which is 0,
// for none.
ABI_API std::size_t index_of_minimum(const float* x, std::size_t count) noexcept;
ABI_API std::size_t index_of_maximum(const float* x, std::size_t count) noexcept;

// Mean and variance over the count (the variance of a population; times count / (count - 1) it is
// that of a sample).
struct Moments {
    double mean = 0.0;
    double variance = 0.0;
};

// Zeros for none. Blocks of 4096 values are centred on their own mean and joined in double
// precision (Chan, Golub, LeVeque 1979), so that a mean far from zero cancels nothing: the mean
// errs by at most 2^-18 mean(|x|), the variance by a factor of at most 1 + 2^-17 as long as the
// standard deviation is above 2^-20 |mean|. The variance is infinite when a deviation from a
// block's mean is above 1.8e19, whose square is no float32.
ABI_API Moments mean_and_variance(const float* x, std::size_t count) noexcept;

}  // namespace abikit::simd
