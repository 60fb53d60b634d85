// Finding the command among the words, and our own wording for what is wrong with them.
#include "command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "suggest.hpp"

namespace abikit::cli {
namespace {

// Where the scan for command words stands.
struct Scan {
    std::vector<std::string> path{};   // command words so far
    std::vector<std::string> words{};  // everything else, in order
    const CommandSpec* command = nullptr;
};

bool is_option(std::string_view word) noexcept {
    return word.size() > 1 && word.front() == '-';
}

std::vector<std::string> option_words(std::span<const OptionSpec* const> options) {
    std::vector<std::string> words;
    for (const OptionSpec* option : options) {
        if (!option->config_only) {
            words.push_back("--" + option->name);
        }
    }
    return words;
}

Error unknown_option(std::string_view word, const CommandSpec* command,
                     std::span<const OptionSpec* const> options) {
    const std::string place = command == nullptr ? "abi" : "abi " + command_name(*command);
    Error error(Code::kInvalidArgument, fmt::format("unknown option '{}' for '{}'", word, place));
    const std::string near =
        word.starts_with("--") ? nearest(word, option_words(options)) : std::string();
    if (!near.empty()) {
        return std::move(error).with_hint(fmt::format("did you mean '{}'?", near));
    }
    if (word.size() > 1 && word[1] >= '0' && word[1] <= '9') {
        return std::move(error).with_hint("put '--' before an operand that begins with a dash");
    }
    return std::move(error).with_hint(fmt::format("see '{} --help'", place));
}

Error unknown_command(std::string_view word, std::span<const CommandSpec> commands,
                      std::span<const std::string> path) {
    std::vector<std::string> names;
    for (const CommandSpec* child : children(commands, path)) {
        names.push_back(child->path.back());
    }
    const std::string group = fmt::format("{}", fmt::join(path, " "));
    Error error(Code::kInvalidArgument,
                path.empty() ? fmt::format("unknown command '{}'", word)
                             : fmt::format("unknown command '{}' of 'abi {}'", word, group));
    if (const std::string near = nearest(word, names); !near.empty()) {
        return std::move(error).with_hint(fmt::format("did you mean '{}'?", near));
    }
    return std::move(error).with_hint(fmt::format("one of {}", fmt::join(names, ", ")));
}

// How many words the option word takes with it: 1 when its value is the next word. nullopt for a
// word that no option of the table explains.
std::optional<std::size_t> extra_words(std::string_view word,
                                       std::span<const OptionSpec* const> options) {
    if (word.starts_with("--")) {
        const std::string_view name = word.substr(2, word.find('=') - 2);
        for (const OptionSpec* option : options) {
            if (option->name == name && !option->config_only) {
                const bool own = option->type == ValueType::kFlag || word.contains('=');
                return own ? 0 : 1;
            }
        }
        return std::nullopt;
    }
    for (std::size_t i = 1; i < word.size(); ++i) {
        const auto known = std::ranges::find_if(
            options, [&](const OptionSpec* option) { return option->short_name == word[i]; });
        if (known == options.end()) {
            return std::nullopt;
        }
        if ((*known)->type != ValueType::kFlag) {
            return i + 1 == word.size() ? 1 : 0;  // the rest of the cluster is its value
        }
    }
    return 0;
}

// Takes `word` as the next command word. False when the command is complete and it is an operand.
Result<bool> take_command_word(Scan& scan, const std::string& word,
                               std::span<const CommandSpec> commands) {
    scan.path.push_back(word);
    if (const CommandSpec* found = find_command(commands, scan.path)) {
        scan.command = found;
        return true;
    }
    scan.path.pop_back();
    if (scan.command != nullptr && scan.command->handler) {
        return false;
    }
    return fail(unknown_command(word, commands, scan.path));
}

// Splits the words into the command's path and the rest. Until the command is known only global
// options can be understood.
Result<Scan> scan_command(std::span<const std::string> args, std::span<const CommandSpec> commands,
                          std::span<const OptionSpec* const> globals) {
    Scan scan;
    std::size_t i = 0;
    const auto complete = [&] {
        return scan.command != nullptr && children(commands, scan.path).empty();
    };
    while (i < args.size() && !complete() && args[i] != "--") {
        if (!is_option(args[i])) {
            ABI_TRY(const bool taken, take_command_word(scan, args[i], commands));
            if (!taken) {
                break;
            }
            ++i;
            continue;
        }
        const auto extra = extra_words(args[i], globals);
        if (!extra) {
            if (scan.command != nullptr && scan.command->handler) {
                break;  // an option of a command that has verbs as well
            }
            return fail(
                unknown_option(args[i].substr(0, args[i].find('=')), scan.command, globals));
        }
        for (std::size_t end = std::min(i + *extra + 1, args.size()); i < end; ++i) {
            scan.words.push_back(args[i]);
        }
    }
    scan.words.insert(scan.words.end(), args.begin() + static_cast<std::ptrdiff_t>(i), args.end());
    return scan;
}

// CLI11 takes the empty value of `--name=` for a missing one, so such a word becomes two.
std::vector<std::string> split_empty_values(std::vector<std::string> words,
                                            std::span<const OptionSpec* const> options) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--") {
            out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
            break;
        }
        const std::size_t extra =
            is_option(words[i]) ? extra_words(words[i], options).value_or(0) : 0;
        if (words[i].starts_with("--") && words[i].find('=') + 1 == words[i].size()) {
            words[i].pop_back();
            if (extra_words(words[i], options) == std::optional<std::size_t>(1)) {
                out.push_back(std::move(words[i]));
                out.emplace_back();
                continue;
            }
        }
        out.push_back(words[i]);
        for (std::size_t taken = 0; taken < extra && i + 1 < words.size(); ++taken) {
            out.push_back(words[++i]);
        }
    }
    return out;
}

