// What the commands around backups share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <abi/storage/backup.hpp>

#include "../invocation.hpp"
#include "../spec.hpp"

namespace abikit::cli {

// "1 file", "2 files".
std::string plural(std::uint64_t count, std::string_view what);
// "1.5 KiB"
std::string size_text(std::uint64_t bytes);
storage::Rehearsal rehearsal_of(const Invocation& invocation);

OperandSpec repository_operand();
// Of an option that takes "latest" or a number; none for the newest.
Result<std::optional<std::uint64_t>> backup_number(const std::string& word);

}  // namespace abikit::cli
