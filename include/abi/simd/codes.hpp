// Vectors quantised to small integers with a scale and an offset each: value = offset + scale *
// code. What quantise.hpp writes and distance_codes.hpp reads; views only, nothing is owned.
//
// Codes and headers have strides of their own, so that they may lie in separate arrays or, as a
// graph index wants it, each header right before its codes in one record: one place in memory to
// wait for.
#pragma once

#include <cstddef>
#include <cstdint>

namespace abikit::simd {

// What belongs to one vector. `sum` and `squared_norm` save a pass over the codes when two
// quantised vectors meet.
struct CodeHeader {
    float scale = 0.0F;
    float offset = 0.0F;
    std::int32_t sum = 0;       // of the codes
    float squared_norm = 0.0F;  // of the values that the codes stand for

    friend bool operator==(const CodeHeader&, const CodeHeader&) = default;
};
static_assert(sizeof(CodeHeader) == 16);

// Strides are in bytes. Headers are aligned to 4 bytes: header_stride is a multiple of 4.
template <class Code, class Header>
struct CodeRows {
    Code* codes = nullptr;  // of row i: `stride` * i bytes further on
    std::size_t stride = 0;
    Header* headers = nullptr;
    std::size_t header_stride = sizeof(CodeHeader);
};

// One byte for each value, -128 to 127 (symmetric codes: -127 to 127, offset 0).
using Int8Codes = CodeRows<const std::int8_t, const CodeHeader>;
using Int8CodesOut = CodeRows<std::int8_t, CodeHeader>;

// 4 bits for each value, 0 to 15: value 2k in the lower half of byte k, value 2k + 1 in the upper
// half; (dim + 1) / 2 bytes a row, an unused half is zero. A type of its own, not bytes.
struct Int4Pair {
    std::uint8_t bits = 0;
    friend bool operator==(Int4Pair, Int4Pair) = default;
};
using Int4Codes = CodeRows<const Int4Pair, const CodeHeader>;
using Int4CodesOut = CodeRows<Int4Pair, CodeHeader>;

constexpr std::size_t int4_bytes(std::size_t dim) noexcept {
    return (dim + 1) / 2;
}

}  // namespace abikit::simd
