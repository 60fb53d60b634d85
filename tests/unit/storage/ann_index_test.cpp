// The approximate index: recall against an exact scan, the same bytes for any number of threads,
// damage, and its life beside the segments of a database.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <abi/core/thread_pool.hpp>
#include <abi/storage/ann_index.hpp>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr std::uint32_t kDim = 24;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kRows = 700;  // not optimised there, and building an index is work
constexpr std::size_t kQueries = 20;
constexpr std::uint64_t kRounds = 2;
#else
constexpr std::size_t kRows = 3000;
constexpr std::size_t kQueries = 100;
constexpr std::uint64_t kRounds = 4;
#endif

// Points in clusters of a few dimensions: neither random noise nor trivial.
std::vector<float> clustered(std::size_t rows, std::uint32_t dimension, std::uint64_t seed) {
    Random shape(7), random(seed);
    constexpr std::size_t kCentres = 20, kLatent = 6;
    std::vector<double> centres(kCentres * dimension), turns(kLatent * dimension);
    for (double& value : centres) {
        value = 3.0 * shape.normal();
    }
    for (double& value : turns) {
        value = shape.normal();
    }
    std::vector<float> values(rows * dimension);
    for (std::size_t i = 0; i < rows; ++i) {
        const std::size_t centre = random.below(kCentres);
        double latent[kLatent];
        for (double& value : latent) {
            value = random.normal();
        }
        for (std::size_t j = 0; j < dimension; ++j) {
            double value = centres[centre * dimension + j] + 0.05 * random.normal();
            for (std::size_t l = 0; l < kLatent; ++l) {
                value += latent[l] * turns[l * dimension + j];
            }
            values[i * dimension + j] = static_cast<float>(value);
        }
    }
    return values;
}

double distance_of(Metric metric, const float* a, const float* b, std::size_t dimension) {
    double dot = 0, aa = 0, bb = 0, l2 = 0;
    for (std::size_t i = 0; i < dimension; ++i) {
        const double x = double{a[i]}, y = double{b[i]};
        dot += x * y;
        aa += x * x;
        bb += y * y;
        l2 += (x - y) * (x - y);
    }
    return metric == Metric::kL2    ? l2
           : metric == Metric::kDot ? -dot
                                    : 1 - dot / std::sqrt(aa * bb);
}

std::vector<std::uint64_t> exact(Metric metric, const std::vector<float>& rows, const float* query,
                                 std::size_t dimension, std::size_t k) {
    std::vector<std::pair<double, std::uint64_t>> all;
    for (std::size_t i = 0; i < rows.size() / dimension; ++i) {
        all.emplace_back(distance_of(metric, query, rows.data() + i * dimension, dimension), i);
    }
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(k), all.end());
    std::vector<std::uint64_t> nearest;
    for (std::size_t i = 0; i < k; ++i) {
        nearest.push_back(all[i].second);
    }
    return nearest;
}

struct Built {
    MemoryFileSystem fs;
    Context context = context_on(fs);
    std::vector<float> values = clustered(kRows, kDim, 1);
    MemoryVectors rows{values, kDim};
};

double recall_of(const Built& built, const AnnIndex& index, std::uint32_t effort) {
    const std::vector<float> queries = clustered(kQueries, kDim, 2);
    AnnScratch scratch;
    std::vector<Hit> hits;
    std::size_t found = 0;
    for (std::size_t i = 0; i < kQueries; ++i) {
        const float* const query = queries.data() + i * kDim;
        must(index.search(built.rows, query, 10, effort, scratch, hits));
        CHECK(hits.size() == 10);
        CHECK(std::is_sorted(hits.begin(), hits.end(),
                             [](const Hit& a, const Hit& b) { return a.distance < b.distance; }));
        const auto truth = exact(index.info().metric, built.values, query, kDim, 10);
        for (const Hit& hit : hits) {
            found += std::count(truth.begin(), truth.end(), hit.row) != 0 ? 1 : 0;
        }
    }
    return static_cast<double>(found) / static_cast<double>(10 * kQueries);
}

}  // namespace

