// What a merge of segments leaves of their indexes: the merged segment's index can be derived from
// that of its largest part instead of being built anew.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <abi/storage/ann_index.hpp>

#include "state.hpp"

namespace abikit::storage {

struct IndexHeir {
    std::shared_ptr<const AnnIndex> base;    // null: nothing to inherit
    std::vector<std::uint32_t> origins;      // of each merged row, as AnnIndex::derive() takes them
    std::shared_ptr<const Segment> segment;  // the merged one, once it is there
};

// What is left when all live rows of this state are merged in their order.
IndexHeir heir_of(const State& state);

// The index of this segment: derived where the heir is its own, else built.
Result<AnnIndex> make_index(const Context& context, const std::shared_ptr<const Segment>& segment,
                            const AnnOptions& options, const IndexHeir& heir);

}  // namespace abikit::storage
