// float32 rows to 8, 4 and 1 bit for each value, and back. Read codes.hpp first for the layout;
// distance_codes.hpp and distance_bits.hpp compute with the results.
//
// Scale and offset are those of each row by itself (scalar quantisation as in "Similarity search in
// the blink of an eye with compressed indices", Aguerrebere et al., VLDB 2023, without its mean).
// Rounding is to nearest, ties to even. Codes, headers and decoded values are the same bits on
// every target. Input values are finite, and the largest less the smallest of a row is too; others
// give some valid code.
//
// rows: count x dim, row-major, gap-free. Thread-safe, no allocation unless it fails.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/simd/codes.hpp>

namespace abikit::simd {

enum class Int8Range {
    kSymmetric,  // -m to m for the largest magnitude m; offset 0
    kAffine,     // smallest to largest value: up to twice as fine
};

// An error of at most scale / 2 for each value (and rounding of float32). A row of equal values has
// scale 0 (symmetric: only a row of zeros). kInvalidArgument where out.stride is less than a row
// takes or out.header_stride is no multiple of 4 with room for a header; then nothing is written.
ABI_API Status quantise_rows(const float* rows, std::size_t dim, std::size_t count, Int8Range range,
                             const Int8CodesOut& out);
ABI_API Status quantise_rows(const float* rows, std::size_t dim, std::size_t count,
                             const Int4CodesOut& out);

// out[i][j] = offset + scale * code, the product rounded first. out: count x dim.
ABI_API void dequantise_rows(const Int8Codes& rows, std::size_t dim, std::size_t count,
                             float* out) noexcept;
ABI_API void dequantise_rows(const Int4Codes& rows, std::size_t dim, std::size_t count,
                             float* out) noexcept;

// One bit for each value, set where it is above zero (not for zeros and NaN): value j in byte j / 8
// at position j % 8, (dim + 7) / 8 bytes a row, gap-free; unused bits are zero.
ABI_API void sign_bits(const float* rows, std::size_t dim, std::size_t count,
                       std::uint8_t* out) noexcept;

}  // namespace abikit::simd