std::vector<const OptionSpec*> pointers(std::span<const OptionSpec> options) {
    std::vector<const OptionSpec*> all;
    for (const OptionSpec& option : options) {
        all.push_back(&option);
    }
    return all;
}

Status check_repeats(const std::vector<GivenOption>& options) {
    for (const GivenOption& given : options) {
        const bool once = given.spec->type != ValueType::kFlag && !given.spec->repeatable;
        if (once && given.values.size() > 1) {
            return fail(Code::kInvalidArgument,
                        fmt::format("option '--{}' is given {} times", given.spec->name,
                                    given.values.size()),
                        "give it once");
        }
    }
    return {};
}

}  // namespace

const GivenOption* CommandLine::find(std::string_view option) const noexcept {
    for (const GivenOption& given : options) {
        if (given.spec->name == option) {
            return &given;
        }
    }
    return nullptr;
}

Result<CommandLine> parse_command_line(std::span<const std::string> args,
                                       std::span<const CommandSpec> commands,
                                       std::span<const OptionSpec> globals) {
    std::vector<const OptionSpec*> options = pointers(globals);
    ABI_TRY(Scan scan, scan_command(args, commands, options));
    if (scan.command != nullptr) {
        const auto own = pointers(scan.command->options);
        options.insert(options.end(), own.begin(), own.end());
    }
    scan.words = split_empty_values(std::move(scan.words), options);
    ParsedWords parsed = parse_words(scan.words, options);
    if (parsed.value_missing) {
        return fail(Code::kInvalidArgument,
                    fmt::format("option '{}' needs a value", scan.words.back()),
                    fmt::format("see 'abi {}--help'",
                                scan.command == nullptr ? "" : command_name(*scan.command) + " "));
    }
    if (!parsed.unknown_option.empty()) {
        return fail(unknown_option(parsed.unknown_option, scan.command, options));
    }
    ABI_CHECK(check_repeats(parsed.options));
    return CommandLine{scan.command, std::move(parsed.options), std::move(parsed.words)};
}

Result<OperandWords> assign_operands(const CommandSpec& spec, std::span<const std::string> words) {
    OperandWords operands(spec.operands.size());
    std::size_t next = 0;
    for (std::size_t i = 0; i < spec.operands.size(); ++i) {
        const OperandSpec& operand = spec.operands[i];
        if (next == words.size() && operand.required) {
            return fail(
                Code::kInvalidArgument,
                fmt::format("missing operand {} of 'abi {}'", operand.name, command_name(spec)),
                "usage: " + usage_line(spec, {}));
        }
        const std::size_t end =
            operand.repeatable ? words.size() : std::min(next + 1, words.size());
        for (; next < end; ++next) {
            const auto& choices = operand.choices;
            if (!choices.empty() && std::ranges::find(choices, words[next]) == choices.end()) {
                const std::string near = nearest(words[next], choices);
                return fail(Code::kInvalidArgument,
                            fmt::format("bad value '{}' for operand {}: expected one of {}",
                                        words[next], operand.name, fmt::join(choices, ", ")),
                            near.empty() ? "" : fmt::format("did you mean '{}'?", near));
            }
            operands[i].push_back(words[next]);
        }
    }
    if (next < words.size()) {
        return fail(Code::kInvalidArgument, fmt::format("unexpected operand '{}'", words[next]),
                    "usage: " + usage_line(spec, {}));
    }
    return operands;
}

std::vector<const CommandSpec*> children(std::span<const CommandSpec> commands,
                                         std::span<const std::string> path) {
    std::vector<const CommandSpec*> found;
    for (const CommandSpec& spec : commands) {
        if (spec.path.size() == path.size() + 1 &&
            std::equal(path.begin(), path.end(), spec.path.begin())) {
            found.push_back(&spec);
        }
    }
    return found;
}

const CommandSpec* find_command(std::span<const CommandSpec> commands,
                                std::span<const std::string> path) noexcept {
    for (const CommandSpec& spec : commands) {
        if (std::ranges::equal(spec.path, path)) {
            return &spec;
        }
    }
    return nullptr;
}

std::string usage_line(const CommandSpec& spec, std::span<const CommandSpec> commands) {
    std::string line = "abi " + command_name(spec);
    const bool verbs = !children(commands, spec.path).empty();
    if (verbs && !spec.handler) {
        return line + " COMMAND [options] [operands]";
    }
    line += " [options]";
    for (const OperandSpec& operand : spec.operands) {
        const std::string dots = operand.repeatable ? "..." : "";
        line += operand.required ? " " + operand.name + dots : " [" + operand.name + dots + "]";
    }
    return line;
}

}  // namespace abikit::cli
