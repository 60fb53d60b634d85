// Forms of a vector search beyond the k nearest: by the vector of a stored row, within a distance,
// page by page. Snapshot::search and search_within (snapshot.hpp) are what they are made of.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/snapshot.hpp>

namespace abikit::storage {

// A stored row as a query: find what is like it.
struct ExampleQuery {
    RowNumber row = 0;
    std::vector<float> vector;
};
// kNotFound when no live row has this id.
ABI_API Result<ExampleQuery> query_by_example(const Snapshot& snapshot, std::string_view id);

// What is looked for, how, and which of it comes back.
struct QueryOptions {
    SearchOptions search = {};  // k: how many hits come back
    // The nearest so many hits are left out. Pages that are cut so fit together where the search is
    // exact; an approximate one may find other rows for a longer page.
    std::size_t offset = 0;
    // Only rows that are at most so far, as hits tell it. All rows that may be hits are compared:
    // the result is exact whatever `search` says of recall.
    std::optional<float> within = {};
    // Never a hit: the row of an example.
    std::optional<RowNumber> leave_out = {};
};

// The hits of each query. queries: count x dimension, row-major, all finite. Hits ascend by
// distance, ties by insertion, and there are as many as asked for wherever so many exist. All
// threads of the context's pool work on it. Errors as of Snapshot::search.
ABI_API Result<std::vector<std::vector<Hit>>> query_rows(const Context& context,
                                                         const Snapshot& snapshot,
                                                         std::span<const float> queries,
                                                         std::size_t count,
                                                         const QueryOptions& options);

}  // namespace abikit::storage
