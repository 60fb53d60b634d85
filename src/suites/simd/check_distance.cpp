// Checks of the distances of float32 and 16-bit rows: against the reference in double precision,
// and the forms against each other bit for bit. Read check.hpp for how a check reports.
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <abi/simd/convert.hpp>
#include <abi/simd/distance.hpp>
#include <abi/simd/distance_half.hpp>
#include <abi/simd/reference.hpp>
#include <abi/simd/reference_convert.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::BFloat16;
using simd::Half;
using simd::reference::Sum;

constexpr std::size_t kQueries = 3;
constexpr std::size_t kMost = 9;  // rows

// Every length up to three rounds of two vectors of 16 and one, and some with whole segments.
std::vector<std::size_t> dimensions() {
    std::vector<std::size_t> sizes;
    for (std::size_t dim = 0; dim <= 3 * 2 * 16 + 1; ++dim) {
        sizes.push_back(dim);
    }
    sizes.insert(sizes.end(), {127, 128, 129, 161, 255, 300, 401, 1030});
    return sizes;
}

// Denormals, huge values and both zeros among ordinary ones.
void fill(ExactBuffer<float>& values, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, 1.0F);
    for (float& value : values) {
        value = normal(random);
        switch (random() % 64) {
            case 0:
                value = 1e-41F;
                break;
            case 1:
                value = -0.0F;
                break;
            case 2:
                value *= 1e4F;
                break;
            default:
                break;
        }
    }
}

void store(const ExactBuffer<float>& from, ExactBuffer<float>& to) {
    std::copy_n(from.data(), from.size(), to.data());
}
void store(const ExactBuffer<float>& from, ExactBuffer<Half>& to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
        to[i] = simd::reference::to_half(from[i]);
    }
}
void store(const ExactBuffer<float>& from, ExactBuffer<BFloat16>& to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
        to[i] = simd::reference::to_bfloat16(from[i]);
    }
}

std::vector<float> decoded(const float* row, std::size_t dim) {
    return {row, row + dim};
}
template <class T>
std::vector<float> decoded(const T* row, std::size_t dim) {
    std::vector<float> values(dim);
    for (std::size_t j = 0; j < dim; ++j) {
        values[j] = simd::reference::to_float(row[j]);
    }
    return values;
}

// Summation in any order errs by at most (terms) roundings of the magnitude; denormal products lose
// up to one smallest value each.
double error_bound(const Sum& expected, std::size_t dim) {
    const double eps = std::numeric_limits<float>::epsilon();
    const double smallest = std::numeric_limits<float>::denorm_min();
    return (static_cast<double>(dim) + 2.0) * (eps * expected.magnitude + smallest);
}

struct Expected {
    double value = 0.0;
    double bound = 0.0;
};

// The three forms of one metric.
template <class T>
struct Forms {
    void (*rows)(const float*, const T*, std::size_t, std::size_t, float*) noexcept;
    void (*gather)(const float*, const T*, std::size_t, std::size_t, const std::uint32_t*,
                   std::size_t, float*) noexcept;
    void (*block)(const float*, std::size_t, const T*, std::size_t, std::size_t, float*) noexcept;
    Expected (*expected)(const float*, const float*, std::size_t);
};

Expected expected_l2(const float* a, const float* b, std::size_t dim) {
    const Sum sum = simd::reference::l2_squared(a, b, dim);
    return {sum.value, error_bound(sum, dim)};
}
Expected expected_dot(const float* a, const float* b, std::size_t dim) {
    const Sum sum = simd::reference::dot(a, b, dim);
    return {sum.value, error_bound(sum, dim)};
}
Expected expected_cosine(const float* a, const float* b, std::size_t dim) {
    const double norms = std::sqrt(simd::reference::squared_norm(a, dim).value) *
                         std::sqrt(simd::reference::squared_norm(b, dim).value);
    if (norms < 1e-15) {
        return {1.0, std::numeric_limits<double>::infinity()};  // zero or not is a matter of range
    }
    const double dot = simd::reference::dot(a, b, dim).value;
    return {1.0 - dot / norms, (static_cast<double>(dim) + 8.0) * 0x1p-22};
}

