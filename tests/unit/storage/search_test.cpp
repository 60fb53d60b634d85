// Exact search against a plain reference in double precision, whatever the rows lie in.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

double reference(Metric metric, const std::vector<float>& a, std::span<const float> b) {
    double dot = 0, aa = 0, bb = 0, l2 = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = double{a[i]}, y = double{b[i]};
        dot += x * y;
        aa += x * x;
        bb += y * y;
        l2 += (x - y) * (x - y);
    }
    switch (metric) {
        case Metric::kL2:
            return l2;
        case Metric::kDot:
            return -dot;
        case Metric::kHamming:  // of zeros and ones
            return l2;
        case Metric::kJaccard:
            return aa + bb == dot ? 0.0 : 1.0 - dot / (aa + bb - dot);
        case Metric::kCosine:
            break;
    }
    return aa == 0 || bb == 0 ? 1.0 : 1.0 - dot / std::sqrt(aa * bb);
}

// Rows in three segments and the log, some of all of them deleted or replaced.
struct Filled {
    MemoryStore store;
    std::optional<Database> database;
    std::map<std::string, std::vector<float>> live;

    Filled(std::uint32_t dimension, Metric metric, std::size_t rows, std::uint64_t seed) {
        database = store.create(dimension, metric);
        Random random(seed);
        std::size_t next = 0;
        for (int part = 0; part < 4; ++part) {
            std::vector<Row> batch;
            for (std::size_t i = 0; i < rows / 4; ++i) {
                const std::string id = "r" + std::to_string(next++);
                batch.push_back({id, random_vector(random, dimension), {}, {}});
                live[id] = batch.back().vector;
            }
            std::vector<std::string> deletes;
            for (std::size_t i = 0; i < next; i += 7) {
                deletes.push_back("r" +
                                  std::to_string((i * 13 + static_cast<std::size_t>(part)) % next));
                live.erase(deletes.back());
            }
            for (const Row& row : batch) {  // deletes come first: the batch brings its own back
                live[*row.id] = row.vector;
            }
            must(commit(*database, batch, WriteMode::kUpsert, deletes));
            if (part != 3) {
                must(database->checkpoint());
            }
        }
    }
    Snapshot snapshot() const { return database->snapshot(); }
};

void check_hits(const Snapshot& snapshot, const Filled& filled, Metric metric,
                const std::vector<float>& query, const std::vector<Hit>& hits, std::size_t k) {
    std::vector<double> expected;
    for (const auto& [id, vector] : filled.live) {
        expected.push_back(reference(metric, query, vector));
    }
    std::sort(expected.begin(), expected.end());
    REQUIRE(hits.size() == std::min(k, expected.size()));
    std::set<RowNumber> seen;
    for (std::size_t i = 0; i < hits.size(); ++i) {
        CAPTURE(i);
        const Row row = read_row(snapshot, hits[i].row);
        REQUIRE(filled.live.contains(*row.id));
        REQUIRE(filled.live.at(*row.id) == row.vector);
        const double exact = reference(metric, query, row.vector);
        const double slack = 1e-4 * (1.0 + std::abs(exact));
        // The hit is as far as it says, and as near as the i-th nearest.
        REQUIRE(std::abs(double{hits[i].distance} - exact) < slack);
        REQUIRE(std::abs(exact - expected[i]) < 2 * slack);
        REQUIRE((i == 0 || hits[i - 1].distance < hits[i].distance ||
                 (hits[i - 1].distance == hits[i].distance && hits[i - 1].row < hits[i].row)));
        REQUIRE(seen.insert(hits[i].row).second);
    }
}

