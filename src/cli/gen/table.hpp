// Views of the command table that the generators share.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../spec.hpp"

namespace abikit::cli {

// A setting of the configuration and the commands it is for (empty: all of them).
struct ConfigKey {
    const OptionSpec* option = nullptr;
    std::vector<std::string> commands{};
};

// Every option that a variable or a key sets: global ones first, then those of the commands in
// table order; one entry for options of several commands that share a variable.
std::vector<ConfigKey> config_keys(std::span<const CommandSpec> commands,
                                   std::span<const OptionSpec> globals);

// Copies of the options that have a flag.
std::vector<OptionSpec> flags_of(std::span<const OptionSpec> options);

// Replaces every `from` in `text`.
std::string replace_all(std::string text, std::string_view from, std::string_view to);

// The texts joined with `separator`.
std::string join(const std::vector<std::string>& texts, std::string_view separator);

}  // namespace abikit::cli
