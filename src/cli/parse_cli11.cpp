// The only file that sees CLI11: one App for one command's options. Wording is ours: CLI11 only
// takes the words apart.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "command_line.hpp"

namespace abikit::cli {
namespace {

std::string cli11_name(const OptionSpec& option) {
    std::string name = "--" + option.name;
    if (option.short_name != 0) {
        name += std::string(",-") + option.short_name;
    }
    return name;
}

CLI::Option* add_option(CLI::App& app, const OptionSpec& option, std::deque<std::string>& flags) {
    if (option.type == ValueType::kFlag) {
        return app.add_flag(cli11_name(option), flags.emplace_back())
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
    return app.add_option(cli11_name(option), [](const CLI::results_t&) { return true; })
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// CLI11 hands back what it does not know, "--" included: before it a dash means an unknown option.
void sort_rest(const std::vector<std::string>& rest, ParsedWords& parsed) {
    bool options_end = false;
    for (const std::string& word : rest) {
        if (!options_end && word == "--") {
            options_end = true;
        } else if (!options_end && word.size() > 1 && word.front() == '-') {
            if (parsed.unknown_option.empty()) {
                parsed.unknown_option = word.substr(0, word.find('='));
            }
        } else {
            parsed.words.push_back(word);
        }
    }
}

}  // namespace

ParsedWords parse_words(std::span<const std::string> words,
                        std::span<const OptionSpec* const> options) {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras();
    std::deque<std::string> flags;
    std::vector<std::pair<const OptionSpec*, CLI::Option*>> added;
    for (const OptionSpec* option : options) {
        if (!option->config_only) {
            added.emplace_back(option, add_option(app, *option, flags));
        }
    }
    ParsedWords parsed;
    std::vector<std::string> reversed(words.rbegin(), words.rend());  // as CLI11 wants them
    try {
        app.parse(reversed);
    } catch (const CLI::ParseError&) {
        // Every option takes exactly one value, so the only way to fail is that the words ended.
        parsed.value_missing = true;
        return parsed;
    }
    for (const auto& [spec, option] : added) {
        if (option->count() > 0) {
            parsed.options.push_back({spec, option->results()});
        }
    }
    sort_rest(app.remaining(), parsed);
    return parsed;
}

}  // namespace abikit::cli
