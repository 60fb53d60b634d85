// The mark in the LOCK file: how far the log was durable at least. It tells a commit that was cut
// off before its acknowledgement from an acknowledged one at the log's end that was damaged or cut
// away later, which the log alone cannot.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "log.hpp"

namespace abikit::storage {

inline constexpr std::size_t kLogMarkBytes = 40;

// Written after a sync and never synced itself: what a crash leaves of it is true whatever it is.
// Needs no memory.
std::array<std::byte, kLogMarkBytes> encode_log_mark(const LogIdentity& identity,
                                                     std::uint64_t durable_end) noexcept;
// The end that the mark beside the log at `log_path` tells; 0 without a sound one for this log.
std::uint64_t read_log_mark(FileSystem& fs, const std::string& log_path,
                            const LogIdentity& identity);

}  // namespace abikit::storage
