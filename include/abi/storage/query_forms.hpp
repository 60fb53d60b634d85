// Forms of a vector search beyond the k nearest: by the vector of a stored row, within a distance,
// page by page, at most so many of a group, with hits that differ from each other, for groups near
// to several vectors at once. Snapshot::search and search_within (snapshot.hpp) are what they are
// made of.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
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

    // A field of the metadata, as a filter names it: at most `per_group` hits have the same value
    // there. Rows without the field are one group. Empty: no groups.
    std::string group_by = {};
    std::size_t per_group = 1;  // at least 1

    // Hits that are near and unlike each other, by maximal marginal relevance (Carbonell and
    // Goldstein, SIGIR 1998): of the candidates the next hit is the one with the largest
    //     lambda * similarity to the query - (1 - lambda) * largest similarity to a hit before it
    // where similarity is score_of() of the exact distance. 0 to 1; 1 is the order of distance.
    // Does not go with group_by. Unset: hits ascend by distance.
    std::optional<double> mmr_lambda = {};
    // How many nearest rows these are picked from; 0: four times offset + k.
    std::size_t candidates = 0;
};

struct QueryHit {
    RowNumber row = 0;
    float distance = 0.0F;
    std::string group = {};  // the value, as JSON: "null" without the field; empty without group_by
};

// The hits of each query. queries: count x dimension, row-major, all finite. Hits ascend by
// distance, ties by insertion, unless mmr_lambda orders them, and there are as many as asked for
// wherever so many exist. All threads of the context's pool work on it. Errors as of
// Snapshot::search; kInvalidArgument too when no live row has the field of group_by, or a row holds
// an array or object there.
ABI_API Result<std::vector<std::vector<QueryHit>>> query_rows(const Context& context,
                                                              const Snapshot& snapshot,
                                                              std::span<const float> queries,
                                                              std::size_t count,
                                                              const QueryOptions& options);

// One query of several vectors, for groups of rows: a document of a vector for each passage or
// word.
struct MaxSimOptions {
    // k: how many groups come back. With kExact, or a recall of 1, all rows are compared.
    SearchOptions search = {};
    std::size_t offset = 0;  // the best so many groups are left out
    std::string group_by;    // as in QueryOptions; needed
    // How many nearest rows of each vector make their groups candidates; 0: ten times offset + k,
    // at least 100.
    std::size_t candidates = 0;
};

struct GroupHit {
    std::string group;  // the value, as JSON
    double score = 0;   // the sum over the vectors of the largest similarity to a row of the group
    RowNumber row = 0;  // the row nearest to one of the vectors
};

// The best groups, by descending score (ties by row): similarity is score_of() of the distance, so
// that cosine and dot give the late interaction of ColBERT (Khattab and Zaharia, SIGIR 2020). The
// searches of the single vectors find candidates, more where these are of fewer than k groups; a
// candidate's score is exact, over all of its rows that may be hits. vectors: count x dimension,
// row-major, all finite. Errors as of query_rows.
ABI_API Result<std::vector<GroupHit>> max_sim(const Context& context, const Snapshot& snapshot,
                                              std::span<const float> vectors, std::size_t count,
                                              const MaxSimOptions& options);

}  // namespace abikit::storage
