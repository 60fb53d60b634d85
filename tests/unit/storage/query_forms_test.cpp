// Forms of a search against plain references over all rows.
#include <abi/storage/query_forms.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
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

double reference(Metric metric, const std::vector<float>& a, const std::vector<float>& b) {
    double dot = 0, aa = 0, bb = 0, l2 = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = double{a[i]}, y = double{b[i]};
        dot += x * y;
        aa += x * x;
        bb += y * y;
        l2 += (x - y) * (x - y);
    }
    return metric == Metric::kL2    ? l2
           : metric == Metric::kDot ? -dot
                                    : 1.0 - dot / std::sqrt(aa * bb);
}

template <class Found>
bool same(const std::vector<Found>& a, const std::vector<Hit>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Found& x, const Hit& y) {
        return x.row == y.row && x.distance == y.distance;
    });
}

// The value of "doc" as it is written; "null" without.
std::string doc_of(const Snapshot& snapshot, RowNumber row) {
    const std::optional<std::string> metadata = read_row(snapshot, row).metadata;
    const std::size_t at = metadata ? metadata->find("\"doc\":") : std::string::npos;
    return at == std::string::npos
               ? "null"
               : metadata->substr(at + 6, metadata->find_first_of(",}", at) - at - 6);
}
// Each "doc" with minus the sum over the vectors (of 4 numbers) of their largest similarity to one
// of its rows, best first. odd_only: of rows with "odd": true.
std::vector<std::pair<double, std::string>> best_groups(const Snapshot& snapshot, Metric metric,
                                                        const std::vector<float>& vectors,
                                                        bool odd_only) {
    const std::size_t count = vectors.size() / 4;
    std::map<std::string, std::vector<double>> best;
    must(snapshot.scan(0, [&](RowNumber row) -> Result<bool> {
        const Row read = read_row(snapshot, row);
        if (odd_only && read.metadata->find("\"odd\":true") == std::string::npos) {
            return true;
        }
        auto& sims =
            best.emplace(doc_of(snapshot, row), std::vector<double>(count, -1e300)).first->second;
        for (std::size_t i = 0; i < count; ++i) {
            const auto first = vectors.begin() + static_cast<std::ptrdiff_t>(4 * i);
            const std::vector<float> one(first, first + 4);
            sims[i] = std::max(sims[i], score_of(metric, reference(metric, one, read.vector)));
        }
        return true;
    }));
    std::vector<std::pair<double, std::string>> groups;
    for (const auto& [doc, sims] : best) {
        groups.emplace_back(-std::accumulate(sims.begin(), sims.end(), 0.0), doc);
    }
    std::sort(groups.begin(), groups.end());
    return groups;
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
            std::vector<QueryHit> pages;
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
    TEST_CASE("query forms: no group has more hits than allowed, and none is missing") {
        for (const std::size_t docs : {1U, 12U, 200U}) {
            CAPTURE(docs);
            const Filled filled(Metric::kL2, 300, docs);
            const Snapshot snapshot = filled.database->snapshot();
            const std::vector<float> query = {1, 0, 2};
            const Filter filter = must(Filter::parse("odd = true"));
            for (const Filter* const only : {static_cast<const Filter*>(nullptr), &filter}) {
                const std::vector<Hit> all = filled.ranked(query, only);
                for (const std::size_t per_group : {1U, 3U, 1000U}) {
                    for (const std::size_t k : {1U, 10U, 150U, 5000U}) {
                        std::map<std::string, std::size_t> sizes;
                        std::vector<Hit> expected;
                        for (const Hit& hit : all) {
                            if (++sizes[doc_of(snapshot, hit.row)] <= per_group) {
                                expected.push_back(hit);
                            }
                        }
                        const std::size_t offset = k == 10 ? 4 : 0;
                        expected.erase(expected.begin(),
                                       expected.begin() + static_cast<std::ptrdiff_t>(
                                                              std::min(offset, expected.size())));
                        expected.resize(std::min(k, expected.size()));
                        const auto hits = must(query_rows(filled.store.context, snapshot, query, 1,
                                                          {.search = {.k = k, .filter = only},
                                                           .offset = offset,
                                                           .group_by = "doc",
                                                           .per_group = per_group}))
                                              .front();
                        REQUIRE(same(hits, expected));
                        for (const QueryHit& hit : hits) {
                            REQUIRE(hit.group == doc_of(snapshot, hit.row));
                        }
                    }
                }
            }
        }
    }
    TEST_CASE("query forms: groups within a distance, without the example") {
        const Filled filled(Metric::kL2);
        const Snapshot snapshot = filled.database->snapshot();
        const ExampleQuery example = must(query_by_example(snapshot, "r5"));
        std::set<std::string> seen;
        std::vector<Hit> expected;
        for (const Hit& hit : filled.ranked(example.vector)) {
            if (hit.row != example.row && hit.distance <= 3 &&
                seen.insert(doc_of(snapshot, hit.row)).second) {
                expected.push_back(hit);
            }
        }
        REQUIRE(same(must(query_rows(filled.store.context, snapshot, example.vector, 1,
                                     {.search = {.k = 100},
                                      .within = 3.0F,
                                      .leave_out = example.row,
                                      .group_by = "doc"}))
                         .front(),
                     expected));
    }
    TEST_CASE("query forms: groups by values of any type, equal numbers together") {
        MemoryStore store;
        Database database = store.create(1, Metric::kL2);
        const char* const values[] = {"1",    "1.0",        "\"1\"", "true",
                                      "null", "\"a\\\"b\"", "-2.5",  "1"};
        std::vector<Row> rows;
        for (const char* const value : values) {
            rows.push_back({{},
                            {static_cast<float>(rows.size())},
                            {},
                            std::string("{\"a\":{\"b\":") + value + "}}"});
        }
        rows.push_back({{}, {99}, {}, {}});
        must(commit(database, rows));
        const std::vector<float> query = {0};
        const auto grouped = [&](std::size_t k) {
            std::vector<std::string> groups;
            const auto hits = must(query_rows(store.context, database.snapshot(), query, 1,
                                              {.search = {.k = k}, .group_by = "a.b"}));
            for (const QueryHit& hit : hits.front()) {
                groups.push_back(hit.group);
            }
            return groups;
        };
        REQUIRE(grouped(100) ==
                std::vector<std::string>{"1", "\"1\"", "true", "null", "\"a\\\"b\"", "-2.5"});
        must(commit(database, {{"bad", {-1}, {}, "{\"a\":{\"b\":[1]}}"}}));
        const Error array = error_of(query_rows(store.context, database.snapshot(), query, 1,
                                                {.search = {.k = 10}, .group_by = "a.b"}));
        REQUIRE(array.code() == Code::kInvalidArgument);
        REQUIRE(array.message().find("'bad'") != std::string::npos);
        REQUIRE(error_of(query_rows(store.context, database.snapshot(), query, 1,
                                    {.search = {.k = 10}, .group_by = "colour"}))
                    .message() == "no row has the field 'colour'");
        REQUIRE(code_of(query_rows(store.context, database.snapshot(), query, 1,
                                   {.group_by = "id"})) == Code::kInvalidArgument);
        REQUIRE(code_of(query_rows(store.context, database.snapshot(), query, 1,
                                   {.group_by = "a.b", .per_group = 0})) == Code::kInvalidArgument);
    }
    TEST_CASE("query forms: many groups fill up one after the other") {
        MemoryStore store;
        Database database = store.create(1, Metric::kL2);
        std::vector<Row> rows;  // 400 of one group before 100 of another before single ones
        for (std::size_t i = 0; i < 520; ++i) {
            const std::size_t group = i < 400 ? 0 : i < 500 ? 1 : i;
            rows.push_back(
                {{}, {static_cast<float>(i)}, {}, "{\"g\":\"n" + std::to_string(group) + "\"}"});
        }
        must(commit(database, rows));
        const auto hits = must(query_rows(store.context, database.snapshot(), std::vector<float>{0},
                                          1, {.search = {.k = 5}, .group_by = "g", .per_group = 2}))
                              .front();
        std::vector<RowNumber> found;
        for (const QueryHit& hit : hits) {
            found.push_back(hit.row);
        }
        REQUIRE(found == std::vector<RowNumber>{0, 1, 400, 401, 500});
    }
    TEST_CASE("query forms: marginal relevance follows its formula") {
        for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
            CAPTURE(metric_name(metric));
            MemoryStore store;
            Database database = store.create(4, metric);
            Random random(seed_or(3));
            std::vector<Row> rows;
            for (std::size_t i = 0; i < 120; ++i) {
                rows.push_back({{}, random_vector(random, 4), {}, {}});
            }
            must(commit(database, rows));
            const Snapshot snapshot = database.snapshot();
            const std::vector<float> query = random_vector(random, 4);
            const auto similarity = [&](const std::vector<float>& a, const std::vector<float>& b) {
                return score_of(metric, reference(metric, a, b));
            };
            for (const double lambda : {0.0, 0.3, 0.7, 1.0}) {
                CAPTURE(lambda);
                for (const std::size_t candidates : {0U, 60U}) {
                    const std::size_t from = candidates == 0 ? 40 : candidates;
                    const auto nearest =
                        must(snapshot.search(store.context, query, 1, from)).front();
                    std::vector<std::vector<float>> left, picked;
                    for (const Hit& hit : nearest) {
                        left.push_back(read_row(snapshot, hit.row).vector);
                    }
                    const auto hits = must(query_rows(store.context, snapshot, query, 1,
                                                      {.search = {.k = 10},
                                                       .mmr_lambda = lambda,
                                                       .candidates = candidates}))
                                          .front();
                    REQUIRE(hits.size() == 10);
                    for (const QueryHit& hit : hits) {
                        const auto value = [&](const std::vector<float>& one) {
                            double like = picked.empty() ? 0 : -1e300;
                            for (const std::vector<float>& other : picked) {
                                like = std::max(like, similarity(one, other));
                            }
                            return lambda * similarity(query, one) - (1 - lambda) * like;
                        };
                        const std::vector<float> vector = read_row(snapshot, hit.row).vector;
                        const auto at = std::find(left.begin(), left.end(), vector);
                        REQUIRE(at != left.end());
                        for (const std::vector<float>& other : left) {
                            REQUIRE(value(vector) > value(other) - 1e-5);
                        }
                        left.erase(at);
                        picked.push_back(vector);
                    }
                    if (lambda == 1.0) {
                        for (std::size_t i = 0; i < hits.size(); ++i) {
                            REQUIRE(hits[i].row == nearest[i].row);
                        }
                    }
                }
            }
            REQUIRE(code_of(query_rows(store.context, snapshot, query, 1, {.mmr_lambda = 1.5})) ==
                    Code::kInvalidArgument);
            REQUIRE(code_of(query_rows(store.context, snapshot, query, 1,
                                       {.group_by = "a", .mmr_lambda = 0.5})) ==
                    Code::kInvalidArgument);
        }
    }
    TEST_CASE("query forms: marginal relevance of bits counts bits") {
        for (const Metric metric : {Metric::kHamming, Metric::kJaccard}) {
            MemoryStore store;
            Database database = must(Database::create(
                store.context, "/bits",
                {.dimension = 8, .metric = metric, .embedder = {}, .element = ElementType::kBits}));
            must(commit(database, {{"near", {1, 1, 1, 0, 0, 0, 0, 0}, {}, {}},
                                   {"twin", {1, 1, 1, 0, 0, 0, 0, 0}, {}, {}},
                                   {"other", {1, 1, 0, 0, 1, 0, 0, 0}, {}, {}}}));
            const Snapshot snapshot = database.snapshot();
            const std::vector<float> query = {1, 1, 1, 0, 0, 0, 0, 0};
            const auto hits = must(query_rows(store.context, snapshot, query, 1,
                                              {.search = {.k = 2}, .mmr_lambda = 0.4}))
                                  .front();
            REQUIRE(must(snapshot.read_id(hits[0].row)) == "near");
            REQUIRE(must(snapshot.read_id(hits[1].row)) == "other");
        }
    }
    TEST_CASE("query forms: a query of several vectors ranks groups by their best rows") {
        for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
            CAPTURE(metric_name(metric));
            MemoryStore store;
            Database database = store.create(4, metric);
            Random random(seed_or(11));
            std::vector<Row> rows;
            for (std::size_t i = 0; i < 240; ++i) {
                Row row{{}, random_vector(random, 4), {}, "{\"other\":true}"};
                if (i % 40 != 0) {
                    row.metadata = "{\"doc\":\"d" + std::to_string(random.below(30)) +
                                   "\",\"odd\":" + (i % 2 == 0 ? "false}" : "true}");
                }
                rows.push_back(std::move(row));
            }
            must(commit(database, rows));
            must(database.checkpoint());
            must(commit(database, {}, WriteMode::kUpsert, {"1", "2", "80"}));
            const Snapshot snapshot = database.snapshot();
            std::vector<float> vectors;
            for (int i = 0; i < 5; ++i) {
                const std::vector<float> one = random_vector(random, 4);
                vectors.insert(vectors.end(), one.begin(), one.end());
            }
            const Filter filter = must(Filter::parse("odd = true"));
            for (const Filter* const only : {static_cast<const Filter*>(nullptr), &filter}) {
                const auto expected = best_groups(snapshot, metric, vectors, only != nullptr);
                // All candidates, all rows, and a few that grow until there are enough groups.
                for (const std::size_t candidates : {0U, 1U}) {
                    const std::size_t k = candidates == 1 ? 1000 : 7;
                    const SearchMode mode =
                        candidates == 1 ? SearchMode::kAuto : SearchMode::kExact;
                    const auto hits =
                        must(max_sim(store.context, snapshot, vectors, 5,
                                     {.search = {.k = k, .mode = mode, .filter = only},
                                      .offset = 2,
                                      .group_by = "doc",
                                      .candidates = candidates}));
                    REQUIRE(hits.size() == std::min(k, expected.size() - 2));
                    for (std::size_t i = 0; i < hits.size(); ++i) {
                        REQUIRE(hits[i].group == expected[i + 2].second);
                        REQUIRE(std::abs(hits[i].score + expected[i + 2].first) < 1e-4);
                        REQUIRE(doc_of(snapshot, hits[i].row) == hits[i].group);
                    }
                }
            }
        }
    }
    TEST_CASE("query forms: a query of several vectors says what is wrong with it") {
        const Filled filled(Metric::kL2);
        const Snapshot snapshot = filled.database->snapshot();
        const Context& context = filled.store.context;
        const std::vector<float> vectors = {0, 0, 0, 1, 1, 1};
        for (const SearchMode mode : {SearchMode::kAuto, SearchMode::kExact}) {
            const MaxSimOptions good{.search = {.k = 3, .mode = mode}, .group_by = "doc"};
            REQUIRE(must(max_sim(context, snapshot, vectors, 2, good)).size() == 3);
            MaxSimOptions bad = good;
            bad.group_by = "colour";
            REQUIRE(error_of(max_sim(context, snapshot, vectors, 2, bad)).message() ==
                    "no row has the field 'colour'");
            bad.group_by = "";
            REQUIRE(code_of(max_sim(context, snapshot, vectors, 2, bad)) == Code::kInvalidArgument);
            bad = good;
            bad.search.k = 0;
            REQUIRE(code_of(max_sim(context, snapshot, vectors, 2, bad)) == Code::kInvalidArgument);
            REQUIRE(code_of(max_sim(context, snapshot, {}, 0, good)) == Code::kInvalidArgument);
            REQUIRE(code_of(max_sim(context, snapshot, vectors, 1, good)) == Code::kIncompatible);
            MemoryStore empty;
            const Database none = empty.create(3, Metric::kL2);
            REQUIRE(must(max_sim(empty.context, none.snapshot(), vectors, 2, good)).empty());
        }
    }
    TEST_CASE("query forms: an explanation counts what was done") {
        MemoryStore store;
        ThreadPool pool(2);
        Context context = store.context;
        context.pool = &pool;
        Database database = store.create(8, Metric::kL2);
        Random random(seed_or(2));
        std::vector<Row> rows;
        for (std::size_t i = 0; i < 1200; ++i) {
            rows.push_back({{}, random_vector(random, 8), {}, "{\"n\":" + std::to_string(i) + "}"});
        }
        must(commit(database, rows));
        must(database.checkpoint());
        const std::vector<float> queries = {0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0};
        const Filter few = must(Filter::parse("n < 100"));
        const auto explained = [&](QueryOptions options) {
            SearchExplain explain;
            options.search.explain = &explain;
            must(query_rows(context, database.snapshot(), queries, 2, options));
            return explain;
        };
        SearchExplain told = explained({.search = {.k = 5}});
        REQUIRE(told.searches == 1);
        REQUIRE(told.queries == 2);
        REQUIRE(told.scan.exact_distances == 2400);
        REQUIRE(told.scan.rows == 1200);
        REQUIRE(!told.restricted);
        told = explained({.search = {.k = 5, .filter = &few}, .within = 1e9F});
        REQUIRE(told.scan.exact_distances == 200);
        REQUIRE(told.matching_rows == 100);
        REQUIRE(told.restricted);
        told = explained({.search = {.k = 5}, .group_by = "n"});
        REQUIRE(told.searches == 2);  // one a query

        must(database.build_index(context));
        must(commit(database, {{"late", random_vector(random, 8), {}, {}}}));
        told = explained({.search = {.k = 5}});
        REQUIRE(told.recall == 0.98);
        REQUIRE(told.effort >= 5);
        REQUIRE(told.walk.segments == 1);
        REQUIRE(told.walk.rows == 1200);
        REQUIRE(told.walk.code_distances > 2 * told.effort);
        REQUIRE(told.walk.code_distances < 2400);
        REQUIRE(told.walk.exact_distances >= 10);
        REQUIRE(told.scan.rows == 1);
        REQUIRE(told.scan.exact_distances == 2);
        told = explained({.search = {.k = 2, .filter = &few}});
        REQUIRE(told.codes.rows == 100);
        REQUIRE(told.codes.code_distances == 200);
        REQUIRE(told.walk.code_distances == 0);
        told = explained({.search = {.k = 2, .mode = SearchMode::kExact}});
        REQUIRE(!told.recall);
        REQUIRE(told.effort == 0);
        REQUIRE(told.scan.exact_distances == 2402);
    }
}
