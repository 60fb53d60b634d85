// Distances between a query and quantised rows (codes.hpp, made by quantise.hpp): what a walk
// through a graph index, or a scan before re-ranking, spends its time on. The query is float32
// (asymmetric: only the rows have lost precision) or int8 codes itself (fastest: an exact integer
// dot product and a few operations for each row).
//
// The forms, and what holds for all of them, are those of distance.hpp. A row's value is offset +
// scale * code; results are those for the decoded row.
//
// float32 queries: L2 sums squared differences of decoded values, so close rows lose nothing by
// cancellation; dot products sum over codes and apply scale and offset once. Error against double
// precision: (dim + 8) * 2^-23 * (sum |terms|), a term of a dot product counting as |query| *
// (|offset| + |scale * code|), of a difference as (|query| + |offset| + |scale * code|)^2. Results
// differ between targets within it.
//
// int8 queries: headers are combined with the integer in float32, in one order, so results are
// equal on every target. L2 is |a|^2 + |b|^2 - 2 dot and loses by cancellation what two close
// vectors have in common, about 2^-22 of their squared norms; never negative.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>
#include <abi/simd/codes.hpp>

namespace abikit::simd {

// out[i] = sum_j (query[j] - value of row i at j)^2.
ABI_API void l2_squared_rows(const float* query, const Int8Codes& rows, std::size_t dim,
                             std::size_t count, float* out) noexcept;
ABI_API void l2_squared_rows(const float* query, const Int4Codes& rows, std::size_t dim,
                             std::size_t count, float* out) noexcept;
// out[i] = sum_j query[j] * value of row i at j.
ABI_API void dot_rows(const float* query, const Int8Codes& rows, std::size_t dim, std::size_t count,
                      float* out) noexcept;
ABI_API void dot_rows(const float* query, const Int4Codes& rows, std::size_t dim, std::size_t count,
                      float* out) noexcept;

// The same for rows indices[0 .. count); codes and headers of rows to come are fetched ahead.
ABI_API void l2_squared_gather(const float* query, const Int8Codes& base, std::size_t dim,
                               const std::uint32_t* indices, std::size_t count,
                               float* out) noexcept;
ABI_API void l2_squared_gather(const float* query, const Int4Codes& base, std::size_t dim,
                               const std::uint32_t* indices, std::size_t count,
                               float* out) noexcept;
ABI_API void dot_gather(const float* query, const Int8Codes& base, std::size_t dim,
                        const std::uint32_t* indices, std::size_t count, float* out) noexcept;
ABI_API void dot_gather(const float* query, const Int4Codes& base, std::size_t dim,
                        const std::uint32_t* indices, std::size_t count, float* out) noexcept;

// A query that was quantised like the rows (quantise_rows with a count of 1), or a row itself.
struct Int8Query {
    const std::int8_t* codes = nullptr;
    CodeHeader header;
};

// dim is at most kMostByteDims (distance_bytes.hpp).
ABI_API void l2_squared_rows(const Int8Query& query, const Int8Codes& rows, std::size_t dim,
                             std::size_t count, float* out) noexcept;
ABI_API void dot_rows(const Int8Query& query, const Int8Codes& rows, std::size_t dim,
                      std::size_t count, float* out) noexcept;
ABI_API void l2_squared_gather(const Int8Query& query, const Int8Codes& base, std::size_t dim,
                               const std::uint32_t* indices, std::size_t count,
                               float* out) noexcept;
ABI_API void dot_gather(const Int8Query& query, const Int8Codes& base, std::size_t dim,
                        const std::uint32_t* indices, std::size_t count, float* out) noexcept;

}  // namespace abikit::simd