TEST_CASE("an index finds the nearest rows by every metric it takes") {
    for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
        CAPTURE(metric_name(metric));
        const Built built;
        const AnnIndex index = must(AnnIndex::build(built.context, built.rows, {.metric = metric}));
        CHECK(index.info().rows == kRows);
        CHECK(index.info().size_bytes == index.bytes().size());
        CHECK(recall_of(built, index, 200) > 0.97);
        CHECK(recall_of(built, index, 40) > 0.85);
        // What was measured while building holds for other queries.
        const std::uint32_t effort = index.effort_for(0.95, 10);
        CHECK(effort >= 10);
        CHECK(recall_of(built, index, effort) > 0.90);
        CHECK(index.effort_for(0.9, 100) >= 100);
        CHECK(index.effort_for(0.5, 10) <= effort);
    }
}

namespace {
// A tenth of the rows replaced: who is where, and what stands there now.
struct Replaced {
    std::vector<float> values;
    std::vector<std::uint32_t> origins;
};
Replaced replace_tenth(const std::vector<float>& values, std::uint64_t seed) {
    const std::size_t rows = values.size() / kDim;
    const std::vector<float> added = clustered(rows / 10, kDim, seed);
    Random random(seed);
    Replaced replaced;
    std::size_t gone = 0;
    for (std::uint32_t row = 0; row < rows; ++row) {
        if (gone < rows / 10 && random.below(10) == 0) {
            ++gone;
            continue;
        }
        replaced.origins.push_back(row);
        replaced.values.insert(replaced.values.end(), &values[row * kDim],
                               &values[row * kDim] + kDim);
    }
    replaced.origins.insert(replaced.origins.end(), rows / 10, AnnIndex::kNewRow);
    replaced.values.insert(replaced.values.end(), added.begin(), added.end());
    return replaced;
}
}  // namespace

TEST_CASE("an index derived from one of other rows finds as much, and every row is within reach") {
    for (const Metric metric : {Metric::kL2, Metric::kDot}) {
        CAPTURE(metric_name(metric));
        Built built;
        const AnnOptions options{.metric = metric, .degree = 24, .build_effort = 48};
        AnnIndex index = must(AnnIndex::build(built.context, built.rows, options));
        CHECK(index.audit().unreachable == 0);
        ThreadPool pool(3);
        Context many = built.context;
        many.pool = &pool;
        for (std::uint64_t round = 0; round < kRounds; ++round) {
            Replaced replaced = replace_tenth(built.values, 10 + round);
            const MemoryVectors rows(replaced.values, kDim);
            const AnnIndex next = must(AnnIndex::derive(many, index, rows, replaced.origins));
            const AnnIndex again =
                must(AnnIndex::derive(built.context, index, rows, replaced.origins));
            CHECK(std::equal(next.bytes().begin(), next.bytes().end(), again.bytes().begin(),
                             again.bytes().end()));
            index = next;
            built.values = std::move(replaced.values);
            built.rows = MemoryVectors(built.values, kDim);
        }
        const AnnAudit audit = index.audit();
        CHECK(audit.rows == built.rows.rows());
        CHECK(audit.unreachable == 0);
        CHECK(audit.without_edges_in == 0);
        CHECK(audit.edges > 8 * audit.rows);
        CHECK(index.info().degree == 24);
        CHECK(index.info().build_effort == 48);
        CHECK(recall_of(built, index, 200) > 0.97);
        CHECK(recall_of(built, index, 40) > 0.85);
    }
}

