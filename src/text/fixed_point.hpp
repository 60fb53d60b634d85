// Exact integer arithmetic for feature weights, so that no machine's libm or rounding decides a
// vector. Q16: a number times 65,536.
#pragma once

#include <bit>
#include <cstdint>

namespace abikit::text {

inline constexpr unsigned kQ = 16;
inline constexpr std::uint64_t kOne = std::uint64_t{1} << kQ;

// floor(65536 log2(value)) to within the last bit, by repeated squaring of the mantissa (Knuth,
// TAOCP 1.2.2, exercise 25, in binary); value must not be 0.
constexpr std::uint64_t log2_q16(std::uint64_t value) noexcept {
    const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
    // The mantissa in [1, 2) with 31 fractional bits.
    std::uint64_t mantissa = exponent > 31 ? value >> (exponent - 31) : value << (31 - exponent);
    std::uint64_t result = exponent;
    for (unsigned bit = 0; bit < kQ; ++bit) {
        mantissa = (mantissa * mantissa) >> 31U;
        const std::uint64_t carry = mantissa >> 32U;
        mantissa >>= carry;
        result = (result << 1U) | carry;
    }
    return result;
}

// The largest integer whose square is not larger than `value`, digit by digit.
constexpr std::uint64_t floor_sqrt(std::uint64_t value) noexcept {
    std::uint64_t root = 0;
    for (std::uint64_t bit = std::uint64_t{1} << 62U; bit != 0; bit >>= 2U) {
        if (value >= root + bit) {
            value -= root + bit;
            root = (root >> 1U) + bit;
        } else {
            root >>= 1U;
        }
    }
    return root;
}

}  // namespace abikit::text
