// Checks of sgemv with one to sixteen columns: sizes around the tiles, strides, alpha and beta,
// values that are not finite, and equal bits for any number of threads. Read check.hpp for how a
// check reports.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <abi/simd/gemv.hpp>
#include <abi/simd/reference_products.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::Gemv;
using simd::Transpose;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// One product with buffers that end where their values end.
struct Case {
    std::size_t rows;
    std::size_t depth;
    std::size_t columns;
    Transpose transpose;
    float alpha = 1.0F;
    float beta = 0.0F;
    std::size_t gap = 0;           // values between two rows of A
    bool columns_adjacent = true;  // X[k][c] and X[k][c + 1] are neighbours; Y the other way round
};

void fill(ExactBuffer<float>& values, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    for (float& value : values) {
        value = uniform(random);
    }
}

std::size_t values_of(std::size_t rows, std::size_t columns, std::size_t stride) {
    return rows == 0 || columns == 0 ? 0 : (rows - 1) * stride + columns;
}

struct Data {
    explicit Data(const Case& c)
        : stored_rows(c.transpose == Transpose::kNo ? c.rows : c.depth),
          stored_columns(c.transpose == Transpose::kNo ? c.depth : c.rows),
          a(values_of(stored_rows, stored_columns, stored_columns + c.gap),
            (c.rows + c.columns) % 4),
          x(c.depth * c.columns, c.depth % 3),
          y(c.rows * c.columns, c.rows % 2) {
        fill(a, 1);
        fill(x, 2);
        fill(y, 3);
    }

    Gemv product(const Case& c) {
        Gemv gemv;
        gemv.a = {.values = {a.data(), a.size()},
                  .rows = stored_rows,
                  .columns = stored_columns,
                  .stride = stored_columns + c.gap};
        gemv.transpose = c.transpose;
        gemv.columns = c.columns;
        gemv.x = {x.data(), x.size()};
        gemv.x_row_stride = c.columns_adjacent ? c.columns : 1;
        gemv.x_column_stride = c.columns_adjacent ? 1 : c.depth;
        gemv.y = {y.data(), y.size()};
        gemv.y_row_stride = c.columns_adjacent ? 1 : c.columns;
        gemv.y_column_stride = c.columns_adjacent ? std::max<std::size_t>(1, c.rows) : 1;
        gemv.alpha = c.alpha;
        gemv.beta = c.beta;
        return gemv;
    }

    std::size_t stored_rows;
    std::size_t stored_columns;
    ExactBuffer<float> a;
    ExactBuffer<float> x;
    ExactBuffer<float> y;
};

std::string name_of(const Case& c) {
    return std::to_string(c.rows) + " x " + std::to_string(c.depth) + " x " +
           std::to_string(c.columns) + (c.transpose == Transpose::kYes ? ", transposed" : "") +
           ", alpha " + std::to_string(c.alpha) + ", beta " + std::to_string(c.beta);
}

bool run(Checker& checker, const Gemv& gemv, ThreadPool* pool, const Case& c) {
    ExactBuffer<std::byte> workspace(simd::sgemv_workspace_bytes(gemv), 1);
    const bool ok = simd::sgemv(gemv, {workspace.data(), workspace.size()}, pool).has_value();
    checker.expect(ok, [&] { return name_of(c) + ": refused"; });
    return ok;
}

simd::reference::Sum expected(const Gemv& g, std::size_t row, std::size_t column) {
    const bool plain = g.transpose == Transpose::kNo;
    return simd::reference::strided_dot(g.a.values.data() + (plain ? row * g.a.stride : row),
                                        plain ? 1 : g.a.stride,
                                        g.x.data() + column * g.x_column_stride, g.x_row_stride,
                                        simd::effective_columns(g.a, g.transpose));
}

