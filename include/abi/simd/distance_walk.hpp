// Squared distances between int8 codes that carry their norm, for walks through a graph: few rows
// at a time, by index, thousands of times for one query. The sums are those of distance_bytes.hpp;
// what depends on the query alone is computed once.
//
// A code of `stride` bytes, a multiple of 64: values from -127 to 127, then in the last four bytes
// the sum of their squares as int32 of the machine's byte order, so that a distance reads no other
// cache line than the code's. Codes start at multiples of 64.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>

namespace abikit::simd {

inline constexpr std::size_t kWalkAlignment = 64;
inline constexpr std::size_t kWalkNormBytes = 4;

// The code to measure from. Borrows `code`: stride bytes, aligned as codes are, with zeros where
// others have their norm.
struct WalkQuery {
    const std::int8_t* code = nullptr;
    std::int32_t norm = 0;
    std::int32_t sum = 0;  // of the values
};

// A code as a query. room: stride bytes at a multiple of 64, which the query borrows; may be `code`
// itself, which then loses its norm.
ABI_API WalkQuery make_walk_query(const std::int8_t* code, std::size_t stride,
                                  std::int8_t* room) noexcept;

// out[i] = norm of query + norm of row i - 2 * dot, where row r is the code at base + r * stride:
// the squared Euclidean distance where the norms are right, exact and equal on every target up to a
// stride of 32,768, modulo 2^32 beyond. Rows are not fetched ahead: the caller knows earlier which
// it will need. noexcept, thread-safe, no allocation.
ABI_API void walk_distances(const WalkQuery& query, const std::int8_t* base, std::size_t stride,
                            const std::uint32_t* rows, std::size_t count,
                            std::int32_t* out) noexcept;

}  // namespace abikit::simd
