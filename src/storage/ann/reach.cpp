// A search through the whole graph.
#include "ann/reach.hpp"

#include <algorithm>

namespace abikit::storage::ann {

std::vector<std::uint32_t> unreachable_rows(const GraphView& graph) {
    std::vector<bool> seen(graph.rows);
    std::vector<std::uint32_t> front;
    const auto visit = [&](std::uint32_t row) {
        if (!seen[row]) {
            seen[row] = true;
            front.push_back(row);
        }
    };
    for (const std::uint32_t entry : graph.entries) {
        visit(entry);
    }
    while (!front.empty()) {
        const std::uint32_t row = front.back();
        front.pop_back();
        const std::uint32_t* const edges = graph.edges_of(row);
        for (std::uint32_t i = 0; i < graph.degree && edges[i] != kNoEdge; ++i) {
            visit(edges[i]);
        }
    }
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < graph.rows; ++row) {
        if (!seen[row]) {
            rows.push_back(row);
        }
    }
    return rows;
}

std::vector<std::uint32_t> in_degrees(const GraphView& graph) {
    std::vector<std::uint32_t> degrees(graph.rows);
    for (std::uint32_t row = 0; row < graph.rows; ++row) {
        const std::uint32_t* const edges = graph.edges_of(row);
        for (std::uint32_t i = 0; i < graph.degree && edges[i] != kNoEdge; ++i) {
            ++degrees[edges[i]];
        }
    }
    return degrees;
}

AnnAudit audit(const GraphView& graph) {
    AnnAudit result;
    result.rows = graph.rows;
    result.unreachable = unreachable_rows(graph).size();
    for (const std::uint32_t degree : in_degrees(graph)) {
        result.edges += degree;
        result.without_edges_in += degree == 0 ? 1 : 0;
        result.most_edges_in = std::max(result.most_edges_in, degree);
    }
    return result;
}

}  // namespace abikit::storage::ann
