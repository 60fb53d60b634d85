// The distance kernels against their references in double precision, on every target.
#include <abi/simd/distance.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <abi/simd/reference.hpp>

#include "support.hpp"

namespace abikit::simd {
namespace {

using test::Buffer;
using test::on_every_target;
using test::random_values;
using test::Sizes;

using RowsKernel = void (*)(const float*, const float*, std::size_t, std::size_t, float*) noexcept;
using BlockKernel = void (*)(const float*, std::size_t, const float*, std::size_t, std::size_t,
                             float*) noexcept;
using Reference = reference::Sum (*)(const float*, const float*, std::size_t) noexcept;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t kMaxLanes = 16;  // of float32 in the widest fixed-size target

std::vector<std::size_t> dimensions() {
    std::vector<std::size_t> dims;
    // Two accumulators: three rounds of them and one more value.
    for (std::size_t dim = 0; dim <= 3 * 2 * kMaxLanes + 1; ++dim) {
        dims.push_back(dim);
    }
    for (const std::size_t dim : Sizes{127, 128, 200, 255, 257, 768, 1000, 1536, 10000}) {
        dims.push_back(dim);
    }
    return dims;
}

// Summation in any order errs by at most (terms) roundings of the magnitude; denormal products lose
// up to one smallest value each.
void check_close(float result, const reference::Sum& expected, std::size_t dim) {
    const double eps = std::numeric_limits<float>::epsilon();
    const double smallest = std::numeric_limits<float>::denorm_min();
    const double terms = static_cast<double>(dim) + 2.0;
    CHECK(std::abs(static_cast<double>(result) - expected.value) <=
          terms * (eps * expected.magnitude + smallest));
}

bool same_bits(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

void check_rows(RowsKernel kernel, Reference reference) {
    for (const std::size_t dim : dimensions()) {
        for (const std::size_t offset : Sizes{0, 1, 3}) {
            const std::size_t count = 9 - offset;
            CAPTURE(dim);
            CAPTURE(offset);
            const auto query = random_values(dim, 1, offset);
            const auto rows = random_values(dim * count, 2, offset);
            Buffer<float> out(count, offset);
            kernel(query.data(), rows.data(), dim, count, out.data());
            for (std::size_t i = 0; i < count; ++i) {
                check_close(out[i], reference(query.data(), rows.data() + i * dim, dim), dim);
            }
        }
    }
}

// Whatever the tile, the position or the number of rows, a pair has one result.
void check_same_bits(RowsKernel kernel, BlockKernel block) {
    for (const std::size_t dim : Sizes{0, 1, 3, 7, 15, 16, 17, 33, 100, 128, 131, 1536}) {
        for (const std::size_t query_count : Sizes{0, 1, 2, 3, 5, 9}) {
            for (const std::size_t count : Sizes{0, 1, 2, 3, 4, 5, 11, 70}) {
                CAPTURE(dim);
                CAPTURE(query_count);
                CAPTURE(count);
                const auto queries = random_values(dim * query_count, 3, 1);
                const auto rows = random_values(dim * count, 4);
                Buffer<float> out(query_count * count);
                block(queries.data(), query_count, rows.data(), dim, count, out.data());
                for (std::size_t q = 0; q < query_count; ++q) {
                    Buffer<float> together(count);
                    kernel(queries.data() + q * dim, rows.data(), dim, count, together.data());
                    for (std::size_t i = 0; i < count; ++i) {
                        float alone = -1.0F;
                        kernel(queries.data() + q * dim, rows.data() + i * dim, dim, 1, &alone);
                        CHECK(same_bits(out[q * count + i], alone));
                        CHECK(same_bits(together[i], alone));
                    }
                }
            }
        }
    }
}

// A NaN or an infinity spoils the result of its own row and no other, wherever it stands.
void check_poison_stays(RowsKernel kernel, float poison) {
    constexpr std::size_t kCount = 6;
    for (const std::size_t dim : Sizes{1, 2, 5, 16, 19, 35, 128, 130}) {
        const auto query = random_values(dim, 5);
        auto rows = random_values(dim * kCount, 6);
        Buffer<float> clean(kCount);
        kernel(query.data(), rows.data(), dim, kCount, clean.data());
        for (std::size_t at = 0; at < dim * kCount; ++at) {
            const float saved = std::exchange(rows[at], poison);
            Buffer<float> out(kCount);
            kernel(query.data(), rows.data(), dim, kCount, out.data());
            rows[at] = saved;
            for (std::size_t i = 0; i < kCount; ++i) {
                CAPTURE(dim);
                CAPTURE(at);
                CAPTURE(i);
                CHECK((i == at / dim ? !std::isfinite(out[i]) : same_bits(out[i], clean[i])));
            }
        }
    }
}

}  // namespace

TEST_SUITE("simd") {
    TEST_CASE("l2_squared_rows is close to the reference") {
        on_every_target([] { check_rows(l2_squared_rows, reference::l2_squared); });
    }

    TEST_CASE("dot_rows is close to the reference") {
        on_every_target([] { check_rows(dot_rows, reference::dot); });
    }

    TEST_CASE("l2_squared_block equals l2_squared_rows bit for bit") {
        on_every_target([] { check_same_bits(l2_squared_rows, l2_squared_block); });
    }

    TEST_CASE("dot_block equals dot_rows bit for bit") {
        on_every_target([] { check_same_bits(dot_rows, dot_block); });
    }

    TEST_CASE("squared_norms is close to the reference") {
        on_every_target([] {
            for (const std::size_t dim : dimensions()) {
                CAPTURE(dim);
                constexpr std::size_t kCount = 7;
                const auto rows = random_values(dim * kCount, 7, 2);
                Buffer<float> out(kCount);
                squared_norms(rows.data(), dim, kCount, out.data());
                for (std::size_t i = 0; i < kCount; ++i) {
                    check_close(out[i], reference::squared_norm(rows.data() + i * dim, dim), dim);
                }
            }
        });
    }

    TEST_CASE("a value that is not finite spoils only its own row") {
        on_every_target([] {
            check_poison_stays(l2_squared_rows, kNan);
            check_poison_stays(l2_squared_rows, -kInfinity);
            check_poison_stays(dot_rows, kNan);
            check_poison_stays(dot_rows, kInfinity);
        });
    }

    TEST_CASE("infinities give what arithmetic gives") {
        on_every_target([] {
            const float query[3] = {1.0F, kInfinity, 2.0F};
            const float rows[9] = {1.0F, kInfinity, 2.0F, 0.0F, 1.0F, 0.0F, 1.0F, -kInfinity, 1.0F};
            float out[3];
            l2_squared_rows(query, rows, 3, 3, out);
            CHECK(std::isnan(out[0]));
            CHECK(out[1] == kInfinity);
            CHECK(out[2] == kInfinity);
            dot_rows(query, rows, 3, 3, out);
            CHECK(out[0] == kInfinity);
            CHECK(out[1] == kInfinity);
            CHECK(out[2] == -kInfinity);
            const float huge[2] = {3e38F, -3e38F};
            l2_squared_rows(huge, huge + 1, 1, 1, out);
            CHECK(out[0] == kInfinity);
        });
    }

    TEST_CASE("denormal values are not flushed to zero") {
        on_every_target([] {
            const float smallest = std::numeric_limits<float>::denorm_min();
            for (const std::size_t dim : Sizes{1, 4, 16, 21, 40}) {
                CAPTURE(dim);
                Buffer<float> ones(dim);
                Buffer<float> tiny(dim);
                for (std::size_t j = 0; j < dim; ++j) {
                    ones[j] = 1.0F;
                    tiny[j] = smallest;
                }
                float out = -1.0F;
                dot_rows(ones.data(), tiny.data(), dim, 1, &out);
                // Sums of this few smallest values are exact in every order.
                CHECK(out == static_cast<float>(dim) * smallest);
            }
        });
    }

    TEST_CASE("a row's distance to itself is exactly zero") {
        on_every_target([] {
            for (const std::size_t dim : Sizes{1, 13, 16, 47, 1000}) {
                const auto rows = random_values(dim * 5, 8);
                Buffer<float> out(5);
                l2_squared_rows(rows.data() + 2 * dim, rows.data(), dim, 5, out.data());
                CHECK(out[2] == 0.0F);
                CHECK(out[1] > 0.0F);
            }
        });
    }
}

}  // namespace abikit::simd
