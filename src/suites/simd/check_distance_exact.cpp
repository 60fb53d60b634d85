// Checks of the distances that are exact: int8, uint8 and bits. Read check.hpp for how a check
// reports.
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <abi/simd/distance_bits.hpp>
#include <abi/simd/distance_bytes.hpp>
#include <abi/simd/reference_distance.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

constexpr std::size_t kQueries = 3;
constexpr std::size_t kMost = 9;  // rows

// Every length up to three vectors of 64 and one, and some that take many.
std::vector<std::size_t> lengths() {
    std::vector<std::size_t> sizes;
    for (std::size_t length = 0; length <= 3 * 64 + 1; ++length) {
        sizes.push_back(length);
    }
    sizes.insert(sizes.end(), {255, 256, 257, 300, 511, 960, 1030});
    return sizes;
}

template <class T>
void fill(ExactBuffer<T>& values, std::uint32_t seed, T lowest = std::numeric_limits<T>::min()) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> uniform(lowest, std::numeric_limits<T>::max());
    for (T& value : values) {
        value = static_cast<T>(uniform(random));
    }
}

// The three forms of one metric on rows of T with results of Out.
template <class T, class Out>
struct Forms {
    void (*rows)(const T*, const T*, std::size_t, std::size_t, Out*) noexcept;
    void (*gather)(const T*, const T*, std::size_t, std::size_t, const std::uint32_t*, std::size_t,
                   Out*) noexcept;
    void (*block)(const T*, std::size_t, const T*, std::size_t, std::size_t, Out*) noexcept;
    Out (*expected)(const T*, const T*, std::size_t);
};

template <class T, class Out>
void check_length(Checker& checker, const Forms<T, Out>& forms, std::size_t length, T lowest) {
    const std::size_t offset = length % 4;
    const std::size_t count = kMost - offset;
    const std::size_t stride = length + offset;
    ExactBuffer<T> queries(length * kQueries, offset);
    ExactBuffer<T> rows(length * count, offset);
    fill(queries, 1, lowest);
    fill(rows, 2);
    ExactBuffer<T> base(stride * (count - 1) + length, offset);
    ExactBuffer<std::uint32_t> indices(count);
    for (std::size_t i = 0; i < count; ++i) {
        std::copy_n(rows.data() + i * length, length, base.data() + i * stride);
        indices[i] = static_cast<std::uint32_t>(i == 1 ? 0 : count - 1 - i);
    }
    ExactBuffer<Out> out(count, offset);
    ExactBuffer<Out> gathered(count, offset);
    ExactBuffer<Out> block(count * kQueries, offset);
    forms.rows(queries.data(), rows.data(), length, count, out.data());
    forms.gather(queries.data(), base.data(), stride, length, indices.data(), count,
                 gathered.data());
    forms.block(queries.data(), kQueries, rows.data(), length, count, block.data());
    const auto where = [&](const char* form, std::size_t i) {
        return std::string(form) + ", length " + std::to_string(length) + ", row " +
               std::to_string(i);
    };
    for (std::size_t i = 0; i < count; ++i) {
        const auto expected = [&](std::size_t q, std::size_t row) {
            return forms.expected(queries.data() + q * length, rows.data() + row * length, length);
        };
        checker.expect(out[i] == expected(0, i), [&] { return where("rows", i); });
        checker.expect(gathered[i] == expected(0, indices[i]), [&] { return where("gather", i); });
        for (std::size_t q = 0; q < kQueries; ++q) {
            checker.expect(block[q * count + i] == expected(q, i),
                           [&] { return where("block", i); });
        }
    }
}

template <class T, class Out>
void check_forms(Checker& checker, const Forms<T, Out>& forms) {
    for (const std::size_t length : lengths()) {
        check_length(checker, forms, length, std::numeric_limits<T>::min());
        if constexpr (std::numeric_limits<T>::is_signed) {
            check_length(checker, forms, length,
                         T{-127});  // the lowest value has a path of its own
        }
    }
}

// All values at the ends of the range, as long as results are promised to be exact.
template <class T, class Out>
void check_extremes(Checker& checker, const Forms<T, Out>& forms) {
    constexpr T kLow = std::numeric_limits<T>::min();
    constexpr T kHigh = std::numeric_limits<T>::max();
    for (const std::size_t dim : {std::size_t{1000}, simd::kMostByteDims}) {
        for (const T a : {kLow, kHigh}) {
            for (const T b : {kLow, kHigh}) {
                const std::vector<T> query(dim, a);
                const std::vector<T> row(dim, b);
                Out out{};
                forms.rows(query.data(), row.data(), dim, 1, &out);
                checker.expect(out == forms.expected(query.data(), row.data(), dim), [&] {
                    return "dim " + std::to_string(dim) + " of " + std::to_string(a) + " and " +
                           std::to_string(b);
                });
            }
        }
    }
}

