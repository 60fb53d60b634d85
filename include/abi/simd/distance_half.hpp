// Exact distances between float32 queries and rows kept in 16 bits, as binary16 (Half) or bfloat16.
// The forms, and what holds for all of them, are those of distance.hpp; rows take half the memory
// and, from memory, half the time. convert.hpp makes such rows, and float32 of a stored row for use
// as a query.
//
// Rows are widened to float32 exactly and summed in float32, so the error bounds of distance.hpp
// hold against the sums over the stored values; a signalling NaN counts as a quiet one.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>
#include <abi/simd/types.hpp>

namespace abikit::simd {

// rows: count x dim, row-major, gap-free. out: count. out[i] = sum_j (query[j] - rows[i][j])^2.
ABI_API void l2_squared_rows(const float* query, const Half* rows, std::size_t dim,
                             std::size_t count, float* out) noexcept;
ABI_API void l2_squared_rows(const float* query, const BFloat16* rows, std::size_t dim,
                             std::size_t count, float* out) noexcept;
// out[i] = sum_j query[j] * rows[i][j].
ABI_API void dot_rows(const float* query, const Half* rows, std::size_t dim, std::size_t count,
                      float* out) noexcept;
ABI_API void dot_rows(const float* query, const BFloat16* rows, std::size_t dim, std::size_t count,
                      float* out) noexcept;
// out[i] = 1 - dot / (norm of query * norm of row); 1 where that product is zero in float32.
ABI_API void cosine_rows(const float* query, const Half* rows, std::size_t dim, std::size_t count,
                         float* out) noexcept;
ABI_API void cosine_rows(const float* query, const BFloat16* rows, std::size_t dim,
                         std::size_t count, float* out) noexcept;

// Rows by index: row r is the dim values at base + r * stride.
ABI_API void l2_squared_gather(const float* query, const Half* base, std::size_t stride,
                               std::size_t dim, const std::uint32_t* indices, std::size_t count,
                               float* out) noexcept;
ABI_API void l2_squared_gather(const float* query, const BFloat16* base, std::size_t stride,
                               std::size_t dim, const std::uint32_t* indices, std::size_t count,
                               float* out) noexcept;
ABI_API void dot_gather(const float* query, const Half* base, std::size_t stride, std::size_t dim,
                        const std::uint32_t* indices, std::size_t count, float* out) noexcept;
ABI_API void dot_gather(const float* query, const BFloat16* base, std::size_t stride,
                        std::size_t dim, const std::uint32_t* indices, std::size_t count,
                        float* out) noexcept;
ABI_API void cosine_gather(const float* query, const Half* base, std::size_t stride,
                           std::size_t dim, const std::uint32_t* indices, std::size_t count,
                           float* out) noexcept;
ABI_API void cosine_gather(const float* query, const BFloat16* base, std::size_t stride,
                           std::size_t dim, const std::uint32_t* indices, std::size_t count,
                           float* out) noexcept;

// Blocks of queries x rows: out[q * count + i], equal to the results of single queries bit for bit.
ABI_API void l2_squared_block(const float* queries, std::size_t query_count, const Half* rows,
                              std::size_t dim, std::size_t count, float* out) noexcept;
ABI_API void l2_squared_block(const float* queries, std::size_t query_count, const BFloat16* rows,
                              std::size_t dim, std::size_t count, float* out) noexcept;
ABI_API void dot_block(const float* queries, std::size_t query_count, const Half* rows,
                       std::size_t dim, std::size_t count, float* out) noexcept;
ABI_API void dot_block(const float* queries, std::size_t query_count, const BFloat16* rows,
                       std::size_t dim, std::size_t count, float* out) noexcept;
ABI_API void cosine_block(const float* queries, std::size_t query_count, const Half* rows,
                          std::size_t dim, std::size_t count, float* out) noexcept;
ABI_API void cosine_block(const float* queries, std::size_t query_count, const BFloat16* rows,
                          std::size_t dim, std::size_t count, float* out) noexcept;

// out[i] = sum_j rows[i][j]^2.
ABI_API void squared_norms(const Half* rows, std::size_t dim, std::size_t count,
                           float* out) noexcept;
ABI_API void squared_norms(const BFloat16* rows, std::size_t dim, std::size_t count,
                           float* out) noexcept;

}  // namespace abikit::simd
