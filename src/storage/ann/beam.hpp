// Best-first walks through a graph with a bounded, sorted list of candidates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <abi/storage/ann_index.hpp>

#include "ann/graph.hpp"

namespace abikit::storage::ann {

// What one thread needs for its walks; nothing is allocated once it has seen the largest. The
// marks of visited rows carry the number of the walk, so that none is wiped between walks.
class Beam {
public:
    // Walks from the graph's entries until none of the nearest `effort` rows found is unexplored.
    void walk(const GraphView& graph, const CodeQuery& query, std::size_t effort);
    // What the last walk found, nearest first; at most `effort`.
    std::span<const AnnCandidate> found() const noexcept { return {pool_.data(), size_}; }
    // How many distances the last walk took.
    std::uint64_t measured() const noexcept { return measured_; }
    // The rows whose edges the last walk followed, nearest or not; only when it was asked to keep
    // them.
    void keep_explored(bool keep) noexcept { keeps_explored_ = keep; }
    std::span<const AnnCandidate> explored() const noexcept { return explored_; }

private:
    void begin(std::uint32_t rows, std::size_t effort);
    bool first_visit(std::uint32_t row) noexcept {
        const bool first = visited_[row] != walk_;
        visited_[row] = walk_;
        return first;
    }
    // Where it went in; it is nearer than the last, or there is room.
    std::size_t insert(std::int32_t distance, std::uint32_t row) noexcept;
    void measure(const GraphView& graph, const CodeQuery& query, std::size_t count) noexcept;

    std::vector<std::uint16_t> visited_;
    std::uint16_t walk_ = 0;
    std::vector<AnnCandidate> pool_;  // ascending by distance
    std::size_t size_ = 0, effort_ = 0, nearest_open_ = 0;
    std::uint64_t measured_ = 0;
    std::vector<std::uint32_t> rows_;  // to be measured
    std::vector<std::int32_t> distances_;
    std::vector<AnnCandidate> explored_;
    bool keeps_explored_ = false;
};

}  // namespace abikit::storage::ann
