// Which rows a walk can come to at all.
#pragma once

#include <cstdint>
#include <vector>

#include <abi/storage/ann_index.hpp>

#include "ann/graph.hpp"

namespace abikit::storage::ann {

// Rows that no path from the entries leads to, ascending. Complexity: O(edges).
std::vector<std::uint32_t> unreachable_rows(const GraphView& graph);
// How many edges lead to each row.
std::vector<std::uint32_t> in_degrees(const GraphView& graph);
AnnAudit audit(const GraphView& graph);

}  // namespace abikit::storage::ann
