// Help texts, made from the command specifications.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "../spec.hpp"

namespace abikit::cli {

struct HelpStyle {
    std::size_t width = 80;  // columns to fill
    bool colour = false;
};

// `abi help`: all commands and the global options.
std::string help_overview(std::span<const CommandSpec> commands,
                          std::span<const OptionSpec> globals, const HelpStyle& style);

// `abi help COMMAND`: usage, description, operands, options, examples, exit codes; for a group its
// commands.
std::string help_command(const CommandSpec& spec, std::span<const CommandSpec> commands,
                         std::span<const OptionSpec> globals, const HelpStyle& style);

// "-k, --count N", the way all generated texts show an option.
std::string option_title(const OptionSpec& option);

// The help line with everything that bounds the value: "... (default 10, 1 to 1000; ABI_DB_COUNT)".
std::string option_details(const OptionSpec& option);

}  // namespace abikit::cli
