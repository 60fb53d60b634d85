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
    }
    return "unknown";
}

Result<Metric> parse_metric(std::string_view name) {
    for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
        if (metric_name(metric) == name) {
            return metric;
        }
    }
    return fail(Code::kInvalidArgument, "unknown metric '" + std::string(name) + "'",
                "valid metrics are l2, cosine and dot");
}

double score_of(Metric metric, double distance) noexcept {
    switch (metric) {
        case Metric::kL2:
            return 1.0 / (1.0 + distance);
        case Metric::kCosine:
            return 1.0 - distance;
        case Metric::kDot:
            return -distance;
    }
    return 0.0;
}

}  // namespace abikit::storage
