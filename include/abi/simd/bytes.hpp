// Scans over bytes: counting, sets of byte values, substrings, UTF-8, and a hash. Offsets and sizes
// are in bytes. Nothing outside the views given is read, no alignment is needed, and an empty view
// may have a null pointer. Results are exact and the same on every target. noexcept, thread-safe,
// no allocation. Read reference_bytes.hpp next for the scalar twins.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <abi/core/export.h>

namespace abikit::simd {

// A set of byte values: what a tokenizer calls a character class. A regular value of 32 bytes,
// cheap to copy; build it once, at compile time where the members are known. Its bits are laid out
// as vector table lookups want them (W. Mula, "SIMD byte lookup", 2018), so that any set costs the
// kernels the same few instructions.
class ByteSet {
public:
    constexpr ByteSet() noexcept = default;
    // The bytes of `members`, repeats allowed: ByteSet(",\"\r\n").
    constexpr explicit ByteSet(std::string_view members) noexcept {
        for (const char byte : members) {
            insert(byte);
        }
    }
    // first to last, both included, compared as unsigned: ByteSet::range('a', 'z').
    static constexpr ByteSet range(char first, char last) noexcept {
        ByteSet set;
        for (unsigned byte = to_unsigned(first); byte <= to_unsigned(last); ++byte) {
            set.insert(static_cast<char>(byte));
        }
        return set;
    }

    constexpr void insert(char byte) noexcept {
        std::uint8_t& row = table_[row_of(byte)];
        row = static_cast<std::uint8_t>(row | bit_of(byte));
    }
    constexpr bool contains(char byte) const noexcept {
        return (table_[row_of(byte)] & bit_of(byte)) != 0;
    }

    friend constexpr ByteSet operator|(ByteSet a, const ByteSet& b) noexcept {
        for (std::size_t i = 0; i < a.table_.size(); ++i) {
            a.table_[i] = static_cast<std::uint8_t>(a.table_[i] | b.table_[i]);
        }
        return a;
    }
    // All other bytes.
    friend constexpr ByteSet operator~(ByteSet set) noexcept {
        for (std::uint8_t& row : set.table_) {
            row = static_cast<std::uint8_t>(~row);
        }
        return set;
    }
    friend constexpr bool operator==(const ByteSet&, const ByteSet&) noexcept = default;

    // For the kernels: row 16 * (byte >> 7) + (byte & 15), bit (byte >> 4) & 7.
    constexpr const std::array<std::uint8_t, 32>& table() const noexcept { return table_; }

private:
    static constexpr unsigned to_unsigned(char byte) noexcept {
        return static_cast<unsigned char>(byte);
    }
    static constexpr std::size_t row_of(char byte) noexcept {
        return (to_unsigned(byte) >> 7U) * 16 + (to_unsigned(byte) & 15U);
    }
    static constexpr unsigned bit_of(char byte) noexcept {
        return 1U << ((to_unsigned(byte) >> 4U) & 7U);
    }

    std::array<std::uint8_t, 32> table_{};
};

// What a search returns when there is nothing to be found.
inline constexpr std::size_t kNotFound = static_cast<std::size_t>(-1);

// How many bytes equal `byte`; count_byte(text, '\n') counts lines.
ABI_API std::size_t count_byte(std::string_view text, char byte) noexcept;

// Offset of the first byte that is in the set; text.size() when there is none.
ABI_API std::size_t find_in(std::string_view text, const ByteSet& set) noexcept;
// Offset of the first byte that is not in the set; text.size() when there is none.
ABI_API std::size_t find_not_in(std::string_view text, const ByteSet& set) noexcept;
// How many bytes are in the set.
ABI_API std::size_t count_in(std::string_view text, const ByteSet& set) noexcept;
// One bit a byte, the form that scanners of structured text work on: bit i % 64 of masks[i / 64]
// tells whether text[i] is in the set. Writes ceil(text.size() / 64) words; bits past the end are
// 0.
ABI_API void mark_in(std::string_view text, const ByteSet& set, std::uint64_t* masks) noexcept;
// Writes the offsets of the members (ascending) to `offsets` (room for text.size()) and returns how
// many there are. text.size() <= 2^32.
ABI_API std::size_t offsets_in(std::string_view text, const ByteSet& set,
                               std::uint32_t* offsets) noexcept;

// Offset of the first occurrence of `needle`, case-sensitive; kNotFound when there is none. An
// empty needle is found at 0. Two bytes of the needle, chosen to be rare in text and source code,
// filter 64 places at a time (W. Mula, "SIMD-friendly algorithms for substring searching", 2016);
// text that passes the filter too often is searched by the Two-Way algorithm from there on (M.
// Crochemore, D. Perrin, "Two-way string-matching", 1991). Time is therefore linear in text.size()
// + needle.size() for any input.
ABI_API std::size_t find_substring(std::string_view text, std::string_view needle) noexcept;
// How many occurrences there are, overlapping ones included ("aa" is twice in "aaa"). An empty
// needle occurs text.size() + 1 times. Linear time.
ABI_API std::size_t count_substring(std::string_view text, std::string_view needle) noexcept;
// Writes the offsets of the occurrences at or after `from` (ascending, overlapping ones included)
// until `offsets` is full, and returns how many were written. Fewer than offsets.size() mean that
// there are no more; otherwise go on with from = the last one + 1. Each call is linear in what it
// passes over plus needle.size(), so give room for many.
ABI_API std::size_t find_substrings(std::string_view text, std::string_view needle,
                                    std::size_t from, std::span<std::size_t> offsets) noexcept;

// Bytes of the longest prefix that is valid UTF-8 (RFC 3629; The Unicode Standard, Table 3-7):
// text.size() when all of it is valid, otherwise the offset of the first byte of the first
// ill-formed sequence. A character that is cut off at the end is ill-formed. Vector form: J.
// Keiser, D. Lemire, "Validating UTF-8 in less than one instruction per byte", 2021.
ABI_API std::size_t valid_utf8_prefix(std::string_view text) noexcept;

// A 64-bit hash for hash tables, deduplication and sharding. The value is a function of the bytes
// and the seed alone: the same on every target, machine and byte order, and it will not change, so
// it may be stored. Not for secrets or against deliberate collisions.
//
// Up to 256 bytes: 64 x 64 -> 128-bit multiplications whose halves are folded together (the idea of
// wyhash). Longer: eight 64-bit sums of 32 x 32-bit products over stripes of 64 bytes, each stripe
// with keys of its own, stirred every 1024 bytes (the idea of XXH3), which every vector unit runs
// at the speed of its cache. The keys are the output of SplitMix64. Why not libxxhash: its library
// is compiled for the baseline of a distribution, where it runs at half the speed of these kernels;
// the format of XXH3 brings nothing that is needed here, and a dependency for one function costs
// each packager. Tests hold it to: each input bit flips each output bit in 50 % +- noise; no
// collisions among sequential integers, short strings and sparse long keys; evenly used buckets
// from either end.
ABI_API std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0) noexcept;

}  // namespace abikit::simd
