// Robust statistics of measured times.
#include <abi/bench/statistics.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace abikit::bench {
namespace {

constexpr double kMadScale = 1.4826;  // 1 / the 75 % quantile of the normal distribution
constexpr double kConfidence = 0.95;

double scaled_mad(std::span<const double> values, double centre) {
    std::vector<double> distances(values.begin(), values.end());
    for (double& value : distances) {
        value = std::fabs(value - centre);
    }
    return kMadScale * median(distances);
}

void count_outliers(std::span<const double> sorted, Statistics& result) {
    const double first = percentile_of_sorted(sorted, 25.0);
    const double third = percentile_of_sorted(sorted, 75.0);
    const double range = third - first;
    for (const double value : sorted) {
        const double outside = std::max(first - value, value - third);
        if (outside > 3.0 * range) {
            ++result.severe_outliers;
        } else if (outside > 1.5 * range) {
            ++result.mild_outliers;
        }
    }
}

}  // namespace

Statistics statistics(std::span<const double> values) {
    Statistics result{.count = values.size()};
    if (values.empty()) {
        return result;
    }
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    result.median = percentile_of_sorted(sorted, 50.0);
    result.min = sorted.front();
    result.max = sorted.back();
    result.mean = mean(sorted);
    result.stddev = sorted.size() < 2 ? 0.0 : stddev(sorted);
    result.mad = scaled_mad(sorted, result.median);
    if (auto interval = median_interval(sorted, kConfidence)) {
        result.interval = *interval;
    }
    count_outliers(sorted, result);
    return result;
}

}  // namespace abikit::bench
