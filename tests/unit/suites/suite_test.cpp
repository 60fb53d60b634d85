// The driver of the suite `simd`: names, patterns, what a run reports, and that every registered
// body runs at all.
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <abi/simd/targets.hpp>

#include "suites/pattern.hpp"
#include "suites/simd/suite.hpp"
#include "support.hpp"

namespace abikit::suites {
namespace {

// Larger sets are for measuring, not for tests.
constexpr std::size_t kMaxSetBytes = std::size_t{8} << 20;

const SimdRunOptions kShort{
    .kernel = {.min_sample_seconds = 0.0, .warmup_seconds = 0.0, .samples = 3, .max_seconds = 1.0},
    .scalar = {.min_sample_seconds = 0.0, .warmup_seconds = 0.0, .samples = 1, .max_seconds = 1.0}};

KernelBenchmark counting_row(std::string name, std::uint64_t size, int& kernel, int& scalar) {
    return {.name = std::move(name),
            .group = "vector",
            .parameters = {{"n", size}},
            .prepare = [&kernel, &scalar, size](ThreadPool*) -> PreparedBenchmark {
                return {.run = [&kernel] { ++kernel; },
                        .run_scalar = [&scalar] { ++scalar; },
                        .bytes = static_cast<double>(size),
                        .limits = {Peak::kRead},
                        .working_set_bytes = 4096};
            }};
}

class Phases final : public ProgressSink {
public:
    std::uint64_t total = 0, done = 0;
    int ends = 0;
    void begin(std::string_view, std::string_view, std::uint64_t all) noexcept override {
        total = all;
    }
    void update(std::uint64_t now) noexcept override { done = now; }
    void end() noexcept override { ++ends; }
};

void failing_check(Checker& checker) {
    checker.expect(simd::chosen_target() != simd::targets().front().name,
                   [] { return "the best target is wrong here"; });
}
void throwing_check(Checker&) {
    throw std::bad_alloc();
}

}  // namespace

TEST_SUITE("simd") {
    TEST_CASE("patterns name rows and the groups above them") {
        const char* const name = "simd/vector/dot_rows/f32/dim:96/rows:682";
        for (const char* const yes :
             {"simd", "simd/vector", "simd/vector/dot_rows", "simd/vector/dot_rows*", "*", "simd/*",
              "simd/*/dot_rows/f32", "*dot*", "simd/vector/dot_rows/f32/dim:9?", name,
              "simd/vector/dot_rows/f32/dim:96/*", "*/f32"}) {
            CAPTURE(yes);
            CHECK(matches_pattern(yes, name));
        }
        for (const char* const no :
             {"", "sim", "simd/", "simd/vec", "SIMD", "simd/matrix", "simd/vector/dot_row", "?",
              "*/i8", "simd//vector", "simd/vector/dot_rows/f32/dim:96/rows:682/more"}) {
            CAPTURE(no);
            CHECK_FALSE(matches_pattern(no, name));
        }
        CHECK(matches_pattern("", ""));
        CHECK(matches_pattern("*", ""));
        CHECK_FALSE(matches_pattern("a", ""));
    }

    TEST_CASE("row names are unique and kernels with rows have checks") {
        std::set<std::string> names, checked;
        for (const KernelCheck& check : simd_checks()) {
            CHECK(checked.insert(kernel_name(check)).second);
        }
        for (const KernelBenchmark& row : simd_benchmarks()) {
            CAPTURE(row_name(row));
            CHECK(names.insert(row_name(row)).second);
            CHECK(row_name(row).starts_with(kernel_name(row)));
        }
    }

    TEST_CASE("every registered body runs at its smallest size") {
        ThreadPool pool(2);
        for (const KernelBenchmark& row : smallest_rows(simd_benchmarks())) {
            CAPTURE(row_name(row));
            const PreparedBenchmark prepared = row.prepare(&pool);
            REQUIRE(prepared.run != nullptr);
            CHECK(prepared.threads >= 1);
            CHECK(prepared.threads <= pool.threads());
            CHECK(prepared.bytes >= 0.0);
            CHECK(prepared.operations >= 0.0);
            for (const Peak limit : prepared.limits) {
                const bool memory = limit == Peak::kRead || limit == Peak::kCopy;
                CHECK((memory ? prepared.bytes : prepared.operations) > 0.0);
                CHECK((!memory || prepared.working_set_bytes > 0));
            }
            if (prepared.working_set_bytes <= kMaxSetBytes) {
                prepared.run();
                if (prepared.run_scalar) {
                    prepared.run_scalar();
                }
            }
        }
    }

    TEST_CASE("of each kernel the smallest row is kept, in the order of the list") {
        int unused = 0;
        const std::vector<KernelBenchmark> rows = {
            counting_row("b", 20, unused, unused), counting_row("a", 5, unused, unused),
            counting_row("b", 10, unused, unused), counting_row("b", 30, unused, unused)};
        const auto smallest = smallest_rows(rows);
        REQUIRE(smallest.size() == 2);
        CHECK(row_name(smallest[0]) == "simd/vector/b/n:10");
        CHECK(row_name(smallest[1]) == "simd/vector/a/n:5");
    }

    TEST_CASE("a run reports every row in order") {
        int kernel = 0, scalar = 0;
        const std::vector<KernelBenchmark> rows = {counting_row("x", 64, kernel, scalar),
                                                   counting_row("y", 64, kernel, scalar)};
        Phases phases;
        Context context;
        context.progress = &phases;
        const auto run = run_simd_benchmarks(rows, kShort, context);
        REQUIRE(run.has_value());
        REQUIRE(run->benchmarks.size() == 2);
        CHECK(phases.total == 2);
        CHECK(phases.done == 2);
        CHECK(phases.ends == 1);
        CHECK(kernel >= 2 * 3);
        CHECK(scalar >= 2);
        CHECK(run->benchmarks[0].name == "x");
        CHECK(run->benchmarks[1].name == "y");
        CHECK(run->environment.simd_target == simd::chosen_target());
        CHECK(run->environment.threads == 1);
        REQUIRE(run->peaks.size() == 1);  // one working set for both
        CHECK(run->peaks[0].limit == "read");
        for (const bench::BenchmarkResult& result : run->benchmarks) {
            CHECK(result.suite == "simd/vector");
            CHECK(result.time_ns.count == 3);
            CHECK(result.throughput.bytes_per_second > 0.0);
            CHECK(result.throughput.operations_per_second == 0.0);
            REQUIRE(result.peak.has_value());
            CHECK(result.peak->share == doctest::Approx(result.throughput.bytes_per_second /
                                                        result.peak->limit_per_second));
            REQUIRE(result.speedup_over_scalar.has_value());
        }
    }

    TEST_CASE("a reference that would take too long is left out") {
        int kernel = 0, scalar = 0;
        const std::vector<KernelBenchmark> rows = {
            counting_row("x", 1, kernel, scalar),
            counting_row("x", 1'000'000'000'000'000, kernel, scalar)};
        const auto run = run_simd_benchmarks(rows, kShort, {});
        REQUIRE(run.has_value());
        CHECK(run->benchmarks[0].speedup_over_scalar.has_value());
        CHECK_FALSE(run->benchmarks[1].speedup_over_scalar.has_value());
    }

    TEST_CASE("checks run on each target, and the target of before runs again") {
        const test::RestoreTarget restore;
        REQUIRE(simd::force_target("SCALAR").has_value());
        const std::string before = simd::chosen_target();
        const std::string best = simd::targets().front().supported ? simd::targets().front().name
                                                                   : std::string("SCALAR");
        const KernelCheck checks[] = {{.kernel = "broken", .group = "math", .run = failing_check}};
        const std::vector<std::string> targets = {best, "SCALAR"};
        const auto results = run_simd_checks(checks, targets, {});
        REQUIRE(results.has_value());
        REQUIRE(results->size() == 2);
        CHECK((*results)[0].target == best);
        CHECK((*results)[0].suite == "simd/math");
        CHECK((*results)[0].failures == (simd::targets().front().supported ? 1 : 0));
        CHECK((*results)[1].failures == 0);
        CHECK((*results)[1].comparisons == 1);
        CHECK(simd::chosen_target() == before);

        const KernelCheck throwing[] = {{.kernel = "full", .group = "math", .run = throwing_check}};
        CHECK_THROWS_AS(static_cast<void>(run_simd_checks(throwing, targets, {})), std::bad_alloc);
        CHECK(simd::chosen_target() == before);
    }

    TEST_CASE("a cancelled run and a cancelled check end") {
        CancelSource source;
        source.cancel();
        Context context;
        context.cancel = source.token();
        int kernel = 0, scalar = 0;
        const std::vector<KernelBenchmark> rows = {counting_row("x", 64, kernel, scalar)};
        const auto run = run_simd_benchmarks(rows, kShort, context);
        REQUIRE_FALSE(run.has_value());
        CHECK(run.error().code() == Code::kCancelled);
        CHECK(kernel == 0);
        const KernelCheck checks[] = {{.kernel = "broken", .group = "math", .run = failing_check}};
        const std::vector<std::string> targets = {"SCALAR"};
        CHECK(run_simd_checks(checks, targets, context).error().code() == Code::kCancelled);
    }
}

}  // namespace abikit::suites
