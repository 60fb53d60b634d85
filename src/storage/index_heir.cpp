// Finding the largest indexed part, and numbering its rows as they will be.
#include "index_heir.hpp"

#include "segment_index.hpp"

namespace abikit::storage {

IndexHeir heir_of(const State& state) {
    IndexHeir heir;
    std::size_t largest = 0;
    for (std::size_t unit = 0; unit < state.segments.size(); ++unit) {
        const SegmentUnit& segment = state.segments[unit];
        if (heir.base != nullptr && segment.live() <= state.segments[largest].live()) {
            continue;
        }
        if (auto index = segment.segment->index().get()) {
            heir.base = std::move(index);
            largest = unit;
        }
    }
    if (heir.base == nullptr) {
        return heir;
    }
    heir.origins.reserve(state.rows());
    for (std::size_t unit = 0; unit < state.segments.size(); ++unit) {
        const SegmentUnit& segment = state.segments[unit];
        for (std::uint64_t row = 0; row < segment.segment->rows(); ++row) {
            if (!segment.dead(row)) {
                heir.origins.push_back(unit == largest ? static_cast<std::uint32_t>(row)
                                                       : AnnIndex::kNewRow);
            }
        }
    }
    heir.origins.resize(state.rows(), AnnIndex::kNewRow);  // the log's rows
    return heir;
}

Result<AnnIndex> make_index(const Context& context, const std::shared_ptr<const Segment>& segment,
                            const AnnOptions& options, const IndexHeir& heir) {
    const SegmentVectors rows(*segment);
    return heir.base != nullptr && heir.segment == segment
               ? AnnIndex::derive(context, *heir.base, rows, heir.origins, options.seed)
               : AnnIndex::build(context, rows, options);
}

}  // namespace abikit::storage
