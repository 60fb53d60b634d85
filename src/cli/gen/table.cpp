// Collecting settings from the command table.
#include "table.hpp"

#include <algorithm>

namespace abikit::cli {

std::vector<ConfigKey> config_keys(std::span<const CommandSpec> commands,
                                   std::span<const OptionSpec> globals) {
    std::vector<ConfigKey> keys;
    for (const OptionSpec& option : globals) {
        if (!environment_name(option).empty()) {
            keys.push_back({&option, {}});
        }
    }
    const auto own_from = static_cast<std::ptrdiff_t>(keys.size());
    for (const CommandSpec& command : commands) {
        for (const OptionSpec& option : command.options) {
            const std::string variable = environment_name(option);
            if (variable.empty()) {
                continue;
            }
            const auto known = std::find_if(
                keys.begin() + own_from, keys.end(),
                [&](const ConfigKey& key) { return environment_name(*key.option) == variable; });
            if (known == keys.end()) {
                keys.push_back({&option, {command_name(command)}});
            } else {
                known->commands.push_back(command_name(command));
            }
        }
    }
    return keys;
}

std::vector<OptionSpec> flags_of(std::span<const OptionSpec> options) {
    std::vector<OptionSpec> flags;
    std::ranges::copy_if(options, std::back_inserter(flags),
                         [](const OptionSpec& option) { return !option.config_only; });
    return flags;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
    return text;
}

std::string join(const std::vector<std::string>& texts, std::string_view separator) {
    std::string out;
    for (const std::string& text : texts) {
        if (&text != &texts.front()) {
            out += separator;
        }
        out += text;
    }
    return out;
}

}  // namespace abikit::cli
