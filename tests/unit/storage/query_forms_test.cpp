// Forms of a search against plain references over all rows.
#include <abi/storage/query_forms.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <abi/core/thread_pool.hpp>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {
// Rows in two segments and the log, some deleted; whole numbers, so that many distances are equal.
// Metadata: {"doc": 0..docs-1, "odd": ...}; every eleventh row has none.
struct Filled {
    MemoryStore store;
    std::optional<Database> database;

    explicit Filled(Metric metric, std::size_t rows = 300, std::size_t docs = 12) {
        database = store.create(3, metric);
        Random random(seed_or(7));
        for (std::size_t part = 0; part < 3; ++part) {
            std::vector<Row> batch;
            for (std::size_t i = 0; i < rows / 3; ++i) {
                const std::size_t number = part * (rows / 3) + i;
                Row row{"r" + std::to_string(number), {}, {}, {}};
                for (int d = 0; d < 3; ++d) {
                    row.vector.push_back(static_cast<float>(random.below(5)) - 2.0F);
                }
                if (number % 11 != 0) {
                    row.metadata = "{\"doc\":" + std::to_string(random.below(docs)) +
                                   ",\"odd\":" + (number % 2 == 0 ? "false" : "true") + "}";
                }
                batch.push_back(std::move(row));
            }
            must(commit(*database, batch, WriteMode::kUpsert, {}));
            if (part != 2) {
                must(database->checkpoint());
            }
        }
        std::vector<std::string> deletes;
        for (std::size_t i = 3; i < rows; i += 9) {
            deletes.push_back("r" + std::to_string(i));
        }
        must(commit(*database, {}, WriteMode::kUpsert, deletes));
    }
    // All rows by distance, as an exact search for all of them tells it.
    std::vector<Hit> ranked(const std::vector<float>& query, const Filter* filter = nullptr) const {
        const Snapshot snapshot = database->snapshot();
        return must(snapshot.search(store.context, query, 1,
                                    {.k = 100000, .mode = SearchMode::kExact, .filter = filter}))
            .front();
    }
};

bool same(const std::vector<Hit>& a, const std::vector<Hit>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Hit& x, const Hit& y) {
        return x.row == y.row && x.distance == y.distance;
    });
}
}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("query forms: a range holds exactly the rows that are near enough") {
        ThreadPool pool(2);
        for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
            Filled filled(metric);
            CAPTURE(metric_name(metric));
            const Snapshot snapshot = filled.database->snapshot();
            const Filter filter = must(Filter::parse("doc IN (1, 4, 5)"));
            const std::vector<float> queries = {1, 0, 2, -1, -2, 0};
            for (const Filter* const only : {static_cast<const Filter*>(nullptr), &filter}) {
                const std::vector<Hit> all = filled.ranked({1, 0, 2}, only);
                const std::vector<Hit> other = filled.ranked({-1, -2, 0}, only);
                for (const float distance : {all.front().distance, all[all.size() / 2].distance,
                                             all.back().distance, -100.0F, 1e9F}) {
                    const auto near = [&](std::vector<Hit> hits, std::size_t limit) {
                        std::erase_if(hits,
                                      [&](const Hit& hit) { return hit.distance > distance; });
                        hits.resize(limit == 0 ? hits.size() : std::min(hits.size(), limit));
                        return hits;
                    };
                    for (const std::size_t limit : {0U, 1U, 7U, 100000U}) {
                        for (ThreadPool* const threads :
                             {static_cast<ThreadPool*>(nullptr), &pool}) {
                            Context context = filled.store.context;
                            context.pool = threads;
                            const auto found = must(snapshot.search_within(
                                context, queries, 2,
                                {.distance = distance, .limit = limit, .filter = only}));
                            REQUIRE(found.size() == 2);
                            REQUIRE(same(found[0], near(all, limit)));
                            REQUIRE(same(found[1], near(other, limit)));
                        }
                    }
                }
            }
        }
    }
    TEST_CASE("query forms: a range refuses what is no query, and finds nothing in nothing") {
        Filled filled(Metric::kL2);
        const Snapshot snapshot = filled.database->snapshot();
        const Context& context = filled.store.context;
        const std::vector<float> query = {0, 0, 0};
        REQUIRE(code_of(snapshot.search_within(context, query, 1, {.distance = std::nanf("")})) ==
                Code::kInvalidArgument);
        REQUIRE(code_of(snapshot.search_within(context, query, 2, {.distance = 1})) ==
                Code::kIncompatible);
        const RowSet foreign;
        REQUIRE(
            code_of(snapshot.search_within(context, query, 1, {.distance = 1, .rows = &foreign})) ==
            Code::kInvalidArgument);
        MemoryStore empty;
        const Database none = empty.create(3, Metric::kL2);
        REQUIRE(must(none.snapshot().search_within(empty.context, query, 1, {.distance = 1}))
                    .front()
                    .empty());
        CancelSource cancel;
        cancel.cancel();
        Context cancelled = context;
        cancelled.cancel = cancel.token();
        REQUIRE(code_of(snapshot.search_within(cancelled, query, 1, {.distance = 1})) ==
                Code::kCancelled);
    }
    TEST_CASE("query forms: pages lie behind each other, in one order") {
        Filled filled(Metric::kL2);
        const Snapshot snapshot = filled.database->snapshot();
        const std::vector<float> query = {1, 0, 2};
        const std::vector<Hit> all = filled.ranked(query);
        for (const bool within : {false, true}) {
            std::vector<Hit> pages;
            for (std::size_t offset = 0; offset < all.size() + 20; offset += 17) {
                QueryOptions options{.search = {.k = 17}, .offset = offset};
                if (within) {
                    options.within = all[100].distance;
                }
                const auto page =
                    must(query_rows(filled.store.context, snapshot, query, 1, options)).front();
                pages.insert(pages.end(), page.begin(), page.end());
            }
            std::vector<Hit> expected = all;
            std::erase_if(expected, [&](const Hit& hit) {
                return within && hit.distance > all[100].distance;
            });
            REQUIRE(same(pages, expected));
        }
        const std::size_t most = std::numeric_limits<std::size_t>::max();
        REQUIRE(must(query_rows(filled.store.context, snapshot, query, 1,
                                {.search = {.k = most}, .offset = 5}))
                    .front()
                    .size() == all.size() - 5);
        REQUIRE(code_of(query_rows(filled.store.context, snapshot, query, 1,
                                   {.search = {.k = 0}})) == Code::kInvalidArgument);
    }
    TEST_CASE("query forms: an example is left out of its own hits") {
        Filled filled(Metric::kCosine);
        const Snapshot snapshot = filled.database->snapshot();
        const ExampleQuery example = must(query_by_example(snapshot, "r5"));
        REQUIRE(read_row(snapshot, example.row).vector == example.vector);
        std::vector<Hit> expected = filled.ranked(example.vector);
        std::erase_if(expected, [&](const Hit& hit) { return hit.row == example.row; });
        expected.resize(20);
        REQUIRE(same(must(query_rows(filled.store.context, snapshot, example.vector, 1,
                                     {.search = {.k = 20}, .leave_out = example.row}))
                         .front(),
                     expected));
        REQUIRE(code_of(query_by_example(snapshot, "r3")) == Code::kNotFound);  // deleted
    }
}
