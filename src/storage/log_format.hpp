// The shape of log records that the reader (log.cpp) and the writer (log_writer.cpp) share.
#pragma once

#include <cstdint>
#include <limits>

#include "log.hpp"

namespace abikit::storage {

inline constexpr std::uint64_t kLogAlign = 8;

// A record says how many units of eight bytes before it were not known to be durable when it was
// written. This many, or more: nothing was.
inline constexpr std::uint32_t kNothingDurable = std::numeric_limits<std::uint32_t>::max();

inline std::uint64_t padded(std::uint64_t bytes) {
    return (bytes + kLogAlign - 1) / kLogAlign * kLogAlign;
}
inline std::uint32_t payload_seed(std::uint64_t salt) {
    return static_cast<std::uint32_t>(salt);
}
inline std::uint32_t header_seed(std::uint64_t salt) {
    return static_cast<std::uint32_t>(salt >> 32);
}

}  // namespace abikit::storage
