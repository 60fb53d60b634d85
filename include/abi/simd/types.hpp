// The element types that vectors are stored in beside the language's own. Plain bits without
// arithmetic; convert.hpp turns them into float32 and back.
#pragma once

#include <cstdint>

namespace abikit::simd {

// IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
struct Half {
    std::uint16_t bits = 0;
    friend bool operator==(Half, Half) = default;
};

// The upper half of a float32: 1 sign, 8 exponent and 7 fraction bits.
struct BFloat16 {
    std::uint16_t bits = 0;
    friend bool operator==(BFloat16, BFloat16) = default;
};

static_assert(sizeof(Half) == 2 && sizeof(BFloat16) == 2);

}  // namespace abikit::simd
