// Search by distance: every row that is near enough, found by comparing all that may be.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include <abi/core/time.hpp>
#include <abi/simd/topk.hpp>
#include <abi/storage/snapshot.hpp>

#include "guard.hpp"
#include "query_block.hpp"
#include "search_input.hpp"
#include "state.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kBlockBytes = std::size_t{128} << 10;  // of vectors at a time
constexpr std::size_t kQueryTile = 16;                       // queries that share a block
constexpr std::uint64_t kRunRows = std::uint64_t{1} << 14;   // that one thread takes at a time

struct RangeTask {
    const QueryBlock& queries;
    float distance = 0;
    std::size_t limit = 0;
    const RowSet* allowed = nullptr;  // null: all
};

class RangeScanner {
public:
    explicit RangeScanner(const RangeTask& task)
        : task_(task), near_(task.queries.count(), simd::TopK(task.limit)) {
        block_rows_ = std::clamp<std::size_t>(kBlockBytes / task.queries.row_bytes(), 16, 4096);
        distances_.resize(block_rows_ * std::min(kQueryTile, task.queries.count()));
    }

    // Compares the rows that may be hits, stretch by stretch.
    Status scan(const Run& run) {
        if (task_.allowed != nullptr && task_.allowed->count_in(run.number, run.count) == 0) {
            return {};
        }
        std::uint64_t at = next(run, 0);
        while (at < run.count) {
            std::uint64_t end = at + 1;
            while (end < run.count && end - at < block_rows_ && may_be_hit(run, end)) {
                ++end;
            }
            ABI_CHECK(compare(run, at, static_cast<std::size_t>(end - at)));
            at = next(run, end);
        }
        return {};
    }
    void merge(RangeScanner&& other) {
        for (std::size_t i = 0; i < near_.size(); ++i) {
            near_[i].merge(std::move(other.near_[i]));
        }
        compared_ += other.compared_;
    }
    std::vector<simd::TopK>& near() { return near_; }
    // Rows that were compared with all queries.
    std::uint64_t compared() const noexcept { return compared_; }

private:
    bool may_be_hit(const Run& run, std::uint64_t at) const {
        return task_.allowed != nullptr
                   ? task_.allowed->contains(run.number + at)
                   : run.deleted == nullptr || !run.deleted->test(run.deleted_bit + at);
    }
    // The first row from `at` on that may be a hit; run.count or more: none.
    std::uint64_t next(const Run& run, std::uint64_t at) const {
        if (task_.allowed != nullptr) {
            const auto row = task_.allowed->next(run.number + at);
            return row ? *row - run.number : run.count;
        }
        while (at < run.count && !may_be_hit(run, at)) {
            ++at;
        }
        return at;
    }
    Status compare(const Run& run, std::uint64_t at, std::size_t count) {
        compared_ += count;
        const QueryBlock& queries = task_.queries;
        const std::uint64_t slot = run.first + at;
        const std::byte* vectors = nullptr;
        const float* norms = nullptr;
        if (run.segment != nullptr) {
            ABI_TRY(vectors, run.segment->vectors(slot, count));
            if (queries.needs_norms()) {
                ABI_TRY(norms, run.segment->inverse_norms(slot, count));
            }
        } else {
            vectors = run.chunk->vectors() + slot * queries.row_bytes();
            norms = queries.needs_norms() ? run.chunk->inverse_norms() + slot : nullptr;
        }
        for (std::size_t first = 0; first < queries.count(); first += kQueryTile) {
            const std::size_t tile = std::min(kQueryTile, queries.count() - first);
            queries.distances(first, tile, vectors, norms, count, scratch_, distances_.data());
            for (std::size_t i = 0; i < tile; ++i) {
                offer(near_[first + i], distances_.data() + i * count, count, run.number + at);
            }
        }
        return {};
    }
    void offer(simd::TopK& near, const float* values, std::size_t count, RowNumber first) const {
        for (std::size_t i = 0; i < count; ++i) {
            if (values[i] <= task_.distance && values[i] <= near.threshold()) {
                near.offer_one(values[i], first + i);
            }
        }
    }

    RangeTask task_;
    QueryBlock::Scratch scratch_;
    std::vector<simd::TopK> near_;
    std::vector<float> distances_;
    std::size_t block_rows_ = 0;
    std::uint64_t compared_ = 0;
};

// With all threads of the pool; the result does not depend on how the runs are shared out.
Result<RangeScanner> scan_all(const Context& context, const State& state, const RangeTask& task) {
    const std::vector<Run> runs = runs_of(state, kRunRows);
    RangeScanner total(task);
    std::optional<Error> failure;
    std::mutex mutex;
    const auto body = [&](std::size_t first, std::size_t last) {
        RangeScanner part(task);
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
    if (context.pool == nullptr) {
        body(0, runs.size());
    } else {
        const std::size_t pieces = std::size_t{4} * context.pool->threads();
        context.pool->parallel_for(0, runs.size(), runs.size() / pieces + 1, body);
    }
    if (failure) {
        return fail(std::move(*failure));
    }
    return total;
}
}  // namespace

Result<std::vector<std::vector<Hit>>> Snapshot::search_within(const Context& context,
                                                              std::span<const float> values,
                                                              std::size_t count,
                                                              const RangeOptions& options) const {
    return guarded([&]() -> Result<std::vector<std::vector<Hit>>> {
        const TraceSpan span(context.trace, "storage", "search_within");
        ABI_CHECK(check_queries(state_->shape(), values, count));
        if (std::isnan(options.distance)) {
            return fail(Code::kInvalidArgument, "a distance that is no number");
        }
        const std::uint64_t began = options.explain == nullptr ? 0 : monotonic_ns();
        RowSet made;
        ABI_TRY(const RowSet* const allowed, allowed_rows(context, *this, state_->total_rows(),
                                                          options.filter, options.rows, made));
        const std::uint64_t rows = state_->total_rows();
        const std::uint64_t limit =
            options.limit == 0 ? rows : std::min<std::uint64_t>(options.limit, rows);
        std::vector<std::vector<Hit>> hits(count);
        if (rows == 0 || count == 0) {
            return hits;
        }
        const std::uint64_t filtered = options.explain == nullptr ? 0 : monotonic_ns();
        const QueryBlock queries(state_->shape(), state_->collection->metric, values, count);
        ABI_TRY(RangeScanner found,
                scan_all(context, *state_,
                         {queries, options.distance, static_cast<std::size_t>(limit), allowed}));
        if (options.explain != nullptr) {
            SearchExplain& explain = *options.explain;
            describe_input(*state_, allowed, count, filtered - began, explain);
            explain.scan.segments += state_->segments.size();
            explain.scan.rows += explain.matching_rows;
            explain.scan.exact_distances += found.compared() * count;
            explain.scan.time_ns += monotonic_ns() - filtered;
        }
        for (std::size_t i = 0; i < count; ++i) {
            for (const simd::Neighbour& neighbour : found.near()[i].take_sorted()) {
                hits[i].push_back({neighbour.row, neighbour.distance});
            }
        }
        return hits;
    });
}

}  // namespace abikit::storage
