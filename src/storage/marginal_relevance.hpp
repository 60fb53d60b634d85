// Maximal marginal relevance: hits that are near the query and unlike each other.
#pragma once

#include <cstddef>
#include <vector>

#include <abi/storage/snapshot.hpp>

namespace abikit::storage {

// Which of the candidates are picked, in this order: min(count, candidates) of them. Similarities
// are score_of() of distances between the exact vectors; of equals the earlier candidate is picked.
// lambda: 0 to 1 (query_forms.hpp has the formula). O(count * candidates * dimension).
Result<std::vector<Hit>> pick_diverse(const Snapshot& snapshot, const std::vector<Hit>& candidates,
                                      std::size_t count, double lambda);

}  // namespace abikit::storage
