// Checks of conversions, quantisation, and distances to quantised rows. Conversions and codes have
// to equal the reference bit for bit. Read check.hpp for how a check reports.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <abi/simd/convert.hpp>
#include <abi/simd/distance_codes.hpp>
#include <abi/simd/quantise.hpp>
#include <abi/simd/reference_convert.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::BFloat16;
using simd::CodeHeader;
using simd::Half;
using simd::Int4Pair;
using simd::Int8Range;

std::uint32_t bits_of(float value) {
    return std::bit_cast<std::uint32_t>(value);
}

// Every value of a 16-bit type as float32, the places halfway to the next, and their neighbours:
// where rounding can go wrong. Denormals, infinities and NaN of both kinds are among them.
template <class T>
std::vector<float> rounding_cases() {
    std::vector<float> cases;
    for (std::uint32_t code = 0; code < 0x10000; ++code) {
        const float value = simd::reference::to_float(T{static_cast<std::uint16_t>(code)});
        cases.push_back(value);
        const float next = simd::reference::to_float(T{static_cast<std::uint16_t>(code ^ 1U)});
        const float middle = value + (next - value) / 2.0F;
        cases.push_back(middle);
        cases.push_back(std::nextafter(middle, value));
        cases.push_back(std::nextafter(middle, next));
    }
    for (const std::uint32_t nan : {0x7F800001U, 0xFF812345U, 0x7FC00000U, 0xFFFFFFFFU}) {
        cases.push_back(std::bit_cast<float>(nan));
    }
    return cases;
}

template <class T>
void check_narrow(Checker& checker, void (*narrow)(const float*, std::size_t, T*) noexcept,
                  T (*expected)(float) noexcept) {
    const std::vector<float> cases = rounding_cases<T>();
    std::vector<T> out(cases.size());
    narrow(cases.data(), cases.size(), out.data());
    for (std::size_t i = 0; i < cases.size(); ++i) {
        checker.expect(out[i] == expected(cases[i]), [&] {
            return "bits " + std::to_string(bits_of(cases[i])) + " become " +
                   std::to_string(out[i].bits);
        });
    }
    for (std::size_t count = 0; count <= 3 * 16 + 1; ++count) {
        ExactBuffer<float> values(count, count % 4);
        ExactBuffer<T> converted(count, count % 3);
        std::copy_n(cases.begin() + 40'000, count, values.data());
        narrow(values.data(), count, converted.data());
        for (std::size_t i = 0; i < count; ++i) {
            checker.expect(converted[i] == expected(values[i]),
                           [&] { return "count " + std::to_string(count); });
        }
    }
}

template <class T>
void check_widen(Checker& checker) {
    for (std::uint32_t first = 0; first < 0x10000; first += 0x1001) {
        const std::size_t count = std::min<std::size_t>(0x1001, 0x10000 - first);
        ExactBuffer<T> values(count, first % 5);
        ExactBuffer<float> out(count, first % 3);
        for (std::size_t i = 0; i < count; ++i) {
            values[i] = T{static_cast<std::uint16_t>(first + i)};
        }
        simd::to_float(values.data(), count, out.data());
        for (std::size_t i = 0; i < count; ++i) {
            checker.expect(bits_of(out[i]) == bits_of(simd::reference::to_float(values[i])),
                           [&] { return "bits " + std::to_string(values[i].bits); });
        }
    }
}

void check_to_half(Checker& checker) {
    check_narrow<Half>(checker, simd::to_half, simd::reference::to_half);
}
void check_to_bfloat16(Checker& checker) {
    check_narrow<BFloat16>(checker, simd::to_bfloat16, simd::reference::to_bfloat16);
}

// Rows of different character: ordinary, constant, zero, tiny, huge, one outlier.
ExactBuffer<float> rows_of(std::size_t dim, std::size_t count) {
    ExactBuffer<float> rows(dim * count, dim % 4);
    std::mt19937 random(static_cast<std::uint32_t>(dim));
    std::normal_distribution<float> normal(0.5F, 2.0F);
    const float scales[] = {1.0F, 0.0F, 1e-30F, 1e-42F, 1e30F, 3.0F};
    for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t j = 0; j < dim; ++j) {
            rows[i * dim + j] = i == 5 ? 7.25F : normal(random) * scales[i % 6];
        }
        if (i == 0 && dim > 2) {
            rows[dim / 2] = -500.0F;
        }
    }
    return rows;
}

