// How many rows each form has to fetch, and what it keeps of them.
#include <abi/storage/query_forms.hpp>

#include <algorithm>
#include <limits>
#include <string>

#include <fmt/format.h>

#include <abi/storage/row_set.hpp>

#include "guard.hpp"

namespace abikit::storage {

namespace {
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
                                       .rows = options.search.rows});
    }
    SearchOptions search = options.search;
    search.k = wanted;
    return snapshot.search(context, queries, count, search);
}

void leave_out(std::vector<Hit>& hits, RowNumber row) {
    std::erase_if(hits, [row](const Hit& hit) { return hit.row == row; });
}

// Hits [offset, offset + k).
template <class Row>
void cut_page(std::vector<Row>& hits, std::size_t offset, std::size_t k) {
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

Result<std::vector<std::vector<Hit>>> query_rows(const Context& context, const Snapshot& snapshot,
                                                 std::span<const float> queries, std::size_t count,
                                                 const QueryOptions& options) {
    return guarded([&]() -> Result<std::vector<std::vector<Hit>>> {
        if (options.search.k == 0) {
            return fail(Code::kInvalidArgument, "k must be at least 1");
        }
        const std::size_t page_end = sum(options.offset, options.search.k);
        const std::size_t wanted = sum(page_end, options.leave_out ? 1 : 0);
        ABI_TRY(auto hits, fetch(context, snapshot, queries, count, options, wanted));
        for (std::vector<Hit>& list : hits) {
            if (options.leave_out) {
                leave_out(list, *options.leave_out);
            }
            cut_page(list, options.offset, options.search.k);
        }
        return hits;
    });
}

}  // namespace abikit::storage
