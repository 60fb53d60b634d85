// The scalar twin of each kernel of bytes.hpp: one obvious loop each, slow on purpose. Contracts
// are those of the kernels of the same name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <abi/core/export.h>
#include <abi/simd/bytes.hpp>

namespace abikit::simd::reference {

ABI_API std::size_t count_byte(std::string_view text, char byte) noexcept;
ABI_API std::size_t find_in(std::string_view text, const ByteSet& set) noexcept;
ABI_API std::size_t find_not_in(std::string_view text, const ByteSet& set) noexcept;
ABI_API std::size_t count_in(std::string_view text, const ByteSet& set) noexcept;
ABI_API void mark_in(std::string_view text, const ByteSet& set, std::uint64_t* masks) noexcept;
ABI_API std::size_t offsets_in(std::string_view text, const ByteSet& set,
                               std::uint32_t* offsets) noexcept;
// Compares at every place: time is text.size() * needle.size() in the worst case.
ABI_API std::size_t find_substring(std::string_view text, std::string_view needle) noexcept;
ABI_API std::size_t count_substring(std::string_view text, std::string_view needle) noexcept;
// One character after the other, by the ranges of Table 3-7 of The Unicode Standard.
ABI_API std::size_t valid_utf8_prefix(std::string_view text) noexcept;
// Byte by byte, and lane by lane where the kernel takes vectors: the definition of the value.
ABI_API std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0) noexcept;

}  // namespace abikit::simd::reference
