// Conversions and quantisation by the definition of the formats: values as multiples of the unit in
// the last place. Read abi/simd/reference_convert.hpp for the contract.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <abi/simd/reference_convert.hpp>

namespace abikit::simd::reference {
namespace {

// A binary format of 16 bits.
struct Format {
    int fraction_bits;
    int smallest_exponent;  // of normal values
    int largest_exponent;
};
constexpr Format kHalf{.fraction_bits = 10, .smallest_exponent = -14, .largest_exponent = 15};
constexpr Format kBFloat16{.fraction_bits = 7, .smallest_exponent = -126, .largest_exponent = 127};

std::uint16_t encode(float value, const Format& format) noexcept {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits >> 31 << 15;
    const std::uint32_t infinity =
        static_cast<std::uint32_t>(format.largest_exponent - format.smallest_exponent + 2)
        << format.fraction_bits;
    if (std::isnan(value)) {
        const std::uint32_t payload = (bits & 0x7FFFFFU) >> (23 - format.fraction_bits);
        return static_cast<std::uint16_t>(sign | infinity | payload |
                                          1U << (format.fraction_bits - 1));
    }
    if (std::isinf(value) || value == 0.0F) {
        return static_cast<std::uint16_t>(sign | (value == 0.0F ? 0U : infinity));
    }
    const double magnitude = std::abs(static_cast<double>(value));
    const int exponent = std::max(std::ilogb(magnitude), format.smallest_exponent);
    // nearbyint rounds ties to even, and both steps before it are exact.
    const double units = std::nearbyint(std::ldexp(magnitude, format.fraction_bits - exponent));
    // The exponent field counts from 1 for the smallest normal exponent. Units below the implied
    // bit make a denormal; units that reached the next power of two carry into the exponent.
    const auto field = static_cast<std::uint32_t>(exponent - format.smallest_exponent);
    const std::uint32_t result =
        (field << format.fraction_bits) + static_cast<std::uint32_t>(units);
    return static_cast<std::uint16_t>(sign | std::min(result, infinity));
}

CodedRow quantise(const float* row, std::size_t dim, float levels, std::int32_t lowest) {
    CodedRow result;
    result.codes.resize(dim);
    if (dim == 0) {
        return result;
    }
    const float smallest = *std::min_element(row, row + dim);
    const float largest = *std::max_element(row, row + dim);
    const float width = largest - smallest;
    CodeHeader& header = result.header;
    header.scale = width / levels;
    header.offset = smallest + static_cast<float>(-lowest) * header.scale;
    const float steps = header.scale < 1e-37F ? 0.0F : levels / width;
    for (std::size_t j = 0; j < dim; ++j) {
        const float scaled = std::clamp((row[j] - smallest) * steps, 0.0F, levels);
        result.codes[j] = static_cast<std::int32_t>(std::nearbyint(scaled)) + lowest;
    }
    return result;
}

void add_sums(CodedRow& row) {
    double sum = 0.0;
    double squares = 0.0;
    for (const std::int32_t code : row.codes) {
        sum += code;
        squares += static_cast<double>(code) * code;
    }
    const double scale = row.header.scale;
    const double offset = row.header.offset;
    const double norm = static_cast<double>(row.codes.size()) * offset * offset +
                        2.0 * offset * scale * sum + scale * scale * squares;
    row.header.sum = static_cast<std::int32_t>(sum);
    row.header.squared_norm = static_cast<float>(std::max(norm, 0.0));
}

}  // namespace

Half to_half(float value) noexcept {
    return {encode(value, kHalf)};
}

BFloat16 to_bfloat16(float value) noexcept {
    return {encode(value, kBFloat16)};
}

float to_float(Half value) noexcept {
    const bool negative = (value.bits & 0x8000U) != 0;
    const int exponent = value.bits >> 10 & 31;
    const std::uint32_t fraction = value.bits & 0x3FFU;
    if (exponent == 31) {
        const std::uint32_t quiet = fraction == 0 ? 0U : 1U << 22;
        const std::uint32_t sign = negative ? 1U << 31 : 0U;
        return std::bit_cast<float>(sign | 0x7F800000U | quiet | fraction << 13);
    }
    const std::uint32_t units = exponent == 0 ? fraction : fraction + 1024;
    const double magnitude = std::ldexp(static_cast<double>(units), std::max(exponent, 1) - 25);
    return static_cast<float>(negative ? -magnitude : magnitude);
}

float to_float(BFloat16 value) noexcept {
    return std::bit_cast<float>(std::uint32_t{value.bits} << 16);
}

CodedRow quantise_int8(const float* row, std::size_t dim, Int8Range range) {
    CodedRow result;
    if (range == Int8Range::kAffine) {
        result = quantise(row, dim, 255.0F, -128);
    } else {
        result.codes.resize(dim);
        float magnitude = 0.0F;
        for (std::size_t j = 0; j < dim; ++j) {
            magnitude = std::max(magnitude, std::abs(row[j]));
        }
        result.header.scale = magnitude / 127.0F;
        const float steps = result.header.scale < 1e-37F ? 0.0F : 127.0F / magnitude;
        for (std::size_t j = 0; j < dim; ++j) {
            const float scaled = std::clamp(row[j] * steps, -127.0F, 127.0F);
            result.codes[j] = static_cast<std::int32_t>(std::nearbyint(scaled));
        }
    }
    add_sums(result);
    return result;
}

CodedRow quantise_int4(const float* row, std::size_t dim) {
    CodedRow result = quantise(row, dim, 15.0F, 0);
    add_sums(result);
    return result;
}

float decode(const CodeHeader& header, std::int32_t code) noexcept {
    const float product = static_cast<float>(code) * header.scale;
    return product + header.offset;
}

}  // namespace abikit::simd::reference
