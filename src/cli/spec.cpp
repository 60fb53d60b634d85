// Reading and checking command specifications.
#include "spec.hpp"

namespace abikit::cli {

std::string environment_name(const OptionSpec& option) {
    if (!option.env.empty() || option.config_key.empty()) {
        return option.env;
    }
    std::string name = "ABI_";
    for (const char c : option.config_key) {
        const bool lower = c >= 'a' && c <= 'z';
        name += c == '.' || c == '-' ? '_' : (lower ? static_cast<char>(c - 'a' + 'A') : c);
    }
    return name;
}

std::string command_name(const CommandSpec& spec) {
    std::string name;
    for (const std::string& word : spec.path) {
        name += (name.empty() ? "" : " ") + word;
    }
    return name;
}

const OptionSpec* find_option(std::span<const OptionSpec> options, std::string_view name) noexcept {
    for (const OptionSpec& option : options) {
        if (option.name == name) {
            return &option;
        }
    }
    return nullptr;
}

OptionSpec dry_run_option() {
    return {.name = "dry-run",
            .short_name = 'n',
            .type = ValueType::kFlag,
            .help = "say what would be done and change nothing"};
}

}  // namespace abikit::cli
