// The reports of `abi bench` for results that no healthy machine gives, and the choice by pattern.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cli/commands/bench_common.hpp"
#include "report/renderer.hpp"

namespace abikit::cli {
namespace {

std::string rendered(const report::Report& report, std::string_view format) {
    return report::render(*report::find_format(format), report);
}

bench::BenchmarkResult bare_result() {
    bench::BenchmarkResult result;
    result.name = "k/f32";
    result.suite = "simd/math";
    result.parameters = {{"n", 64}};
    result.time_ns.median = 1000.0;
    result.time_ns.count = 3;
    return result;
}

}  // namespace

TEST_SUITE("cli") {
    TEST_CASE("a failed check is told with its first failure") {
        const std::vector<suites::CheckResult> results = {
            {.suite = "simd/math", .kernel = "a", .target = "AVX2", .comparisons = 7},
            {.suite = "simd/math",
             .kernel = "b",
             .target = "SCALAR",
             .comparisons = 10,
             .failures = 2,
             .messages = {"n 3: 1 instead of 2", "n 4: 1 instead of 2"}}};
        const report::Report report = check_report(results);
        CHECK(*report.body.find("passed") == data::Value(false));
        CHECK(*report.body.find("failed") == data::Value(1));
        const std::string console = rendered(report, "console");
        CHECK(console.find("2 of 10 wrong: n 3: 1 instead of 2") != std::string::npos);
        CHECK(console.find("1 of 2 checks failed") != std::string::npos);
        CHECK(console.find("n 4") == std::string::npos);
        CHECK(rendered(report, "json").find("n 4: 1 instead of 2") != std::string::npos);
    }

    TEST_CASE("what a row does not have is null, and a dash for a person") {
        bench::Run run;
        run.benchmarks = {bare_result()};
        const report::Report report = run_report(run);
        const data::Value& row = report.body.find("benchmarks")->as_array().front();
        for (const char* const key :
             {"peak", "peak_share", "scalar_time_ns", "speedup_over_scalar"}) {
            CAPTURE(key);
            CHECK(row.find(key)->is_null());
        }
        CHECK(row.find("throughput")->find("bytes_per_second")->is_null());
        CHECK(row.find("time_ns")->find("interval")->is_null());
        CHECK(report.body.find("peaks")->as_array().empty());
        const std::string console = rendered(report, "console");
        CHECK(console.find("measured peaks") == std::string::npos);
        CHECK(console.find("k/f32   n 64  1.00 µs") != std::string::npos);
    }

    TEST_CASE("rates are in powers of 1000 and shares in per cent") {
        bench::Run run;
        run.benchmarks = {bare_result()};
        run.benchmarks.front().throughput = {.bytes_per_second = 117.4e9,
                                             .operations_per_second = 9.999e6};
        run.benchmarks.front().peak =
            bench::PeakShare{.limit = "read", .limit_per_second = 120e9, .share = 0.9783};
        run.benchmarks.front().speedup_over_scalar = 12.34;
        run.benchmarks.front().threads = 2;
        run.peaks = {
            {.limit = "read", .threads = 2, .working_set_bytes = 4096, .per_second = 120e9},
            {.limit = "fma", .threads = 2, .per_second = 999.6e9}};
        const std::string console = rendered(run_report(run), "console");
        for (const char* const part : {"n 64, 2 threads", "117 GB/s", "10.0 Mop/s", "98 % read",
                                       "12.3x", "120 GB/s", "1.00 Top/s"}) {
            CAPTURE(part);
            CHECK(console.find(part) != std::string::npos);
        }
    }

    TEST_CASE("patterns choose rows once and in the order of the suite") {
        const auto all = select_benchmarks({});
        REQUIRE(all.has_value());
        REQUIRE_FALSE(all->rows.empty());
        const std::string last = suites::row_name(all->rows.back());
        const std::vector<std::string> patterns = {last, "simd", "simd/*"};
        const auto chosen = select_benchmarks(patterns);
        REQUIRE(chosen.has_value());
        CHECK(chosen->rows.size() == all->rows.size());
        CHECK(suites::row_name(chosen->rows.back()) == last);
        CHECK(chosen->checks.size() == all->checks.size());

        const std::vector<std::string> one = {last};
        CHECK(select_benchmarks(one)->rows.size() == 1);
        const std::vector<std::string> none = {last, "simd/nothing"};
        CHECK(select_benchmarks(none).error().code() == Code::kInvalidArgument);
    }
}

}  // namespace abikit::cli
