// How far a commit is on its way to the disk when it is acknowledged.
#pragma once

#include <cstdint>
#include <string_view>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit::storage {

// What a commit promises. In every mode a crash of the process loses nothing that was acknowledged,
// and after a power cut the database is whole: commits are there in their order and never in part.
//   kFull    acknowledged once the disk has it: a power cut loses nothing
//   kNormal  acknowledged once the operating system has it; the disk follows after 8 MiB or one
//            second of commits, at each checkpoint and on close. A power cut may take the commits
//            since then
//   kOff     acknowledged likewise; only checkpoints and close reach for the disk. A power cut may
//            take every commit since the last of them
enum class SyncMode : std::uint8_t { kFull, kNormal, kOff };

// "full", "normal", "off". Never fails for a valid enumerator.
ABI_API std::string_view sync_mode_name(SyncMode mode) noexcept;
// The inverse; kInvalidArgument names the valid words.
ABI_API Result<SyncMode> parse_sync_mode(std::string_view name);

}  // namespace abikit::storage
