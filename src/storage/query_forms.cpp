// How many rows each form has to fetch, and what it keeps of them. query_groups.hpp and
// marginal_relevance.hpp are two of them.
#include <abi/storage/query_forms.hpp>

#include <algorithm>
#include <limits>
#include <string>

#include <fmt/format.h>

#include <abi/storage/row_set.hpp>

#include "guard.hpp"
#include "marginal_relevance.hpp"
#include "query_groups.hpp"
#include "search_input.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kPickedFrom = 4;  // candidates for each hit by marginal relevance

// a + b, or the largest number.
std::size_t sum(std::size_t a, std::size_t b) noexcept {
    return b > std::numeric_limits<std::size_t>::max() - a ? std::numeric_limits<std::size_t>::max()
                                                           : a + b;
}

// The nearest `wanted` rows of each query.
Result<std::vector<std::vector<Hit>>> fetch(const Context& context, const Snapshot& snapshot,
                                            std::span<const float> queries, std::size_t count,
                                            const QueryOptions& options, std::size_t wanted) {
    if (options.within) {
        return snapshot.search_within(context, queries, count,
                                      {.distance = *options.within,
                                       .limit = wanted,
                                       .filter = options.search.filter,
                                       .rows = options.search.rows,
                                       .explain = options.search.explain});
    }
    SearchOptions search = options.search;
    search.k = wanted;
    return snapshot.search(context, queries, count, search);
}

// The same without the row that is left out.
Result<std::vector<std::vector<Hit>>> fetch_others(const Context& context, const Snapshot& snapshot,
                                                   std::span<const float> queries,
                                                   std::size_t count, const QueryOptions& options,
                                                   std::size_t wanted) {
    if (!options.leave_out) {
        return fetch(context, snapshot, queries, count, options, wanted);
    }
    ABI_TRY(auto hits, fetch(context, snapshot, queries, count, options, sum(wanted, 1)));
    for (std::vector<Hit>& list : hits) {
        std::erase_if(list, [&](const Hit& hit) { return hit.row == *options.leave_out; });
        list.resize(std::min(wanted, list.size()));
    }
    return hits;
}

Status check(const QueryOptions& options) {
    if (options.search.k == 0) {
        return fail(Code::kInvalidArgument, "k must be at least 1");
    }
    if (options.per_group == 0) {
        return fail(Code::kInvalidArgument, "hits of each group must be at least 1");
    }
    if (options.mmr_lambda && !(*options.mmr_lambda >= 0 && *options.mmr_lambda <= 1)) {
        return fail(Code::kInvalidArgument,
                    fmt::format("a lambda of {}: 0 to 1 is possible", *options.mmr_lambda));
    }
    if (options.mmr_lambda && !options.group_by.empty()) {
        return fail(Code::kInvalidArgument,
                    "hits are either grouped or picked by marginal relevance, not both");
    }
    return {};
}

// All hits up to the end of the page, for queries that are answered alike.
Result<std::vector<std::vector<QueryHit>>> nearest(const Context& context, const Snapshot& snapshot,
                                                   std::span<const float> queries,
                                                   std::size_t count, const QueryOptions& options,
                                                   std::size_t page_end) {
    std::size_t wanted = page_end;
    if (options.mmr_lambda) {
        const std::size_t usual = page_end > snapshot.rows() ? page_end : kPickedFrom * page_end;
        wanted = std::max(page_end, options.candidates == 0 ? usual : options.candidates);
    }
    ABI_TRY(auto found, fetch_others(context, snapshot, queries, count, options, wanted));
    std::vector<std::vector<QueryHit>> hits(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (options.mmr_lambda) {
            ABI_CHECK(context.cancel.check());
            ABI_TRY(found[i], pick_diverse(snapshot, found[i], page_end, *options.mmr_lambda));
        }
        for (const Hit& hit : found[i]) {
            hits[i].push_back({.row = hit.row, .distance = hit.distance});
        }
    }
    return hits;
}

// The same with groups, query by query.
Result<std::vector<std::vector<QueryHit>>> grouped(const Context& context, const Snapshot& snapshot,
                                                   std::span<const float> queries,
                                                   std::size_t count, const QueryOptions& options,
                                                   std::size_t page_end) {
    QueryOptions fetched = options;
    ABI_TRY(const auto matching, matching_rows(context, snapshot, options.search));
    if (matching) {
        fetched.search.filter = nullptr;
        fetched.search.rows = &*matching;
    }
    const RowSet* const allowed = fetched.search.rows;
    ABI_TRY(RowGroups groups, RowGroups::of(snapshot, options.group_by));
    std::vector<std::vector<QueryHit>> hits(count);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t dimension = queries.size() / count;
        const auto search = [&](std::size_t wanted,
                                const RowSet* rows) -> Result<std::vector<Hit>> {
            fetched.search.rows = rows;
            ABI_TRY(auto found,
                    fetch_others(context, snapshot, queries.subspan(i * dimension, dimension), 1,
                                 fetched, wanted));
            return std::move(found.front());
        };
        ABI_TRY(hits[i], nearest_of_groups(context, snapshot, groups, allowed, page_end,
                                           options.per_group, search));
    }
    ABI_CHECK(groups.check_known(context));
    return hits;
}

// Hits [offset, offset + k).
void cut_page(std::vector<QueryHit>& hits, std::size_t offset, std::size_t k) {
    hits.erase(hits.begin(),
               hits.begin() + static_cast<std::ptrdiff_t>(std::min(offset, hits.size())));
    hits.resize(std::min(k, hits.size()));
}
}  // namespace

Result<ExampleQuery> query_by_example(const Snapshot& snapshot, std::string_view id) {
    return guarded([&]() -> Result<ExampleQuery> {
        ABI_TRY(const auto row, snapshot.find(id));
        if (!row) {
            return fail(Code::kNotFound, fmt::format("there is no row '{}'", id));
        }
        ABI_TRY(const RowView view, snapshot.read(*row));
        return ExampleQuery{*row, {view.vector.begin(), view.vector.end()}};
    });
}

Result<std::vector<std::vector<QueryHit>>> query_rows(const Context& context,
                                                      const Snapshot& snapshot,
                                                      std::span<const float> queries,
                                                      std::size_t count,
                                                      const QueryOptions& options) {
    return guarded([&]() -> Result<std::vector<std::vector<QueryHit>>> {
        ABI_CHECK(check(options));
        const std::size_t page_end = sum(options.offset, options.search.k);
        const auto answer = options.group_by.empty() ? nearest : grouped;
        ABI_TRY(auto hits, answer(context, snapshot, queries, count, options, page_end));
        for (std::vector<QueryHit>& list : hits) {
            cut_page(list, options.offset, options.search.k);
        }
        return hits;
    });
}

}  // namespace abikit::storage
