// Checks of element-wise arithmetic, softmax and the norms of rows. Read check.hpp for how a check
// reports.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include <abi/simd/elementwise.hpp>
#include <abi/simd/normalize.hpp>
#include <abi/simd/reference_reduce.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

constexpr std::size_t kLongest = 3 * 2 * 16 + 1;  // three rounds of two vectors of 16, and one
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Ordinary values, and here and there one that is not.
ExactBuffer<float> awkward_values(std::size_t count, std::uint32_t seed) {
    constexpr float kSpecial[] = {
        kNan,       kInfinity, -kInfinity, 0x1p-149F,
        -0x1p-140F, 0.0F,      -0.0F,      std::numeric_limits<float>::max()};
    ExactBuffer<float> x(count, (count + seed) % 4);
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, 2.0F);
    for (float& value : x) {
        value = random() % 8 == 0 ? kSpecial[random() % std::size(kSpecial)] : normal(random);
    }
    return x;
}

bool same(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

// run(a, b, c, count, out) against element(a, b, c), bit for bit, and over its inputs.
template <class Run, class Element>
void check_elements(Checker& checker, Run run, Element element) {
    for (std::size_t count = 0; count <= kLongest; ++count) {
        ExactBuffer<float> a = awkward_values(count, 1);
        const ExactBuffer<float> b = awkward_values(count, 2);
        const ExactBuffer<float> c = awkward_values(count, 3);
        ExactBuffer<float> out(count, count % 3);
        run(a.data(), b.data(), c.data(), count, out.data());
        for (std::size_t i = 0; i < count; ++i) {
            checker.expect(element(out[i], a[i], b[i], c[i]), [&] {
                return "count " + std::to_string(count) + ", element " + std::to_string(i) + ": " +
                       std::to_string(out[i]);
            });
        }
        run(a.data(), b.data(), c.data(), count, a.data());
        checker.expect(std::equal(a.begin(), a.end(), out.begin(), same),
                       [&] { return "in place, count " + std::to_string(count); });
    }
}

// Products and sums: rounded once or twice.
bool is_multiply_add(float got, float a, float b, float c) {
    return same(got, std::fma(a, b, c)) || same(got, a * b + c);
}

void check_arithmetic(Checker& checker) {
    using Floats = const float*;
    check_elements(
        checker,
        [](Floats a, Floats b, Floats, std::size_t n, float* out) { simd::add(a, b, n, out); },
        [](float got, float a, float b, float) { return same(got, a + b); });
    check_elements(
        checker,
        [](Floats a, Floats b, Floats, std::size_t n, float* out) { simd::subtract(a, b, n, out); },
        [](float got, float a, float b, float) { return same(got, a - b); });
    check_elements(
        checker,
        [](Floats a, Floats b, Floats, std::size_t n, float* out) { simd::multiply(a, b, n, out); },
        [](float got, float a, float b, float) { return same(got, a * b); });
    check_elements(
        checker,
        [](Floats a, Floats b, Floats c, std::size_t n, float* out) {
            simd::multiply_add(a, b, c, n, out);
        },
        is_multiply_add);
    check_elements(
        checker,
        [](Floats a, Floats, Floats, std::size_t n, float* out) { simd::scale(a, 1.7F, n, out); },
        [](float got, float a, float, float) { return same(got, a * 1.7F); });
    check_elements(
        checker,
        [](Floats a, Floats, Floats, std::size_t n, float* out) {
            simd::clamp(a, -1.5F, 2.5F, n, out);
        },
        [](float got, float a, float, float) {
            return same(got, std::isnan(a) ? a : std::clamp(a, -1.5F, 2.5F));
        });
}

void check_axpy(Checker& checker) {
    for (std::size_t count = 0; count <= kLongest; ++count) {
        const ExactBuffer<float> x = awkward_values(count, 4);
        const ExactBuffer<float> before = awkward_values(count, 5);
        ExactBuffer<float> y(count, count % 4);
        std::ranges::copy(before.data(), before.data() + count, y.begin());
        simd::axpy(0.3F, x.data(), count, y.data());
        for (std::size_t i = 0; i < count; ++i) {
            checker.expect(is_multiply_add(y[i], 0.3F, x[i], before[i]), [&] {
                return "count " + std::to_string(count) + ", element " + std::to_string(i);
            });
        }
    }
}

// ---- Rows ------------------------------------------------------------------------------------

constexpr std::size_t kRows = 3;

std::vector<std::size_t> widths() {
    std::vector<std::size_t> all;
    for (std::size_t cols = 0; cols <= kLongest; ++cols) {
        all.push_back(cols);
    }
    all.insert(all.end(), {255, 1000, 4099, 16384, 16399});
    return all;
}

ExactBuffer<float> random_rows(std::size_t count, float centre, float spread) {
    ExactBuffer<float> x(count, count % 4);
    std::mt19937 random(static_cast<std::uint32_t>(count));
    std::normal_distribution<float> normal(centre, spread);
    std::ranges::generate(x, [&] { return normal(random); });
    return x;
}

// run(x, rows, cols, out) against reference(x, cols, out) row by row, within bound(row)(i,
// expected), out of place and in place.
template <class Run, class Reference, class Bound>
void check_rows(Checker& checker, const ExactBuffer<float>& x, std::size_t cols, Run run,
                Reference reference, Bound bound) {
    const std::size_t rows = cols == 0 ? kRows : x.size() / cols;
    ExactBuffer<float> out(x.size(), (x.size() + 1) % 4);
    run(x.data(), rows, cols, out.data());
    std::vector<double> expected(cols);
    for (std::size_t r = 0; r < rows; ++r) {
        const float* row = x.data() + r * cols;
        reference(row, cols, expected.data());
        const auto row_bound = bound(row);
        for (std::size_t i = 0; i < cols; ++i) {
            checker.expect_close(static_cast<double>(out[r * cols + i]), expected[i],
                                 row_bound(i, expected[i]), [&] {
                                     return "cols " + std::to_string(cols) + ", row " +
                                            std::to_string(r) + ", col " + std::to_string(i);
                                 });
        }
    }
    ExactBuffer<float> copy(x.size(), 1);
    std::ranges::copy(x.data(), x.data() + x.size(), copy.begin());
    run(copy.data(), rows, cols, copy.data());
    checker.expect(std::equal(copy.begin(), copy.end(), out.begin(), same),
                   [&] { return "in place, cols " + std::to_string(cols); });
}

// Rows with -infinity in places, of nothing else, with NaN, with +infinity.
ExactBuffer<float> masked_rows(std::size_t cols) {
    ExactBuffer<float> x(4 * cols, cols % 4);
    std::ranges::copy(random_rows(4 * cols, 0.0F, 3.0F), x.begin());
    for (std::size_t i = 0; i < cols; ++i) {
        x[i] = i % 3 == 0 ? -kInfinity : x[i];
        x[cols + i] = -kInfinity;
    }
    x[3 * cols - 1] = kNan;
    x[3 * cols] = kInfinity;
    return x;
}

// Rows whose values rise from chunk to chunk of 256 by more than exponentials of one origin can
// share, and rows that fall so after a beginning of -infinity.
ExactBuffer<float> rising_rows(std::size_t cols) {
    constexpr float kStep = 35.0F;
    ExactBuffer<float> x(2 * cols, 3);
    std::ranges::copy(random_rows(2 * cols, 0.0F, 1.0F), x.begin());
    for (std::size_t i = 0; i < cols; ++i) {
        const auto chunk = static_cast<float>(i / 256);
        x[i] += kStep * chunk;
        x[cols + i] = i < 600 && cols > 600 ? -kInfinity : x[cols + i] - kStep * chunk;
    }
    return x;
}

double top_of(const float* row, std::size_t cols) {
    return static_cast<double>(simd::reference::maximum(row, cols));
}

void check_softmax(Checker& checker) {
    for (const std::size_t cols : widths()) {
        const auto bound = [&](const float* row) {
            return [row, top = top_of(row, cols)](std::size_t i, double expected) {
                const double below = std::abs(double(row[i]) - top);
                return expected == 0.0 ? 0x1p-126 : (below + 100.0) * 0x1p-24 * expected + 0x1p-126;
            };
        };
        for (const float spread : {3.0F, 60.0F}) {
            check_rows(checker, random_rows(kRows * cols, 5.0F, spread), cols, simd::softmax_rows,
                       simd::reference::softmax_row, bound);
            if (cols > kLongest) {
                break;
            }
        }
        if (cols != 0 && cols <= kLongest) {
            check_rows(checker, masked_rows(cols), cols, simd::softmax_rows,
                       simd::reference::softmax_row, bound);
        }
        if (cols > 255) {
            check_rows(checker, rising_rows(cols), cols, simd::softmax_rows,
                       simd::reference::softmax_row, bound);
        }
    }
}

void check_log_softmax(Checker& checker) {
    for (const std::size_t cols : widths()) {
        const auto bound = [&](const float* row) {
            return [row, top = top_of(row, cols)](std::size_t i, double expected) {
                const double size = std::abs(double(row[i]) - top) + std::abs(expected);
                return std::isfinite(expected) ? (size + 100.0) * 0x1p-24 : 0.0;
            };
        };
        check_rows(checker, random_rows(kRows * cols, -7.0F, 20.0F), cols, simd::log_softmax_rows,
                   simd::reference::log_softmax_row, bound);
        if (cols != 0 && cols <= kLongest) {
            check_rows(checker, masked_rows(cols), cols, simd::log_softmax_rows,
                       simd::reference::log_softmax_row, bound);
        }
        if (cols > 255) {
            check_rows(checker, rising_rows(cols), cols, simd::log_softmax_rows,
                       simd::reference::log_softmax_row, bound);
        }
    }
}

constexpr float kEpsilon = 1e-5F;

auto layer_norm_bound(const float* row, std::size_t cols, simd::RowAffine affine) {
    const auto moments = simd::reference::mean_and_variance(row, cols);
    const double deviation = std::sqrt(moments.variance + double(kEpsilon));
    return [=](std::size_t i, double expected) {
        const double scale = affine.gain == nullptr ? 1.0 : std::abs(double(affine.gain[i]));
        const double shift = affine.bias == nullptr ? 0.0 : std::abs(double(affine.bias[i]));
        const double size = std::abs(double(row[i])) + std::abs(moments.mean);
        return 0x1p-18 * (size / deviation + 2.0) * scale + 0x1p-23 * (std::abs(expected) + shift);
    };
}

void check_layer_norm(Checker& checker) {
    for (const std::size_t cols : widths()) {
        const ExactBuffer<float> gain = random_rows(cols, 1.0F, 0.5F);
        const ExactBuffer<float> bias = random_rows(cols, 0.0F, 1.0F);
        for (const float centre : {0.0F, 50.0F}) {
            ExactBuffer<float> x = random_rows(kRows * cols, centre, 2.0F);
            // A row that begins unlike the rest.
            for (std::size_t i = 0; i < 256 && cols > 256; ++i) {
                x[i] += 1000.0F;
            }
            for (const unsigned parts : {0U, 1U, 2U, 3U}) {
                const simd::RowAffine affine{(parts & 1U) != 0 ? gain.data() : nullptr,
                                             (parts & 2U) != 0 ? bias.data() : nullptr};
                check_rows(
                    checker, x, cols,
                    [&](const float* in, std::size_t rows, std::size_t n, float* out) {
                        simd::layer_norm_rows(in, rows, n, affine, kEpsilon, out);
                    },
                    [&](const float* row, std::size_t n, double* out) {
                        simd::reference::layer_norm_row(row, n, affine, kEpsilon, out);
                    },
                    [&](const float* row) { return layer_norm_bound(row, cols, affine); });
            }
            if (cols > kLongest) {
                break;
            }
        }
    }
}

void check_rms_norm(Checker& checker) {
    for (const std::size_t cols : widths()) {
        const ExactBuffer<float> gain = random_rows(cols, 1.0F, 0.5F);
        check_rows(
            checker, random_rows(kRows * cols, 3.0F, 2.0F), cols,
            [&](const float* in, std::size_t rows, std::size_t n, float* out) {
                simd::rms_norm_rows(in, rows, n, {.gain = gain.data()}, kEpsilon, out);
            },
            [&](const float* row, std::size_t n, double* out) {
                simd::reference::rms_norm_row(row, n, {.gain = gain.data()}, kEpsilon, out);
            },
            [](const float*) {
                return [](std::size_t, double expected) { return 0x1p-18 * std::abs(expected); };
            });
    }
}

}  // namespace

std::span<const KernelCheck> normalize_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"elementwise/f32", "vector", check_arithmetic},
        {"axpy/f32", "vector", check_axpy},
        {"softmax_rows/f32", "math", check_softmax},
        {"log_softmax_rows/f32", "math", check_log_softmax},
        {"layer_norm_rows/f32", "math", check_layer_norm},
        {"rms_norm_rows/f32", "math", check_rms_norm},
    };
    return kChecks;
}

}  // namespace abikit::suites