TEST_CASE("an index is built anew where deriving would not do") {
    const Built built;
    const AnnIndex base = must(AnnIndex::build(built.context, built.rows, {}));
    std::vector<std::uint32_t> origins(kRows, AnnIndex::kNewRow);
    SUBCASE("most rows are gone") {
        origins.resize(kRows * 2 / 5);
        std::iota(origins.begin(), origins.end(), std::uint32_t{0});
        const auto left = std::span(built.values).first(origins.size() * kDim);
        const AnnIndex index =
            must(AnnIndex::derive(built.context, base, MemoryVectors(left, kDim), origins));
        CHECK(std::ranges::equal(
            index.bytes(),
            must(AnnIndex::build(built.context, MemoryVectors(left, kDim), {})).bytes()));
    }
    SUBCASE("the new rows lie elsewhere") {
        // Half of the rows fill the directions that the others leave empty.
        std::vector<float> values = built.values;
        std::iota(origins.begin(), origins.begin() + kRows / 2, std::uint32_t{0});
        Random random(5);
        for (std::size_t i = kRows / 2 * kDim; i < values.size(); ++i) {
            values[i] = static_cast<float>(30 * random.normal());
        }
        const MemoryVectors rows(values, kDim);
        CHECK(std::ranges::equal(must(AnnIndex::derive(built.context, base, rows, origins)).bytes(),
                                 must(AnnIndex::build(built.context, rows, {})).bytes()));
    }
    SUBCASE("origins that cannot be") {
        const auto refusal = [&](std::span<const std::uint32_t> some) {
            const auto index = AnnIndex::derive(built.context, base, built.rows, some);
            REQUIRE_FALSE(index);
            return index.error().code();
        };
        CHECK(refusal(std::span(origins).first(10)) == Code::kInvalidArgument);
        origins[3] = kRows;
        CHECK(refusal(origins) == Code::kInvalidArgument);
        origins[3] = 5;
        origins[4] = 5;
        CHECK(refusal(origins) == Code::kInvalidArgument);
    }
}

TEST_CASE("an index is the same for any number of threads, and for its bytes") {
    const Built built;
    const AnnIndex one = must(AnnIndex::build(built.context, built.rows, {}));
    ThreadPool pool(4);
    Context many = built.context;
    many.pool = &pool;
    const AnnIndex four = must(AnnIndex::build(many, built.rows, {}));
    CHECK(std::equal(one.bytes().begin(), one.bytes().end(), four.bytes().begin(),
                     four.bytes().end()));
    const AnnIndex again = must(AnnIndex::parse(nullptr, one.bytes()));
    const std::vector<float> query = clustered(1, kDim, 3);
    AnnScratch first, second;
    std::vector<Hit> a, b;
    must(one.search(built.rows, query.data(), 20, 50, first, a));
    must(again.search(built.rows, query.data(), 20, 50, second, b));
    CHECK(std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Hit& x, const Hit& y) {
        return x.row == y.row && x.distance == y.distance;
    }));
    const AnnIndex other = must(AnnIndex::build(built.context, built.rows, {.seed = 2}));
    CHECK_FALSE(std::equal(one.bytes().begin(), one.bytes().end(), other.bytes().begin(),
                           other.bytes().end()));
}

TEST_CASE("every row can be found by itself") {
    const Built built;
    const AnnIndex index = must(AnnIndex::build(built.context, built.rows, {}));
    AnnScratch scratch;
    std::vector<Hit> hits;
    std::size_t found = 0;
    for (std::size_t row = 0; row < kRows; ++row) {
        must(index.search(built.rows, built.values.data() + row * kDim, 1, 64, scratch, hits));
        found += hits.size() == 1 && hits[0].row == row ? 1 : 0;
    }
    CHECK(found >= kRows - 2);
}

TEST_CASE("rows that are all the same, in one dimension, or of zeros have an index too") {
    MemoryFileSystem fs;
    const Context context = context_on(fs);
    for (const float step : {0.0F, 1.0F}) {
        std::vector<float> values(400);
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = step * static_cast<float>(i);
        }
        const MemoryVectors rows(values, 1);
        const AnnIndex index = must(AnnIndex::build(context, rows, {}));
        AnnScratch scratch;
        std::vector<Hit> hits;
        const float query = 17.2F * step;
        must(index.search(rows, &query, 3, 100, scratch, hits));
        REQUIRE(hits.size() == 3);
        CHECK(hits[0].distance <= 1.0F);
    }
}

