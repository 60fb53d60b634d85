// Recalls come from a first pass that also warms the caches; times from the rounds after it.
#include "sweep.hpp"

#include <algorithm>
#include <array>

#include <abi/core/time.hpp>

namespace abikit::suites {
namespace {

// A sweep that was given no efforts ends here: beyond it the last misses are looked for.
constexpr double kEnoughRecall = 0.9995;
// In steps of a tenth to a quarter.
constexpr std::array<std::uint32_t, 40> kEfforts{
    10,  12,  14,  16,  18,   20,   24,   28,   32,   36,   40,   48,  56,  64,
    72,  80,  96,  112, 128,  144,  160,  192,  224,  256,  288,  320, 384, 448,
    512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 4096};

struct Times {
    std::vector<double> latencies_us;
    std::vector<double> qps;
};

std::vector<AnnRequest> requests_of(const SweepOptions& options) {
    std::vector<AnnRequest> requests;
    for (const double recall : options.recalls) {
        requests.push_back({.k = options.k, .effort = {}, .recall = recall});
    }
    for (const std::uint32_t effort : options.efforts) {
        requests.push_back({.k = options.k, .effort = effort, .recall = {}});
    }
    if (!requests.empty()) {
        return requests;
    }
    const auto least =
        static_cast<std::uint32_t>(std::min<std::size_t>(options.k, kEfforts.back()));
    for (const std::uint32_t effort : kEfforts) {
        if (effort >= least) {
            requests.push_back({.k = options.k, .effort = effort, .recall = {}});
        }
    }
    return requests;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

double at_share(std::vector<double>& values, double share) {
    const auto rank = std::min(
        values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())));
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

Result<double> recall_of(AnnSubject& subject, const Vectors& queries, const Judge& judge,
                         const AnnRequest& request) {
    std::size_t good = 0;
    std::vector<std::uint64_t> rows;
    for (std::size_t i = 0; i < queries.count; ++i) {
        ABI_CHECK(subject.search(queries.row(i), request));
        ABI_CHECK(subject.found(rows));
        good += judge.good(i, rows);
    }
    return static_cast<double>(good) / static_cast<double>(queries.count * judge.expected());
}

Status time_queries(AnnSubject& subject, const Vectors& queries, const AnnRequest& request,
                    Times& times) {
    const std::uint64_t start = monotonic_ns();
    std::uint64_t before = start;
    for (std::size_t i = 0; i < queries.count; ++i) {
        ABI_CHECK(subject.search(queries.row(i), request));
        const std::uint64_t now = monotonic_ns();
        times.latencies_us.push_back(static_cast<double>(now - before) * 1e-3);
        before = now;
    }
    const double seconds = static_cast<double>(std::max<std::uint64_t>(before - start, 1)) * 1e-9;
    times.qps.push_back(static_cast<double>(queries.count) / seconds);
    return {};
}

}  // namespace

Result<std::vector<SweepPoint>> sweep(const Context& context, AnnSubject& subject,
                                      const Vectors& queries, const Judge& judge,
                                      const SweepOptions& options) {
    std::vector<AnnRequest> requests = requests_of(options);
    std::vector<SweepPoint> points;
    for (const AnnRequest& request : requests) {
        ABI_CHECK(context.cancel.check());
        ABI_TRY(const double recall, recall_of(subject, queries, judge, request));
        points.push_back(
            {.effort = request.effort, .asked_recall = request.recall, .recall = recall});
        const bool chosen_here = options.efforts.empty() && options.recalls.empty();
        if (chosen_here && recall >= kEnoughRecall) {
            break;
        }
    }
    std::vector<Times> times(points.size());
    for (unsigned round = 0; round < options.rounds; ++round) {
        for (std::size_t i = 0; i < points.size(); ++i) {
            ABI_CHECK(context.cancel.check());
            ABI_CHECK(time_queries(subject, queries, requests[i], times[i]));
        }
    }
    for (std::size_t i = 0; i < points.size(); ++i) {
        points[i].qps = median(times[i].qps);
        points[i].latency_us_p50 = at_share(times[i].latencies_us, 0.5);
        points[i].latency_us_p99 = at_share(times[i].latencies_us, 0.99);
    }
    return points;
}

}  // namespace abikit::suites
