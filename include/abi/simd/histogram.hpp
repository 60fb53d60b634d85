// Counts of float32 values in bins of equal width.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit::simd {

// How many values no bin counts.
struct OutsideCounts {
    std::uint64_t below = 0;
    std::uint64_t above = 0;  // at the upper end too
    std::uint64_t nan = 0;
};

// Overwrites counts[b] with how many values v lie in bin b of [low, high):
// b = min(bins - 1, trunc((v - low) * (bins / (high - low)))), each operation rounded to float32,
// so that all targets agree. Thread-safe. kInvalidArgument unless low < high, both and high - low
// finite and bins / (high - low) too, and there are 1 to 2^23 bins.
ABI_API Result<OutsideCounts> histogram(const float* x, std::size_t count, float low, float high,
                                        std::span<std::uint64_t> counts);

}  // namespace abikit::simd
