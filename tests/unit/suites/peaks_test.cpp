// The yardsticks do the work that they claim, and peaks are kept and comparable.
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include <abi/core/thread_pool.hpp>
#include <abi/simd/targets.hpp>

#include "suites/simd/check.hpp"
#include "suites/simd/peaks.hpp"
#include "suites/simd/yardsticks.hpp"
#include "support.hpp"

namespace abikit::suites {

TEST_SUITE("simd") {
    TEST_CASE("reading sees every whole word of a range and nothing outside it") {
        test::on_every_target([] {
            for (std::size_t size = 0; size < 3000; size += 41) {
                ExactBuffer<std::uint64_t> words(size / 8);
                std::iota(words.begin(), words.end(), std::uint64_t{0x9E3779B97F4A7C15});
                std::uint64_t expected = 0;
                for (const std::uint64_t word : words) {
                    expected ^= word;
                }
                for (const ReadPattern pattern :
                     {ReadPattern::kForward, ReadPattern::kPrefetch, ReadPattern::kFourStreams}) {
                    CAPTURE(size);
                    CHECK(read_memory(words.data(), words.size() * 8, pattern) == expected);
                }
            }
        });
    }

    TEST_CASE("copying copies every byte and nothing more") {
        test::on_every_target([] {
            for (std::size_t size = 0; size < 3000; size += 41) {
                ExactBuffer<std::uint8_t> from(size);
                std::iota(from.begin(), from.end(), std::uint8_t{1});
                for (const CopyPattern pattern : {CopyPattern::kStore, CopyPattern::kStream}) {
                    std::vector<std::uint64_t> to(size / 8 + 16);  // room to align by hand
                    void* aligned = to.data();
                    std::size_t space = to.size() * 8;
                    auto* bytes =
                        static_cast<std::uint8_t*>(std::align(64, size + 1, aligned, space));
                    REQUIRE(bytes != nullptr);
                    copy_memory(bytes, from.data(), size, pattern);
                    CAPTURE(size);
                    CHECK(std::equal(from.begin(), from.end(), bytes));
                    CHECK(bytes[size] == 0);
                }
            }
        });
    }

    TEST_CASE("multiply-add steps count what they do") {
        test::on_every_target([] {
            for (double (*const steps)(std::size_t) : {fma_steps, int8_steps, bf16_steps}) {
                const double one = steps(1);
                CHECK(one > 0.0);
                CHECK(steps(0) == 0.0);
                CHECK(steps(1000) == 1000.0 * one);
            }
        });
    }

    TEST_CASE("the bound of a row is the slowest of its limits") {
        ThreadPool pool(2);
        Peaks peaks(&pool);
        const double read = peaks.read(std::size_t{64} << 10, 2);
        const double fma = peaks.fma(2);
        CHECK(read > 0.0);
        CHECK(fma > 0.0);
        // Kept, so equal to the last bit; more threads than the pool has are taken as all of it.
        CHECK(peaks.fma(7) == fma);
        PreparedBenchmark row;
        row.working_set_bytes = std::size_t{64} << 10;
        row.threads = 2;
        CHECK(peaks.bound(row).limit == Peak::kNone);
        row.limits = {Peak::kRead, Peak::kFma};
        row.bytes = 1e6;
        CHECK(peaks.bound(row).limit == Peak::kRead);
        CHECK(peaks.bound(row).seconds == 1e6 / read);
        row.operations = 1e12;
        CHECK(peaks.bound(row).limit == Peak::kFma);
        CHECK(peaks.bound(row).rate == fma);
    }
}

}  // namespace abikit::suites
