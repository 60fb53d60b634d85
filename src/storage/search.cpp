// Search: segments with an index are walked (index_walk.hpp); of the others the distance of every
// live row, or of those in a set, block by block while the block lies in cache, top-k without a
// sort.
#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/simd/topk.hpp>
#include <abi/storage/snapshot.hpp>

#include "guard.hpp"
#include "index_walk.hpp"
#include "query_block.hpp"
#include "search_input.hpp"
#include "state.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kBlockBytes = std::size_t{128}
                                    << 10;  // of vectors at a time: half of a small L2
constexpr std::size_t kQueryTile = 16;      // queries that share a block
constexpr std::uint64_t kRunsPerThread = 4;
constexpr std::size_t kQueryBatch = 1024;  // queries that are answered in one pass over the rows

// Of a block's rows at least one in so many must be allowed for it to be scanned as it lies, since
// reading the rows between costs less than jumping over them;
// otherwise the allowed ones are gathered.
constexpr std::uint64_t kDenseShare = 6;

// What is looked for: queries, how many hits, in which rows (null: in all).
struct Task {
    const QueryBlock& queries;
    std::size_t k = 0;
    const RowSet* allowed = nullptr;
    SearchExplain* explain = nullptr;  // null: nobody asks
};

class Scanner {
public:
    explicit Scanner(const Task& task) : queries_(task.queries), allowed_(task.allowed) {
        const std::size_t k = task.k;
        const QueryBlock& queries = task.queries;
        best_.assign(queries.count(), simd::TopK(k));
        block_rows_ = std::clamp<std::size_t>(kBlockBytes / queries.row_bytes(), 16, 4096);
        distances_.resize(block_rows_ * std::min(kQueryTile, queries.count()));
    }

