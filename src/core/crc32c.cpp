// CRC-32C: the choice of implementation, the table-driven twin, and combination.
#include <bit>
#include <cstring>

#include <abi/core/crc32c.hpp>

#include "crc32c_hardware.hpp"
#include "crc32c_math.hpp"

namespace abikit {
namespace {

std::uint64_t load8_little_endian(const std::byte* from) noexcept {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    if constexpr (std::endian::native == std::endian::big) {
        word = std::byteswap(word);
    }
    return word;
}

std::uint32_t slice_by_8(std::uint32_t raw, std::span<const std::byte> bytes) noexcept {
    const auto& tables = crc::kSliceTables;
    const std::byte* from = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 8; from += 8, left -= 8) {
        const std::uint64_t word = load8_little_endian(from) ^ raw;
        raw = 0;
        for (std::size_t k = 0; k < 8; ++k) {
            raw ^= tables[7 - k][(word >> (8 * k)) & 0xFF];
        }
    }
    for (; left > 0; ++from, --left) {
        raw = (raw >> 8) ^ tables[0][(raw ^ std::to_integer<std::uint32_t>(*from)) & 0xFF];
    }
    return raw;
}

const crc::HardwareCrc& implementation() noexcept {
    static const crc::HardwareCrc chosen = [] {
        const crc::HardwareCrc hardware = crc::hardware_crc();
        return hardware.update != nullptr ? hardware : crc::HardwareCrc{slice_by_8, "portable"};
    }();
    return chosen;
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed) noexcept {
    return ~implementation().update(~seed, bytes);
}

std::uint32_t crc32c_portable(std::span<const std::byte> bytes, std::uint32_t seed) noexcept {
    return ~slice_by_8(~seed, bytes);
}

std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b,
                             std::uint64_t length_b) noexcept {
    // The inversions cancel: both checksums carry the same constant, shifted by length_b in a.
    return crc::multiply(crc_a, crc::shift_factor(length_b)) ^ crc_b;
}

std::string_view crc32c_implementation() noexcept {
    return implementation().name;
}

}  // namespace abikit
