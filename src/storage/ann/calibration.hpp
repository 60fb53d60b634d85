// How much effort which recall takes: measured on rows that are not in the graph yet.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/storage/ann_index.hpp>

#include "ann/graph.hpp"
#include "ann/projection.hpp"

namespace abikit::storage::ann {

inline constexpr std::size_t kCalibratedK = 10;

// Candidates whose exact vectors are compared for k hits: codes order near ones wrongly.
constexpr std::size_t compared(std::size_t k, std::size_t found) {
    constexpr std::size_t kFactor = 6;
    return found < kFactor * k ? found : kFactor * k;
}

// The curve, ascending in effort and recall. queries: rows of `rows` that `graph` does not hold.
Result<std::vector<AnnEffort>> measure_recall(const Context& context, const VectorSource& rows,
                                              const Projection& projection, const GraphView& graph,
                                              std::span<const std::uint32_t> queries);

}  // namespace abikit::storage::ann
