// The measuring loop: how often a body is called, and when it stops.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <thread>

#include <doctest/doctest.h>

#include <abi/bench/runner.hpp>
#include <abi/core/time.hpp>

namespace abikit::bench {
namespace {

// Keeps the processor busy.
void spin(std::uint64_t ns) {
    const std::uint64_t end = monotonic_ns() + ns;
    while (monotonic_ns() < end) {
    }
}

}  // namespace

TEST_SUITE("bench") {
    TEST_CASE("every sample has the same number of calls, and all calls are made") {
        std::uint64_t calls = 0;
        const auto measured = measure(
            [&] {
                ++calls;
                spin(2'000);
            },
            {.min_sample_seconds = 0.0005,
             .warmup_seconds = 0.001,
             .samples = 7,
             .max_seconds = 60.0});
        REQUIRE(measured.has_value());
        CHECK(measured->complete);
        REQUIRE(measured->samples.size() == 7);
        std::uint64_t sampled = 0;
        for (const Sample& sample : measured->samples) {
            CHECK(sample.iterations == measured->samples.front().iterations);
            CHECK(sample.wall_ns >= sample.iterations * 2'000);
            sampled += sample.iterations;
        }
        CHECK(calls > sampled);  // the warm-up
        for (const double ns : measured->wall_ns_per_call()) {
            CHECK(ns >= 2'000.0);
        }
    }

    TEST_CASE("a sample is filled with calls") {
        const auto measured = measure([] { spin(100); }, {.min_sample_seconds = 0.001,
                                                          .warmup_seconds = 0.0,
                                                          .samples = 3,
                                                          .max_seconds = 60.0});
        REQUIRE(measured.has_value());
        // The clock alone takes some 20 ns a call, so 1 ms holds between 100 and 10,000 calls.
        CHECK(measured->samples.front().iterations > 10);
        CHECK(measured->samples.front().iterations <= 11'001);
    }

    TEST_CASE("a body slower than the budget is called once") {
        int calls = 0;
        const auto measured = measure(
            [&] {
                ++calls;
                spin(5'000'000);
            },
            {.min_sample_seconds = 0.001, .samples = 10, .max_seconds = 0.001});
        REQUIRE(measured.has_value());
        CHECK(calls == 1);
        CHECK(measured->samples.size() == 1);
        CHECK_FALSE(measured->complete);
        CHECK(measured->wall_ns_per_call().front() >= 5e6);
    }

    TEST_CASE("the budget ends sampling") {
        const auto measured = measure([] { spin(1'000'000); }, {.min_sample_seconds = 0.001,
                                                                .warmup_seconds = 0.0,
                                                                .samples = 1'000'000,
                                                                .max_seconds = 0.02});
        REQUIRE(measured.has_value());
        CHECK_FALSE(measured->complete);
        CHECK(measured->samples.size() >= 1);
        CHECK(measured->samples.size() <= 20);
    }

    TEST_CASE("sleeping takes wall time and no processor time") {
        const auto measured =
            measure([] { std::this_thread::sleep_for(std::chrono::milliseconds(2)); },
                    {.min_sample_seconds = 0.0, .samples = 3, .max_seconds = 60.0});
        REQUIRE(measured.has_value());
        CHECK(measured->wall_ns_per_call().front() >= 2e6);
        CHECK(measured->cpu_ns_per_call().front() < 2e6);
    }

    TEST_CASE("a cancelled measurement ends") {
        CancelSource source;
        int calls = 0;
        const auto measured = measure(
            [&] {
                if (++calls == 3) {
                    source.cancel();
                }
                spin(10'000);
            },
            {.samples = 1'000'000, .max_seconds = 3600.0}, source.token());
        REQUIRE_FALSE(measured.has_value());
        CHECK(measured.error().code() == Code::kCancelled);
    }

    TEST_CASE("impossible options are refused before the body is called") {
        const auto never = [] { FAIL("called"); };
        for (const double bad : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
            CHECK(measure(never, {.min_sample_seconds = bad}).error().code() ==
                  Code::kInvalidArgument);
            CHECK(measure(never, {.warmup_seconds = bad}).error().code() == Code::kInvalidArgument);
            CHECK(measure(never, {.max_seconds = bad}).error().code() == Code::kInvalidArgument);
        }
        CHECK(measure(never, {.samples = 0}).error().code() == Code::kInvalidArgument);
    }

    TEST_CASE("an exception of the body passes through") {
        CHECK_THROWS_AS(static_cast<void>(measure([] { throw std::runtime_error("no"); }, {})),
                        std::runtime_error);
    }
}

}  // namespace abikit::bench