void check_case(Checker& checker, const Case& c) {
    Data data(c);
    const Gemv gemv = data.product(c);
    const std::vector<float> before(gemv.y.begin(), gemv.y.end());
    if (c.beta == 0.0F) {
        std::fill(gemv.y.begin(), gemv.y.end(), kNan);
    }
    if (!run(checker, gemv, nullptr, c)) {
        return;
    }
    const double eps = std::numeric_limits<float>::epsilon();
    for (std::size_t r = 0; r < c.rows; ++r) {
        for (std::size_t j = 0; j < c.columns; ++j) {
            const simd::reference::Sum sum = expected(gemv, r, j);
            const std::size_t at = r * gemv.y_row_stride + j * gemv.y_column_stride;
            const double old = static_cast<double>(c.beta) * static_cast<double>(before[at]);
            const double alpha = c.alpha;
            const double bound = (static_cast<double>(c.depth) + 4.0) * eps *
                                 (std::abs(alpha) * sum.magnitude + std::abs(old));
            checker.expect_close(gemv.y[at], alpha * sum.value + old, bound, [&] {
                return name_of(c) + ", row " + std::to_string(r) + ", column " + std::to_string(j);
            });
        }
    }
}

void check_sizes(Checker& checker) {
    for (const Transpose transpose : {Transpose::kNo, Transpose::kYes}) {
        // Every length up to three vectors of sixteen and one, in the direction of the vectors.
        for (std::size_t length = 0; length <= 3 * 16 + 1; ++length) {
            const bool plain = transpose == Transpose::kNo;
            check_case(checker, {.rows = plain ? 5 : length,
                                 .depth = plain ? length : 5,
                                 .columns = 1 + length % 16,
                                 .transpose = transpose});
        }
        for (std::size_t columns = 1; columns <= Gemv::kMaxColumns; ++columns) {
            for (const std::size_t size : {1, 4, 66, 135}) {
                check_case(checker, {.rows = size,
                                     .depth = 201 - size,
                                     .columns = columns,
                                     .transpose = transpose,
                                     .gap = size % 5,
                                     .columns_adjacent = columns % 2 == 0});
            }
        }
    }
}

void check_scalars(Checker& checker) {
    for (const Transpose transpose : {Transpose::kNo, Transpose::kYes}) {
        for (const float alpha : {0.0F, 1.0F, -0.5F}) {
            for (const float beta : {0.0F, 1.0F, 2.0F}) {
                for (const std::size_t depth : {0, 1, 40}) {
                    check_case(checker, {.rows = 70,
                                         .depth = depth,
                                         .columns = 3,
                                         .transpose = transpose,
                                         .alpha = alpha,
                                         .beta = beta});
                }
            }
        }
    }
}

