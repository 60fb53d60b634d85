// The metric table: names and scores.
#include <array>
#include <string>

#include <abi/storage/metric.hpp>

namespace abikit::storage {

std::string_view metric_name(Metric metric) noexcept {
    switch (metric) {
        case Metric::kL2:
            return "l2";
        case Metric::kCosine:
            return "cosine";
        case Metric::kDot:
            return "dot";
        case Metric::kHamming:
            return "hamming";
        case Metric::kJaccard:
            return "jaccard";
    }
    return "unknown";
}

Result<Metric> parse_metric(std::string_view name) {
    for (std::uint32_t number = 1; number <= kMetrics; ++number) {
        const auto metric = static_cast<Metric>(number);
        if (metric_name(metric) == name) {
            return metric;
        }
    }
    return fail(Code::kInvalidArgument, "unknown metric '" + std::string(name) + "'",
                "valid metrics are l2, cosine, dot, hamming and jaccard");
}

double score_of(Metric metric, double distance) noexcept {
    switch (metric) {
        case Metric::kL2:
        case Metric::kHamming:
            return 1.0 / (1.0 + distance);
        case Metric::kCosine:
        case Metric::kJaccard:
            return 1.0 - distance;
        case Metric::kDot:
            return -distance;
    }
    return 0.0;
}

}  // namespace abikit::storage
