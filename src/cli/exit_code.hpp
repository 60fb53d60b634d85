// The exit codes of every command (docs/cli/exit-codes.md).
#pragma once

#include <span>
#include <string_view>

#include <abi/core/error.hpp>

namespace abikit::cli {

// The exit code of a failure. kCancelled gives 130; the process ends by the signal itself.
int exit_code(Code code) noexcept;

// One row of the documentation.
struct ExitCodeNote {
    int code;
    std::string_view meaning;
};
std::span<const ExitCodeNote> exit_code_notes() noexcept;

}  // namespace abikit::cli
