// Search: segments with an index are walked (index_walk.hpp); of the others every live row's
// distance, block by block while the block lies in cache, top-k without a sort.
#include <algorithm>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include <abi/simd/distance.hpp>
#include <abi/simd/topk.hpp>
#include <abi/storage/snapshot.hpp>

#include "guard.hpp"
#include "index_walk.hpp"
#include "query_block.hpp"
#include "state.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kBlockBytes = std::size_t{128}
                                    << 10;  // of vectors at a time: half of a small L2
constexpr std::size_t kQueryTile = 16;      // queries that share a block
constexpr std::uint64_t kRunsPerThread = 4;
constexpr std::size_t kQueryBatch = 1024;  // queries that are answered in one pass over the rows

class Scanner {
public:
    Scanner(const QueryBlock& queries, std::size_t k) : queries_(queries) {
        best_.assign(queries.count(), simd::TopK(k));
        block_rows_ = std::clamp<std::size_t>(kBlockBytes / queries.row_bytes(), 16, 4096);
        distances_.resize(block_rows_ * std::min(kQueryTile, queries.count()));
    }

    Status scan(const Run& run) {
        for (std::uint64_t at = 0; at < run.count; at += block_rows_) {
            ABI_CHECK(scan_block(run, at, std::min<std::uint64_t>(block_rows_, run.count - at)));
        }
        return {};
    }
    void merge(Scanner&& other) {
        for (std::size_t i = 0; i < best_.size(); ++i) {
            best_[i].merge(std::move(other.best_[i]));
        }
    }
    std::vector<simd::TopK>& best() { return best_; }

private:
    Status scan_block(const Run& run, std::uint64_t at, std::size_t count) {
        const std::byte* vectors = nullptr;
        const float* norms = nullptr;
        if (run.segment != nullptr) {
            ABI_TRY(vectors, run.segment->vectors(run.first + at, count));
            if (queries_.needs_norms()) {
                ABI_TRY(norms, run.segment->inverse_norms(run.first + at, count));
            }
        } else {
            vectors = run.chunk->vectors() + (run.first + at) * queries_.row_bytes();
            norms = run.chunk->inverse_norms() + run.first + at;
        }
        for (std::size_t first = 0; first < queries_.count(); first += kQueryTile) {
            const std::size_t tile = std::min(kQueryTile, queries_.count() - first);
            queries_.distances(first, tile, vectors, norms, count, scratch_, distances_.data());
            for (std::size_t i = 0; i < tile; ++i) {
                offer(best_[first + i], run, at, distances_.data() + i * count, count);
            }
        }
        return {};
    }
    static void offer(simd::TopK& best, const Run& run, std::uint64_t at, const float* values,
                      std::size_t count) {
        if (run.deleted == nullptr) {
            best.offer(values, count, run.number + at);
        } else {
            best.offer_masked(values, count, run.number + at,
                              {run.deleted->words().data(), run.deleted_bit + at});
        }
    }

    const QueryBlock& queries_;
    QueryBlock::Scratch scratch_;
    std::vector<simd::TopK> best_;
    std::vector<float> distances_;
    std::size_t block_rows_ = 0;
};

// Scans all runs with the pool's threads; the result does not depend on how the runs are shared
// out.
Result<Scanner> scan_all(const Context& context, const State& state, const QueryBlock& queries,
                         std::size_t k, const IndexWalk* walk) {
    const std::uint64_t threads = context.pool == nullptr ? 1 : context.pool->threads();
    const std::uint64_t pieces = threads == 1 ? 1 : threads * kRunsPerThread;
    const std::uint64_t share = std::max<std::uint64_t>(1024, state.total_rows() / pieces + 1);
    std::vector<Run> runs = runs_of(state, std::min<std::uint64_t>(share, std::uint64_t{1} << 18));
    if (walk != nullptr) {
        std::erase_if(runs,
                      [&](const Run& run) { return walk->covers(state.place(run.number).unit); });
    }
    Scanner total(queries, k);
    std::optional<Error> failure;
    std::mutex mutex;
    const auto body = [&](std::size_t first, std::size_t last) {
        Scanner part(queries, k);
        Status status;
        for (std::size_t i = first; i < last && status; ++i) {
            status = context.cancel.check();
            if (status) {
                status = part.scan(runs[i]);
            }
        }
        const std::scoped_lock lock(mutex);
        if (status) {
            total.merge(std::move(part));
        } else if (!failure) {
            failure = std::move(status).error();
        }
    };
    if (threads == 1) {
        body(0, runs.size());
    } else {
        context.pool->parallel_for(0, runs.size(), std::max<std::size_t>(1, runs.size() / pieces),
                                   body);
    }
    if (failure) {
        return fail(std::move(*failure));
    }
    return total;
}

