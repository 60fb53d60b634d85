// The kernel for each element type and metric, and how its result becomes a distance.
#include "query_block.hpp"

#include <algorithm>
#include <limits>

#include <abi/simd/distance.hpp>
#include <abi/simd/distance_bits.hpp>
#include <abi/simd/distance_bytes.hpp>
#include <abi/simd/distance_half.hpp>

#include "norms.hpp"

namespace abikit::storage {

QueryBlock::QueryBlock(VectorShape shape, Metric metric, std::span<const float> values,
                       std::size_t count)
    : shape_(shape), metric_(metric), count_(count), floats_(values.begin(), values.end()) {
    whole_ = (shape.element == ElementType::kInt8 || shape.element == ElementType::kBits) &&
             first_unfit(shape.element, values) == values.size();
    if (whole_) {
        encoded_.resize(count * shape.row_bytes());
        encode_vectors(shape, values, encoded_.data());
    }
    for (std::size_t i = 0; metric == Metric::kCosine && i < count; ++i) {
        // Of length 1, so that products stay in range.
        const auto query = std::span(floats_).subspan(i * shape.dimension, shape.dimension);
        const float norm = inverse_norm(query);
        int8_norms_.push_back(norm);
        for (float& value : query) {
            value *= norm;
        }
    }
}

template <class Row>
void QueryBlock::of_floats(std::size_t first, std::size_t tile, const Row* rows, std::size_t count,
                           float* out) const {
    const float* const queries = floats_.data() + first * shape_.dimension;
    if (metric_ == Metric::kL2) {
        simd::l2_squared_block(queries, tile, rows, shape_.dimension, count, out);
    } else {
        simd::dot_block(queries, tile, rows, shape_.dimension, count, out);
    }
}

void QueryBlock::of_int8(std::size_t first, std::size_t tile, const std::byte* rows,
                         std::size_t count, Scratch& scratch, float* out) const {
    const auto* const values = reinterpret_cast<const std::int8_t*>(rows);
    const auto* const queries =
        reinterpret_cast<const std::int8_t*>(encoded_.data()) + first * shape_.dimension;
    const std::size_t numbers = tile * count;
    if (metric_ == Metric::kL2) {
        scratch.whole.resize(std::max(scratch.whole.size(), numbers));
        simd::l2_squared_block(queries, tile, values, shape_.dimension, count,
                               scratch.whole.data());
        std::transform(scratch.whole.begin(),
                       scratch.whole.begin() + static_cast<std::ptrdiff_t>(numbers), out,
                       [](std::uint32_t value) { return static_cast<float>(value); });
        return;
    }
    scratch.products.resize(std::max(scratch.products.size(), numbers));
    simd::dot_block(queries, tile, values, shape_.dimension, count, scratch.products.data());
    for (std::size_t i = 0; i < tile; ++i) {
        const float norm = metric_ == Metric::kCosine ? int8_norms_[first + i] : 1.0F;
        for (std::size_t row = 0; row < count; ++row) {
            out[i * count + row] = static_cast<float>(scratch.products[i * count + row]) * norm;
        }
    }
}

void QueryBlock::of_bits(std::size_t first, std::size_t tile, const std::byte* rows,
                         std::size_t count, Scratch& scratch, float* out) const {
    const std::size_t row_bytes = shape_.row_bytes();
    const auto* const values = reinterpret_cast<const std::uint8_t*>(rows);
    const auto* const queries =
        reinterpret_cast<const std::uint8_t*>(encoded_.data()) + first * row_bytes;
    if (metric_ == Metric::kJaccard) {
        simd::jaccard_block(queries, tile, values, row_bytes, count, out);
        return;
    }
    const std::size_t numbers = tile * count;
    scratch.whole.resize(std::max(scratch.whole.size(), numbers));
    simd::hamming_block(queries, tile, values, row_bytes, count, scratch.whole.data());
    std::transform(scratch.whole.begin(),
                   scratch.whole.begin() + static_cast<std::ptrdiff_t>(numbers), out,
                   [](std::uint32_t value) { return static_cast<float>(value); });
}

// Turns inner products into distances, in place. A product that left the range of float is as far
// as can be, but it is there: NaN would take the row out of the result.
void QueryBlock::finish(std::size_t tile, const float* norms, std::size_t count, float* out) const {
    if (metric_ == Metric::kDot) {
        for (std::size_t i = 0; i < tile * count; ++i) {
            out[i] = out[i] == out[i] ? -out[i] : std::numeric_limits<float>::infinity();
        }
    } else if (metric_ == Metric::kCosine) {
        for (std::size_t i = 0; i < tile; ++i, out += count) {
            for (std::size_t row = 0; row < count; ++row) {
                const float distance = 1.0F - out[row] * norms[row];
                out[row] = distance > 0.0F ? std::min(distance, 2.0F)
                                           : (distance == distance ? 0.0F : 2.0F);
            }
        }
    }
}

void QueryBlock::distances(std::size_t first, std::size_t tile, const std::byte* rows,
                           const float* norms, std::size_t count, Scratch& scratch,
                           float* out) const {
    switch (shape_.element) {
        case ElementType::kFloat32:
            of_floats(first, tile, reinterpret_cast<const float*>(rows), count, out);
            break;
        case ElementType::kFloat16:
            of_floats(first, tile, reinterpret_cast<const simd::Half*>(rows), count, out);
            break;
        case ElementType::kBFloat16:
            of_floats(first, tile, reinterpret_cast<const simd::BFloat16*>(rows), count, out);
            break;
        case ElementType::kInt8:
            if (whole_) {
                of_int8(first, tile, rows, count, scratch, out);
            } else {
                scratch.decoded.resize(count * shape_.dimension);
                decode_vectors(shape_, rows, count, scratch.decoded.data());
                of_floats(first, tile, scratch.decoded.data(), count, out);
            }
            break;
        case ElementType::kBits:
            of_bits(first, tile, rows, count, scratch, out);
            break;
    }
    finish(tile, norms, count, out);
}

}  // namespace abikit::storage
