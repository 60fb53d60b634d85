// Everything that is generated from the command table besides the help: manual pages, completion
// scripts, the configuration reference. All of it is deterministic: no dates, no environment.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "../spec.hpp"

namespace abikit::cli {

struct GeneratedFile {
    std::string name{};  // "abi-config.1"
    std::string text{};
};

// abi.1, abi-<command>.1 for every top-level command with its verbs, abi.toml.5.
std::vector<GeneratedFile> man_pages(std::span<const CommandSpec> commands,
                                     std::span<const OptionSpec> globals);

// configuration.md: every key, variable and default.
std::vector<GeneratedFile> reference_pages(std::span<const CommandSpec> commands,
                                           std::span<const OptionSpec> globals);

// Completion scripts for the three shells.
std::string bash_completion(std::span<const CommandSpec> commands,
                            std::span<const OptionSpec> globals);
std::string zsh_completion(std::span<const CommandSpec> commands,
                           std::span<const OptionSpec> globals);
std::string fish_completion(std::span<const CommandSpec> commands,
                            std::span<const OptionSpec> globals);

}  // namespace abikit::cli
