// Blocks of 128 numbers, each packed into as many bits as the largest needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace abikit::storage::fulltext {

inline constexpr std::size_t kBlockPostings = 128;
// A block of width `bits` takes exactly this many bytes.
constexpr std::size_t packed_bytes(unsigned bits) noexcept {
    return std::size_t{bits} * kBlockPostings / 8;
}
// Bits of the largest of the values.
unsigned bits_needed(std::span<const std::uint32_t> values) noexcept;

// The layout is that of Lemire and Boytsov's SIMD-BP128 ("Decoding billions of integers per second
// through vectorization", 2015): number i goes to lane i mod 4; each lane is a string of bits in
// 32-bit words, lowest first; word w of lane l is the word 4w + l of the block. bits: 0 to 32, all
// values below 2^bits.
void pack_block(std::span<const std::uint32_t, kBlockPostings> values, unsigned bits,
                std::string& out);
// Reads packed_bytes(bits) bytes.
void unpack_block(const std::byte* from, unsigned bits, std::uint32_t* values) noexcept;

}  // namespace abikit::storage::fulltext
