// What the bars of approximate search share: points near a curved manifold, recall against an exact
// search of the same snapshot, and medians of latencies on one thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <abi/storage/database.hpp>

#include "db_tools.hpp"

namespace abikit::bars {

// Latent clusters of Zipf sizes, mapped through two layers of tanh, with noise: what embeddings
// look like to an index. The same seed gives the same points on one machine.
class Manifold {
public:
    Manifold(std::size_t dimension, std::uint64_t seed)
        : dimension_(dimension),
          random_(seed),
          centres_(gaussians(kClusters * kLatent, 1.0F)),
          first_(gaussians(kLatent * kHidden, 1.0F / std::sqrt(float{kLatent}))),
          second_(gaussians(kHidden * dimension, 1.5F / std::sqrt(float{kHidden}))) {
        std::vector<double> sizes;
        for (std::size_t i = 1; i <= kClusters; ++i) {
            sizes.push_back(1.0 / static_cast<double>(i));
            widths_.push_back(std::uniform_real_distribution<float>(0.25F, 0.75F)(random_));
        }
        cluster_ = std::discrete_distribution<std::size_t>(sizes.begin(), sizes.end());
    }

    // Further points, row-major, and where each lies along one direction of the latent space.
    void append(std::size_t count, std::vector<float>& points, std::vector<float>& places) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t cluster = cluster_(random_);
            std::vector<float> latent(kLatent), hidden(kHidden, 0.0F), point(dimension_, 0.0F);
            for (std::size_t j = 0; j < kLatent; ++j) {
                latent[j] = centres_[cluster * kLatent + j] + widths_[cluster] * normal_(random_);
            }
            for (std::size_t j = 0; j < kLatent; ++j) {
                add(latent[j], &first_[j * kHidden], hidden);
            }
            for (std::size_t j = 0; j < kHidden; ++j) {
                add(std::tanh(hidden[j]), &second_[j * dimension_], point);
            }
            for (const float value : point) {
                points.push_back(std::tanh(value) + 0.02F * normal_(random_));
            }
            places.push_back(latent[0]);
        }
    }

private:
    static constexpr std::size_t kClusters = 400;
    static constexpr std::uint8_t kLatent = 24, kHidden = 48;

    std::vector<float> gaussians(std::size_t count, float scale) {
        std::vector<float> values(count);
        std::generate(values.begin(), values.end(), [&] { return scale * normal_(random_); });
        return values;
    }

    static void add(float factor, const float* row, std::vector<float>& sum) {
        for (std::size_t i = 0; i < sum.size(); ++i) {
            sum[i] += factor * row[i];
        }
    }

    std::size_t dimension_;
    std::mt19937_64 random_;
    std::normal_distribution<float> normal_;
    std::vector<float> centres_, first_, second_, widths_;
    std::discrete_distribution<std::size_t> cluster_;
};

// The hits of one search on the calling thread.
inline std::vector<storage::Hit> search_one(const Context& context,
                                            const storage::Snapshot& snapshot,
                                            std::span<const float> query,
                                            const storage::SearchOptions& options) {
    auto results = must(snapshot.search(context, query, 1, options));
    return std::move(results.front());
}

// How many of `found` are as near as the last of `exact`.
inline std::size_t good_hits(const std::vector<storage::Hit>& found,
                             const std::vector<storage::Hit>& exact) {
    if (exact.empty()) {
        return 0;
    }
    const double limit = double{exact.back().distance} * (1 + 1e-6);
    return static_cast<std::size_t>(std::count_if(found.begin(), found.end(), [&](const auto& hit) {
        return double{hit.distance} <= limit;
    }));
}

inline double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

}  // namespace abikit::bars
