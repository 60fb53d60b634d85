// first_non_finite and select_not_above against one-line loops, on every target.
#include <abi/simd/distance.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "support.hpp"

namespace abikit::simd {
namespace {

using test::Buffer;
using test::on_every_target;
using test::random_values;
using test::Sizes;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::uint32_t> selected(const Buffer<float>& values, float threshold) {
    Buffer<std::uint32_t> out(values.size());
    const std::size_t n = select_not_above(values.data(), values.size(), threshold, out.data());
    REQUIRE(n <= values.size());
    return {out.data(), out.data() + n};
}

std::vector<std::uint32_t> expected(const Buffer<float>& values, float threshold) {
    std::vector<std::uint32_t> indices;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] <= threshold) {
            indices.push_back(static_cast<std::uint32_t>(i));
        }
    }
    return indices;
}

}  // namespace

TEST_SUITE("simd") {
    TEST_CASE("first_non_finite finds each place and each kind") {
        on_every_target([] {
            const float kinds[] = {kInfinity, -kInfinity, kNan, -kNan,
                                   std::numeric_limits<float>::signaling_NaN()};
            for (std::size_t count = 0; count <= 3 * 4 * 16 + 1; count += count < 70 ? 1 : 7) {
                for (const std::size_t offset : Sizes{0, 1}) {
                    auto values = random_values(count, 11, offset);
                    CHECK(first_non_finite(values.data(), count) == count);
                    for (std::size_t at = 0; at < count; ++at) {
                        CAPTURE(count);
                        CAPTURE(at);
                        const float saved = std::exchange(values[at], kinds[at % 5]);
                        CHECK(first_non_finite(values.data(), count) == at);
                        values[at] = saved;
                    }
                }
            }
        });
    }

    TEST_CASE("first_non_finite gives the first of several and takes the extremes for finite") {
        on_every_target([] {
            Buffer<float> values(200);
            for (std::size_t i = 0; i < 200; i += 4) {
                values[i] = std::numeric_limits<float>::max();
                values[i + 1] = std::numeric_limits<float>::lowest();
                values[i + 2] = std::numeric_limits<float>::denorm_min();
                values[i + 3] = -0.0F;
            }
            CHECK(first_non_finite(values.data(), 200) == 200);
            values[190] = kNan;
            values[77] = kInfinity;
            values[78] = kNan;
            CHECK(first_non_finite(values.data(), 200) == 77);
        });
    }

    TEST_CASE("select_not_above gives the indices in order") {
        on_every_target([] {
            for (std::size_t count = 0; count <= 3 * 4 * 16 + 1; ++count) {
                const auto values = random_values(count, static_cast<std::uint32_t>(count), 1);
                for (const float threshold : {-kInfinity, -2.0F, 0.0F, 1.0F, kInfinity, kNan}) {
                    CAPTURE(count);
                    CAPTURE(threshold);
                    CHECK(selected(values, threshold) == expected(values, threshold));
                }
            }
        });
    }

    TEST_CASE("select_not_above finds one value among NaN, wherever it stands") {
        on_every_target([] {
            constexpr std::size_t kCount = 300;
            Buffer<float> values(kCount);
            std::fill_n(values.data(), kCount, kNan);
            for (std::size_t at = 0; at < kCount; ++at) {
                CAPTURE(at);
                values[at] = -1.0F;
                CHECK(selected(values, 0.0F) ==
                      std::vector<std::uint32_t>{static_cast<std::uint32_t>(at)});
                values[at] = kNan;
            }
        });
    }

    TEST_CASE("select_not_above takes equal values and infinities, never NaN") {
        on_every_target([] {
            Buffer<float> values(131);
            for (std::size_t i = 0; i < values.size(); ++i) {
                const float cycle[] = {1.0F, kNan, kInfinity, -kInfinity, 0.0F, -0.0F, 2.0F};
                values[i] = cycle[i % 7];
            }
            CHECK(selected(values, kInfinity).size() == 131 - 19);  // all but the NaN
            for (const float threshold : {-kInfinity, -0.0F, 0.0F, 1.0F, 2.0F, kInfinity}) {
                CHECK(selected(values, threshold) == expected(values, threshold));
            }
            CHECK(selected(values, kNan).empty());
        });
    }
}

}  // namespace abikit::simd
