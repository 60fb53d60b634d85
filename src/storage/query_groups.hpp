// At most so many hits of a group: searches that go on until there are enough.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include <abi/storage/query_forms.hpp>

#include "group_rows.hpp"

namespace abikit::storage {

// The nearest `count` rows among `rows` (null: among all that may be hits), ascending by distance.
using FetchRows = std::function<Result<std::vector<Hit>>(std::size_t count, const RowSet* rows)>;

// The nearest `count` rows of which at most `per_group` are of one group; fewer only where no more
// exist. allowed: the rows that may be hits; null: all.
Result<std::vector<QueryHit>> nearest_of_groups(const Context& context, const Snapshot& snapshot,
                                                RowGroups& groups, const RowSet* allowed,
                                                std::size_t count, std::size_t per_group,
                                                const FetchRows& fetch);

}  // namespace abikit::storage