bool same(const std::vector<std::vector<Hit>>& a, const std::vector<std::vector<Hit>>& b) {
    const auto equal = [](const Hit& x, const Hit& y) {
        return x.row == y.row && x.distance == y.distance;
    };
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [&](auto& x, auto& y) {
               return std::equal(x.begin(), x.end(), y.begin(), y.end(), equal);
           });
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("search: all metrics, dimensions and k agree with the reference") {
        for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
            for (const std::uint32_t dimension : {1U, 2U, 3U, 17U, 128U}) {
                CAPTURE(metric_name(metric));
                CAPTURE(dimension);
                const Filled filled(dimension, metric, 600, seed_or(dimension));
                const Snapshot snapshot = filled.snapshot();
                REQUIRE(snapshot.rows() == filled.live.size());
                Random random(dimension + 1000);
                for (const std::size_t k : {1UL, 10UL, 599UL, 5000UL}) {
                    const auto query = random_vector(random, dimension);
                    const auto hits = must(snapshot.search(filled.store.context, query, 1, k));
                    REQUIRE(hits.size() == 1);
                    check_hits(snapshot, filled, metric, query, hits[0], k);
                }
            }
        }
    }

    TEST_CASE("search: a batch of queries gives what single queries give, bit for bit") {
        for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
            const Filled filled(33, metric, 3000, 5);
            const Snapshot snapshot = filled.snapshot();
            Random random(6);
            constexpr std::size_t kQueries = 37;  // two tiles of queries and a rest
            std::vector<float> queries;
            std::vector<std::vector<Hit>> single;
            for (std::size_t i = 0; i < kQueries; ++i) {
                const auto query = random_vector(random, 33);
                queries.insert(queries.end(), query.begin(), query.end());
                single.push_back(must(snapshot.search(filled.store.context, query, 1, 12))[0]);
            }
            const auto all = must(snapshot.search(filled.store.context, queries, kQueries, 12));
            CHECK(same(all, single));
        }
    }

    TEST_CASE("search: the number of threads changes nothing") {
        const Filled filled(16, Metric::kCosine, 12'000, 8);
        const Snapshot snapshot = filled.snapshot();
        Random random(9);
        const auto queries = random_vector(random, 16 * 5);
        const auto alone = must(snapshot.search(filled.store.context, queries, 5, 100));
        for (const unsigned threads : {1U, 2U, 4U}) {
            CAPTURE(threads);
            ThreadPool pool(threads);
            Context context = filled.store.context;
            context.pool = &pool;
            CHECK(same(must(snapshot.search(context, queries, 5, 100)), alone));
        }
    }

    TEST_CASE("search: equal distances come in order of insertion") {
        MemoryStore store;
        Database database = store.create(2, Metric::kL2);
        std::vector<Row> rows;
        for (int i = 0; i < 300; ++i) {
            rows.push_back({"same-" + std::to_string(i), {1, 1}, {}, {}});
        }
        must(commit(database, rows));
        must(database.checkpoint());
        for (Row& row : rows) {
            row.id = "later-" + *row.id;
        }
        must(commit(database, rows));
        const std::vector<float> query{0, 0};
        const auto hits = must(database.snapshot().search(store.context, query, 1, 450));
        REQUIRE(hits[0].size() == 450);
        for (std::size_t i = 0; i < 450; ++i) {
            CHECK(hits[0][i].row == i);
            CHECK(hits[0][i].distance == 2.0F);
        }
    }

    TEST_CASE("search: cosine of zero vectors is 1, in rows and in queries") {
        MemoryStore store;
        Database database = store.create(3, Metric::kCosine);
        must(commit(
            database,
            {{"zero", {0, 0, 0}, {}, {}}, {"x", {5, 0, 0}, {}, {}}, {"-x", {-1, 0, 0}, {}, {}}}));
        const auto check = [&](const Snapshot& snapshot) {
            const std::vector<float> queries{2, 0, 0, 0, 0, 0};
            const auto hits = must(snapshot.search(store.context, queries, 2, 3));
            REQUIRE(hits[0].size() == 3);
            CHECK(hits[0][0].distance == doctest::Approx(0));
            CHECK(must(snapshot.read_id(hits[0][0].row)) == "x");
            CHECK(hits[0][1].distance == 1.0F);
            CHECK(must(snapshot.read_id(hits[0][1].row)) == "zero");
            CHECK(hits[0][2].distance == doctest::Approx(2));
            REQUIRE(hits[1].size() == 3);
            for (const Hit& hit : hits[1]) {
                CHECK(hit.distance == 1.0F);
            }
        };
        check(database.snapshot());
        must(database.checkpoint());
        check(database.snapshot());
    }

    TEST_CASE("search: cosine does not depend on lengths, however large or small") {
        MemoryStore store;
        Database database = store.create(4, Metric::kCosine);
        const std::vector<float> direction{1, 2, -3, 0.5F};
        std::vector<Row> rows;
        const std::vector<float> scales{1, 1e-30F, 1e-18F, 1e18F, 1e25F, 1e37F};
        for (const float scale : scales) {
            Row row{std::to_string(rows.size()), direction, {}, {}};
            for (float& value : row.vector) {
                value *= scale;
            }
            rows.push_back(std::move(row));
        }
        must(commit(database, rows));
        must(database.checkpoint());
        std::vector<float> other{2, 1, 1, -1};
        for (const float scale : scales) {
            CAPTURE(scale);
            std::vector<float> query = other;
            for (float& value : query) {
                value *= scale;
            }
            const auto hits = must(database.snapshot().search(store.context, query, 1, 10));
            REQUIRE(hits[0].size() == rows.size());
            for (const Hit& hit : hits[0]) {
                CHECK(double{hit.distance} ==
                      doctest::Approx(reference(Metric::kCosine, other, direction)).epsilon(1e-4));
            }
        }
    }

    TEST_CASE("search: rows whose distance overflows are hits all the same") {
        const float huge = std::numeric_limits<float>::max();
        for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
            CAPTURE(metric_name(metric));
            MemoryStore store;
            Database database = store.create(4, metric);
            must(commit(database, {{"a", {huge, huge, huge, huge}, {}, {}},
                                   {"b", {huge, -huge, huge, -huge}, {}, {}},
                                   {"c", {-huge, -huge, -huge, -huge}, {}, {}},
                                   {"d", {1, 1, 1, 1}, {}, {}}}));
            for (const std::vector<float>& query :
                 {std::vector<float>{huge, huge, -huge, huge}, std::vector<float>{1, -1, 1, 1},
                  std::vector<float>{huge, huge, huge, huge}}) {
                const auto hits = must(database.snapshot().search(store.context, query, 1, 4));
                CHECK(hits[0].size() == 4);
                for (const Hit& hit : hits[0]) {
                    CHECK_FALSE(std::isnan(hit.distance));
                }
            }
        }
    }

    TEST_CASE("search: an empty database has no hits, and k may be anything but 0") {
        MemoryStore store;
        Database database = store.create(2);
        const std::vector<float> query{0, 0};
        const auto none = must(database.snapshot().search(store.context, query, 1, 5));
        REQUIRE(none.size() == 1);
        CHECK(none[0].empty());
        CHECK(must(database.snapshot().search(store.context, {}, 0, 5)).empty());
        must(commit(database, {{"a", {1, 1}, {}, {}}}));
        const std::size_t most = std::numeric_limits<std::size_t>::max();
        CHECK(must(database.snapshot().search(store.context, query, 1, most))[0].size() == 1);
        const Error zero = error_of(database.snapshot().search(store.context, query, 1, 0));
        CHECK(zero.code() == Code::kInvalidArgument);
        CHECK(zero.message() == "k must be at least 1");
    }

    TEST_CASE("search: queries of a wrong dimension or with NaN are refused") {
        MemoryStore store;
        Database database = store.create(2);
        const Snapshot snapshot = database.snapshot();
        const std::vector<float> three{1, 2, 3};
        CHECK(code_of(snapshot.search(store.context, three, 1, 1)) == Code::kIncompatible);
        for (const float bad :
             {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
            const std::vector<float> query{0, bad};
            CHECK(code_of(snapshot.search(store.context, query, 1, 1)) == Code::kInvalidData);
        }
    }

    TEST_CASE("search: a cancelled one says so, with and without threads") {
        const Filled filled(8, Metric::kL2, 4000, 1);
        CancelSource cancel;
        cancel.cancel();
        Context context = filled.store.context;
        context.cancel = cancel.token();
        const std::vector<float> query(8, 0.0F);
        CHECK(code_of(filled.snapshot().search(context, query, 1, 1)) == Code::kCancelled);
        ThreadPool pool(3);
        context.pool = &pool;
        CHECK(code_of(filled.snapshot().search(context, query, 1, 1)) == Code::kCancelled);
    }

    TEST_CASE("search: a damaged block of vectors is an error, never an answer") {
        MemoryStore store;
        Database database = store.create(64, Metric::kCosine);
        Random random(4);
        std::vector<Row> rows;
        for (int i = 0; i < 1000; ++i) {
            rows.push_back({"r" + std::to_string(i), random_vector(random, 64), {}, {}});
        }
        must(commit(database, rows));
        must(database.close());
        const std::string name = store.file(store.files("seg-").at(0));
        for (const std::uint64_t at : {4096UL + 70'000, 262'144UL + 100}) {  // a norm, too
            CAPTURE(at);
            flip(store.fs, name, at);
            ThreadPool pool(2);
            Context context = store.context;
            context.pool = &pool;
            const Database damaged = store.open(AccessMode::kRead);
            const Error error =
                error_of(damaged.snapshot().search(context, random_vector(random, 64), 1, 3));
            CHECK(error.code() == Code::kCorrupt);
            CHECK(error.message().contains(name));
            flip(store.fs, name, at);
        }
    }
}