bool same_bits(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

template <class T>
void check_forms(Checker& checker, const Forms<T>& forms) {
    for (const std::size_t dim : dimensions()) {
        const std::size_t offset = dim % 4;
        const std::size_t count = kMost - offset;
        const std::size_t stride = dim + offset;
        ExactBuffer<float> query(dim * kQueries, offset);
        ExactBuffer<float> values(dim * count);
        ExactBuffer<T> rows(dim * count, offset);
        fill(query, static_cast<std::uint32_t>(dim));
        fill(values, static_cast<std::uint32_t>(dim) + 1);
        store(values, rows);
        ExactBuffer<float> out(count, offset);
        forms.rows(query.data(), rows.data(), dim, count, out.data());
        const auto where = [&](const char* form, std::size_t i) {
            return std::string(form) + ", dim " + std::to_string(dim) + ", row " +
                   std::to_string(i);
        };
        for (std::size_t i = 0; i < count; ++i) {
            const std::vector<float> row = decoded(rows.data() + i * dim, dim);
            const Expected expected = forms.expected(query.data(), row.data(), dim);
            checker.expect_close(out[i], expected.value, expected.bound,
                                 [&] { return where("rows", i); });
        }
        // The rows again at a stride, backwards and one of them twice.
        ExactBuffer<T> base(count == 0 ? 0 : stride * (count - 1) + dim, offset);
        for (std::size_t i = 0; i < count; ++i) {
            std::copy_n(rows.data() + i * dim, dim, base.data() + i * stride);
        }
        ExactBuffer<std::uint32_t> indices(count);
        for (std::size_t i = 0; i < count; ++i) {
            indices[i] = static_cast<std::uint32_t>(i == 1 ? 0 : count - 1 - i);
        }
        ExactBuffer<float> gathered(count, offset);
        forms.gather(query.data(), base.data(), stride, dim, indices.data(), count,
                     gathered.data());
        for (std::size_t i = 0; i < count; ++i) {
            checker.expect(same_bits(gathered[i], out[indices[i]]),
                           [&] { return where("gather differs from rows", i); });
        }
        ExactBuffer<float> block(count * kQueries, offset);
        forms.block(query.data(), kQueries, rows.data(), dim, count, block.data());
        for (std::size_t q = 0; q < kQueries; ++q) {
            forms.rows(query.data() + q * dim, rows.data(), dim, count, out.data());
            for (std::size_t i = 0; i < count; ++i) {
                checker.expect(same_bits(block[q * count + i], out[i]),
                               [&] { return where("block differs from rows", i); });
            }
        }
    }
}

// NaN and infinities reach the result from every place of a row.
template <class T>
void check_special(Checker& checker, const Forms<T>& forms) {
    for (const std::size_t dim : {1, 3, 16, 33, 70, 200}) {
        for (std::size_t at = 0; at < dim; ++at) {
            ExactBuffer<float> query(dim);
            ExactBuffer<float> values(dim);
            ExactBuffer<T> row(dim);
            std::fill(query.begin(), query.end(), 1.0F);
            float out = 0.0F;
            values[at] = std::numeric_limits<float>::quiet_NaN();
            store(values, row);
            forms.rows(query.data(), row.data(), dim, 1, &out);
            checker.expect(std::isnan(out), [&] { return "NaN at " + std::to_string(at); });
            values[at] = std::numeric_limits<float>::infinity();
            store(values, row);
            forms.rows(query.data(), row.data(), dim, 1, &out);
            checker.expect(!std::isfinite(out),
                           [&] { return "infinity at " + std::to_string(at); });
        }
    }
}

template <class T>
void check_metric(Checker& checker, const Forms<T>& forms) {
    check_forms(checker, forms);
    check_special(checker, forms);
}

template <class T>
void check_l2(Checker& checker) {
    check_metric<T>(checker, {simd::l2_squared_rows, simd::l2_squared_gather,
                              simd::l2_squared_block, expected_l2});
}
template <class T>
void check_dot(Checker& checker) {
    check_metric<T>(checker, {simd::dot_rows, simd::dot_gather, simd::dot_block, expected_dot});
}
template <class T>
void check_cosine(Checker& checker) {
    check_metric<T>(checker,
                    {simd::cosine_rows, simd::cosine_gather, simd::cosine_block, expected_cosine});
}

template <class T>
void check_squared_norms(Checker& checker) {
    for (const std::size_t dim : dimensions()) {
        constexpr std::size_t kCount = 5;
        ExactBuffer<float> values(dim * kCount);
        ExactBuffer<T> rows(dim * kCount, 1);
        fill(values, 3);
        store(values, rows);
        ExactBuffer<float> out(kCount);
        simd::squared_norms(rows.data(), dim, kCount, out.data());
        for (std::size_t i = 0; i < kCount; ++i) {
            const std::vector<float> row = decoded(rows.data() + i * dim, dim);
            const Sum expected = simd::reference::squared_norm(row.data(), dim);
            checker.expect_close(out[i], expected.value, error_bound(expected, dim), [&] {
                return "dim " + std::to_string(dim) + ", row " + std::to_string(i);
            });
        }
    }
}

// Rows longer than the room for converted rows of a block.
template <class T>
void check_long_rows(Checker& checker) {
    constexpr std::size_t kDim = 4100;
    ExactBuffer<float> queries(kDim * 2);
    ExactBuffer<float> values(kDim * 3);
    ExactBuffer<T> rows(kDim * 3);
    fill(queries, 5);
    fill(values, 6);
    store(values, rows);
    float block[6];
    float single[3];
    simd::dot_block(queries.data(), 2, rows.data(), kDim, 3, block);
    for (std::size_t q = 0; q < 2; ++q) {
        simd::dot_rows(queries.data() + q * kDim, rows.data(), kDim, 3, single);
        for (std::size_t i = 0; i < 3; ++i) {
            checker.expect(same_bits(block[q * 3 + i], single[i]),
                           [&] { return "long row " + std::to_string(i); });
        }
    }
}

void check_normalise(Checker& checker) {
    for (const std::size_t dim : dimensions()) {
        ExactBuffer<float> rows(dim * 2, 1);
        fill(rows, 7);
        std::fill_n(rows.data(), dim, 0.0F);
        const std::vector<float> before(rows.begin(), rows.end());
        simd::normalise_rows(rows.data(), dim, 2);
        const double norm =
            std::sqrt(simd::reference::squared_norm(before.data() + dim, dim).value);
        for (std::size_t j = 0; j < dim; ++j) {
            checker.expect(rows[j] == 0.0F, [&] { return "zero row, dim " + std::to_string(dim); });
            const double expected = norm < 1e-18 ? before[dim + j] : before[dim + j] / norm;
            const double bound = (static_cast<double>(dim) + 4.0) * 0x1p-23 * std::abs(expected);
            checker.expect_close(rows[dim + j], expected, bound + 1e-44, [&] {
                return "dim " + std::to_string(dim) + ", value " + std::to_string(j);
            });
        }
    }
}

// With norms that are kept, cosines are those of cosine_rows bit for bit.
void check_kept_norms(Checker& checker) {
    constexpr std::size_t kRows = 70;  // more than are gathered at a time
    for (const std::size_t dim : {1, 17, 128}) {
        ExactBuffer<float> query(dim);
        ExactBuffer<float> rows(dim * kRows);
        fill(query, 8);
        fill(rows, 9);
        std::fill_n(rows.data() + 3 * dim, dim, 0.0F);
        std::vector<float> norms(kRows), expected(kRows), out(kRows), gathered(kRows);
        std::vector<std::uint32_t> indices(kRows);
        for (std::size_t i = 0; i < kRows; ++i) {
            indices[i] = static_cast<std::uint32_t>(kRows - 1 - i);
        }
        float query_norm = 0.0F;
        simd::norms(query.data(), dim, 1, &query_norm);
        simd::norms(rows.data(), dim, kRows, norms.data());
        simd::cosine_rows(query.data(), rows.data(), dim, kRows, expected.data());
        simd::dot_rows(query.data(), rows.data(), dim, kRows, out.data());
        simd::dots_to_cosines(query_norm, norms.data(), kRows, out.data());
        simd::dot_gather(query.data(), rows.data(), dim, dim, indices.data(), kRows,
                         gathered.data());
        simd::dots_to_cosines_gather(query_norm, norms.data(), indices.data(), kRows,
                                     gathered.data());
        for (std::size_t i = 0; i < kRows; ++i) {
            checker.expect(same_bits(out[i], expected[i]),
                           [&] { return "row " + std::to_string(i); });
            checker.expect(same_bits(gathered[i], expected[indices[i]]),
                           [&] { return "gathered row " + std::to_string(i); });
        }
        checker.expect(expected[3] == 1.0F, [] { return "distance of a zero row"; });
    }
}

}  // namespace

