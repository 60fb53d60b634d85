// What every search of vectors checks first, and which rows it may find.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include <abi/core/context.hpp>
#include <abi/storage/row_set.hpp>
#include <abi/storage/snapshot.hpp>

#include "state.hpp"
#include "vector_codec.hpp"

namespace abikit::storage {

// values: count x shape.dimension numbers, finite; for bits 0 or 1.
Status check_queries(VectorShape shape, std::span<const float> values, std::size_t count);

// The members of both. kInvalidArgument when they are of different snapshots.
Result<RowSet> rows_in_both(const RowSet& a, const RowSet& b);

// The rows that both allow, of a snapshot with `total_rows` row numbers; null where there is no
// restriction. Both may be null. `made` holds the result where it is new.
Result<const RowSet*> allowed_rows(const Context& context, const Snapshot& snapshot,
                                   std::uint64_t total_rows, const Filter* filter,
                                   const RowSet* rows, RowSet& made);

// The rows that the options allow, found once for several searches; nullopt when they have no
// filter.
Result<std::optional<RowSet>> matching_rows(const Context& context, const Snapshot& snapshot,
                                            const SearchOptions& options);

// Which rows a search looks for, and what finding them took.
void describe_input(const State& state, const RowSet* allowed, std::size_t queries,
                    std::uint64_t filter_ns, SearchExplain& explain);

}  // namespace abikit::storage
