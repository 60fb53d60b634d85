// Building the indexes of a collection's segments while commits and searches go on: segments do not
// change, and an index is a file of its own.
#include <algorithm>

#include <abi/storage/database.hpp>

#include "database_impl.hpp"
#include "guard.hpp"
#include "index_heir.hpp"
#include "segment_index.hpp"

namespace abikit::storage {

namespace {
// Merging is due when more than one row in so many lies outside the largest index, or is dead in
// it, or when there are more indexes.
constexpr std::uint64_t kOutsideShare = 50, kDeadShare = 20, kMostIndexes = 4;

AnnOptions ann_options(const IndexOptions& options, Metric metric) {
    return {.metric = metric,
            .degree = options.degree,
            .build_effort = options.build_effort,
            .seed = options.seed};
}

IndexInfo info_of(const State& state) {
    IndexInfo info;
    std::uint64_t largest = 0;
    for (const SegmentUnit& unit : state.segments) {
        const auto index = unit.segment->index().get();
        if (index == nullptr) {
            info.unindexed_rows += unit.live();
            continue;
        }
        ++info.segments;
        info.rows += unit.live();
        info.size_bytes += index->info().size_bytes;
        info.hot_bytes += index->info().hot_bytes_per_row * unit.segment->rows();
        if (unit.segment->rows() > largest) {
            largest = unit.segment->rows();
            info.curve = index->info().curve;
        }
    }
    info.unindexed_rows += state.log_rows.rows;
    return info;
}
}  // namespace

// A query walks every index there is and scans the rest, so that one index for all rows is worth
// rewriting them once enough lies outside the largest.
bool Database::wants_merge(const IndexOptions& options) const {
    const auto now = impl_->newest();
    const State* const state = now->find(origin_->collection->id);
    if (state == nullptr) {
        return false;
    }
    const std::size_t units = state->segments.size() + (state->log_rows.rows != 0 ? 1 : 0);
    std::uint64_t largest = 0, dead = 0, indexes = 0;
    for (const SegmentUnit& unit : state->segments) {
        if (unit.segment->index().get() == nullptr) {
            continue;
        }
        ++indexes;
        if (unit.live() > largest) {
            largest = unit.live();
            dead = unit.segment->rows() - largest;
        }
    }
    if (options.rebuild) {
        return units > 1 || dead != 0;
    }
    const std::uint64_t others = state->rows() - largest;
    return dead * kDeadShare > largest ||
           (units > 1 && (others * kOutsideShare > largest || indexes > kMostIndexes));
}

Result<IndexInfo> Database::build_index(const Context& context, const IndexOptions& options) {
    return guarded([&]() -> Result<IndexInfo> {
        ABI_CHECK(impl_->check_writable());
        ABI_CHECK(AnnIndex::check(ann_options(options, metric())));
        IndexHeir heir;
        // What the log holds becomes a segment first, so that little is left to scan.
        if (wants_merge(options)) {
            ABI_TRY(heir, impl_->alone([&] { return impl_->merge(origin_->collection->id); }));
        } else {
            ABI_CHECK(checkpoint());
        }
        if (options.rebuild) {
            heir.base = nullptr;
        }
        return index_segments(context, options, heir);
    });
}

// Gives every segment an index that is worth one and has none.
Result<IndexInfo> Database::index_segments(const Context& context, const IndexOptions& options,
                                           const IndexHeir& heir) {
    const auto now = impl_->newest();
    const State* const state = now->find(origin_->collection->id);
    if (state == nullptr) {
        return fail(no_collection(path(), name()));
    }
    std::uint64_t built = 0;
    for (const SegmentUnit& unit : state->segments) {
        SegmentIndex& place = unit.segment->index();
        if (unit.segment->rows() < AnnIndex::kFewestRows ||
            (place.get() != nullptr && !options.rebuild)) {
            continue;
        }
        ABI_TRY(const AnnIndex index,
                make_index(context, unit.segment, ann_options(options, metric()), heir));
        ABI_CHECK(place.write(index));
        ++built;
    }
    IndexInfo info = info_of(*state);
    info.built = built;
    return info;
}

Status Database::drop_index() {
    return guarded([&]() -> Status {
        ABI_CHECK(impl_->check_writable());
        const auto now = impl_->newest();
        const State* const state = now->find(origin_->collection->id);
        if (state == nullptr) {
            return fail(no_collection(path(), name()));
        }
        for (const SegmentUnit& unit : state->segments) {
            ABI_CHECK(unit.segment->index().remove());
        }
        return impl_->context().fs->sync_directory(path());
    });
}

IndexInfo Database::index_info() const {
    const auto now = impl_->newest();
    const State* const state = now->find(origin_->collection->id);
    return state == nullptr ? IndexInfo{} : info_of(*state);
}

}  // namespace abikit::storage
