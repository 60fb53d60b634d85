// The scalar twins of the matrix products: one element of a result, summed in double precision or
// exactly. Slow on purpose. Read reference.hpp for what a Sum says about errors.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>
#include <abi/simd/reference.hpp>
#include <abi/simd/types.hpp>

namespace abikit::simd::reference {

// sum_i a[i * a_stride] * b[i * b_stride]: row times column of row-major matrices, in any order of
// storage.
ABI_API Sum strided_dot(const float* a, std::size_t a_stride, const float* b, std::size_t b_stride,
                        std::size_t count) noexcept;

ABI_API Sum strided_dot(const BFloat16* a, std::size_t a_stride, const BFloat16* b,
                        std::size_t b_stride, std::size_t count) noexcept;
// The same of bytes, exactly.
ABI_API std::int64_t strided_dot(const std::int8_t* a, std::size_t a_stride, const std::int8_t* b,
                                 std::size_t b_stride, std::size_t count) noexcept;
ABI_API std::int64_t strided_dot(const std::uint8_t* a, std::size_t a_stride, const std::int8_t* b,
                                 std::size_t b_stride, std::size_t count) noexcept;

}  // namespace abikit::simd::reference