// Sizes that are cut into several tasks, and into several ranges of depth.
void check_threads(Checker& checker) {
    const Case cases[] = {
        {.rows = 301, .depth = 700, .columns = 2, .transpose = Transpose::kNo},
        {.rows = 9, .depth = 20'000, .columns = 1, .transpose = Transpose::kNo},
        {.rows = 131, .depth = 2'100, .columns = 5, .transpose = Transpose::kYes},
        {.rows = 4'200, .depth = 33, .columns = 1, .transpose = Transpose::kYes},
        // Rows that all start equally far from a cache line.
        {.rows = 4'128, .depth = 33, .columns = 1, .transpose = Transpose::kYes},
        {.rows = 2'080, .depth = 70, .columns = 10, .transpose = Transpose::kYes},
        // Large enough to be handed to threads.
        {.rows = 1'003, .depth = 3'100, .columns = 1, .transpose = Transpose::kNo},
        {.rows = 530, .depth = 2'300, .columns = 9, .transpose = Transpose::kNo},
        {.rows = 530, .depth = 2'300, .columns = 9, .transpose = Transpose::kYes},
    };
    for (const Case& c : cases) {
        check_case(checker, c);
        Data alone(c);
        Data together(c);
        if (!run(checker, alone.product(c), nullptr, c) ||
            !run(checker, together.product(c), checker.pool(), c)) {
            continue;
        }
        for (std::size_t i = 0; i < alone.y.size(); ++i) {
            checker.expect(std::bit_cast<std::uint32_t>(alone.y[i]) ==
                               std::bit_cast<std::uint32_t>(together.y[i]),
                           [&] { return name_of(c) + ": threads change the result"; });
        }
    }
}

// A value that is not finite spoils the results of its row (in A) or column (in X), no others; and
// with alpha 0 none.
void check_special_values(Checker& checker) {
    for (const Transpose transpose : {Transpose::kNo, Transpose::kYes}) {
        for (const float poison : {kNan, kInfinity}) {
            for (const std::size_t at : {0, 17, 36}) {
                const Case c{.rows = 37, .depth = 37, .columns = 2, .transpose = transpose};
                Data data(c);
                const Gemv gemv = data.product(c);
                data.a[at * gemv.a.stride + at] = poison;
                run(checker, gemv, nullptr, c);
                for (std::size_t r = 0; r < c.rows; ++r) {
                    checker.expect(std::isfinite(gemv.y[r]) == (r != at), [&] {
                        return name_of(c) + ": the wrong row is spoilt, " + std::to_string(r);
                    });
                }
                data.a[at * gemv.a.stride + at] = 1.0F;
                data.x[at * gemv.x_row_stride + 1] = poison;
                run(checker, gemv, nullptr, c);
                for (std::size_t r = 0; r < c.rows; ++r) {
                    checker.expect(std::isfinite(gemv.y[r]) && !std::isfinite(gemv.y[37 + r]),
                                   [&] { return name_of(c) + ": the wrong column is spoilt"; });
                }
            }
        }
        Case c{.rows = 3, .depth = 2, .columns = 1, .transpose = transpose, .alpha = 0.0F};
        Data data(c);
        data.a[0] = kNan;
        run(checker, data.product(c), nullptr, c);
        checker.expect(data.y[0] == 0.0F, [] { return "alpha 0 reads A"; });
        // Sums of a few smallest values are exact in any order.
        c.alpha = 1.0F;
        std::fill(data.a.begin(), data.a.end(), std::numeric_limits<float>::denorm_min());
        std::fill(data.x.begin(), data.x.end(), 1.0F);
        run(checker, data.product(c), nullptr, c);
        checker.expect(data.y[0] == 2 * std::numeric_limits<float>::denorm_min(),
                       [] { return "denormal values are flushed"; });
    }
}

void check_refusals(Checker& checker) {
    const Case c{.rows = 6, .depth = 5, .columns = 2, .transpose = Transpose::kNo};
    Data data(c);
    ExactBuffer<std::byte> workspace(simd::sgemv_workspace_bytes(data.product(c)));
    const auto refused = [&](auto change, const char* what) {
        Gemv gemv = data.product(c);
        change(gemv);
        const auto status = simd::sgemv(gemv, {workspace.data(), workspace.size()});
        checker.expect(!status && status.error().code() == Code::kInvalidArgument,
                       [&] { return std::string("accepted ") + what; });
    };
    refused([](Gemv& g) { g.a.stride = 4; }, "a stride below the columns");
    refused([](Gemv& g) { g.a.values = g.a.values.first(29); }, "a matrix that is too short");
    refused([](Gemv& g) { g.a.stride = SIZE_MAX / 2; }, "a stride that overflows");
    refused([](Gemv& g) { g.columns = 0; }, "no columns");
    refused([](Gemv& g) { g.columns = 17; }, "seventeen columns");
    refused([](Gemv& g) { g.x = g.x.first(9); }, "an X that is too short");
    refused([](Gemv& g) { g.y = g.y.first(11); }, "a Y that is too short");
    refused([](Gemv& g) { g.y_row_stride = 0; }, "rows of Y in one place");
    refused([](Gemv& g) { g.y_column_stride = 3; }, "columns of Y that overlap");
    const auto status = simd::sgemv(data.product(c), {workspace.data(), workspace.size() - 1});
    checker.expect(!status, [] { return "accepted a workspace that is too small"; });
}

void check_sgemv(Checker& checker) {
    check_sizes(checker);
    check_scalars(checker);
    check_threads(checker);
    check_special_values(checker);
    check_refusals(checker);
}

}  // namespace

std::span<const KernelCheck> gemv_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"sgemv/f32", "matrix", check_sgemv},
    };
    return kChecks;
}

}  // namespace abikit::suites