std::vector<std::size_t> lengths() {
    std::vector<std::size_t> sizes;
    for (std::size_t dim = 0; dim <= 3 * 16 + 1; ++dim) {
        sizes.push_back(dim);
    }
    sizes.insert(sizes.end(), {64, 96, 127, 200, 513, 1031});
    return sizes;
}

constexpr std::size_t kRows = 6;

std::int32_t code_at(const std::int8_t* row, std::size_t j) {
    return row[j];
}
std::int32_t code_at(const Int4Pair* row, std::size_t j) {
    return j % 2 == 0 ? row[j / 2].bits & 15 : row[j / 2].bits >> 4;
}

// Quantised rows whose headers stand in one record with their codes.
template <class Code>
struct Records {
    Records(std::size_t dim, std::size_t row_bytes)
        : stride((sizeof(CodeHeader) + row_bytes + 3) / 4 * 4),
          memory(stride / 4 * kRows - (stride - sizeof(CodeHeader) - row_bytes) / 4),
          dim_(dim) {}

    simd::CodeRows<Code, CodeHeader> out() {
        auto* bytes = reinterpret_cast<std::byte*>(memory.data());
        return {reinterpret_cast<Code*>(bytes + sizeof(CodeHeader)), stride,
                reinterpret_cast<CodeHeader*>(bytes), stride};
    }
    simd::CodeRows<const Code, const CodeHeader> view() {
        const auto rows = out();
        return {rows.codes, rows.stride, rows.headers, rows.header_stride};
    }
    const Code* codes(std::size_t i) { return out().codes + i * stride; }
    const CodeHeader& header(std::size_t i) {
        return *reinterpret_cast<const CodeHeader*>(
            reinterpret_cast<const std::byte*>(memory.data()) + i * stride);
    }
    std::size_t dim() const { return dim_; }

    std::size_t stride;  // bytes
    ExactBuffer<std::uint32_t> memory;

private:
    std::size_t dim_;
};

template <class Code>
void expect_row(Checker& checker, Records<Code>& records, std::size_t i,
                const simd::reference::CodedRow& expected, const std::vector<float>& decoded) {
    const auto where = [&] {
        return "dim " + std::to_string(records.dim()) + ", row " + std::to_string(i);
    };
    checker.expect(records.header(i) == expected.header, where);
    for (std::size_t j = 0; j < records.dim(); ++j) {
        checker.expect(code_at(records.codes(i), j) == expected.codes[j], where);
        const float value = simd::reference::decode(expected.header, expected.codes[j]);
        checker.expect(bits_of(decoded[i * records.dim() + j]) == bits_of(value), where);
    }
}

void check_quantise_int8(Checker& checker) {
    for (const Int8Range range : {Int8Range::kSymmetric, Int8Range::kAffine}) {
        for (const std::size_t dim : lengths()) {
            const ExactBuffer<float> rows = rows_of(dim, kRows);
            Records<std::int8_t> records(dim, dim);
            const bool ok =
                simd::quantise_rows(rows.data(), dim, kRows, range, records.out()).has_value();
            checker.expect(ok, [] { return "refused"; });
            std::vector<float> decoded(dim * kRows);
            simd::dequantise_rows(records.view(), dim, kRows, decoded.data());
            for (std::size_t i = 0; i < kRows; ++i) {
                expect_row(checker, records, i,
                           simd::reference::quantise_int8(rows.data() + i * dim, dim, range),
                           decoded);
            }
        }
    }
}