    Status scan(const Run& run) {
        if (allowed_ != nullptr && allowed_->count_in(run.number, run.count) == 0) {
            return {};
        }
        for (std::uint64_t at = 0; at < run.count; at += block_rows_) {
            ABI_CHECK(scan_part(run, at, std::min<std::uint64_t>(block_rows_, run.count - at)));
        }
        return flush();
    }
    void merge(Scanner&& other) {
        for (std::size_t i = 0; i < best_.size(); ++i) {
            best_[i].merge(std::move(other.best_[i]));
        }
        compared_ += other.compared_;
    }
    std::vector<simd::TopK>& best() { return best_; }
    // Rows that were compared with all queries.
    std::uint64_t compared() const noexcept { return compared_; }

private:
    Status scan_part(const Run& run, std::uint64_t at, std::size_t count) {
        if (allowed_ == nullptr) {
            return scan_block(run, at, count);
        }
        const std::uint64_t members = allowed_->count_in(run.number + at, count);
        if (members * kDenseShare >= count) {
            return scan_block(run, at, count);
        }
        return members == 0 ? Status() : gather(run, at, count);
    }
    // Copies the allowed rows of a block behind those of blocks before it.
    Status gather(const Run& run, std::uint64_t at, std::size_t count) {
        const std::size_t row_bytes = queries_.row_bytes();
        gathered_.resize(block_rows_ * row_bytes);
        gathered_norms_.resize(block_rows_);
        const RowNumber end = run.number + at + count;
        for (auto row = allowed_->next(run.number + at); row && *row < end;
             row = allowed_->next(*row + 1)) {
            const std::uint64_t slot = run.first + (*row - run.number);
            const std::byte* vector = nullptr;
            const float* norm = nullptr;
            ABI_CHECK(locate(run, slot, 1, vector, norm));
            const std::size_t place = gathered_rows_.size();
            std::memcpy(gathered_.data() + place * row_bytes, vector, row_bytes);
            gathered_norms_[place] = norm == nullptr ? 0.0F : *norm;
            gathered_rows_.push_back(*row);
            if (gathered_rows_.size() == block_rows_) {
                ABI_CHECK(flush());
            }
        }
        return {};
    }
    Status flush() {
        const std::size_t count = gathered_rows_.size();
        compared_ += count;
        for (std::size_t first = 0; first < queries_.count() && count != 0; first += kQueryTile) {
            const std::size_t tile = std::min(kQueryTile, queries_.count() - first);
            queries_.distances(first, tile, gathered_.data(), gathered_norms_.data(), count,
                               scratch_, distances_.data());
            for (std::size_t i = 0; i < tile; ++i) {
                const float* const values = distances_.data() + i * count;
                simd::TopK& best = best_[first + i];
                for (std::size_t row = 0; row < count; ++row) {
                    if (values[row] <= best.threshold()) {
                        best.offer_one(values[row], gathered_rows_[row]);
                    }
                }
            }
        }
        gathered_rows_.clear();
        return {};
    }
    Status locate(const Run& run, std::uint64_t slot, std::size_t count, const std::byte*& vectors,
                  const float*& norms) const {
        if (run.segment != nullptr) {
            ABI_TRY(vectors, run.segment->vectors(slot, count));
            if (queries_.needs_norms()) {
                ABI_TRY(norms, run.segment->inverse_norms(slot, count));
            }
        } else {
            vectors = run.chunk->vectors() + slot * queries_.row_bytes();
            norms = queries_.needs_norms() ? run.chunk->inverse_norms() + slot : nullptr;
        }
        return {};
    }
    Status scan_block(const Run& run, std::uint64_t at, std::size_t count) {
        const std::byte* vectors = nullptr;
        const float* norms = nullptr;
        ABI_CHECK(locate(run, run.first + at, count, vectors, norms));
        compared_ += count;
        if (allowed_ != nullptr) {
            leave_out(run.number + at, count);
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
    // The rows of a block that are not allowed, deleted ones among them, as bits from bit 0 on.
    void leave_out(RowNumber first, std::size_t count) {
        const std::span<const std::uint64_t> words = allowed_->words();
        left_out_.assign((count + 63) / 64, 0);
        const std::size_t word = first / 64, shift = first % 64;
        for (std::size_t i = 0; i < left_out_.size(); ++i) {
            std::uint64_t bits = words[word + i] >> shift;
            if (shift != 0 && word + i + 1 < words.size()) {
                bits |= words[word + i + 1] << (64 - shift);
            }
            left_out_[i] = ~bits;
        }
    }
    void offer(simd::TopK& best, const Run& run, std::uint64_t at, const float* values,
               std::size_t count) const {
        if (allowed_ != nullptr) {
            best.offer_masked(values, count, run.number + at, {left_out_.data(), 0});
        } else if (run.deleted == nullptr) {
            best.offer(values, count, run.number + at);
        } else {
            best.offer_masked(values, count, run.number + at,
                              {run.deleted->words().data(), run.deleted_bit + at});
        }
    }

    const QueryBlock& queries_;
    const RowSet* allowed_;
    std::vector<std::byte> gathered_;
    std::vector<float> gathered_norms_;
    std::vector<RowNumber> gathered_rows_;
    std::vector<std::uint64_t> left_out_;
    QueryBlock::Scratch scratch_;
    std::vector<simd::TopK> best_;
    std::vector<float> distances_;
    std::size_t block_rows_ = 0;
    std::uint64_t compared_ = 0;
};

// Scans all runs with the pool's threads; the result does not depend on how the runs are shared
// out.
Result<Scanner> scan_all(const Context& context, const State& state, const Task& task,
                         const IndexWalk* walk) {
    const std::uint64_t threads = context.pool == nullptr ? 1 : context.pool->threads();
    const std::uint64_t pieces = threads == 1 ? 1 : threads * kRunsPerThread;
    const std::uint64_t share = std::max<std::uint64_t>(1024, state.total_rows() / pieces + 1);
    std::vector<Run> runs = runs_of(state, std::min<std::uint64_t>(share, std::uint64_t{1} << 18));
    if (walk != nullptr) {
        std::erase_if(runs,
                      [&](const Run& run) { return walk->covers(state.place(run.number).unit); });
    }
    Scanner total(task);
    std::optional<Error> failure;
    std::mutex mutex;
    const auto body = [&](std::size_t first, std::size_t last) {
        Scanner part(task);
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

// Walks what has an index and scans the rest; everything where a walk came back with too little.
Result<std::vector<simd::TopK>> nearest(const Context& context, const State& state,
                                        const Task& task, std::span<const float> values,
                                        const IndexWalk& walk) {
    const QueryBlock& queries = task.queries;
    std::vector<simd::TopK> walked(walk.empty() ? 0 : queries.count(), simd::TopK(task.k));
    bool enough = false;
    if (!walk.empty()) {
        ABI_TRY(enough, walk.search(context, queries, values, walked, task.explain));
    }
    const std::uint64_t allowed = task.allowed == nullptr ? state.rows() : task.allowed->count();
    if (enough && walk.rows() == allowed) {
        return walked;
    }
    const std::uint64_t began = task.explain == nullptr ? 0 : monotonic_ns();
    ABI_TRY(Scanner scanned, scan_all(context, state, task, enough ? &walk : nullptr));
    if (task.explain != nullptr) {
        task.explain->scan.exact_distances += scanned.compared() * queries.count();
        task.explain->scan.time_ns += monotonic_ns() - began;
        if (!walk.empty() && !enough) {
            ++task.explain->repeated;
        }
    }
    for (std::size_t i = 0; enough && i < walked.size(); ++i) {
        scanned.best()[i].merge(std::move(walked[i]));
    }
    return std::move(scanned.best());
}

// What is left to the scan.
void describe_scan(const State& state, const IndexWalk& walk, SearchExplain& explain) {
    for (std::size_t unit = 0; unit < state.segments.size(); ++unit) {
        explain.scan.segments += walk.covers(unit) ? 0 : 1;
    }
    explain.scan.rows += explain.matching_rows - walk.rows();
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
        const std::uint64_t began = options.explain == nullptr ? 0 : monotonic_ns();
        RowSet made;
        ABI_TRY(const RowSet* const allowed, allowed_rows(context, *this, state_->total_rows(),
                                                          options.filter, options.rows, made));
        if (options.explain != nullptr) {
            describe_input(*state_, allowed, count, monotonic_ns() - began, *options.explain);
        }
        const IndexWalk walk(context, *state_, options, allowed);
        if (options.explain != nullptr) {
            walk.describe(options, *options.explain);
            describe_scan(*state_, walk, *options.explain);
        }
        std::vector<std::vector<Hit>> hits;
        hits.reserve(count);
        for (std::size_t first = 0; first < count; first += kQueryBatch) {
            const std::size_t part = std::min(kQueryBatch, count - first);
            const auto some = values.subspan(first * shape.dimension, part * shape.dimension);
            const QueryBlock queries(shape, state_->collection->metric, some, part);
            ABI_TRY(std::vector<simd::TopK> best,
                    nearest(context, *state_, {queries, options.k, allowed, options.explain}, some,
                            walk));
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
