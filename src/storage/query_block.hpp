// Some queries of one search, made ready for the kernels, and their distances to rows as they are
// stored. search.cpp decides which rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <abi/simd/types.hpp>
#include <abi/storage/metric.hpp>

#include "vector_codec.hpp"

namespace abikit::storage {

// Immutable after the constructor; thread-safe with a Scratch per thread.
class QueryBlock {
public:
    // values: count x shape.dimension, finite; for bits 0 or 1.
    QueryBlock(VectorShape shape, Metric metric, std::span<const float> values, std::size_t count);

    std::size_t count() const noexcept { return count_; }
    std::size_t row_bytes() const noexcept { return shape_.row_bytes(); }
    bool needs_norms() const noexcept { return metric_ == Metric::kCosine; }

    struct Scratch {
        std::vector<std::uint32_t> whole;
        std::vector<std::int32_t> products;
        std::vector<float> decoded;
    };
    // Distances of queries [first, first + tile) to `count` rows. norms: 1 / length of each row,
    // for cosine. out: tile x count.
    void distances(std::size_t first, std::size_t tile, const std::byte* rows, const float* norms,
                   std::size_t count, Scratch& scratch, float* out) const;

private:
    template <class Row>
    void of_floats(std::size_t first, std::size_t tile, const Row* rows, std::size_t count,
                   float* out) const;
    void of_int8(std::size_t first, std::size_t tile, const std::byte* rows, std::size_t count,
                 Scratch& scratch, float* out) const;
    void of_bits(std::size_t first, std::size_t tile, const std::byte* rows, std::size_t count,
                 Scratch& scratch, float* out) const;
    void finish(std::size_t tile, const float* norms, std::size_t count, float* out) const;

    VectorShape shape_;
    Metric metric_;
    std::size_t count_ = 0;
    std::vector<float> floats_;       // count x dimension; for cosine of length 1
    std::vector<std::byte> encoded_;  // as the rows are stored: int8 and bits
    std::vector<float> int8_norms_;   // 1 / length of the queries as they came: int8 with cosine
    bool whole_ = false;              // int8: the queries fit the element type too
};

}  // namespace abikit::storage
