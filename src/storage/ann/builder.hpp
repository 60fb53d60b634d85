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
    // Takes over the edges of a graph of as many edges a row. origins: of each row the row there
    // that it was, or kNoEdge for those to be inserted. Rows that lost neighbours get some of those
    // neighbours' neighbours (Singh et al., "FreshDiskANN", 2021). Before the first insert().
    Status adopt(const GraphView& base, std::span<const std::uint32_t> origins);
    // Gives rows that no path leads to an edge from a near row. After the last insert().
    Status connect();
    GraphView view() const noexcept;
    AlignedVector<std::uint32_t>& edges() noexcept { return edges_; }
    std::vector<std::uint32_t>& entries() noexcept { return entries_; }

private:
    struct Worker;
    class Lease;

    // [first, first + count) of `rows`, all at once.
    void insert_batch(std::span<const std::uint32_t> rows);
    std::size_t batch_rows() const noexcept;
    void link(std::uint32_t row, Worker& worker);
    void link_back(std::uint32_t row, std::span<const std::uint64_t> pairs, Worker& worker);
    // The edges of `row` that was `origin` in `base`.
    void carry_over(std::uint32_t row, std::uint32_t origin, const GraphView& base,
                    std::span<const std::uint32_t> now, Worker& worker);
    void carry_entries(const GraphView& base, std::span<const std::uint32_t> now);
    std::uint32_t succeed_entry(const std::uint32_t* edges, std::span<const std::uint32_t> now);
    void attach(std::uint32_t row, std::span<std::uint32_t> edges_in, Worker& worker);
    // Adds to worker.kept, until it has `most`, those of the candidates, sorted by distance, that
    // no kept one hides.
    void choose(std::uint32_t row, std::span<const AnnCandidate> candidates, std::size_t most,
                Worker& worker) const;
    // worker.kept becomes the edges of `row`.
    void store(std::uint32_t row, const Worker& worker) noexcept;
    // The edges that `row` keeps of these candidates, which are sorted by distance.
    void prune(std::uint32_t row, std::span<const AnnCandidate> candidates, Worker& worker);
    // Their distances from worker.here.
    void measure(std::vector<AnnCandidate>& candidates, Worker& worker) const;

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
