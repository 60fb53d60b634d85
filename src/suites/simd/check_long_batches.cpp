// Batches of rows that are long enough for several streams of reads (rows-inl.h): each result
// equals that of the row alone, bit for bit, wherever it stands; check_distance.cpp and
// check_distance_exact.cpp compare single rows with the reference. Read check.hpp for the report.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include <abi/simd/distance.hpp>
#include <abi/simd/distance_bits.hpp>
#include <abi/simd/distance_bytes.hpp>
#include <abi/simd/distance_half.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using simd::BFloat16;
using simd::Half;

constexpr std::size_t kBatchBytes = std::size_t{132} << 10;

// Any bits for bytes, magnitudes below 2 for floating-point types. Millions are drawn: the high
// bits of a linear congruential generator (Numerical Recipes, 2nd edition, 7.1) do.
template <class T>
void fill(ExactBuffer<T>& values, std::uint32_t seed) {
    std::uint32_t bits = seed * 2'654'435'761U;
    for (T& value : values) {
        bits = bits * 1'664'525U + 1'013'904'223U;
        if constexpr (std::is_same_v<T, float>) {
            value = static_cast<float>(static_cast<std::int32_t>(bits)) * 0x1p-30F;
        } else if constexpr (sizeof(T) == 1) {
            value = static_cast<T>(bits >> 24);
        } else {
            value.bits = static_cast<std::uint16_t>((bits >> 16) & 0xBFFFU);
        }
    }
}

// `length` is that of a row in values. Odd lengths leave rows behind the streams, rows of 1 KiB put
// all streams at one place of a page, and the last batch consists of four rows.
template <class Query, class T, class Out>
void check_batches(Checker& checker, void (*rows_of)(const Query*, const T*, std::size_t,
                                                     std::size_t, Out*) noexcept) {
    for (const std::size_t bytes : {std::size_t{36}, std::size_t{96}, std::size_t{128},
                                    std::size_t{1024}, std::size_t{4120}, std::size_t{36000}}) {
        const std::size_t length = bytes / sizeof(T);
        for (std::size_t more = 0; more < 4; more += kThinning == 1 ? 1 : 3) {
            const std::size_t count = kBatchBytes / bytes + more + 1;
            ExactBuffer<Query> query(length, 1);
            ExactBuffer<T> rows(length * count, more);
            ExactBuffer<Out> batch(count, 1);
            fill(query, static_cast<std::uint32_t>(bytes));
            fill(rows, static_cast<std::uint32_t>(bytes + more));
            rows_of(query.data(), rows.data(), length, count, batch.data());
            for (std::size_t i = 0; i < count; ++i) {
                Out alone{};
                rows_of(query.data(), rows.data() + i * length, length, 1, &alone);
                checker.expect(std::memcmp(&alone, &batch[i], sizeof(Out)) == 0, [&] {
                    return std::to_string(bytes) + " bytes, row " + std::to_string(i) + " of " +
                           std::to_string(count) + ": " + std::to_string(batch[i]) +
                           " instead of " + std::to_string(alone);
                });
            }
        }
    }
}

void check_f32(Checker& checker) {
    check_batches<float, float, float>(checker, simd::l2_squared_rows);
    check_batches<float, float, float>(checker, simd::dot_rows);
}

template <class T>
void check_halves(Checker& checker) {
    check_batches<float, T, float>(checker, simd::l2_squared_rows);
    check_batches<float, T, float>(checker, simd::dot_rows);
}

template <class T, class Dot>
void check_bytes(Checker& checker) {
    check_batches<T, T, std::uint32_t>(checker, simd::l2_squared_rows);
    check_batches<T, T, Dot>(checker, simd::dot_rows);
}

void check_bits(Checker& checker) {
    check_batches<std::uint8_t, std::uint8_t, std::uint32_t>(checker, simd::hamming_rows);
}

}  // namespace

std::span<const KernelCheck> long_batch_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"long_batches/f32", "vector", check_f32},
        {"long_batches/f16", "vector", check_halves<Half>},
        {"long_batches/bf16", "vector", check_halves<BFloat16>},
        {"long_batches/int8", "vector", check_bytes<std::int8_t, std::int32_t>},
        {"long_batches/uint8", "vector", check_bytes<std::uint8_t, std::uint32_t>},
        {"long_batches/bits", "vector", check_bits},
    };
    return kChecks;
}

}  // namespace abikit::suites
