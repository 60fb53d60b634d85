// What a set of measured times says: robust centre, spread and a confidence interval. Nothing is
// thrown away; outliers are counted. Read runner.hpp for where the times come from.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <abi/core/export.h>
#include <abi/core/stats.hpp>

namespace abikit::bench {

// Of times in nanoseconds (any unit works). The distribution of times has a hard lower end and a
// long upper tail, so the median leads; the mean and standard deviation are for comparison with
// other tools.
struct Statistics {
    std::size_t count = 0;
    double median = 0.0;
    double min = 0.0;
    double max = 0.0;
    double mean = 0.0;
    double stddev = 0.0;  // of the sample (n - 1); 0 for a single value
    // Median absolute deviation from the median, times 1.4826 so that it estimates the standard
    // deviation of normal values (Rousseeuw, Croux, "Alternatives to the Median Absolute
    // Deviation", 1993).
    double mad = 0.0;
    // Of the median, from ranks and so without an assumption on the distribution; with at least
    // 95 % confidence. Absent below six values.
    std::optional<ConfidenceInterval> interval{};
    // Values more than 1.5 (3) interquartile ranges outside the quartiles (Tukey, "Exploratory Data
    // Analysis", 1977). A severe outlier is not counted as a mild one.
    std::size_t mild_outliers = 0;
    std::size_t severe_outliers = 0;
};

// Values in any order; all finite. Zeros for no values. Thread-safe, O(n log n).
ABI_API Statistics statistics(std::span<const double> values);

}  // namespace abikit::bench
