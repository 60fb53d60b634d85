// The loop that searching and building spend their time in.
#include "ann/beam.hpp"

#include <algorithm>
#include <cstring>

namespace abikit::storage::ann {

void Beam::begin(std::uint32_t rows, std::size_t effort) {
    if (visited_.size() < rows) {
        visited_.resize(rows, 0);
    }
    if (++walk_ == 0) {
        std::fill(visited_.begin(), visited_.end(), std::uint16_t{0});
        walk_ = 1;
    }
    if (pool_.size() < effort + 1) {
        pool_.resize(effort + 1);
        done_.resize(effort + 1);
    }
    effort_ = effort;
    size_ = 0;
    nearest_open_ = 0;
    explored_.clear();
}

std::size_t Beam::insert(std::int32_t distance, std::uint32_t row) noexcept {
    if (size_ == effort_ && distance >= pool_[size_ - 1].distance) {
        return effort_;
    }
    AnnCandidate* const first = pool_.data();
    const auto at = static_cast<std::size_t>(
        std::upper_bound(first, first + size_, distance,
                         [](std::int32_t value, const AnnCandidate& candidate) {
                             return value < candidate.distance;
                         }) -
        first);
    size_ += size_ < effort_ ? 1 : 0;
    const std::size_t behind = size_ - 1 - at;
    std::memmove(first + at + 1, first + at, behind * sizeof *first);
    std::memmove(done_.data() + at + 1, done_.data() + at, behind);
    first[at] = {distance, row};
    done_[at] = 0;
    return at;
}

// Distances of rows_[0, count) into the pool.
void Beam::measure(const GraphView& graph, const CodeQuery& query, std::size_t count) noexcept {
    graph.distances(query, rows_.data(), count, distances_.data());
    for (std::size_t i = 0; i < count; ++i) {
        nearest_open_ = std::min(nearest_open_, insert(distances_[i], rows_[i]));
    }
}

void Beam::walk(const GraphView& graph, const CodeQuery& query, std::size_t effort) {
    begin(graph.rows, effort);
    const std::size_t room = std::max<std::size_t>(graph.degree, graph.entries.size());
    if (rows_.size() < room) {
        rows_.resize(room);
        distances_.resize(room);
    }
    std::size_t count = 0;
    for (const std::uint32_t entry : graph.entries) {
        if (first_visit(entry)) {
            rows_[count++] = entry;
        }
    }
    measure(graph, query, count);
    nearest_open_ = 0;
    while (nearest_open_ < size_) {
        const std::size_t at = nearest_open_;
        if (done_[at] != 0) {
            ++nearest_open_;
            continue;
        }
        done_[at] = 1;
        const AnnCandidate here = pool_[at];
        if (keeps_explored_) {
            explored_.push_back(here);
        }
        const std::uint32_t* const edges = graph.edges_of(here.row);
        count = 0;
        for (std::uint32_t i = 0; i < graph.degree && edges[i] != kNoEdge; ++i) {
            if (first_visit(edges[i])) {
                rows_[count++] = edges[i];
                graph.fetch_code(edges[i]);
            }
        }
        if (at + 1 < size_) {
            graph.fetch_edges(pool_[at + 1].row);
        }
        nearest_open_ = at + 1;
        measure(graph, query, count);
    }
}

}  // namespace abikit::storage::ann