std::span<const KernelCheck> distance_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"l2_squared_rows/f32", "vector", check_l2<float>},
        {"dot_rows/f32", "vector", check_dot<float>},
        {"cosine_rows/f32", "vector", check_cosine<float>},
        {"squared_norms/f32", "vector", check_squared_norms<float>},
        {"normalise_rows/f32", "vector", check_normalise},
        {"dots_to_cosines/f32", "vector", check_kept_norms},
        {"dot_block/f32", "vector", check_long_rows<float>},
        {"l2_squared_rows/f16", "vector", check_l2<Half>},
        {"dot_rows/f16", "vector", check_dot<Half>},
        {"cosine_rows/f16", "vector", check_cosine<Half>},
        {"squared_norms/f16", "vector", check_squared_norms<Half>},
        {"dot_block/f16", "vector", check_long_rows<Half>},
        {"l2_squared_rows/bf16", "vector", check_l2<BFloat16>},
        {"dot_rows/bf16", "vector", check_dot<BFloat16>},
        {"cosine_rows/bf16", "vector", check_cosine<BFloat16>},
        {"squared_norms/bf16", "vector", check_squared_norms<BFloat16>},
        {"dot_block/bf16", "vector", check_long_rows<BFloat16>},
    };
    return kChecks;
}

}  // namespace abikit::suites
