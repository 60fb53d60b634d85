// Exact distances between int8 or uint8 vectors: quantised embeddings, image and audio features.
// The forms, and what holds for all of them, are those of distance.hpp; convert.hpp and
// quantise.hpp make such vectors from float32.
//
// Results are exact 32-bit integers, equal on every target, for the full range of values (-128 and
// 255 included) up to kMostByteDims dimensions; beyond, sums wrap modulo 2^32. Squared differences
// and uint8 products reach 4.2e9 and are therefore unsigned. Cosines are computed from the integers
// in double precision and rounded once: they are equal on every target as well.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>

namespace abikit::simd {

// 65,536 * 255^2 < 2^32 and 65,536 * 128^2 < 2^31.
inline constexpr std::size_t kMostByteDims = 65'536;

// rows: count x dim, row-major, gap-free. out: count. out[i] = sum_j (query[j] - rows[i][j])^2.
ABI_API void l2_squared_rows(const std::int8_t* query, const std::int8_t* rows, std::size_t dim,
                             std::size_t count, std::uint32_t* out) noexcept;
ABI_API void l2_squared_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t dim,
                             std::size_t count, std::uint32_t* out) noexcept;
// out[i] = sum_j query[j] * rows[i][j].
ABI_API void dot_rows(const std::int8_t* query, const std::int8_t* rows, std::size_t dim,
                      std::size_t count, std::int32_t* out) noexcept;
ABI_API void dot_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t dim,
                      std::size_t count, std::uint32_t* out) noexcept;
// out[i] = 1 - dot / sqrt(squared norm of query * squared norm of row); 1 where a vector is zero.
ABI_API void cosine_rows(const std::int8_t* query, const std::int8_t* rows, std::size_t dim,
                         std::size_t count, float* out) noexcept;
ABI_API void cosine_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t dim,
                         std::size_t count, float* out) noexcept;

// Rows by index: row r is the dim values at base + r * stride.
ABI_API void l2_squared_gather(const std::int8_t* query, const std::int8_t* base,
                               std::size_t stride, std::size_t dim, const std::uint32_t* indices,
                               std::size_t count, std::uint32_t* out) noexcept;
ABI_API void l2_squared_gather(const std::uint8_t* query, const std::uint8_t* base,
                               std::size_t stride, std::size_t dim, const std::uint32_t* indices,
                               std::size_t count, std::uint32_t* out) noexcept;
ABI_API void dot_gather(const std::int8_t* query, const std::int8_t* base, std::size_t stride,
                        std::size_t dim, const std::uint32_t* indices, std::size_t count,
                        std::int32_t* out) noexcept;
ABI_API void dot_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                        std::size_t dim, const std::uint32_t* indices, std::size_t count,
                        std::uint32_t* out) noexcept;
ABI_API void cosine_gather(const std::int8_t* query, const std::int8_t* base, std::size_t stride,
                           std::size_t dim, const std::uint32_t* indices, std::size_t count,
                           float* out) noexcept;
ABI_API void cosine_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                           std::size_t dim, const std::uint32_t* indices, std::size_t count,
                           float* out) noexcept;

// Blocks of queries x rows: out[q * count + i].
ABI_API void l2_squared_block(const std::int8_t* queries, std::size_t query_count,
                              const std::int8_t* rows, std::size_t dim, std::size_t count,
                              std::uint32_t* out) noexcept;
ABI_API void l2_squared_block(const std::uint8_t* queries, std::size_t query_count,
                              const std::uint8_t* rows, std::size_t dim, std::size_t count,
                              std::uint32_t* out) noexcept;
ABI_API void dot_block(const std::int8_t* queries, std::size_t query_count, const std::int8_t* rows,
                       std::size_t dim, std::size_t count, std::int32_t* out) noexcept;
ABI_API void dot_block(const std::uint8_t* queries, std::size_t query_count,
                       const std::uint8_t* rows, std::size_t dim, std::size_t count,
                       std::uint32_t* out) noexcept;
ABI_API void cosine_block(const std::int8_t* queries, std::size_t query_count,
                          const std::int8_t* rows, std::size_t dim, std::size_t count,
                          float* out) noexcept;
ABI_API void cosine_block(const std::uint8_t* queries, std::size_t query_count,
                          const std::uint8_t* rows, std::size_t dim, std::size_t count,
                          float* out) noexcept;

// out[i] = sum_j rows[i][j]^2.
ABI_API void squared_norms(const std::int8_t* rows, std::size_t dim, std::size_t count,
                           std::uint32_t* out) noexcept;
ABI_API void squared_norms(const std::uint8_t* rows, std::size_t dim, std::size_t count,
                           std::uint32_t* out) noexcept;

}  // namespace abikit::simd
