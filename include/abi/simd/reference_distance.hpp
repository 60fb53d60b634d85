// The scalar twins of distance_bytes.hpp, distance_walk.hpp and distance_bits.hpp; those of float32
// are in reference.hpp, and 16-bit or quantised rows are decoded first (reference_convert.hpp).
// Slow on purpose; one obvious loop each, exact for any length in memory.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>

namespace abikit::simd::reference {

ABI_API std::int64_t l2_squared(const std::int8_t* a, const std::int8_t* b,
                                std::size_t dim) noexcept;
ABI_API std::int64_t l2_squared(const std::uint8_t* a, const std::uint8_t* b,
                                std::size_t dim) noexcept;
ABI_API std::int64_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t dim) noexcept;
ABI_API std::int64_t dot(const std::uint8_t* a, const std::uint8_t* b, std::size_t dim) noexcept;

// walk_distances() for one row, before it is cut to 32 bits; both codes carry their norm.
ABI_API std::int64_t walk_distance(const std::int8_t* query, const std::int8_t* row,
                                   std::size_t stride) noexcept;

// Bits set in both, in either, and in one of them only.
struct BitCounts {
    std::uint64_t shared = 0;
    std::uint64_t either = 0;
    std::uint64_t different = 0;
};
ABI_API BitCounts bits(const std::uint8_t* a, const std::uint8_t* b, std::size_t bytes) noexcept;

}  // namespace abikit::simd::reference
