// CRC-32C, the checksum of every record and block that we store: Castagnoli polynomial 0x1EDC6F41,
// reflected, initial value and final XOR 0xFFFFFFFF (RFC 3720 section 12.1; the same as iSCSI, ext4
// and the SSE4.2 instruction). It finds damage, it does not stop an attacker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <abi/core/export.h>

namespace abikit {

// The checksum of `bytes`. `seed` is the checksum of what came before, so a long input may be fed
// in parts: crc32c(b, crc32c(a)) == crc32c(a followed by b). The empty input gives `seed`. Uses the
// processor's CRC instruction where there is one (chosen at run time), else tables. Thread-safe.
ABI_API std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0) noexcept;

// The table-driven twin of crc32c: the same values on every processor. For tests and comparisons.
ABI_API std::uint32_t crc32c_portable(std::span<const std::byte> bytes,
                                      std::uint32_t seed = 0) noexcept;

// The checksum of a followed by b, from crc32c(a), crc32c(b) and the length of b in bytes, without
// the bytes: parts may be computed in parallel. Takes time in the logarithm of `length_b`.
ABI_API std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b,
                                     std::uint64_t length_b) noexcept;

// What crc32c runs on here: "sse4.2", "armv8-crc" or "portable".
ABI_API std::string_view crc32c_implementation() noexcept;

}  // namespace abikit
