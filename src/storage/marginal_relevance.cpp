#include "marginal_relevance.hpp"

#include <algorithm>
#include <limits>

#include <abi/simd/distance.hpp>
#include <abi/storage/metric.hpp>

namespace abikit::storage {

namespace {
// Rows that lie behind each other, and what is asked of them.
class Vectors {
public:
    Vectors(Metric metric, std::size_t dimension) : metric_(metric), dimension_(dimension) {}

    void append(std::span<const float> vector) {
        values_.insert(values_.end(), vector.begin(), vector.end());
        ++count_;
    }
    // Of row `row` to all rows.
    void distances(std::size_t row, std::vector<float>& out) const {
        const float* const one = values_.data() + row * dimension_;
        out.resize(count_);
        switch (metric_) {
            case Metric::kL2:
            case Metric::kHamming:  // of zeros and ones
                simd::l2_squared_rows(one, values_.data(), dimension_, count_, out.data());
                return;
            case Metric::kCosine:
                simd::cosine_rows(one, values_.data(), dimension_, count_, out.data());
                return;
            case Metric::kDot:
            case Metric::kJaccard:
                break;
        }
        simd::dot_rows(one, values_.data(), dimension_, count_, out.data());
        if (metric_ == Metric::kDot) {
            std::transform(out.begin(), out.end(), out.begin(), [](float dot) { return -dot; });
        } else {
            dots_to_jaccard(one, out);
        }
    }

private:
    void dots_to_jaccard(const float* one, std::vector<float>& out) const {
        std::vector<float> bits(count_);
        simd::squared_norms(values_.data(), dimension_, count_, bits.data());
        float own = 0.0F;
        simd::squared_norms(one, dimension_, 1, &own);
        for (std::size_t i = 0; i < count_; ++i) {
            const float either = own + bits[i] - out[i];
            out[i] = either > 0.0F ? 1.0F - out[i] / either : 0.0F;
        }
    }

    Metric metric_;
    std::size_t dimension_ = 0, count_ = 0;
    std::vector<float> values_;
};
}  // namespace

Result<std::vector<Hit>> pick_diverse(const Snapshot& snapshot, const std::vector<Hit>& candidates,
                                      std::size_t count, double lambda) {
    const SnapshotStats stats = snapshot.stats();
    Vectors vectors(stats.metric, stats.dimension);
    for (const Hit& hit : candidates) {
        ABI_TRY(const RowView view, snapshot.read(hit.row));
        vectors.append(view.vector);
    }
    // Of each candidate: the largest similarity to a hit, once there is one, and whether it is one.
    std::vector<double> nearest(candidates.size(), -std::numeric_limits<double>::infinity());
    std::vector<bool> taken(candidates.size());
    std::vector<float> distances;
    std::vector<Hit> hits;
    while (hits.size() < std::min(count, candidates.size())) {
        std::size_t best = candidates.size();
        double best_value = 0;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            if (taken[i]) {
                continue;
            }
            const double relevance = score_of(stats.metric, double{candidates[i].distance});
            const double likeness = hits.empty() ? 0 : nearest[i];
            const double value = lambda * relevance - (1 - lambda) * likeness;
            if (best == candidates.size() || value > best_value) {
                best = i;
                best_value = value;
            }
        }
        taken[best] = true;
        hits.push_back(candidates[best]);
        vectors.distances(best, distances);
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            nearest[i] = std::max(nearest[i], score_of(stats.metric, double{distances[i]}));
        }
    }
    return hits;
}

}  // namespace abikit::storage