TEST_CASE("wrong options for an index are told") {
    const Built built;
    const auto refused = [&](const AnnOptions& options) {
        return code_of(AnnIndex::build(built.context, built.rows, options)) ==
               Code::kInvalidArgument;
    };
    CHECK(refused({.metric = Metric::kHamming}));
    CHECK(refused({.degree = 4}));
    CHECK(refused({.degree = 33}));
    CHECK(refused({.degree = 72}));
    CHECK(refused({.build_effort = 1}));
    const std::vector<float> few(AnnIndex::kFewestRows - 1);
    CHECK(code_of(AnnIndex::build(built.context, MemoryVectors(few, 1), {})) ==
          Code::kInvalidArgument);
    Context cancelled = built.context;
    CancelSource source;
    cancelled.cancel = source.token();
    source.cancel();
    CHECK(code_of(AnnIndex::build(cancelled, built.rows, {})) == Code::kCancelled);
}

TEST_CASE("a damaged index is never taken") {
    const Built built;
    const std::vector<float> values(built.values.begin(), built.values.begin() + 300 * kDim);
    const AnnIndex index = must(AnnIndex::build(built.context, MemoryVectors(values, kDim), {}));
    std::vector<std::byte> bytes(index.bytes().begin(), index.bytes().end());
    Random random(5);
    for (int i = 0; i < 300; ++i) {
        const std::size_t at = random.below(bytes.size());
        const std::byte flip{static_cast<unsigned char>(1U << random.below(8))};
        bytes[at] ^= flip;
        const auto parsed = AnnIndex::parse(nullptr, bytes);
        // Zeros between sections belong to nothing.
        if (parsed) {
            CHECK(std::equal(index.bytes().begin(), index.bytes().begin() + 4096, bytes.begin()));
        } else {
            CHECK(parsed.error().code() != Code::kInternal);
        }
        bytes[at] ^= flip;
    }
    for (std::size_t length = 0; length < bytes.size(); length += 997) {
        CHECK_FALSE(AnnIndex::parse(nullptr, std::span(bytes).first(length)));
    }
}

namespace {
Result<CommitInfo> erase(Database& database, const std::vector<std::string>& ids) {
    return database.commit({.deletes = ids});
}

// Rows with ids r0, r1, ... in one segment.
Database filled(MemoryStore& store, std::size_t rows, Metric metric = Metric::kL2) {
    Database database = store.create(kDim, metric);
    const std::vector<float> values = clustered(rows, kDim, 1);
    std::vector<Row> batch;
    for (std::size_t i = 0; i < rows; ++i) {
        const float* const first = values.data() + i * kDim;
        batch.push_back({"r" + std::to_string(i), std::vector<float>(first, first + kDim), {}, {}});
    }
    must(commit(database, batch));
    must(database.checkpoint());
    return database;
}

double agreement(const Context& context, const Snapshot& snapshot, const SearchOptions& options) {
    const std::vector<float> queries = clustered(50, kDim, 4);
    const auto walked = must(snapshot.search(context, queries, 50, options));
    SearchOptions all = options;
    all.mode = SearchMode::kExact;
    const auto truth = must(snapshot.search(context, queries, 50, all));
    std::size_t same = 0, total = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
        CHECK(walked[i].size() == truth[i].size());
        total += truth[i].size();
        for (const Hit& hit : truth[i]) {
            same += std::any_of(walked[i].begin(), walked[i].end(),
                                [&](const Hit& other) {
                                    return other.row == hit.row && other.distance == hit.distance;
                                })
                        ? 1
                        : 0;
        }
    }
    return static_cast<double>(same) / static_cast<double>(total);
}
}  // namespace

