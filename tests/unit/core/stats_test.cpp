// Statistics against values computed with 40 digits (mpmath) and against the definitions.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <abi/core/random.hpp>
#include <abi/core/stats.hpp>

using namespace abikit;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Relative closeness; doctest's Approx is relative to 1 + magnitude, too coarse for tails.
bool close(double got, double want, double relative = 1e-12) {
    return std::abs(got - want) <= relative * std::abs(want);
}

const std::vector<double> kEight = {2.1, 3.4, 1.9, 5.6, 4.4, 3.3, 2.8, 4.9};

std::vector<double> one_to(int n) {
    std::vector<double> values;
    for (int i = 1; i <= n; ++i) {
        values.push_back((i * 37) % (n + 1));  // 1..n in another order when gcd(37, n + 1) is 1
    }
    return values;
}

}  // namespace

TEST_SUITE("core/stats") {
    TEST_CASE("mean, deviation, extremes, geometric mean") {
        CHECK(close(mean(kEight), 3.55));
        CHECK(close(stddev(kEight), 1.3212548148310702));
        CHECK(close(geometric_mean(kEight), 3.3303898242990428));
        CHECK(min_value(kEight) == 1.9);
        CHECK(max_value(kEight) == 5.6);
        CHECK(mean(std::vector<double>{7}) == 7);
        CHECK(stddev(std::vector<double>{4, 4, 4}) == 0);
    }

    TEST_CASE("no values, one value, and values that are no numbers") {
        CHECK(std::isnan(mean({})));
        CHECK(std::isnan(stddev({})));
        CHECK(std::isnan(stddev(std::vector<double>{1})));
        CHECK(std::isnan(median({})));
        CHECK(std::isnan(geometric_mean({})));
        CHECK(std::isnan(min_value({})));
        CHECK(std::isnan(max_value({})));
        const std::vector<double> bad = {1, kNan, 2};
        CHECK(std::isnan(mean(bad)));
        CHECK(std::isnan(stddev(bad)));
        CHECK(std::isnan(median(bad)));
        CHECK(std::isnan(min_value(bad)));
        CHECK(std::isnan(max_value(bad)));
        CHECK(std::isnan(geometric_mean(bad)));
        CHECK(std::isnan(geometric_mean(std::vector<double>{2, -1})));
        CHECK(geometric_mean(std::vector<double>{2, 0, 8}) == 0);
        CHECK(mean(std::vector<double>{1, kInfinity}) == kInfinity);
    }

    TEST_CASE("the mean survives cancellation, the deviation a large offset") {
        CHECK(mean(std::vector<double>{1, 1e100, 1, -1e100}) == 0.5);
        CHECK(close(stddev(std::vector<double>{1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}),
                    std::sqrt(30.0)));
    }

    TEST_CASE("percentiles are type 7 of Hyndman and Fan") {
        const std::vector<double> four = {10, 40, 20, 30};
        CHECK(percentile(four, 0) == 10);
        CHECK(percentile(four, 100) == 40);
        CHECK(close(percentile(four, 25), 17.5));
        CHECK(close(percentile(four, 90), 37));
        CHECK(median(four) == 25);
        CHECK(median(std::vector<double>{3, 1, 2}) == 2);
        CHECK(close(percentile(one_to(100), 99), 99.01));
        CHECK(percentile(std::vector<double>{5}, 73) == 5);
        CHECK(std::isnan(percentile(four, -0.1)));
        CHECK(std::isnan(percentile(four, 100.1)));
        CHECK(std::isnan(percentile(four, kNan)));
    }

    TEST_CASE("an infinite value spoils only the percentiles that touch it") {
        const std::vector<double> values = {1, 2, 3, kInfinity};
        CHECK(percentile(values, 0) == 1);
        CHECK(median(values) == 2.5);
        CHECK(percentile(values, 100) == kInfinity);
        CHECK(percentile(std::vector<double>{kInfinity, kInfinity}, 50) == kInfinity);
    }

    TEST_CASE("one sort gives the same percentiles as one selection each") {
        Random random(3);
        std::vector<double> values(1001);
        for (double& value : values) {
            value = random.normal();
        }
        const std::vector<double> percents = {0, 0.1, 1, 33.3, 50, 95, 99.9, 100, 101};
        const std::vector<double> together = percentiles(values, percents);
        REQUIRE(together.size() == percents.size());
        for (std::size_t i = 0; i + 1 < percents.size(); ++i) {
            CHECK(together[i] == percentile(values, percents[i]));
        }
        CHECK(std::isnan(together.back()));
        CHECK(std::isnan(percentiles(std::vector<double>{kNan}, percents)[0]));
    }

    TEST_CASE("running statistics agree with the whole, also when merged") {
        Random random(11);
        std::vector<double> values(777);
        RunningStats all;
        RunningStats left;
        RunningStats right;
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = 1000 + random.normal();
            all.add(values[i]);
            (i < 300 ? left : right).add(values[i]);
        }
        left.merge(right);
        left.merge(RunningStats());
        RunningStats from_nothing;
        from_nothing.merge(left);
        for (const RunningStats& stats : {all, left, from_nothing}) {
            CHECK(stats.count() == 777);
            CHECK(close(stats.mean(), mean(values)));
            CHECK(close(stats.stddev(), stddev(values), 1e-9));
            CHECK(stats.min() == min_value(values));
            CHECK(stats.max() == max_value(values));
        }
        RunningStats none;
        CHECK(std::isnan(none.mean()));
        CHECK(std::isnan(none.min()));
        none.add(5);
        CHECK(std::isnan(none.variance()));
        none.add(kNan);
        none.add(6);
        CHECK(std::isnan(none.min()));
        CHECK(std::isnan(none.max()));
    }

    TEST_CASE("interval of the mean") {
        const auto interval = mean_interval(kEight, 0.95);
        REQUIRE(interval);
        CHECK(close(interval->low, 2.4454033319972346));
        CHECK(close(interval->high, 4.6545966680027654));
        CHECK(interval->confidence == 0.95);
    }

    TEST_CASE("interval of the median takes the known ranks") {
        struct Row {
            int n;
            double low;
            double confidence;
        };
        // Rank l of the sorted values 1..n is the value l.
        for (const Row& row :
             {Row{6, 1, 0.96875}, Row{10, 2, 0.978515625}, Row{20, 6, 0.958610534667969},
              Row{25, 8, 0.956714749336243}, Row{100, 40, 0.964799799782295},
              Row{1000, 469, 0.953708802639502}}) {
            const std::vector<double> values = one_to(row.n);
            const auto interval = median_interval(values, 0.95);
            REQUIRE(interval);
            CHECK(interval->low == row.low);
            CHECK(interval->high == row.n + 1 - row.low);
            CHECK(close(interval->confidence, row.confidence, 1e-11));
        }
    }

    TEST_CASE("intervals cover the true value as often as they say") {
        Random random(2026);
        int mean_hits = 0;
        int median_hits = 0;
        constexpr int kRounds = 2000;
        for (int round = 0; round < kRounds; ++round) {
            std::vector<double> values(15);
            for (double& value : values) {
                value = 5 + 2 * random.normal();
            }
            const auto of_mean = mean_interval(values, 0.9);
            const auto of_median = median_interval(values, 0.9);
            REQUIRE(of_mean);
            REQUIRE(of_median);
            mean_hits += of_mean->low <= 5 && 5 <= of_mean->high ? 1 : 0;
            median_hits += of_median->low <= 5 && 5 <= of_median->high ? 1 : 0;
        }
        // Five standard deviations around 90 %; the median's exact coverage here is 96.5 %.
        CHECK(mean_hits > 1733);
        CHECK(mean_hits < 1867);
        CHECK(median_hits > 1888);
        CHECK(median_hits < 1971);
    }

    TEST_CASE("intervals refuse what they cannot answer") {
        for (const auto function : {&mean_interval, &median_interval}) {
            CHECK(function(kEight, 0).error().code() == Code::kInvalidArgument);
            CHECK(function(kEight, 1).error().code() == Code::kInvalidArgument);
            CHECK(function(kEight, kNan).error().code() == Code::kInvalidArgument);
            CHECK(function({}, 0.95).error().code() == Code::kInconclusive);
            CHECK(function(std::vector<double>{1}, 0.95).error().code() == Code::kInconclusive);
            CHECK(function(std::vector<double>{1, 2, 3, 4, 5, 6, kInfinity}, 0.95).error().code() ==
                  Code::kInvalidData);
        }
        CHECK(median_interval(std::vector<double>{1, 2, 3, 4, 5}, 0.95).error().code() ==
              Code::kInconclusive);
    }

    TEST_CASE("quantiles of Student's t") {
        struct Row {
            double p;
            double degrees;
            double t;
        };
        for (const Row& row :
             {Row{0.975, 1, 12.7062047361747046}, Row{0.975, 2, 4.30265272974946385},
              Row{0.975, 4, 2.77644510519779436}, Row{0.975, 10, 2.22813885198627475},
              Row{0.995, 30, 2.74999565356722533}, Row{0.95, 2.5, 2.55821861413593662},
              Row{0.9995, 99, 3.39152883336365056}, Row{0.975, 1000, 1.96233908082640848},
              Row{0.9, 1e6, 1.28155241212993848}}) {
            CAPTURE(row.degrees);
            CHECK(close(student_t_quantile(row.p, row.degrees), row.t, 1e-11));
            CHECK(close(student_t_quantile(1 - row.p, row.degrees), -row.t, 1e-11));
        }
        CHECK(student_t_quantile(0.5, 3) == 0);
        CHECK(student_t_quantile(1, 3) == kInfinity);
        CHECK(student_t_quantile(0, 3) == -kInfinity);
        CHECK(std::isnan(student_t_quantile(1.5, 3)));
        CHECK(std::isnan(student_t_quantile(0.9, 0)));
    }

    TEST_CASE("distribution functions") {
        CHECK(close(student_t_cdf(2, 5), 0.949030260585070822));
        CHECK(close(student_t_cdf(-10, 3), 0.00106419952920707503));
        CHECK(close(student_t_cdf(-0.5, 0.5), 0.378659036464718316));
        CHECK(student_t_cdf(0, 7) == 0.5);
        CHECK(student_t_cdf(kInfinity, 7) == 1);
        CHECK(std::isnan(student_t_cdf(kNan, 7)));
        CHECK(close(normal_quantile(0.975), 1.95996398454005424));
        CHECK(close(normal_quantile(0.001), -3.09023230616781354));
        CHECK(close(normal_cdf(-6), 9.86587645037698141e-10));
        CHECK(close(normal_cdf(1), 0.841344746068542949));
        CHECK(close(incomplete_beta(2, 3, 0.4), 0.5248));
        CHECK(close(incomplete_beta(0.5, 0.5, 0.1), 0.204832764699133452));
        CHECK(close(incomplete_beta(200, 300, 0.42), 0.819601066417266484));
        CHECK(incomplete_beta(2, 3, 0) == 0);
        CHECK(incomplete_beta(2, 3, 1) == 1);
        CHECK(std::isnan(incomplete_beta(0, 3, 0.5)));
        CHECK(close(binomial_cdf(3, 10, 0.5), 0.171875));
        CHECK(close(binomial_cdf(40, 100, 0.5), 0.0284439668204903958));
        CHECK(close(binomial_cdf(2, 20, 0.1), 0.676926805189466036));
        CHECK(close(binomial_cdf(49700, 100000, 0.5), 0.0290986765550968731, 1e-9));
        CHECK(binomial_cdf(10, 10, 0.5) == 1);
        CHECK(binomial_cdf(0, 10, 0) == 1);
        CHECK(binomial_cdf(9, 10, 1) == 0);
    }
}
