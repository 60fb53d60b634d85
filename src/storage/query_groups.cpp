#include "query_groups.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace abikit::storage {

namespace {
constexpr std::size_t kLeastFetch = 32;
constexpr std::size_t kFetchFactor = 3;  // rows for each hit that is missing
constexpr std::size_t kGrowth = 4;       // of that, from one search to the next

struct Chosen {
    std::vector<QueryHit> hits;
    std::map<std::string, std::size_t> sizes;  // hits of each group
};

// The first `count` of the rows that their groups have room for.
Result<Chosen> choose(RowGroups& groups, const std::vector<Hit>& rows, std::size_t count,
                      std::size_t per_group, std::vector<QueryHit> before,
                      const std::vector<std::string>& full) {
    Chosen chosen;
    chosen.hits = std::move(before);
    for (const QueryHit& hit : chosen.hits) {
        ++chosen.sizes[hit.group];
    }
    for (const std::string& group : full) {
        chosen.sizes[group] = per_group;
    }
    for (const Hit& row : rows) {
        if (chosen.hits.size() == count) {
            break;
        }
        ABI_TRY(std::string group, groups.group_of(row.row));
        std::size_t& size = chosen.sizes[group];
        if (size < per_group) {
            ++size;
            chosen.hits.push_back({row.row, row.distance, std::move(group)});
        }
    }
    return chosen;
}
}  // namespace

// When a search did not give enough, the groups that are full are left out of the next one: what it
// finds are rows that still count. The hits of full groups stay, those of others are found again.
Result<std::vector<QueryHit>> nearest_of_groups(const Context& context, const Snapshot& snapshot,
                                                RowGroups& groups, const RowSet* allowed,
                                                std::size_t count, std::size_t per_group,
                                                const FetchRows& fetch) {
    const auto total = static_cast<std::size_t>(snapshot.rows());
    std::size_t factor = kFetchFactor;
    std::vector<QueryHit> kept;     // of full groups
    std::vector<std::string> full;  // these groups
    RowSet open;                    // rows of the others
    const RowSet* rows = allowed;
    while (true) {
        ABI_CHECK(context.cancel.check());
        const std::size_t missing = std::min(count - kept.size(), total);
        const std::size_t width =
            std::max<std::size_t>(1, std::min(total, std::max(kLeastFetch, missing * factor)));
        ABI_TRY(const std::vector<Hit> found, fetch(width, rows));
        ABI_TRY(Chosen chosen, choose(groups, found, count, per_group, kept, full));
        if (chosen.hits.size() == count || found.size() < width || width == total) {
            std::sort(chosen.hits.begin(), chosen.hits.end(),
                      [](const QueryHit& a, const QueryHit& b) {
                          return a.distance != b.distance ? a.distance < b.distance : a.row < b.row;
                      });
            return std::move(chosen.hits);
        }
        full.clear();
        kept.clear();
        for (const auto& [group, size] : chosen.sizes) {
            if (size >= per_group) {
                full.push_back(group);
            }
        }
        std::copy_if(chosen.hits.begin(), chosen.hits.end(), std::back_inserter(kept),
                     [&](const QueryHit& hit) {
                         return std::binary_search(full.begin(), full.end(), hit.group);
                     });
        ABI_TRY(const RowSet closed, groups.rows_in(context, full));
        ABI_TRY(open, rows_but(snapshot, allowed, closed));
        rows = &open;
        factor *= kGrowth;
    }
}

}  // namespace abikit::storage
