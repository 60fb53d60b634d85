// Descriptive statistics and confidence intervals of measured values. Functions take values in any
// order and leave them alone. Where nothing sensible can be said (no values, a value that is not a
// number) a plain function returns NaN, and a function that gives a Result says why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit {

// Mean, spread and extremes of values that come one at a time, in constant memory: Welford's
// method ("Note on a Method for Calculating Corrected Sums of Squares and Products", 1962), merged
// as by Chan, Golub, LeVeque (1979). Single thread; merge the parts of several threads in a fixed
// order if the last bit matters.
class ABI_API RunningStats {
public:
    void add(double value) noexcept;
    void merge(const RunningStats& other) noexcept;

    std::uint64_t count() const noexcept { return count_; }
    double mean() const noexcept;      // NaN without values
    double variance() const noexcept;  // of the sample (n - 1); NaN with fewer than two values
    double stddev() const noexcept;
    double min() const noexcept;  // NaN without values or when one is NaN
    double max() const noexcept;

private:
    std::uint64_t count_ = 0;
    double mean_ = 0;
    double squares_ = 0;  // sum of squared differences from the mean
    double min_ = 0;
    double max_ = 0;
};

// Arithmetic mean by compensated summation (Neumaier 1974). NaN for no values.
ABI_API double mean(std::span<const double> values) noexcept;
// Standard deviation of the sample (divisor n - 1). NaN for fewer than two values.
ABI_API double stddev(std::span<const double> values) noexcept;
// n-th root of the product, by logarithms. NaN for no values or a negative one; 0 when one is 0.
ABI_API double geometric_mean(std::span<const double> values) noexcept;
// NaN for no values or when one is NaN.
ABI_API double min_value(std::span<const double> values) noexcept;
ABI_API double max_value(std::span<const double> values) noexcept;

// The middle value, or the mean of the two in the middle: percentile 50. Takes linear time.
ABI_API double median(std::span<const double> values);
// The value below which `percent` of the values lie, 0 to 100, interpolated linearly between the
// two nearest ranks: type 7 of Hyndman, Fan ("Sample Quantiles in Statistical Packages", 1996), the
// default of R, NumPy and spreadsheets. NaN for no values, a NaN among them, or a percent outside
// the range. Takes linear time.
ABI_API double percentile(std::span<const double> values, double percent);
// Several at once, with one sort.
ABI_API std::vector<double> percentiles(std::span<const double> values,
                                        std::span<const double> percents);
// The same of values that ascend already and hold no NaN, in constant time.
ABI_API double percentile_of_sorted(std::span<const double> sorted, double percent) noexcept;

struct ConfidenceInterval {
    double low = 0;
    double high = 0;
    // The probability with which intervals made like this one cover the true value: what was asked
    // for, or the next larger one that ranks can give (median_interval).
    double confidence = 0;
};

// Of the mean: mean +- t * s / sqrt(n) with Student's t for n - 1 degrees of freedom. Assumes
// roughly normal means. kInvalidArgument unless 0 < confidence < 1; kInconclusive for fewer than
// two values; kInvalidData when one is not finite.
ABI_API Result<ConfidenceInterval> mean_interval(std::span<const double> values,
                                                 double confidence = 0.95);
// Of the median, with no assumption on the distribution: the ranks l and n + 1 - l, for the
// largest l whose binomial coverage is at least `confidence`. Errors as above; kInconclusive when
// even the extremes do not cover it (below six values for 95 %).
ABI_API Result<ConfidenceInterval> median_interval(std::span<const double> values,
                                                   double confidence = 0.95);

// Distribution functions, computed to about 1e-12 relative for up to a million degrees of freedom.

// P(Z <= z) and its inverse for the standard normal. The inverse of 0 and 1 is infinite, outside
// [0, 1] NaN.
ABI_API double normal_cdf(double z) noexcept;
ABI_API double normal_quantile(double p) noexcept;
// P(T <= t) and its inverse for Student's t with `degrees` > 0, not necessarily whole.
ABI_API double student_t_cdf(double t, double degrees) noexcept;
ABI_API double student_t_quantile(double p, double degrees) noexcept;
// P(X <= k) for the number X of successes among n trials of probability p.
ABI_API double binomial_cdf(std::uint64_t k, std::uint64_t n, double p) noexcept;
// The regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1].
ABI_API double incomplete_beta(double a, double b, double x) noexcept;

}  // namespace abikit
