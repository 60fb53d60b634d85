// Distance metrics of the store. Numbers are on disk: append only (docs/formats/wdbx.md).
#pragma once

#include <cstdint>
#include <string_view>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit::storage {

// What `distance` means; smaller is always nearer.
//   kL2      squared Euclidean distance, as FAISS and hnswlib report it
//   kCosine  1 - cos(a, b), in [0, 2]; a zero vector has distance 1 to everything
//   kDot     the negated inner product
//   kHamming how many bits differ
//   kJaccard 1 - |a and b| / |a or b|, in [0, 1]; two vectors without any bit have distance 0
enum class Metric : std::uint8_t { kL2 = 1, kCosine = 2, kDot = 3, kHamming = 4, kJaccard = 5 };
inline constexpr std::uint32_t kMetrics = 5;

// "l2", "cosine", "dot", "hamming", "jaccard". Never fails for a valid enumerator.
ABI_API std::string_view metric_name(Metric metric) noexcept;
// The inverse; kInvalidArgument names the valid words.
ABI_API Result<Metric> parse_metric(std::string_view name);
// Higher is better: 1 / (1 + d) for l2 and hamming, 1 - d for cosine and jaccard, the inner product
// for dot.
ABI_API double score_of(Metric metric, double distance) noexcept;

}  // namespace abikit::storage
