// Building the edges of a graph over given codes: batches of insertions against a graph that stands
// still meanwhile, so that the result is the same for any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/storage/ann_index.hpp>

#include "ann/beam.hpp"
#include "ann/graph.hpp"

namespace abikit::storage::ann {

class Builder {
public:
    // codes: rows x stride. Rows get in by insert() only.
    Builder(const Context& context, const AlignedVector<std::int8_t>& codes, std::size_t stride,
            const AnnOptions& options);
    ~Builder();

    // Inserts these rows, none of which is in; the first rows of all become entries.
    Status insert(std::span<const std::uint32_t> rows);
    GraphView view() const noexcept;
    AlignedVector<std::uint32_t>& edges() noexcept { return edges_; }
    std::vector<std::uint32_t>& entries() noexcept { return entries_; }

private:
    struct Worker;
    class Lease;

    // [first, first + count) of `rows`, all at once.
    void insert_batch(std::span<const std::uint32_t> rows);
    void link(std::uint32_t row, Worker& worker);
    void link_back(std::uint32_t row, std::span<const std::uint64_t> pairs, Worker& worker);
    // The edges that `row` keeps of these candidates.
    void prune(std::uint32_t row, std::vector<AnnCandidate>& candidates, Worker& worker);
    void measure(std::uint32_t row, std::vector<AnnCandidate>& candidates, Worker& worker);

    const Context& context_;
    const AlignedVector<std::int8_t>& codes_;
    std::size_t stride_;
    AnnOptions options_;
    std::uint32_t rows_;
    AlignedVector<std::uint32_t> edges_;
    std::vector<std::uint32_t> entries_;
    std::uint64_t inserted_ = 0;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Worker>> idle_;
};

}  // namespace abikit::storage::ann
