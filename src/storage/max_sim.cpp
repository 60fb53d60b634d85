// Groups by the sum of their best similarities to several vectors: candidates from one search a
// vector, then every row of theirs.
#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include <abi/storage/query_forms.hpp>
#include <abi/storage/row_set.hpp>

#include "group_rows.hpp"
#include "guard.hpp"
#include "search_input.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kLeastCandidates = 100, kCandidatesPerHit = 10, kGrowth = 4;
// Distances that are held at a time: of some rows to all vectors.
constexpr std::size_t kHeldDistances = std::size_t{1} << 20;

// How near a group is.
struct Standing {
    std::vector<float> distances;  // to each vector, of the nearest row
    RowNumber row = 0;             // nearest to any of them
    float nearest = std::numeric_limits<float>::infinity();
};
using Standings = std::map<std::string, Standing>;

struct Task {
    const Context& context;
    const Snapshot& snapshot;
    std::span<const float> vectors;
    std::size_t count = 0;
    const RowSet* allowed = nullptr;  // null: all rows
    SearchExplain* explain = nullptr;
};

// The groups of the nearest rows of each vector, at least `wanted` where there are so many.
Result<std::vector<std::string>> candidate_groups(const Task& task, RowGroups& groups,
                                                  const MaxSimOptions& options,
                                                  std::size_t wanted) {
    const auto total = static_cast<std::size_t>(task.allowed == nullptr ? task.snapshot.rows()
                                                                        : task.allowed->count());
    std::size_t width =
        options.candidates != 0
            ? options.candidates
            : std::max(kLeastCandidates, wanted > total ? total : wanted * kCandidatesPerHit);
    SearchOptions search = options.search;
    search.filter = nullptr;
    search.rows = task.allowed;
    std::set<std::string> found;
    while (true) {
        search.k = std::max<std::size_t>(1, std::min(width, total));
        ABI_TRY(const auto hits,
                task.snapshot.search(task.context, task.vectors, task.count, search));
        for (const std::vector<Hit>& list : hits) {
            for (const Hit& hit : list) {
                ABI_TRY(std::string group, groups.group_of(hit.row));
                found.insert(std::move(group));
            }
        }
        if (found.size() >= wanted || width >= total) {
            break;
        }
        width *= kGrowth;
    }
    return std::vector<std::string>(found.begin(), found.end());
}

// Takes the rows of `some` into account.
Status compare(const Task& task, RowGroups& groups, const RowSet& some, Standings& standings) {
    std::unordered_map<RowNumber, Standing*> of_row;
    for (auto row = some.next(0); row; row = some.next(*row + 1)) {
        ABI_TRY(const std::string group, groups.read_group(*row));
        Standing& standing = standings[group];
        standing.distances.resize(task.count, std::numeric_limits<float>::infinity());
        of_row.emplace(*row, &standing);
    }
    ABI_TRY(const auto hits,
            task.snapshot.search_within(task.context, task.vectors, task.count,
                                        {.distance = std::numeric_limits<float>::infinity(),
                                         .rows = &some,
                                         .explain = task.explain}));
    for (std::size_t i = 0; i < task.count; ++i) {
        for (const Hit& hit : hits[i]) {
            Standing& standing = *of_row.at(hit.row);
            standing.distances[i] = std::min(standing.distances[i], hit.distance);
            if (std::pair(hit.distance, hit.row) < std::pair(standing.nearest, standing.row) ||
                standing.nearest == std::numeric_limits<float>::infinity()) {
                standing.nearest = hit.distance;
                standing.row = hit.row;
            }
        }
    }
    return {};
}

// All groups that have rows in `rows`, compared with some rows at a time.
Result<Standings> compare_all(const Task& task, RowGroups& groups, const RowSet& rows) {
    Standings standings;
    const std::size_t held = std::max<std::size_t>(1024, kHeldDistances / task.count);
    std::vector<std::uint64_t> words(rows.words().size());
    std::size_t members = 0;
    for (auto row = rows.next(0); row;) {
        words[*row / 64] |= std::uint64_t{1} << (*row % 64);
        row = rows.next(*row + 1);
        if (++members == held || !row) {
            ABI_CHECK(task.context.cancel.check());
            ABI_CHECK(compare(task, groups, RowSet(words, rows.rows()), standings));
            std::fill(words.begin(), words.end(), 0);
            members = 0;
        }
    }
    return standings;
}

std::vector<GroupHit> ranked(const Standings& standings, Metric metric) {
    std::vector<GroupHit> hits;
    for (const auto& [group, standing] : standings) {
        GroupHit hit{.group = group, .row = standing.row};
        for (const float distance : standing.distances) {
            hit.score += score_of(metric, double{distance});
        }
        hits.push_back(std::move(hit));
    }
    std::sort(hits.begin(), hits.end(), [](const GroupHit& a, const GroupHit& b) {
        return a.score != b.score ? a.score > b.score : a.row < b.row;
    });
    return hits;
}

Status check(const MaxSimOptions& options, std::size_t count) {
    if (options.search.k == 0) {
        return fail(Code::kInvalidArgument, "k must be at least 1");
    }
    if (count == 0) {
        return fail(Code::kInvalidArgument, "a query needs at least one vector");
    }
    if (options.group_by.empty()) {
        return fail(Code::kInvalidArgument, "a query of several vectors needs a field to group by");
    }
    return {};
}
}  // namespace

Result<std::vector<GroupHit>> max_sim(const Context& context, const Snapshot& snapshot,
                                      std::span<const float> vectors, std::size_t count,
                                      const MaxSimOptions& options) {
    return guarded([&]() -> Result<std::vector<GroupHit>> {
        ABI_CHECK(check(options, count));
        ABI_TRY(RowGroups groups, RowGroups::of(snapshot, options.group_by));
        ABI_TRY(const auto matching, matching_rows(context, snapshot, options.search));
        const Task task{context,
                        snapshot,
                        vectors,
                        count,
                        matching ? &*matching : options.search.rows,
                        options.search.explain};
        const std::size_t wanted = std::min<std::size_t>(options.offset, snapshot.rows()) +
                                   std::min<std::size_t>(options.search.k, snapshot.rows());
        RowSet rows;
        if (options.search.mode == SearchMode::kExact || options.search.recall == 1.0) {
            ABI_TRY(rows, groups.all_rows(context));
        } else {
            ABI_TRY(const auto candidates, candidate_groups(task, groups, options, wanted));
            ABI_TRY(rows, groups.rows_in(context, candidates));
        }
        if (task.allowed != nullptr && rows.rows() != 0) {
            ABI_TRY(rows, rows_in_both(rows, *task.allowed));
        }
        ABI_TRY(const Standings standings, compare_all(task, groups, rows));
        ABI_CHECK(groups.check_known(context));
        std::vector<GroupHit> hits = ranked(standings, snapshot.stats().metric);
        const std::size_t first = std::min(options.offset, hits.size());
        hits.erase(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(first));
        hits.resize(std::min(options.search.k, hits.size()));
        return hits;
    });
}

}  // namespace abikit::storage