void check_quantise_int4(Checker& checker) {
    for (const std::size_t dim : lengths()) {
        const ExactBuffer<float> rows = rows_of(dim, kRows);
        Records<Int4Pair> records(dim, simd::int4_bytes(dim));
        const bool ok = simd::quantise_rows(rows.data(), dim, kRows, records.out()).has_value();
        checker.expect(ok, [] { return "refused"; });
        std::vector<float> decoded(dim * kRows);
        simd::dequantise_rows(records.view(), dim, kRows, decoded.data());
        for (std::size_t i = 0; i < kRows; ++i) {
            expect_row(checker, records, i,
                       simd::reference::quantise_int4(rows.data() + i * dim, dim), decoded);
        }
    }
}

void check_sign_bits(Checker& checker) {
    for (const std::size_t dim : lengths()) {
        ExactBuffer<float> rows = rows_of(dim, kRows);
        const std::size_t bytes = (dim + 7) / 8;
        ExactBuffer<std::uint8_t> out(bytes * kRows);
        if (dim > 1) {
            rows[0] = std::numeric_limits<float>::quiet_NaN();
            rows[1] = -0.0F;
        }
        simd::sign_bits(rows.data(), dim, kRows, out.data());
        for (std::size_t i = 0; i < kRows; ++i) {
            for (std::size_t j = 0; j < bytes * 8; ++j) {
                const bool expected = j < dim && rows[i * dim + j] > 0.0F;
                const bool bit = (out[i * bytes + j / 8] >> j % 8 & 1) != 0;
                checker.expect(bit == expected, [&] {
                    return "dim " + std::to_string(dim) + ", bit " + std::to_string(j);
                });
            }
        }
    }
}

// The sums that the distances of a row stand for, in double precision, with bounds for float32.
struct Distances {
    double l2 = 0.0;
    double l2_bound = 0.0;
    double dot = 0.0;
    double dot_bound = 0.0;
};

template <class Code>
Distances distances(const float* query, Records<Code>& records, std::size_t i) {
    const CodeHeader& header = records.header(i);
    const double scale = header.scale;
    const double offset = header.offset;
    Distances sums;
    for (std::size_t j = 0; j < records.dim(); ++j) {
        const double step = scale * code_at(records.codes(i), j);
        const double value = offset + step;
        const double size = std::abs(offset) + std::abs(step);
        sums.l2 += (query[j] - value) * (query[j] - value);
        sums.l2_bound += (std::abs(query[j]) + size) * (std::abs(query[j]) + size);
        sums.dot += query[j] * value;
        sums.dot_bound += std::abs(query[j]) * size;
    }
    const double factor = (static_cast<double>(records.dim()) + 8.0) * 0x1p-23;
    sums.l2_bound = sums.l2_bound * factor + 1e-38;
    sums.dot_bound = sums.dot_bound * factor + 1e-38;
    return sums;
}

template <class Code>
void check_asymmetric(Checker& checker, Records<Code>& records) {
    const std::size_t dim = records.dim();
    const ExactBuffer<float> query = rows_of(dim, 1);
    constexpr std::uint32_t kIndices[] = {5, 0, 0, 3, 2, 1, 4};
    constexpr std::size_t kCount = std::size(kIndices);
    float l2[kRows], dot[kRows], l2_gathered[kCount], dot_gathered[kCount];
    simd::l2_squared_rows(query.data(), records.view(), dim, kRows, l2);
    simd::dot_rows(query.data(), records.view(), dim, kRows, dot);
    simd::l2_squared_gather(query.data(), records.view(), dim, kIndices, kCount, l2_gathered);
    simd::dot_gather(query.data(), records.view(), dim, kIndices, kCount, dot_gathered);
    const auto where = [&](std::size_t i) {
        return "dim " + std::to_string(dim) + ", row " + std::to_string(i);
    };
    for (std::size_t i = 0; i < kRows; ++i) {
        const Distances expected = distances(query.data(), records, i);
        if (expected.l2_bound < 1e36) {  // not overflowing
            checker.expect_close(l2[i], expected.l2, expected.l2_bound, [&] { return where(i); });
        }
        checker.expect_close(dot[i], expected.dot, expected.dot_bound, [&] { return where(i); });
    }
    for (std::size_t i = 0; i < kCount; ++i) {
        checker.expect(bits_of(l2_gathered[i]) == bits_of(l2[kIndices[i]]) &&
                           bits_of(dot_gathered[i]) == bits_of(dot[kIndices[i]]),
                       [&] { return where(i) + ": gather differs from rows"; });
    }
}

