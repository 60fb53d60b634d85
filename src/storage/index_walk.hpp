// Approximate search over the segments of a state that have an index.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/simd/topk.hpp>
#include <abi/storage/ann_index.hpp>
#include <abi/storage/snapshot.hpp>

#include "query_block.hpp"
#include "state.hpp"

namespace abikit::storage {

// Which segments are walked, how far; the others are scanned.
class IndexWalk {
public:
    // Looks for indexes, unless the options ask for an exact search. `allowed` (null: all live
    // rows) are the possible hits. A segment is left to the scan when its index never reached the
    // recall that is asked for, or when very few of its rows may be hits.
    IndexWalk(const Context& context, const State& state, const SearchOptions& options,
              const RowSet* allowed);

    bool empty() const noexcept { return walks_.empty(); }
    // Whether `unit`, a segment of the state, is walked.
    bool covers(std::size_t unit) const noexcept;

    // Tells what is walked, how far, and of which recall, before it is.
    void describe(const SearchOptions& options, SearchExplain& explain) const;

    // Offers the hits of each query to best[i]. False: fewer came back than there are, so that only
    // a scan will do.
    // What it takes is added to `explain`, unless that is null.
    Result<bool> search(const Context& context, const QueryBlock& queries,
                        std::span<const float> values, std::vector<simd::TopK>& best,
                        SearchExplain* explain) const;
    // Largest effort of all, and the rows that are walked.
    std::uint32_t effort() const noexcept;
    std::uint64_t rows() const noexcept;

private:
    struct Walk {
        std::size_t unit = 0;
        std::shared_ptr<const AnnIndex> index;
        std::uint32_t effort = 0;
        std::uint64_t allowed = 0;  // rows that may be hits
        // These, where comparing all of their codes is cheaper than walking.
        std::vector<std::uint32_t> rows;
    };
    // What one thread needs for its queries.
    struct Nearest {
        const QueryBlock& queries;
        AnnScratch& scratch;
        QueryBlock::Scratch exact;
        std::vector<std::uint32_t> rows;
        std::vector<const std::byte*> vectors;  // of these rows, as they are stored
        SearchExplain* explain = nullptr;       // of this thread; null: nobody asks
    };
    Result<bool> run(const Walk& walk, Nearest& nearest, std::size_t query, const float* values,
                     simd::TopK& best) const;
    void keep_hits(const Walk& walk, std::span<const AnnCandidate> found, std::size_t most,
                   Nearest& nearest) const;
    bool may_be_hit(const Walk& walk, std::uint32_t row) const noexcept;
    std::uint64_t allowed_in(std::size_t unit) const noexcept;
    std::vector<std::uint32_t> rows_in(std::size_t unit) const;
    static void warn_of_damage(const Context& context, const Segment& segment);

    const State& state_;
    std::size_t k_;
    const RowSet* allowed_;
    std::vector<Walk> walks_;
};

}  // namespace abikit::storage
