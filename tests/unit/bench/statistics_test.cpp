// Statistics of measured times against values worked out by hand.
#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include <abi/bench/run.hpp>
#include <abi/bench/statistics.hpp>

namespace abikit::bench {

TEST_SUITE("bench") {
    TEST_CASE("no values give zeros and no interval") {
        const Statistics none = statistics({});
        CHECK(none.count == 0);
        CHECK(none.median == 0.0);
        CHECK_FALSE(none.interval.has_value());
    }

    TEST_CASE("one value is its own centre") {
        const std::vector<double> values = {5.0};
        const Statistics one = statistics(values);
        CHECK(one.median == 5.0);
        CHECK(one.min == 5.0);
        CHECK(one.max == 5.0);
        CHECK(one.stddev == 0.0);
        CHECK(one.mad == 0.0);
        CHECK_FALSE(one.interval.has_value());
    }

    TEST_CASE("an outlier moves the mean and leaves the median") {
        std::vector<double> values = {14.0, 10.0, 11.0, 13.0, 12.0, 1000.0, 12.0};
        const Statistics result = statistics(values);
        CHECK(result.count == 7);
        CHECK(result.median == 12.0);
        CHECK(result.min == 10.0);
        CHECK(result.max == 1000.0);
        CHECK(result.mean == doctest::Approx(1072.0 / 7.0));
        CHECK(result.mad == doctest::Approx(1.4826));
        CHECK(result.severe_outliers == 1);
        CHECK(result.mild_outliers == 0);
        REQUIRE(result.interval.has_value());
        CHECK(result.interval->low == 10.0);
        CHECK(result.interval->high == 1000.0);
        CHECK(result.interval->confidence >= 0.95);

        std::reverse(values.begin(), values.end());
        CHECK(statistics(values).median == result.median);
        CHECK(statistics(values).mad == result.mad);
    }

    TEST_CASE("a mild outlier is not a severe one") {
        // Quartiles 2 and 4: fences at -1 and 7, outer ones at -4 and 10.
        const std::vector<double> values = {1.0, 2.0, 3.0, 4.0, 8.0};
        const Statistics result = statistics(values);
        CHECK(result.mild_outliers == 1);
        CHECK(result.severe_outliers == 0);
    }

    TEST_CASE("the environment knows the machine") {
        const Environment here = environment();
        CHECK(here.started.size() == 20);
        CHECK(here.usable_cpus >= 1);
        CHECK_FALSE(here.architecture.empty());
        CHECK_FALSE(here.compiler.empty());
    }
}

}  // namespace abikit::bench
