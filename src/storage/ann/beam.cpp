// The loop that searching and building spend their time in.
#include "ann/beam.hpp"

#include <algorithm>
#include <cstring>

namespace abikit::storage::ann {

namespace {
// Marks a candidate of the pool whose edges were followed; rows are fewer.
constexpr std::uint32_t kFollowed = std::uint32_t{1} << 31;
static_assert(AnnIndex::kMostRows <= kFollowed);
}  // namespace

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
    }
    effort_ = effort;
    size_ = 0;
    nearest_open_ = 0;
    measured_ = 0;
    explored_.clear();
}

std::size_t Beam::insert(std::int32_t distance, std::uint32_t row) noexcept {
    AnnCandidate* const first = pool_.data();
    const auto at = static_cast<std::size_t>(
        std::upper_bound(first, first + size_, distance,
                         [](std::int32_t value, const AnnCandidate& candidate) {
                             return value < candidate.distance;
                         }) -
        first);
    size_ += size_ < effort_ ? 1 : 0;
    std::memmove(first + at + 1, first + at, (size_ - 1 - at) * sizeof *first);
    first[at] = {distance, row};
    return at;
}

// Distances of rows_[0, count) into the pool.
void Beam::measure(const GraphView& graph, const CodeQuery& query, std::size_t count) noexcept {
    graph.distances(query, rows_.data(), count, distances_.data());
    measured_ += count;
    for (std::size_t i = 0; i < count; ++i) {
        if (size_ < effort_ || distances_[i] < pool_[size_ - 1].distance) {
            nearest_open_ = std::min(nearest_open_, insert(distances_[i], rows_[i]));
        }
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
        const AnnCandidate here = pool_[at];
        if ((here.row & kFollowed) != 0) {
            ++nearest_open_;
            continue;
        }
        pool_[at].row |= kFollowed;
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
            graph.fetch_edges(pool_[at + 1].row & ~kFollowed);
        }
        nearest_open_ = at + 1;
        measure(graph, query, count);
    }
    for (std::size_t i = 0; i < size_; ++i) {
        pool_[i].row &= ~kFollowed;
    }
}

}  // namespace abikit::storage::ann
