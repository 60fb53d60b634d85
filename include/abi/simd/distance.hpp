// Exact distances between float32 vectors, batched so that dispatch is paid once per call, and what
// top-k search needs. Any dim and count are allowed (dim 0 gives zeros); pointers need no alignment
// beyond that of float, though rows aligned to 64 bytes are read up to twice as fast from caches;
// nothing outside the ranges given is read. Results may differ between targets by the order of
// summation (bounded by dim * eps * sum |terms|), never between calls on one target. noexcept,
// thread-safe, no allocation. Read topk.hpp next for keeping the nearest, reference.hpp for the
// scalar twins.
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
// Blocks of queries x rows for batches of queries: out[q * count + i]. Each result equals that of
// the single-query function on the same target bit for bit.
ABI_API void l2_squared_block(const float* queries, std::size_t query_count, const float* rows,
                              std::size_t dim, std::size_t count, float* out) noexcept;
ABI_API void dot_block(const float* queries, std::size_t query_count, const float* rows,
                       std::size_t dim, std::size_t count, float* out) noexcept;
// out[i] = sum_j rows[i][j]^2.
ABI_API void squared_norms(const float* rows, std::size_t dim, std::size_t count,
                           float* out) noexcept;
// Index of the first value that is NaN or infinite; `count` when all are finite.
ABI_API std::size_t first_non_finite(const float* values, std::size_t count) noexcept;
// Writes the indices i (ascending) with values[i] <= threshold to `out` (room for count) and
// returns how many. NaN never passes.
ABI_API std::size_t select_not_above(const float* values, std::size_t count, float threshold,
                                     std::uint32_t* out) noexcept;

}  // namespace abikit::simd
