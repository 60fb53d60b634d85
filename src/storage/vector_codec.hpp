// Vectors as a collection keeps them: from float32 into bytes and back, and their lengths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <abi/storage/element.hpp>

namespace abikit::storage {

// What the vectors of a collection are.
struct VectorShape {
    std::uint32_t dimension = 0;
    ElementType element = ElementType::kFloat32;

    std::size_t row_bytes() const noexcept { return vector_bytes(element, dimension); }
    bool operator==(const VectorShape&) const = default;
};

// Position of the first number that the element type cannot hold; values.size() when it holds all.
// `values` are finite.
std::size_t first_unfit(ElementType element, std::span<const float> values) noexcept;
// values: rows x dimension, each fit. out: rows x row_bytes().
void encode_vectors(VectorShape shape, std::span<const float> values, std::byte* out) noexcept;
// rows: count x row_bytes(). out: count x dimension.
void decode_vectors(VectorShape shape, const std::byte* rows, std::size_t count,
                    float* out) noexcept;
// 1 / |vector| of each row, or 0 for a zero vector. rows: count x row_bytes(), of numbers.
void inverse_norms(VectorShape shape, const std::byte* rows, std::size_t count,
                   std::vector<float>& scratch, float* out);
// Position of the first NaN or infinity in count x dimension stored numbers; nullopt when there is
// none.
std::optional<std::size_t> first_non_finite(VectorShape shape, const std::byte* rows,
                                            std::size_t count, std::vector<float>& scratch);

}  // namespace abikit::storage
