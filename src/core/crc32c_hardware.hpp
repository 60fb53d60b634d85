// CRC-32C with the processor's instruction. Read crc32c_hardware.cpp next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace abikit::crc {

// Continues a raw checksum (no inversions).
using RawUpdate = std::uint32_t (*)(std::uint32_t raw, std::span<const std::byte> bytes) noexcept;

struct HardwareCrc {
    RawUpdate update = nullptr;  // null where this processor has no such instruction
    std::string_view name;
};

// Asks the processor; call once.
HardwareCrc hardware_crc() noexcept;

}  // namespace abikit::crc
