// Distances that decide are computed in double; the scan that finds the candidates for them uses
// the float kernels and keeps some more than k.
#include "judge.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <abi/simd/distance.hpp>

namespace abikit::suites {
namespace {

// Rows a float scan keeps beyond k, because its rounding may exchange neighbours.
constexpr std::size_t kSpare = 64;
constexpr std::size_t kScanRows = 1024;
// What rounding may add to a distance that equals the limit.
constexpr double kTolerance = 1e-6;

void scan_rows(storage::Metric metric, const float* query, const float* rows, std::size_t dimension,
               std::size_t count, float* out) {
    if (metric == storage::Metric::kL2) {
        simd::l2_squared_rows(query, rows, dimension, count, out);
    } else if (metric == storage::Metric::kCosine) {
        simd::cosine_rows(query, rows, dimension, count, out);
    } else {
        simd::dot_rows(query, rows, dimension, count, out);
        std::transform(out, out + count, out, [](float product) { return -product; });
    }
}

}  // namespace

Judge::Judge(const Vectors& base, const Vectors& queries, storage::Metric metric, std::size_t k)
    : base_(&base),
      queries_(&queries),
      metric_(metric),
      expected_(std::min(k, base.count)),
      limits_(queries.count) {}

double Judge::distance(std::size_t query, std::size_t row) const {
    const std::span<const float> a = queries_->row(query), b = base_->row(row);
    double differences = 0.0, product = 0.0, own = 0.0, other = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = a[i], y = b[i];
        differences += (x - y) * (x - y);
        product += x * y;
        own += x * x;
        other += y * y;
    }
    if (metric_ == storage::Metric::kL2) {
        return differences;
    }
    if (metric_ == storage::Metric::kDot) {
        return -product;
    }
    const double lengths = std::sqrt(own) * std::sqrt(other);
    return lengths > 0.0 ? 1.0 - product / lengths : 1.0;
}

double Judge::limit_of(std::size_t query, std::span<const std::uint32_t> candidates) const {
    std::vector<double> distances;
    for (const std::uint32_t row : candidates) {
        distances.push_back(distance(query, row));
    }
    const auto last = distances.begin() + static_cast<std::ptrdiff_t>(expected_ - 1);
    std::nth_element(distances.begin(), last, distances.end());
    return *last + kTolerance * std::max(std::abs(*last), 1e-3);
}

double Judge::scanned_limit(std::size_t query) const {
    std::vector<std::pair<float, std::uint32_t>> near;
    const std::size_t keep = std::min(base_->count, expected_ + kSpare);
    std::vector<float> distances(kScanRows);
    for (std::size_t start = 0; start < base_->count; start += kScanRows) {
        const std::size_t count = std::min(kScanRows, base_->count - start);
        scan_rows(metric_, queries_->row(query).data(), base_->row(start).data(), base_->dimension,
                  count, distances.data());
        const float worst = near.size() < keep ? INFINITY : near.front().first;
        for (std::size_t i = 0; i < count; ++i) {
            if (distances[i] < worst || near.size() < keep) {
                near.emplace_back(distances[i], static_cast<std::uint32_t>(start + i));
                std::ranges::push_heap(near);
                if (near.size() > keep) {
                    std::ranges::pop_heap(near);
                    near.pop_back();
                }
            }
        }
    }
    std::vector<std::uint32_t> candidates;
    for (const auto& [unused, row] : near) {
        candidates.push_back(row);
    }
    return limit_of(query, candidates);
}

Result<Judge> Judge::make(const Context& context, const Vectors& base, const Vectors& queries,
                          storage::Metric metric, std::size_t k,
                          const std::optional<NearestRows>& truth) {
    Judge judge(base, queries, metric, k);
    if (truth) {
        for (std::size_t i = 0; i < queries.count; ++i) {
            judge.limits_[i] =
                judge.limit_of(i, std::span(truth->ids).subspan(i * truth->width, truth->width));
        }
        return judge;
    }
    const auto some = [&](std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last && !context.cancel.cancelled(); ++i) {
            judge.limits_[i] = judge.scanned_limit(i);
        }
    };
    if (context.pool != nullptr) {
        context.pool->parallel_for(0, queries.count, 1, some);
    } else {
        some(0, queries.count);
    }
    ABI_CHECK(context.cancel.check());
    return judge;
}

std::size_t Judge::good(std::size_t query, std::span<const std::uint64_t> found) const {
    std::vector<std::uint64_t> rows(found.begin(), found.end());
    std::ranges::sort(rows);
    const auto repeated = std::ranges::unique(rows);
    rows.erase(repeated.begin(), repeated.end());
    const auto near = std::ranges::count_if(rows, [&](std::uint64_t row) {
        return row < base_->count && distance(query, row) <= limits_[query];
    });
    return std::min(static_cast<std::size_t>(near), expected_);
}

}  // namespace abikit::suites