template <class T>
std::uint32_t expected_l2(const T* a, const T* b, std::size_t dim) {
    return static_cast<std::uint32_t>(simd::reference::l2_squared(a, b, dim));
}
template <class T, class Out>
Out expected_dot(const T* a, const T* b, std::size_t dim) {
    return static_cast<Out>(simd::reference::dot(a, b, dim));
}
template <class T>
float expected_cosine(const T* a, const T* b, std::size_t dim) {
    const auto dot = static_cast<double>(simd::reference::dot(a, b, dim));
    const double norms = static_cast<double>(simd::reference::dot(a, a, dim)) *
                         static_cast<double>(simd::reference::dot(b, b, dim));
    return norms == 0.0 ? 1.0F : static_cast<float>(1.0 - dot / std::sqrt(norms));
}

template <class T>
void check_l2(Checker& checker) {
    const Forms<T, std::uint32_t> forms{simd::l2_squared_rows, simd::l2_squared_gather,
                                        simd::l2_squared_block, expected_l2<T>};
    check_forms(checker, forms);
    check_extremes(checker, forms);
}
template <class T, class Out>
void check_dot(Checker& checker) {
    const Forms<T, Out> forms{simd::dot_rows, simd::dot_gather, simd::dot_block,
                              expected_dot<T, Out>};
    check_forms(checker, forms);
    check_extremes(checker, forms);
}
template <class T>
void check_cosine(Checker& checker) {
    const Forms<T, float> forms{simd::cosine_rows, simd::cosine_gather, simd::cosine_block,
                                expected_cosine<T>};
    check_forms(checker, forms);
    check_extremes(checker, forms);
}
template <class T>
void check_squared_norms(Checker& checker) {
    for (const std::size_t dim : lengths()) {
        ExactBuffer<T> rows(dim * 5, 1);
        fill(rows, 3);
        std::uint32_t out[5];
        simd::squared_norms(rows.data(), dim, 5, out);
        for (std::size_t i = 0; i < 5; ++i) {
            const T* row = rows.data() + i * dim;
            checker.expect(out[i] == simd::reference::dot(row, row, dim),
                           [&] { return "dim " + std::to_string(dim); });
        }
    }
}

std::uint32_t expected_hamming(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
    return static_cast<std::uint32_t>(simd::reference::bits(a, b, bytes).different);
}
float expected_jaccard(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) {
    const simd::reference::BitCounts counts = simd::reference::bits(a, b, bytes);
    if (counts.either == 0) {
        return 0.0F;
    }
    const double share = static_cast<double>(counts.shared) / static_cast<double>(counts.either);
    return static_cast<float>(1.0 - share);
}

void check_hamming(Checker& checker) {
    check_forms<std::uint8_t, std::uint32_t>(
        checker, {simd::hamming_rows, simd::hamming_gather, simd::hamming_block, expected_hamming});
}
void check_jaccard(Checker& checker) {
    const Forms<std::uint8_t, float> forms{simd::jaccard_rows, simd::jaccard_gather,
                                           simd::jaccard_block, expected_jaccard};
    check_forms(checker, forms);
    check_extremes(checker, forms);
}
void check_bit_counts(Checker& checker) {
    for (const std::size_t bytes : lengths()) {
        ExactBuffer<std::uint8_t> rows(bytes * 5, 1);
        fill(rows, 4);
        std::uint32_t out[5];
        simd::bit_counts(rows.data(), bytes, 5, out);
        for (std::size_t i = 0; i < 5; ++i) {
            const std::uint8_t* row = rows.data() + i * bytes;
            checker.expect(out[i] == simd::reference::bits(row, row, bytes).shared,
                           [&] { return std::to_string(bytes) + " bytes"; });
        }
    }
}

}  // namespace

std::span<const KernelCheck> exact_distance_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"l2_squared_rows/int8", "vector", check_l2<std::int8_t>},
        {"dot_rows/int8", "vector", check_dot<std::int8_t, std::int32_t>},
        {"cosine_rows/int8", "vector", check_cosine<std::int8_t>},
        {"squared_norms/int8", "vector", check_squared_norms<std::int8_t>},
        {"l2_squared_rows/uint8", "vector", check_l2<std::uint8_t>},
        {"dot_rows/uint8", "vector", check_dot<std::uint8_t, std::uint32_t>},
        {"cosine_rows/uint8", "vector", check_cosine<std::uint8_t>},
        {"squared_norms/uint8", "vector", check_squared_norms<std::uint8_t>},
        {"hamming_rows/bits", "vector", check_hamming},
        {"jaccard_rows/bits", "vector", check_jaccard},
        {"bit_counts/bits", "vector", check_bit_counts},
    };
    return kChecks;
}

}  // namespace abikit::suites
