// BM25, and the impacts that bound it. docs/formats/wdbx.md and include/abi/storage/text_search.hpp
// tell the formula.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace abikit::storage::fulltext {

// Scores are sums of integers, so that they do not depend on the order of summation; one is 2^-20.
inline constexpr double kScoreUnit = 1048576.0;

class Bm25 {
public:
    static constexpr double kK1 = 1.2, kB = 0.75;

    Bm25() = default;
    // Of all rows with a text.
    Bm25(std::uint64_t documents, std::uint64_t words)
        : documents_(static_cast<double>(documents)),
          length_0_(static_cast<float>(kK1 * (1.0 - kB))),
          length_1_(words == 0 ? 0.0F
                               : static_cast<float>(kK1 * kB * static_cast<double>(documents) /
                                                    static_cast<double>(words))) {}

    // What a word weighs that stands in `documents` of them.
    float weight(std::uint64_t documents) const noexcept {
        const double df = static_cast<double>(documents);
        const double idf = std::log1p((documents_ - df + 0.5) / (df + 0.5));
        return static_cast<float>(std::max(idf, 0.0) * (kK1 + 1.0) * kScoreUnit);
    }
    // What a word of this weight adds to a row of `length` words that has it `frequency` times.
    // Each operation is rounded by itself, so it never falls with the frequency nor rises with the
    // length: impacts of blocks are true bounds.
    std::uint32_t score(float weight, float frequency, float length) const noexcept {
        return static_cast<std::uint32_t>(
            weight / (1.0F + (length_0_ + length_1_ * length) / frequency) + 0.5F);
    }

private:
    double documents_ = 0;
    float length_0_ = 0, length_1_ = 0;
};

// An impact says that no row of a block has both a higher frequency and a smaller length than it.
// Both are kept in a byte: numbers below 64 as they are, larger ones with five bits behind the
// leading one.
inline std::uint8_t encode_impact(std::uint32_t value) noexcept {  // rounded down
    if (value < 64) {
        return static_cast<std::uint8_t>(value);
    }
    const auto exponent = static_cast<std::uint32_t>(std::bit_width(value)) - 6;
    const std::uint32_t code = 64 + (exponent - 1) * 32 + ((value >> exponent) - 32);
    return static_cast<std::uint8_t>(std::min(code, 254U));
}
inline std::uint32_t decode_impact(std::uint8_t code) noexcept {
    return code < 64 ? code : ((code - 64U) % 32 + 32) << ((code - 64U) / 32 + 1);
}
// Rounded up; 255: no bound.
inline std::uint8_t encode_impact_up(std::uint32_t value) noexcept {
    const std::uint8_t code = encode_impact(value);
    return decode_impact(code) >= value ? code : static_cast<std::uint8_t>(code + 1);
}
inline float decode_impact_up(std::uint8_t code) noexcept {
    return code == 255 ? std::numeric_limits<float>::infinity()
                       : static_cast<float>(decode_impact(code));
}

}  // namespace abikit::storage::fulltext
