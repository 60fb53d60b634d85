// Walking, comparing by exact vectors, and noticing when too little came back.
#include "index_walk.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <mutex>
#include <numeric>
#include <optional>

#include <abi/core/log.hpp>
#include <abi/core/time.hpp>

#include "ann/calibration.hpp"
#include "ann/pieces.hpp"
#include "segment_index.hpp"

namespace abikit::storage {

namespace {
constexpr double kDefaultRecall = 0.98;
constexpr std::size_t kQueryGrain = 16;
// Fewer possible hits than this for each hit are better compared by their vectors at once.
constexpr std::uint64_t kFewestAHit = 24;
// Distances that a walk takes for each candidate that it keeps, about.
constexpr std::uint64_t kDistancesACandidate = 12;
// What is needed of candidates grows with the share of rows that are no hits to this power, and is
// never less than this many times what holds the hits if those lie evenly.
constexpr double kCrowdingPower = 0.75, kCrowdingReserve = 1.4;
constexpr std::size_t kFetchAhead = 3;  // rows on their way while one is compared
constexpr std::size_t kCacheLine = 64;
constexpr std::uint32_t kMostEffort = 1U << 20;

class ScratchLease {
public:
    explicit ScratchLease(SegmentIndex& index) : index_(index), scratch_(index.take_scratch()) {}
    ~ScratchLease() { index_.give_back(std::move(scratch_)); }
    ScratchLease(const ScratchLease&) = delete;
    ScratchLease& operator=(const ScratchLease&) = delete;
    AnnScratch& scratch() noexcept { return scratch_; }

private:
    SegmentIndex& index_;
    AnnScratch scratch_;
};

void fetch(const std::byte* vector, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += kCacheLine) {
        __builtin_prefetch(vector + at);
    }
}

void add_part(SearchExplain::Part& sum, const SearchExplain::Part& part) {
    sum.exact_distances += part.exact_distances;
    sum.code_distances += part.code_distances;
    sum.time_ns += part.time_ns;
}

// What a thread did.
void add_work(SearchExplain& sum, const SearchExplain& work) {
    add_part(sum.walk, work.walk);
    add_part(sum.codes, work.codes);
    sum.rerank_ns += work.rerank_ns;
}

std::uint32_t effort_of(const AnnIndex& index, const SearchOptions& options) {
    if (options.effort) {
        return std::max(*options.effort,
                        static_cast<std::uint32_t>(std::min<std::size_t>(options.k, kMostEffort)));
    }
    const double recall = options.recall.value_or(kDefaultRecall);
    return recall >= 1.0 ? 0 : index.effort_for(recall, options.k);
}
}  // namespace

IndexWalk::IndexWalk(const Context& context, const State& state, const SearchOptions& options,
                     const RowSet* allowed)
    : state_(state), k_(options.k), allowed_(allowed) {
    if (options.mode == SearchMode::kExact || options.k > kMostEffort) {
        return;
    }
    for (std::size_t unit = 0; unit < state.segments.size(); ++unit) {
        const std::uint64_t rows = state.segments[unit].segment->rows();
        const std::uint64_t hits = allowed_in(unit);
        if (rows < AnnIndex::kFewestRows || hits < kFewestAHit * k_) {
            continue;
        }
        const std::shared_ptr<const AnnIndex> index = state.segments[unit].segment->index().get();
        if (index == nullptr) {
            warn_of_damage(context, *state.segments[unit].segment);
            continue;
        }
        const std::uint32_t effort = effort_of(*index, options);
        if (effort == 0) {
            continue;
        }
        // Rows that are no hits take places among the candidates, but the more candidates there are
        // the smaller the part of them that only serves to find the others.
        const double crowding = static_cast<double>(rows) / static_cast<double>(hits);
        const auto needed = static_cast<std::uint64_t>(
            std::max(effort * std::pow(crowding, kCrowdingPower),
                     static_cast<double>(k_) * crowding * kCrowdingReserve));
        Walk& walk = walks_.emplace_back(Walk{unit, index, effort, hits, {}});
        if (needed * kDistancesACandidate < hits) {
            walk.effort = static_cast<std::uint32_t>(needed);
        } else {
            walk.rows = rows_in(unit);
        }
    }
}

