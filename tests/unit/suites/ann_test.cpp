// The benchmark of approximate search: which answers count as right, and what a sweep makes of a
// subject.
#include <algorithm>
#include <numeric>

#include <doctest/doctest.h>

#include <abi/core/fs_memory.hpp>
#include <abi/core/random.hpp>

#include "suites/ann/sweep.hpp"

namespace abikit::suites {
namespace {

using storage::Metric;

Vectors random_vectors(std::size_t count, std::size_t dimension, std::uint64_t seed) {
    Vectors vectors{.values = {}, .count = count, .dimension = dimension};
    std::uint64_t state = seed;
    for (std::size_t i = 0; i < count * dimension; ++i) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        vectors.values.push_back(static_cast<float>(state >> 40) * 1e-6F - 8.0F);
    }
    return vectors;
}

// Finds row numbers from 0 on, as many as the effort says but k at most.
class CountingSubject final : public AnnSubject {
public:
    Result<AnnBuild> build(const Context&) override { return AnnBuild{}; }
    Status search(std::span<const float>, const AnnRequest& request) override {
        found_.resize(std::min<std::size_t>(request.k, request.effort.value_or(3)));
        std::iota(found_.begin(), found_.end(), 0U);
        ++searches;
        return {};
    }
    Status found(std::vector<std::uint64_t>& rows) const override {
        rows = found_;
        return {};
    }
    std::size_t searches = 0;

private:
    std::vector<std::uint64_t> found_;
};

TEST_CASE("a row as near as the last of the nearest counts as one of them") {
    const Vectors base{.values = {0, 1, -1, 2, 9}, .count = 5, .dimension = 1};
    const Vectors queries{.values = {0}, .count = 1, .dimension = 1};
    const auto judge = Judge::make({}, base, queries, Metric::kL2, 2, std::nullopt);
    REQUIRE(judge);
    CHECK(judge->expected() == 2);
    CHECK(judge->good(0, std::vector<std::uint64_t>{0, 1}) == 2);
    CHECK(judge->good(0, std::vector<std::uint64_t>{0, 2}) == 2);
    CHECK(judge->good(0, std::vector<std::uint64_t>{0, 3}) == 1);
    CHECK(judge->good(0, std::vector<std::uint64_t>{0, 0}) == 1);
    CHECK(judge->good(0, std::vector<std::uint64_t>{0, 1, 2}) == 2);
    CHECK(judge->good(0, std::vector<std::uint64_t>{77}) == 0);
    CHECK(judge->good(0, std::vector<std::uint64_t>{}) == 0);
}

TEST_CASE("a truth that was given and one that was computed judge alike") {
    const Vectors base = random_vectors(3000, 7, 1);
    const Vectors queries = random_vectors(5, 7, 2);
    for (const Metric metric : {Metric::kL2, Metric::kCosine, Metric::kDot}) {
        CAPTURE(storage::metric_name(metric));
        ThreadPool pool(2);
        Context context;
        context.pool = &pool;
        const auto computed = Judge::make(context, base, queries, metric, 10, std::nullopt);
        REQUIRE(computed);
        NearestRows truth{.ids = {}, .count = queries.count, .width = 10};
        std::vector<std::uint64_t> all(base.count);
        for (std::size_t q = 0; q < queries.count; ++q) {
            for (std::uint64_t row = 0; row < base.count; ++row) {
                if (computed->good(q, std::span(&row, 1)) == 1) {
                    truth.ids.push_back(static_cast<std::uint32_t>(row));
                }
            }
            REQUIRE(truth.ids.size() == 10 * (q + 1));
        }
        const auto given = Judge::make(context, base, queries, metric, 10, truth);
        REQUIRE(given);
        for (std::size_t q = 0; q < queries.count; ++q) {
            std::iota(all.begin(), all.end(), 0U);
            CHECK(given->good(q, all) == 10);
            const std::vector<std::uint64_t> own(truth.ids.begin() + std::ptrdiff_t(10 * q),
                                                 truth.ids.begin() + std::ptrdiff_t(10 * q + 10));
            CHECK(given->good(q, own) == 10);
        }
    }
}

TEST_CASE("fewer rows than k are all expected") {
    const Vectors base = random_vectors(3, 2, 3);
    const Vectors queries = random_vectors(1, 2, 4);
    const auto judge = Judge::make({}, base, queries, Metric::kCosine, 10, std::nullopt);
    REQUIRE(judge);
    CHECK(judge->expected() == 3);
    CHECK(judge->good(0, std::vector<std::uint64_t>{2, 1, 0}) == 3);
}

TEST_CASE("a sweep measures what it is told, and ends itself once all is found") {
    Vectors base{.values = {}, .count = 40, .dimension = 1};
    base.values.resize(40);
    std::iota(base.values.begin(), base.values.end(), 0.0F);
    const Vectors queries{.values = {0, 0, 0}, .count = 3, .dimension = 1};
    const auto judge = Judge::make({}, base, queries, Metric::kL2, 20, std::nullopt);
    REQUIRE(judge);
    CountingSubject subject;
    const auto told = sweep({}, subject, queries, *judge,
                            {.k = 20, .rounds = 2, .efforts = {5, 10}, .recalls = {0.5}});
    REQUIRE(told);
    REQUIRE(told->size() == 3);
    CHECK(told->at(0).asked_recall == 0.5);
    CHECK(!told->at(0).effort);
    CHECK(told->at(0).recall == doctest::Approx(0.15));
    CHECK(told->at(1).recall == doctest::Approx(0.25));
    CHECK(told->at(2).recall == doctest::Approx(0.5));
    CHECK(told->at(2).qps > 0.0);
    CHECK(told->at(2).latency_us_p50 <= told->at(2).latency_us_p99);
    CHECK(subject.searches == 3 * 3 * 3);
    const auto chosen =
        sweep({}, subject, queries, *judge, {.k = 20, .rounds = 1, .efforts = {}, .recalls = {}});
    REQUIRE(chosen);
    REQUIRE(chosen->size() == 1);
    CHECK(chosen->front().effort == 20U);
    CHECK(chosen->front().recall == doctest::Approx(1.0));
}

TEST_CASE("a sweep ends when it is cancelled") {
    const Vectors base = random_vectors(10, 2, 3);
    const auto judge = Judge::make({}, base, base, Metric::kL2, 1, std::nullopt);
    REQUIRE(judge);
    CancelSource source;
    source.cancel(2);
    Context context;
    context.cancel = source.token();
    CountingSubject subject;
    const auto points = sweep(context, subject, base, *judge, {});
    REQUIRE(!points);
    CHECK(points.error().code() == Code::kCancelled);
    CHECK(subject.searches == 0);
    CHECK(!Judge::make(context, base, base, Metric::kL2, 1, std::nullopt));
}

}  // namespace
}  // namespace abikit::suites