TEST_CASE("a database searches through its index, and through what came after it") {
    MemoryStore store;
    Database database = filled(store, 2000);
    CHECK(database.index_info().segments == 0);
    CHECK(database.index_info().unindexed_rows == 2000);
    const IndexInfo info = must(database.build_index(store.context));
    CHECK(info.segments == 1);
    CHECK(info.built == 1);
    CHECK(info.rows == 2000);
    CHECK(info.unindexed_rows == 0);
    CHECK(info.size_bytes != 0);
    CHECK_FALSE(info.curve.empty());
    CHECK(agreement(store.context, database.snapshot(), {.recall = 0.95}) > 0.9);
    CHECK(agreement(store.context, database.snapshot(), {.recall = 1.0}) == 1.0);
    CHECK(agreement(store.context, database.snapshot(), {.effort = 1}) > 0.3);

    // New rows are found at once, deleted ones never again.
    const std::vector<float> query = clustered(1, kDim, 4);
    must(commit(database, {{"new", query, {}, {}}}));
    auto hits = must(database.snapshot().search(store.context, query, 1, 1));
    CHECK(must(database.snapshot().read_id(hits[0][0].row)) == "new");
    std::vector<std::string> gone;
    for (int i = 0; i < 2000; i += 3) {
        gone.push_back("r" + std::to_string(i));
    }
    must(erase(database, gone));
    const Snapshot snapshot = database.snapshot();
    CHECK(agreement(store.context, snapshot, {.recall = 0.95}) > 0.9);
    hits = must(snapshot.search(store.context, query, 1, 50));
    for (const Hit& hit : hits[0]) {
        const std::string id = must(snapshot.read_id(hit.row));
        CHECK((id == "new" || std::stoi(id.substr(1)) % 3 != 0));
    }
    // Nine of ten gone: fewer rows than a walk is good for, but never fewer hits.
    gone.clear();
    for (int i = 0; i < 2000; ++i) {
        if (i % 10 != 1) {
            gone.push_back("r" + std::to_string(i));
        }
    }
    must(erase(database, gone));
    CHECK(agreement(store.context, database.snapshot(), {.k = 150}) == 1.0);
    CHECK(must(database.snapshot().search(store.context, query, 1, 1000))[0].size() ==
          database.snapshot().rows());
}

TEST_CASE("an index lives as long as its segment, and is built anew with it") {
    MemoryStore store;
    {
        Database database = filled(store, 1000);
        must(database.build_index(store.context));
        must(database.close());
    }
    Database database = store.open();
    CHECK(database.index_info().segments == 1);
    CHECK(must(verify(store.context, store.path)).faults_total == 0);
    CHECK(must(verify(store.context, store.path)).foreign.empty());
    must(erase(database, {"r1"}));
    must(database.optimize());
    CHECK(database.index_info().segments == 1);
    CHECK(database.index_info().unindexed_rows == 0);
    CHECK(database.index_info().rows == 999);
    must(database.drop_index());
    must(database.close());
    CHECK(store.files("ann-").empty());
}

TEST_CASE("a damaged index blocks nothing: it is told, and built again") {
    MemoryStore store;
    std::string name;
    {
        Database database = filled(store, 1000);
        must(database.build_index(store.context));
        must(database.close());
    }
    REQUIRE(store.files("ann-").size() == 1);
    name = store.files("ann-")[0];
    flip(store.fs, store.file(name), whole(store.fs, store.file(name)).size() / 2);

    const VerifyInfo found = must(verify(store.context, store.path));
    REQUIRE(found.faults_total == 1);
    CHECK(found.faults[0].file == name);
    Database database = store.open();
    CHECK(database.index_info().segments == 0);
    CHECK(agreement(store.context, database.snapshot(), {.recall = 0.5}) == 1.0);  // by scanning
    CHECK(must(database.build_index(store.context)).built == 1);
    must(database.close());
    CHECK(must(verify(store.context, store.path)).faults_total == 0);
    CHECK(store.open().index_info().segments == 1);
}

TEST_CASE("an index of half floats and bytes, and none of bits") {
    for (const ElementType element : {ElementType::kFloat16, ElementType::kBFloat16}) {
        MemoryStore store;
        CreateOptions options{
            .dimension = kDim, .metric = Metric::kL2, .embedder = {}, .element = element};
        Database database = must(Database::create(store.context, store.path, options));
        const std::vector<float> values = clustered(800, kDim, 1);
        std::vector<Row> batch;
        for (std::size_t i = 0; i < 800; ++i) {
            const float* const first = values.data() + i * kDim;
            batch.push_back(
                {"r" + std::to_string(i), std::vector<float>(first, first + kDim), {}, {}});
        }
        must(commit(database, batch));
        must(database.build_index(store.context));
        CHECK(agreement(store.context, database.snapshot(), {.recall = 0.95}) > 0.9);
    }
    MemoryStore store;
    CreateOptions options{
        .dimension = 16, .metric = Metric::kHamming, .embedder = {}, .element = ElementType::kBits};
    Database database = must(Database::create(store.context, store.path, options));
    std::vector<Row> batch;
    for (std::size_t i = 0; i < 300; ++i) {
        batch.push_back({"r" + std::to_string(i), std::vector<float>(16, float(i % 2)), {}, {}});
    }
    must(commit(database, batch));
    CHECK(code_of(database.build_index(store.context)) == Code::kInvalidArgument);
}

