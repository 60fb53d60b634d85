// The vector part of histograms: which bin a value belongs to. Read histogram.cpp for the counting.
#pragma once

#include <cstddef>
#include <cstdint>

namespace abikit::simd {

// Bins of [low, high), `per_unit` of them for each unit of a value.
struct HistogramBins {
    float low = 0.0F;
    float high = 0.0F;
    float per_unit = 0.0F;
    std::int32_t count = 0;  // 1 to 2^23
};

// out[i] = the bin of x[i]; bins.count for values below, + 1 for those above, + 2 for NaN.
void histogram_bins(const float* x, std::size_t count, const HistogramBins& bins,
                    std::int32_t* out) noexcept;

}  // namespace abikit::simd
