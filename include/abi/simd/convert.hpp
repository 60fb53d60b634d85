// float32 to the 16-bit types and back. quantise.hpp goes on to 8, 4 and 1 bit; distance_half.hpp
// computes with 16-bit rows directly.
//
// Conversions to 16 bits round to nearest, ties to even, as IEEE 754 says; denormals are converted
// in full, values that are too large become infinite, NaN stays NaN, made quiet, with its sign and
// the upper bits of its payload. The same bits on every target. Conversions to float32 are exact
// (a signalling binary16 NaN comes out quiet; bfloat16 keeps all its bits).
//
// Any count; no alignment beyond that of the element; input and output do not overlap. noexcept,
// thread-safe, no allocation.
#pragma once

#include <cstddef>

#include <abi/core/export.h>
#include <abi/simd/types.hpp>

namespace abikit::simd {

ABI_API void to_half(const float* values, std::size_t count, Half* out) noexcept;
ABI_API void to_bfloat16(const float* values, std::size_t count, BFloat16* out) noexcept;
ABI_API void to_float(const Half* values, std::size_t count, float* out) noexcept;
ABI_API void to_float(const BFloat16* values, std::size_t count, float* out) noexcept;

}  // namespace abikit::simd
