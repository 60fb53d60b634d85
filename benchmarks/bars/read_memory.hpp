// Merely reads memory, as fast as one thread can: the yardstick for every scan.
#pragma once

#include <cstddef>
#include <cstdint>

namespace abikit::bars {

// Loads every byte of [data, data + size_bytes) with the widest vectors of the machine and returns
// the exclusive or of all 64-bit words (the last size_bytes % 8 bytes are left out), so that no
// load can be dropped. Thread-safe.
std::uint64_t read_memory(const void* data, std::size_t size_bytes) noexcept;

}  // namespace abikit::bars
