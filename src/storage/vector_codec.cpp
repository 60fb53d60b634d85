// One branch per element type; the loops are kernels of simd where it has them.
#include "vector_codec.hpp"

#include <cmath>
#include <cstring>

#include <abi/simd/convert.hpp>
#include <abi/simd/distance.hpp>

#include "norms.hpp"

namespace abikit::storage {

namespace {
// Halfway to what would be the next number of binary16: from here on rounding gives infinity.
constexpr float kHalfOverflow = 65520.0F;

bool fits(ElementType element, float value) noexcept {
    switch (element) {
        case ElementType::kFloat32:
            return true;
        case ElementType::kFloat16:
            return std::fabs(value) < kHalfOverflow;
        case ElementType::kBFloat16:  // halfway between its largest number and 2^128
            return std::fabs(value) < 3.3961775e38F;
        case ElementType::kInt8:
            return value >= -128.0F && value <= 127.0F && value == std::trunc(value);
        case ElementType::kBits:
            return value == 0.0F || value == 1.0F;
    }
    return false;
}

void encode_bits(std::uint32_t dimension, std::span<const float> values, std::byte* out) noexcept {
    const std::size_t row_bytes = vector_bytes(ElementType::kBits, dimension);
    for (std::size_t at = 0; at < values.size(); at += dimension, out += row_bytes) {
        std::memset(out, 0, row_bytes);
        for (std::uint32_t i = 0; i < dimension; ++i) {
            if (values[at + i] != 0.0F) {
                out[i / 8] |= static_cast<std::byte>(1u << (i % 8));
            }
        }
    }
}

void decode_bits(std::uint32_t dimension, const std::byte* rows, std::size_t count,
                 float* out) noexcept {
    const std::size_t row_bytes = vector_bytes(ElementType::kBits, dimension);
    for (std::size_t row = 0; row < count; ++row, rows += row_bytes) {
        for (std::uint32_t i = 0; i < dimension; ++i) {
            *out++ = static_cast<float>((std::to_integer<unsigned>(rows[i / 8]) >> (i % 8)) & 1u);
        }
    }
}
}  // namespace

std::size_t first_unfit(ElementType element, std::span<const float> values) noexcept {
    if (element == ElementType::kFloat32) {
        return values.size();
    }
    std::size_t at = 0;
    while (at < values.size() && fits(element, values[at])) {
        ++at;
    }
    return at;
}

void encode_vectors(VectorShape shape, std::span<const float> values, std::byte* out) noexcept {
    switch (shape.element) {
        case ElementType::kFloat32:
            std::memcpy(out, values.data(), values.size_bytes());
            break;
        case ElementType::kFloat16:
            simd::to_half(values.data(), values.size(), reinterpret_cast<simd::Half*>(out));
            break;
        case ElementType::kBFloat16:
            simd::to_bfloat16(values.data(), values.size(), reinterpret_cast<simd::BFloat16*>(out));
            break;
        case ElementType::kInt8:
            for (const float value : values) {
                *out++ = static_cast<std::byte>(static_cast<std::int8_t>(value));
            }
            break;
        case ElementType::kBits:
            encode_bits(shape.dimension, values, out);
            break;
    }
}

void decode_vectors(VectorShape shape, const std::byte* rows, std::size_t count,
                    float* out) noexcept {
    const std::size_t numbers = count * shape.dimension;
    switch (shape.element) {
        case ElementType::kFloat32:
            std::memcpy(out, rows, numbers * sizeof(float));
            break;
        case ElementType::kFloat16:
            simd::to_float(reinterpret_cast<const simd::Half*>(rows), numbers, out);
            break;
        case ElementType::kBFloat16:
            simd::to_float(reinterpret_cast<const simd::BFloat16*>(rows), numbers, out);
            break;
        case ElementType::kInt8:
            for (std::size_t i = 0; i < numbers; ++i) {
                out[i] = static_cast<float>(static_cast<std::int8_t>(rows[i]));
            }
            break;
        case ElementType::kBits:
            decode_bits(shape.dimension, rows, count, out);
            break;
    }
}

void inverse_norms(VectorShape shape, const std::byte* rows, std::size_t count,
                   std::vector<float>& scratch, float* out) {
    const std::size_t row_bytes = shape.row_bytes();
    for (std::size_t row = 0; row < count; ++row, rows += row_bytes) {
        if (shape.element == ElementType::kFloat32) {
            out[row] = inverse_norm({reinterpret_cast<const float*>(rows), shape.dimension});
        } else {
            scratch.resize(shape.dimension);
            decode_vectors(shape, rows, 1, scratch.data());
            out[row] = inverse_norm(scratch);
        }
    }
}

std::optional<std::size_t> first_non_finite(VectorShape shape, const std::byte* rows,
                                            std::size_t count, std::vector<float>& scratch) {
    const std::size_t numbers = count * shape.dimension;
    const float* values = reinterpret_cast<const float*>(rows);
    if (shape.element != ElementType::kFloat32) {
        scratch.resize(numbers);
        decode_vectors(shape, rows, count, scratch.data());
        values = scratch.data();
    }
    const std::size_t at = simd::first_non_finite(values, numbers);
    return at == numbers ? std::nullopt : std::optional(at);
}

}  // namespace abikit::storage