std::uint64_t IndexWalk::allowed_in(std::size_t unit) const noexcept {
    const SegmentUnit& segment = state_.segments[unit];
    return allowed_ == nullptr
               ? segment.live()
               : allowed_->count_in(state_.first_row(unit), segment.segment->rows());
}

bool IndexWalk::may_be_hit(const Walk& walk, std::uint32_t row) const noexcept {
    return allowed_ == nullptr ? !state_.segments[walk.unit].dead(row)
                               : allowed_->contains(state_.first_row(walk.unit) + row);
}

// Word by word: one row in a hundred may be allowed.
std::vector<std::uint32_t> IndexWalk::rows_in(std::size_t unit) const {
    const SegmentUnit& segment = state_.segments[unit];
    const std::uint64_t count = segment.segment->rows();
    const RowNumber first = allowed_ == nullptr ? 0 : state_.first_row(unit);
    std::span<const std::uint64_t> words;
    if (allowed_ != nullptr) {
        words = allowed_->words();
    } else if (segment.deleted != nullptr) {
        words = segment.deleted->words();
    }
    const std::uint64_t flip = allowed_ == nullptr ? ~std::uint64_t{0} : 0;
    std::vector<std::uint32_t> rows;
    rows.reserve(allowed_in(unit));
    if (allowed_ == nullptr && segment.deleted == nullptr) {
        rows.resize(count);
        std::iota(rows.begin(), rows.end(), std::uint32_t{0});
        return rows;
    }
    for (std::uint64_t word = first / 64; word * 64 < first + count; ++word) {
        for (std::uint64_t bits = words[word] ^ flip; bits != 0; bits &= bits - 1) {
            const std::uint64_t row =
                word * 64 + static_cast<std::uint64_t>(std::countr_zero(bits)) - first;
            if (row < count) {  // wraps below `first`
                rows.push_back(static_cast<std::uint32_t>(row));
            }
        }
    }
    return rows;
}

void IndexWalk::warn_of_damage(const Context& context, const Segment& segment) {
    const std::string damage = segment.index().damage();
    if (!damage.empty() && context.log != nullptr) {
        context.log->write(LogLevel::kWarn, "storage",
                           damage + "; searching without it ('abi db index' makes it anew)");
    }
}

bool IndexWalk::covers(std::size_t unit) const noexcept {
    return std::any_of(walks_.begin(), walks_.end(),
                       [unit](const Walk& walk) { return walk.unit == unit; });
}

std::uint32_t IndexWalk::effort() const noexcept {
    std::uint32_t most = 0;
    for (const Walk& walk : walks_) {
        most = std::max(most, walk.effort);
    }
    return most;
}

std::uint64_t IndexWalk::rows() const noexcept {
    std::uint64_t sum = 0;
    for (const Walk& walk : walks_) {
        sum += walk.allowed;
    }
    return sum;
}

void IndexWalk::describe(const SearchOptions& options, SearchExplain& explain) const {
    if (options.mode != SearchMode::kExact && !options.effort) {
        explain.recall = options.recall.value_or(kDefaultRecall);
    }
    explain.effort = std::max(explain.effort, effort());
    for (const Walk& walk : walks_) {
        SearchExplain::Part& part = walk.rows.empty() ? explain.walk : explain.codes;
        ++part.segments;
        part.rows += walk.allowed;
    }
}

