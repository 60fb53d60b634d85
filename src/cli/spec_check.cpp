// The rules that every command specification keeps; the unit tests apply them to the real table.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "spec.hpp"
#include "values.hpp"

namespace abikit::cli {
namespace {

using Problems = std::vector<std::string>;

bool is_word(std::string_view text) {
    return !text.empty() && text.front() != '-' && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

void check_line(std::string_view where, std::string_view what, std::string_view text,
                Problems& problems) {
    if (text.empty()) {
        problems.push_back(fmt::format("{}: the {} is empty", where, what));
    } else if (text.back() == '.' || text.find('\n') != std::string_view::npos) {
        problems.push_back(
            fmt::format("{}: the {} is not one line without a full stop", where, what));
    }
}

void check_option(std::string_view where, const OptionSpec& option, Problems& problems) {
    const std::string place = fmt::format("{}: option '{}'", where, option.name);
    if (!is_word(option.name)) {
        problems.push_back(place + ": the name is not lower-case words joined by dashes");
    }
    check_line(place, "help", option.help, problems);
    if ((option.type == ValueType::kChoice) == option.choices.empty()) {
        problems.push_back(place + ": choices and the type kChoice go together");
    }
    if (option.type == ValueType::kFlag && (!option.metavar.empty() || option.repeatable)) {
        problems.push_back(place + ": a flag has no metavar and repeats by itself");
    }
    if (option.type != ValueType::kFlag && option.metavar.empty() && !option.config_only) {
        problems.push_back(place + ": the metavar is empty");
    }
    if (option.config_only && environment_name(option).empty()) {
        problems.push_back(place + ": nothing can set it");
    }
    if (!option.default_value.empty()) {
        if (auto status = check_value(option, option.default_value, "its default"); !status) {
            problems.push_back(place + ": " + status.error().describe());
        }
    }
    if (option.required && !option.default_value.empty()) {
        problems.push_back(place + ": required, yet it has a default");
    }
}

void check_operands(std::string_view where, const CommandSpec& spec, Problems& problems) {
    bool optional = false;
    for (std::size_t i = 0; i < spec.operands.size(); ++i) {
        const OperandSpec& operand = spec.operands[i];
        check_line(fmt::format("{}: operand '{}'", where, operand.name), "help", operand.help,
                   problems);
        if (operand.repeatable && i + 1 != spec.operands.size()) {
            problems.push_back(fmt::format("{}: only the last operand may repeat", where));
        }
        if (operand.required && optional) {
            problems.push_back(
                fmt::format("{}: a required operand follows an optional one", where));
        }
        optional = optional || !operand.required;
    }
}

void check_command(const CommandSpec& spec, Problems& problems) {
    const std::string where = "abi " + command_name(spec);
    check_line(where, "summary", spec.summary, problems);
    if (spec.description.empty()) {
        problems.push_back(where + ": the description is empty");
    }
    if (spec.examples.empty()) {
        problems.push_back(where + ": there is no example");
    }
    for (const Example& example : spec.examples) {
        if (!example.command.contains(where)) {
            problems.push_back(
                fmt::format("{}: example '{}' does not show it", where, example.command));
        }
        check_line(where + ": an example", "help", example.help, problems);
    }
    check_operands(where, spec, problems);
    for (const OptionSpec& option : spec.options) {
        check_option(where, option, problems);
    }
}

// Names must be unique among the options that can stand on one command line.
void check_unique(std::string_view where, std::span<const OptionSpec> options,
                  std::span<const OptionSpec> globals, Problems& problems) {
    std::set<std::string> seen;
    for (const auto& group : {globals, options}) {
        for (const OptionSpec& option : group) {
            if (!seen.insert("--" + option.name).second) {
                problems.push_back(fmt::format("{}: '--{}' is there twice", where, option.name));
            }
            if (option.short_name != 0 && !seen.insert({'-', option.short_name}).second) {
                problems.push_back(
                    fmt::format("{}: '-{}' is there twice", where, option.short_name));
            }
        }
    }
}

// One configuration key may serve several commands if it means the same type in all of them.
void check_keys(std::span<const OptionSpec> options, std::map<std::string, ValueType>& keys,
                Problems& problems) {
    for (const OptionSpec& option : options) {
        const std::string variable = environment_name(option);
        if (variable.empty()) {
            continue;
        }
        const auto [place, fresh] = keys.emplace(variable, option.type);
        if (!fresh && place->second != option.type) {
            problems.push_back(fmt::format("variable '{}' has two types", variable));
        }
    }
}

}  // namespace

std::vector<std::string> check_specs(std::span<const CommandSpec> commands,
                                     std::span<const OptionSpec> globals) {
    Problems problems;
    std::set<std::string> names;
    std::map<std::string, ValueType> keys;
    check_unique("global options", {}, globals, problems);
    check_keys(globals, keys, problems);
    for (const OptionSpec& option : globals) {
        check_option("global options", option, problems);
    }
    for (const CommandSpec& spec : commands) {
        const std::string name = command_name(spec);
        if (!names.insert(name).second) {
            problems.push_back(fmt::format("abi {}: is there twice", name));
        }
        for (const std::string& word : spec.path) {
            if (!is_word(word)) {
                problems.push_back(fmt::format("abi {}: '{}' is no command word", name, word));
            }
        }
        if (spec.path.size() > 1 && !names.contains(spec.path.front())) {
            problems.push_back(fmt::format("abi {}: its group is not listed before it", name));
        }
        check_command(spec, problems);
        check_unique("abi " + name, spec.options, globals, problems);
        check_keys(spec.options, keys, problems);
        const bool group = std::ranges::any_of(commands, [&](const CommandSpec& other) {
            return other.path.size() > spec.path.size() && other.path.front() == spec.path.front();
        });
        if (!spec.handler && !group) {
            problems.push_back(fmt::format("abi {}: has no handler and no verbs", name));
        }
    }
    return problems;
}

}  // namespace abikit::cli
