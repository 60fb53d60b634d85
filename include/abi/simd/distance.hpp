// Exact distances between float32 vectors, batched so that dispatch is paid once per call, and what
// top-k search needs. Read topk.hpp next for keeping the nearest; distance_half.hpp,
// distance_bytes.hpp, distance_codes.hpp and distance_bits.hpp have the same forms for other
// element types; reference.hpp the scalar twins.
//
// Three forms: `_rows` is one query against rows that lie one behind the other, `_gather` one query
// against rows picked by index (their memory is asked for ahead of time, as a walk through a graph
// needs it), `_block` several queries against rows in order.
//
// For all of them: any dim and count are allowed (dim 0 gives zeros); pointers need no alignment
// beyond that of their element, though rows aligned to 64 bytes are read up to twice as fast from
// caches; nothing outside the ranges given is read. noexcept, thread-safe, no allocation. `out`
// overlaps no input.
//
// Results: sums have float32 rounding, |error| <= (dim + 2) * 2^-23 * sum |terms|. They may differ
// between targets by the order of summation, within that bound, and never between calls or forms on
// one target: a row gives the same bits alone, gathered or in a block. NaN and infinities go
// through as in the sums written below; denormals count in full.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <abi/core/export.h>

namespace abikit::simd {

// rows: count x dim, row-major, gap-free. out: count. out[i] = sum_j (query[j] - rows[i][j])^2.
ABI_API void l2_squared_rows(const float* query, const float* rows, std::size_t dim,
                             std::size_t count, float* out) noexcept;
// out[i] = sum_j query[j] * rows[i][j].
ABI_API void dot_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
                      float* out) noexcept;
// out[i] = 1 - dot / (norm of query * norm of row), in [0, 2] up to rounding (|error| <= (dim + 8)
// * 2^-22); 1 where the product of the norms is zero in float32, which includes vectors of values
// below 1e-23. Keep norms (below) to read each row once less from the cache.
ABI_API void cosine_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
                         float* out) noexcept;

// The same for rows indices[0 .. count): row r is the dim values at base + r * stride. Every index
// must be a row of `base`; indices may repeat.
ABI_API void l2_squared_gather(const float* query, const float* base, std::size_t stride,
                               std::size_t dim, const std::uint32_t* indices, std::size_t count,
                               float* out) noexcept;
ABI_API void dot_gather(const float* query, const float* base, std::size_t stride, std::size_t dim,
                        const std::uint32_t* indices, std::size_t count, float* out) noexcept;
ABI_API void cosine_gather(const float* query, const float* base, std::size_t stride,
                           std::size_t dim, const std::uint32_t* indices, std::size_t count,
                           float* out) noexcept;

// Blocks of queries x rows for batches of queries: out[q * count + i]. Each result equals that of
// the single-query function on the same target bit for bit.
ABI_API void l2_squared_block(const float* queries, std::size_t query_count, const float* rows,
                              std::size_t dim, std::size_t count, float* out) noexcept;
ABI_API void dot_block(const float* queries, std::size_t query_count, const float* rows,
                       std::size_t dim, std::size_t count, float* out) noexcept;
ABI_API void cosine_block(const float* queries, std::size_t query_count, const float* rows,
                          std::size_t dim, std::size_t count, float* out) noexcept;

// out[i] = sum_j rows[i][j]^2.
ABI_API void squared_norms(const float* rows, std::size_t dim, std::size_t count,
                           float* out) noexcept;
// out[i] = sqrt(sum_j rows[i][j]^2). Infinite where the squares overflow (values above 1e19).
ABI_API void norms(const float* rows, std::size_t dim, std::size_t count, float* out) noexcept;
// Divides each row by its norm, in place. A row whose norm is zero in float32 stays as it is.
ABI_API void normalise_rows(float* rows, std::size_t dim, std::size_t count) noexcept;
// Turns dot products into cosine distances where norms are kept: out[i] = 1 - out[i] / (query_norm
// * row_norms[i]), 1 where that product is zero. With norms from norms() the results equal those of
// cosine_rows bit for bit. The second form takes row_norms[indices[i]].
ABI_API void dots_to_cosines(float query_norm, const float* row_norms, std::size_t count,
                             float* out) noexcept;
ABI_API void dots_to_cosines_gather(float query_norm, const float* row_norms,
                                    const std::uint32_t* indices, std::size_t count,
                                    float* out) noexcept;

// Index of the first value that is NaN or infinite; `count` when all are finite.
ABI_API std::size_t first_non_finite(const float* values, std::size_t count) noexcept;
// Writes the indices i (ascending) with values[i] <= threshold to `out` (room for count) and
// returns how many. NaN never passes.
ABI_API std::size_t select_not_above(const float* values, std::size_t count, float threshold,
                                     std::uint32_t* out) noexcept;

}  // namespace abikit::simd