Status check_options(const SearchOptions& options) {
    if (options.k == 0) {
        return fail(Code::kInvalidArgument, "k must be at least 1");
    }
    if (options.recall && !(*options.recall > 0.0 && *options.recall <= 1.0)) {
        return fail(
            Code::kInvalidArgument,
            fmt::format("a recall of {}: above 0 and at most 1 is possible", *options.recall),
            "1 compares every row");
    }
    if (options.effort == 0U) {
        return fail(Code::kInvalidArgument, "effort must be at least 1");
    }
    return {};
}

Status check_queries(VectorShape shape, std::span<const float> values, std::size_t count) {
    if (values.size() != count * shape.dimension) {
        return fail(Code::kIncompatible, fmt::format("{} numbers are no {} queries of dimension {}",
                                                     values.size(), count, shape.dimension));
    }
    if (simd::first_non_finite(values.data(), values.size()) != values.size()) {
        return fail(Code::kInvalidData, "a query holds NaN or infinity");
    }
    if (shape.element == ElementType::kBits &&
        first_unfit(shape.element, values) != values.size()) {
        return fail(Code::kInvalidData, "a query for bits holds a number that is neither 0 nor 1");
    }
    return {};
}

// Walks what has an index and scans the rest; everything where a walk came back with too little.
Result<std::vector<simd::TopK>> nearest(const Context& context, const State& state,
                                        const QueryBlock& queries, std::span<const float> values,
                                        std::size_t k, const IndexWalk& walk) {
    std::vector<simd::TopK> walked(walk.empty() ? 0 : queries.count(), simd::TopK(k));
    bool enough = false;
    if (!walk.empty()) {
        ABI_TRY(enough, walk.search(context, queries, values, walked));
    }
    if (enough && walk.rows() == state.rows()) {
        return walked;
    }
    ABI_TRY(Scanner scanned, scan_all(context, state, queries, k, enough ? &walk : nullptr));
    for (std::size_t i = 0; enough && i < walked.size(); ++i) {
        scanned.best()[i].merge(std::move(walked[i]));
    }
    return std::move(scanned.best());
}
}  // namespace

Result<std::vector<std::vector<Hit>>> Snapshot::search(const Context& context,
                                                       std::span<const float> values,
                                                       std::size_t count,
                                                       const SearchOptions& options) const {
    return guarded([&]() -> Result<std::vector<std::vector<Hit>>> {
        const TraceSpan span(context.trace, "storage", "search");
        const VectorShape shape = state_->shape();
        ABI_CHECK(check_options(options));
        ABI_CHECK(check_queries(shape, values, count));
        const IndexWalk walk(context, *state_, options);
        std::vector<std::vector<Hit>> hits;
        hits.reserve(count);
        for (std::size_t first = 0; first < count; first += kQueryBatch) {
            const std::size_t part = std::min(kQueryBatch, count - first);
            const auto some = values.subspan(first * shape.dimension, part * shape.dimension);
            const QueryBlock queries(shape, state_->collection->metric, some, part);
            ABI_TRY(std::vector<simd::TopK> best,
                    nearest(context, *state_, queries, some, options.k, walk));
            for (simd::TopK& top : best) {
                std::vector<Hit>& list = hits.emplace_back();
                for (const simd::Neighbour& neighbour : top.take_sorted()) {
                    list.push_back({neighbour.row, neighbour.distance});
                }
            }
        }
        return hits;
    });
}

}  // namespace abikit::storage
