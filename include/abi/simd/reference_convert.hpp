// The scalar twins of convert.hpp and quantise.hpp, one value or one row at a time: what the
// kernels are checked against, bit for bit. Slow on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <abi/core/export.h>
#include <abi/simd/codes.hpp>
#include <abi/simd/quantise.hpp>
#include <abi/simd/types.hpp>

namespace abikit::simd::reference {

// Round to nearest, ties to even; NaN quiet, with its sign and upper payload bits.
ABI_API Half to_half(float value) noexcept;
ABI_API BFloat16 to_bfloat16(float value) noexcept;
// Exact; a signalling binary16 NaN becomes quiet.
ABI_API float to_float(Half value) noexcept;
ABI_API float to_float(BFloat16 value) noexcept;

// A quantised row, one code an element whatever its width.
struct CodedRow {
    CodeHeader header;
    std::vector<std::int32_t> codes;
};
// The rules of quantise_rows. May throw bad_alloc.
ABI_API CodedRow quantise_int8(const float* row, std::size_t dim, Int8Range range);
ABI_API CodedRow quantise_int4(const float* row, std::size_t dim);
// offset + scale * code in float32, the product rounded first.
ABI_API float decode(const CodeHeader& header, std::int32_t code) noexcept;

}  // namespace abikit::simd::reference
