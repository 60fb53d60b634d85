// Clocks, the written form of a moment, and trace spans.
#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <abi/core/time.hpp>
#include <abi/core/trace.hpp>

using namespace abikit;

namespace {

class Recorder final : public TraceSink {
public:
    struct Span {
        std::string category;
        std::string name;
        std::uint64_t start_ns;
        std::uint64_t end_ns;
    };
    std::vector<Span> spans;

    void span(std::string_view category, std::string_view name, std::uint64_t start_ns,
              std::uint64_t end_ns) noexcept override {
        spans.push_back({std::string(category), std::string(name), start_ns, end_ns});
    }
};

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

TEST_SUITE("core/time") {
    TEST_CASE("processor time of a thread grows with its work and not with its sleep") {
        const std::uint64_t begin = thread_cpu_ns();
        const std::uint64_t deadline = monotonic_ns() + 20'000'000;
        while (monotonic_ns() < deadline) {
        }
        const std::uint64_t worked = thread_cpu_ns();
        CHECK(worked > begin);
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        CHECK(thread_cpu_ns() - worked < 20'000'000);
    }

    TEST_CASE("the monotonic clock does not go back") {
        std::uint64_t last = monotonic_ns();
        for (int i = 0; i < 10000; ++i) {
            const std::uint64_t now = monotonic_ns();
            REQUIRE(now >= last);
            last = now;
        }
    }

    TEST_CASE("the wall clock is that of the system") {
        const auto system = [] {
            return std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                .count();
        };
        const std::int64_t before = system();
        const std::int64_t now = wall_clock_ns();
        // An hour of slack: a clock that is being set must not fail the test.
        CHECK(now > before - 3600 * kSecond);
        CHECK(now < system() + 3600 * kSecond);
    }

    TEST_CASE("moments are written in UTC") {
        CHECK(format_iso8601_utc(0) == "1970-01-01T00:00:00Z");
        CHECK(format_iso8601_utc(1795453445 * kSecond + 999'999'999) == "2026-11-23T17:04:05Z");
        CHECK(format_iso8601_utc(951782399 * kSecond) == "2000-02-28T23:59:59Z");
        CHECK(format_iso8601_utc(951782400 * kSecond) == "2000-02-29T00:00:00Z");
        CHECK(format_iso8601_utc(4107542400 * kSecond) == "2100-03-01T00:00:00Z");
        CHECK(format_iso8601_utc(-1) == "1969-12-31T23:59:59Z");
        CHECK(format_iso8601_utc(-kSecond) == "1969-12-31T23:59:59Z");
        CHECK(format_iso8601_utc(std::numeric_limits<std::int64_t>::max()) ==
              "2262-04-11T23:47:16Z");
        CHECK(format_iso8601_utc(std::numeric_limits<std::int64_t>::min()) ==
              "1677-09-21T00:12:43Z");
    }
}

TEST_SUITE("core/trace") {
    TEST_CASE("spans end inside out and hold their times") {
        Recorder recorder;
        const std::uint64_t before = monotonic_ns();
        {
            const TraceSpan outer(&recorder, "core", "outer");
            const TraceSpan inner(&recorder, "core", "inner");
            CHECK(recorder.spans.empty());
        }
        const std::uint64_t after = monotonic_ns();
        REQUIRE(recorder.spans.size() == 2);
        const auto& inner = recorder.spans[0];
        const auto& outer = recorder.spans[1];
        CHECK(inner.name == "inner");
        CHECK(outer.name == "outer");
        CHECK(outer.category == "core");
        CHECK(before <= outer.start_ns);
        CHECK(outer.start_ns <= inner.start_ns);
        CHECK(inner.start_ns <= inner.end_ns);
        CHECK(inner.end_ns <= outer.end_ns);
        CHECK(outer.end_ns <= after);
    }

    TEST_CASE("without a sink nothing happens") {
        const TraceSpan span(nullptr, "core", "nothing");
        CHECK(monotonic_ns() > 0);
    }
}
