// Descriptive statistics and intervals. The distributions are in stats_distributions.cpp.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <abi/core/stats.hpp>

namespace abikit {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool has_nan(std::span<const double> values) noexcept {
    return std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); });
}

// NaN when one of them is; std::min would let it pass by.
double smaller(double a, double b) noexcept {
    return std::isnan(a) || a <= b ? a : b;
}

// The two ranks around a percentile of n values (zero-based) and the way between them.
struct Position {
    std::size_t rank;
    double fraction;
};

Position position_of(double percent, std::size_t n) noexcept {
    const double h = static_cast<double>(n - 1) * (percent / 100);
    const std::size_t rank = std::min(static_cast<std::size_t>(h), n - 1);
    return {rank, h - static_cast<double>(rank)};
}

double between(double low, double high, double fraction) noexcept {
    // Not for a fraction of 0: there an infinite neighbour would turn the value into NaN.
    return fraction > 0 && low != high ? std::lerp(low, high, fraction) : low;
}

bool is_percent(double percent) noexcept {
    return percent >= 0 && percent <= 100;
}

Status check_interval_input(std::span<const double> values, double confidence) {
    if (!(confidence > 0 && confidence < 1)) {
        return fail(Code::kInvalidArgument,
                    fmt::format("a confidence of {} is impossible", confidence),
                    "give a number between 0 and 1, such as 0.95");
    }
    if (values.size() < 2) {
        return fail(Code::kInconclusive,
                    fmt::format("{} value(s) are too few for an interval", values.size()),
                    "measure more often");
    }
    if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) {
        return fail(Code::kInvalidData, "a value is not finite");
    }
    return {};
}

}  // namespace

void RunningStats::add(double value) noexcept {
    min_ = count_ == 0 ? value : smaller(min_, value);
    max_ = count_ == 0 ? value : -smaller(-max_, -value);
    ++count_;
    const double difference = value - mean_;
    mean_ += difference / static_cast<double>(count_);
    squares_ += difference * (value - mean_);
}

void RunningStats::merge(const RunningStats& other) noexcept {
    if (other.count_ == 0) {
        return;
    }
    if (count_ == 0) {
        *this = other;
        return;
    }
    const auto n = static_cast<double>(count_);
    const auto m = static_cast<double>(other.count_);
    const double difference = other.mean_ - mean_;
    mean_ += difference * (m / (n + m));
    squares_ += other.squares_ + difference * difference * (n * m / (n + m));
    count_ += other.count_;
    min_ = smaller(min_, other.min_);
    max_ = -smaller(-max_, -other.max_);
}

double RunningStats::mean() const noexcept {
    return count_ == 0 ? kNan : mean_;
}
double RunningStats::variance() const noexcept {
    return count_ < 2 ? kNan : squares_ / static_cast<double>(count_ - 1);
}
double RunningStats::stddev() const noexcept {
    return std::sqrt(variance());
}
double RunningStats::min() const noexcept {
    return count_ == 0 ? kNan : min_;
}
double RunningStats::max() const noexcept {
    return count_ == 0 ? kNan : max_;
}

double mean(std::span<const double> values) noexcept {
    if (values.empty()) {
        return kNan;
    }
    double sum = 0;
    double lost = 0;  // the low bits that did not fit into the sum
    for (const double value : values) {
        const double next = sum + value;
        lost += std::abs(sum) >= std::abs(value) ? (sum - next) + value : (value - next) + sum;
        sum = next;
    }
    // With infinities the compensation is NaN, but the plain sum is right.
    return (std::isfinite(sum) ? sum + lost : sum) / static_cast<double>(values.size());
}

double stddev(std::span<const double> values) noexcept {
    RunningStats stats;
    for (const double value : values) {
        stats.add(value);
    }
    return stats.stddev();
}

double geometric_mean(std::span<const double> values) noexcept {
    if (values.empty()) {
        return kNan;
    }
    double sum = 0;
    double lost = 0;
    bool zero = false;
    for (const double value : values) {
        if (!(value >= 0)) {
            return kNan;
        }
        zero = zero || value == 0;
        if (!zero) {
            const double logarithm = std::log(value);
            const double next = sum + logarithm;
            lost += std::abs(sum) >= std::abs(logarithm) ? (sum - next) + logarithm
                                                         : (logarithm - next) + sum;
            sum = next;
        }
    }
    if (zero) {
        return 0;
    }
    return std::exp((std::isfinite(sum) ? sum + lost : sum) / static_cast<double>(values.size()));
}

double min_value(std::span<const double> values) noexcept {
    return values.empty() || has_nan(values) ? kNan
                                             : *std::min_element(values.begin(), values.end());
}

double max_value(std::span<const double> values) noexcept {
    return values.empty() || has_nan(values) ? kNan
                                             : *std::max_element(values.begin(), values.end());
}

double median(std::span<const double> values) {
    return percentile(values, 50);
}

double percentile(std::span<const double> values, double percent) {
    if (values.empty() || !is_percent(percent) || has_nan(values)) {
        return kNan;
    }
    std::vector<double> copy(values.begin(), values.end());
    const auto [rank, fraction] = position_of(percent, copy.size());
    const auto at = copy.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(copy.begin(), at, copy.end());
    if (at + 1 == copy.end()) {
        return *at;
    }
    return between(*at, *std::min_element(at + 1, copy.end()), fraction);
}

std::vector<double> percentiles(std::span<const double> values, std::span<const double> percents) {
    if (has_nan(values)) {
        return std::vector<double>(percents.size(), kNan);
    }
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    std::vector<double> results;
    results.reserve(percents.size());
    for (const double percent : percents) {
        results.push_back(percentile_of_sorted(sorted, percent));
    }
    return results;
}

double percentile_of_sorted(std::span<const double> sorted, double percent) noexcept {
    if (sorted.empty() || !is_percent(percent)) {
        return kNan;
    }
    const auto [rank, fraction] = position_of(percent, sorted.size());
    return between(sorted[rank], sorted[std::min(rank + 1, sorted.size() - 1)], fraction);
}

Result<ConfidenceInterval> mean_interval(std::span<const double> values, double confidence) {
    ABI_CHECK(check_interval_input(values, confidence));
    const auto n = static_cast<double>(values.size());
    const double centre = mean(values);
    const double t = student_t_quantile(0.5 + confidence / 2, n - 1);
    const double half = t * stddev(values) / std::sqrt(n);
    return ConfidenceInterval{centre - half, centre + half, confidence};
}

Result<ConfidenceInterval> median_interval(std::span<const double> values, double confidence) {
    ABI_CHECK(check_interval_input(values, confidence));
    const std::uint64_t n = values.size();
    const auto coverage = [n](std::uint64_t rank) {  // of [x_rank, x_(n + 1 - rank)], ranks from 1
        return 1 - 2 * binomial_cdf(rank - 1, n, 0.5);
    };
    if (coverage(1) < confidence) {
        return fail(Code::kInconclusive,
                    fmt::format("{} values are too few for a {} % interval of the median", n,
                                confidence * 100),
                    "measure more often");
    }
    std::uint64_t good = 1;               // covers enough
    std::uint64_t bad = (n + 1) / 2 + 1;  // covers nothing
    while (bad - good > 1) {
        const std::uint64_t middle = (good + bad) / 2;
        (coverage(middle) >= confidence ? good : bad) = middle;
    }
    std::vector<double> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    return ConfidenceInterval{sorted[good - 1], sorted[n - good], coverage(good)};
}

}  // namespace abikit