Result<bool> IndexWalk::search(const Context& context, const QueryBlock& queries,
                               std::span<const float> values, std::vector<simd::TopK>& best,
                               SearchExplain* explain) const {
    const std::size_t dimension = state_.shape().dimension;
    std::atomic<bool> enough{true};
    std::mutex mutex;
    const auto body = [&](std::size_t first, std::size_t last) -> Status {
        SearchExplain mine;
        for (const Walk& walk : walks_) {
            ScratchLease lease(state_.segments[walk.unit].segment->index());
            Nearest nearest{queries, lease.scratch(), {}, {}, {}, explain ? &mine : nullptr};
            for (std::size_t i = first; i < last; ++i) {
                ABI_TRY(const bool all,
                        run(walk, nearest, i, values.data() + i * dimension, best[i]));
                if (!all) {
                    enough.store(false, std::memory_order_relaxed);
                }
            }
        }
        if (explain != nullptr) {
            const std::scoped_lock lock(mutex);
            add_work(*explain, mine);
        }
        return {};
    };
    if (queries.count() == 1) {
        ABI_CHECK(body(0, 1));
    } else {
        ABI_CHECK(ann::for_pieces(context, queries.count(), kQueryGrain, body));
    }
    return enough.load();
}

void IndexWalk::keep_hits(const Walk& walk, std::span<const AnnCandidate> found, std::size_t most,
                          Nearest& nearest) const {
    nearest.rows.clear();
    for (const AnnCandidate& candidate : found) {
        if (nearest.rows.size() < most && may_be_hit(walk, candidate.row)) {
            nearest.rows.push_back(candidate.row);
        }
    }
}

// One query through one index. False when fewer hits came back than there are rows for.
Result<bool> IndexWalk::run(const Walk& walk, Nearest& nearest, std::size_t query,
                            const float* values, simd::TopK& best) const {
    const std::size_t most = ann::compared(k_, walk.allowed);
    const std::uint64_t began = nearest.explain == nullptr ? 0 : monotonic_ns();
    const auto found = walk.rows.empty()
                           ? walk.index->candidates(values, walk.effort, nearest.scratch)
                           : walk.index->nearest_of(values, walk.rows, most, nearest.scratch);
    keep_hits(walk, found, most, nearest);
    if (nearest.rows.size() < std::min<std::uint64_t>(k_, walk.allowed) && walk.rows.empty()) {
        // The possible hits lie where the walk does not come to.
        const std::vector<std::uint32_t> rows = rows_in(walk.unit);
        keep_hits(walk, walk.index->nearest_of(values, rows, most, nearest.scratch), most, nearest);
        if (nearest.explain != nullptr) {
            nearest.explain->codes.code_distances += rows.size();
        }
    }
    const std::uint64_t found_at = nearest.explain == nullptr ? 0 : monotonic_ns();
    const Segment& segment = *state_.segments[walk.unit].segment;
    const RowNumber first = state_.first_row(walk.unit);
    nearest.vectors.clear();
    for (const std::uint32_t row : nearest.rows) {
        ABI_TRY(const std::byte* const vector, segment.vectors(row, 1));
        nearest.vectors.push_back(vector);
        if (nearest.vectors.size() <= kFetchAhead) {
            fetch(vector, nearest.queries.row_bytes());
        }
    }
    for (std::size_t i = 0; i < nearest.rows.size(); ++i) {
        if (i + kFetchAhead < nearest.rows.size()) {
            fetch(nearest.vectors[i + kFetchAhead], nearest.queries.row_bytes());
        }
        const std::uint32_t row = nearest.rows[i];
        const std::byte* const vector = nearest.vectors[i];
        const float* norm = nullptr;
        if (nearest.queries.needs_norms()) {
            ABI_TRY(norm, segment.inverse_norms(row, 1));
        }
        float distance = 0;
        nearest.queries.distances(query, 1, vector, norm, 1, nearest.exact, &distance);
        best.offer_one(distance, first + row);
    }
    if (nearest.explain != nullptr) {
        const bool walked = walk.rows.empty();
        SearchExplain::Part& part = walked ? nearest.explain->walk : nearest.explain->codes;
        part.code_distances +=
            walked ? nearest.scratch.walked_distances() : std::uint64_t{walk.rows.size()};
        part.exact_distances += nearest.rows.size();
        part.time_ns += found_at - began;
        nearest.explain->rerank_ns += monotonic_ns() - found_at;
    }
    return nearest.rows.size() >= std::min<std::uint64_t>(k_, walk.allowed);
}

}  // namespace abikit::storage
