// Every kernel against its reference, on every target that this machine has: the checks of
// src/suites/simd, here under the sanitizers.
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <abi/core/thread_pool.hpp>

#include "suites/simd/registry.hpp"
#include "support.hpp"

namespace abikit::suites {
TEST_SUITE("simd") {
    TEST_CASE("every kernel agrees with its reference on every target") {
        ThreadPool pool(2);
        test::on_every_target([&] {
            for (const KernelCheck& check : simd_checks()) {
                Checker checker(&pool);
                check.run(checker);
                CAPTURE(check.kernel);
                CHECK(checker.comparisons() > 0);
                CHECK(checker.failures() == 0);
                for (const std::string& message : checker.messages()) {
                    MESSAGE(message);
                }
            }
        });
    }

    TEST_CASE("a checker counts what it is told and keeps the first failures") {
        Checker checker;
        checker.expect(true, [] { return "fine"; });
        for (std::size_t i = 0; i < 2 * Checker::kMaxMessages; ++i) {
            checker.expect(i == 0, [&] { return std::to_string(i); });
        }
        checker.expect_close(1.0, 1.5, 0.25, [] { return "far"; });
        checker.expect_close(1.0, 1.25, 0.25, [] { return "near"; });
        CHECK(checker.comparisons() == 3 + 2 * Checker::kMaxMessages);
        CHECK(checker.failures() == 2 * Checker::kMaxMessages);
        CHECK(checker.messages().size() == Checker::kMaxMessages);
        CHECK(checker.messages().front() == "1");
    }

    TEST_CASE("every check belongs to a group of the suite") {
        const std::set<std::string_view> groups = {"vector", "matrix", "math", "bytes"};
        for (const KernelCheck& check : simd_checks()) {
            CAPTURE(check.kernel);
            CHECK(groups.contains(check.group));
        }
        for (const KernelBenchmark& row : simd_benchmarks()) {
            CAPTURE(row.name);
            CHECK(groups.contains(row.group));
            CHECK(row.prepare != nullptr);
        }
    }
}

}  // namespace abikit::suites
