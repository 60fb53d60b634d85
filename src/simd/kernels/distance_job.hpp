// What the public distance functions hand to a kernel: one structure for all forms, so that a
// family has one entry in its table of targets. Read rows-inl.h for how a kernel goes through it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/simd/distance_walk.hpp>

namespace abikit::simd {

enum class DistanceMetric {
    kL2Squared,
    kDot,
    kCosine,
    kSquaredNorm,  // of the rows; the query is not read
    kHamming,
    kJaccard,
};

// Row i stands at rows + i * stride, or at rows + indices[i] * stride where there are indices.
// Several queries (a block) go without indices and with stride == dim.
template <class Query, class Row, class Out>
struct DistanceJob {
    DistanceMetric metric = DistanceMetric::kL2Squared;
    const Query* queries = nullptr;
    std::size_t query_count = 1;
    const Row* rows = nullptr;
    std::size_t stride = 0;  // in values
    std::size_t dim = 0;
    const std::uint32_t* indices = nullptr;
    std::size_t count = 0;
    Out* out = nullptr;
};

// What walk_distances() was called with.
struct WalkJob {
    WalkQuery query;
    const std::int8_t* base = nullptr;
    std::size_t stride = 0;
    const std::uint32_t* rows = nullptr;
    std::size_t count = 0;
    std::int32_t* out = nullptr;
};

}  // namespace abikit::simd