void check_distance_int8(Checker& checker) {
    for (const std::size_t dim : lengths()) {
        const ExactBuffer<float> rows = rows_of(dim, kRows);
        Records<std::int8_t> records(dim, dim);
        const auto range = dim % 2 == 0 ? Int8Range::kAffine : Int8Range::kSymmetric;
        static_cast<void>(
            simd::quantise_rows(rows.data(), dim, kRows, range, records.out()).has_value());
        check_asymmetric(checker, records);
    }
}

void check_distance_int4(Checker& checker) {
    for (const std::size_t dim : lengths()) {
        const ExactBuffer<float> rows = rows_of(dim, kRows);
        Records<Int4Pair> records(dim, simd::int4_bytes(dim));
        static_cast<void>(simd::quantise_rows(rows.data(), dim, kRows, records.out()).has_value());
        check_asymmetric(checker, records);
    }
}

// Rows as queries to each other: the combined headers against decoded values.
void check_int8_query(Checker& checker) {
    for (const std::size_t dim : lengths()) {
        const ExactBuffer<float> rows = rows_of(dim, kRows);
        Records<std::int8_t> records(dim, dim);
        static_cast<void>(
            simd::quantise_rows(rows.data(), dim, kRows, Int8Range::kAffine, records.out())
                .has_value());
        const simd::Int8Query query{records.codes(0), records.header(0)};
        std::vector<float> decoded(dim * kRows);
        simd::dequantise_rows(records.view(), dim, kRows, decoded.data());
        float l2[kRows], dot[kRows];
        simd::l2_squared_rows(query, records.view(), dim, kRows, l2);
        simd::dot_rows(query, records.view(), dim, kRows, dot);
        for (std::size_t i = 0; i < kRows; ++i) {
            const Distances expected = distances(decoded.data(), records, i);
            const auto where = [&] {
                return "dim " + std::to_string(dim) + ", row " + std::to_string(i);
            };
            const double norms =
                2.0 * (std::abs(static_cast<double>(query.header.squared_norm)) +
                       std::abs(static_cast<double>(records.header(i).squared_norm)));
            const double reach =
                static_cast<double>(dim) *
                (std::abs(double{query.header.offset}) + 128.0 * query.header.scale) *
                (std::abs(double{records.header(i).offset}) + 128.0 * records.header(i).scale);
            const double bound = 0x1p-20 * (norms + reach) + 1e-38;
            if (std::isfinite(records.header(i).squared_norm)) {
                checker.expect_close(l2[i], expected.l2, 4.0 * bound, where);
                checker.expect_close(dot[i], expected.dot, bound, where);
            }
        }
    }
}

}  // namespace

std::span<const KernelCheck> convert_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"to_half/f32", "vector", check_to_half},
        {"to_bfloat16/f32", "vector", check_to_bfloat16},
        {"to_float/f16", "vector", check_widen<Half>},
        {"to_float/bf16", "vector", check_widen<BFloat16>},
        {"quantise_rows/int8", "vector", check_quantise_int8},
        {"quantise_rows/int4", "vector", check_quantise_int4},
        {"sign_bits/f32", "vector", check_sign_bits},
        {"l2_squared_rows/int8_codes", "vector", check_distance_int8},
        {"l2_squared_rows/int4_codes", "vector", check_distance_int4},
        {"l2_squared_rows/int8_query", "vector", check_int8_query},
    };
    return kChecks;
}

}  // namespace abikit::suites