TEST_CASE("recall and effort out of range are told") {
    MemoryStore store;
    Database database = filled(store, 300);
    const std::vector<float> query(kDim);
    const auto refused = [&](const SearchOptions& options) {
        return code_of(database.snapshot().search(store.context, query, 1, options)) ==
               Code::kInvalidArgument;
    };
    CHECK(refused({.recall = 0.0}));
    CHECK(refused({.recall = 1.01}));
    CHECK(refused({.recall = std::nan("")}));
    CHECK(refused({.effort = 0}));
    CHECK(refused({.k = 0}));
}

TEST_CASE("new rows get into the index that is there, a few stay beside it") {
    MemoryStore store;
    Database database = filled(store, 400);
    Random random(9);
    for (int part = 0; part < 2; ++part) {
        std::vector<Row> batch;
        for (int i = 0; i < 300; ++i) {
            batch.push_back({std::to_string(part) + "-" + std::to_string(i),
                             random_vector(random, kDim),
                             {},
                             {}});
        }
        must(commit(database, batch));
        must(database.checkpoint());
        const IndexInfo info = must(database.build_index(store.context));
        CHECK(info.segments == 1);
        CHECK(info.built == 1);
        CHECK(info.unindexed_rows == 0);
        CHECK(agreement(store.context, database.snapshot(), {.recall = 0.95}) > 0.9);
    }
    must(commit(database, {{"last", random_vector(random, kDim), {}, {}}}));
    const IndexInfo few = must(database.build_index(store.context));
    CHECK(few.built == 0);
    CHECK(few.rows == 1000);
    CHECK(few.unindexed_rows == 1);
    const IndexInfo again = must(database.build_index(store.context, {.rebuild = true}));
    CHECK(again.segments == 1);
    CHECK(again.rows == 1001);
}

TEST_CASE("a search through an index keeps to the rows that are allowed") {
    MemoryStore store;
    Database database = filled(store, 3000);
    must(database.build_index(store.context));
    must(erase(database, {"r0", "r10", "r20"}));
    const Snapshot snapshot = database.snapshot();
    // All, most, some (by their codes), few (by their vectors), none.
    for (const std::uint64_t step : {1U, 2U, 5U, 40U, 4000U}) {
        CAPTURE(step);
        std::vector<std::uint64_t> words((3000 + 63) / 64);
        std::uint64_t members = 0;
        for (std::uint64_t row = step == 4000 ? 3000 : 0; row < 3000; row += step) {
            if (row != 0 && row != 10 && row != 20) {
                words[row / 64] |= std::uint64_t{1} << (row % 64);
                ++members;
            }
        }
        const RowSet allowed(words, 3000);
        const SearchOptions options{.recall = 0.95, .rows = &allowed};
        const std::vector<float> queries = clustered(20, kDim, 4);
        SearchOptions all = options;
        all.mode = SearchMode::kExact;
        const auto walked = must(snapshot.search(store.context, queries, 20, options));
        const auto truth = must(snapshot.search(store.context, queries, 20, all));
        std::size_t same = 0;
        for (std::size_t i = 0; i < 20; ++i) {
            CHECK(walked[i].size() == std::min<std::uint64_t>(10, members));
            for (const Hit& hit : walked[i]) {
                CHECK(allowed.contains(hit.row));
                same += std::any_of(truth[i].begin(), truth[i].end(),
                                    [&](const Hit& other) { return other.row == hit.row; })
                            ? 1
                            : 0;
            }
        }
        CHECK(same >= 20 * std::min<std::uint64_t>(10, members) * 9 / 10);
    }
}
