// Distances between bit vectors: binary embeddings, fingerprints, sets. The forms, and what holds
// for all of them, are those of distance.hpp; quantise.hpp makes bits from the signs of float32.
//
// A row is a whole number of bytes, at most 2^28; bits beyond the last that is used are equal in
// all rows and the query (zero, say). The order of bits within a row does not matter as long as it
// is the same everywhere. Counts are exact; every result is equal on every target.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>

namespace abikit::simd {

// rows: count x row_bytes, gap-free. out: count. out[i] = number of bits in which query and row i
// differ.
ABI_API void hamming_rows(const std::uint8_t* query, const std::uint8_t* rows,
                          std::size_t row_bytes, std::size_t count, std::uint32_t* out) noexcept;
// Rows by index: row r is the row_bytes bytes at base + r * stride.
ABI_API void hamming_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                            std::size_t row_bytes, const std::uint32_t* indices, std::size_t count,
                            std::uint32_t* out) noexcept;
// Blocks of queries x rows: out[q * count + i].
ABI_API void hamming_block(const std::uint8_t* queries, std::size_t query_count,
                           const std::uint8_t* rows, std::size_t row_bytes, std::size_t count,
                           std::uint32_t* out) noexcept;

// Jaccard distance of the sets of bits: out[i] = 1 - |query and row| / |query or row|, in [0, 1]; 0
// where both are empty. Computed in double precision from exact counts and rounded once.
ABI_API void jaccard_rows(const std::uint8_t* query, const std::uint8_t* rows,
                          std::size_t row_bytes, std::size_t count, float* out) noexcept;
ABI_API void jaccard_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                            std::size_t row_bytes, const std::uint32_t* indices, std::size_t count,
                            float* out) noexcept;
ABI_API void jaccard_block(const std::uint8_t* queries, std::size_t query_count,
                           const std::uint8_t* rows, std::size_t row_bytes, std::size_t count,
                           float* out) noexcept;

// out[i] = number of bits set in row i.
ABI_API void bit_counts(const std::uint8_t* rows, std::size_t row_bytes, std::size_t count,
                        std::uint32_t* out) noexcept;

}  // namespace abikit::simd
