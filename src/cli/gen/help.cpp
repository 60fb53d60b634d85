// Laying out help for a terminal.
#include "help.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "../../report/text_width.hpp"
#include "../command_line.hpp"
#include "../exit_code.hpp"

namespace abikit::cli {
namespace {

constexpr std::size_t kIndent = 2;
constexpr std::size_t kWidestTitle = 26;  // longer titles push their text to the next line

struct Row {
    std::string title;
    std::string text;
};

std::string heading(std::string_view text, const HelpStyle& style) {
    return style.colour ? fmt::format("\n\x1b[1m{}:\x1b[0m\n", text) : fmt::format("\n{}:\n", text);
}

// Two columns: titles left, wrapped text right.
std::string columns(const std::vector<Row>& rows, const HelpStyle& style) {
    std::size_t widest = 0;
    for (const Row& row : rows) {
        widest = std::max(widest, std::min(kWidestTitle, report::display_width(row.title)));
    }
    const std::size_t margin = kIndent + widest + 2;
    std::string out;
    for (const Row& row : rows) {
        out += std::string(kIndent, ' ') + row.title;
        const std::size_t width = report::display_width(row.title);
        std::string text = report::wrap(row.text, style.width, margin);
        if (width > kWidestTitle) {
            out += '\n';
        } else {
            out += std::string(margin - kIndent - width, ' ');
            text.erase(0, std::min(margin, text.size()));
        }
        out += text + '\n';
    }
    return out;
}

std::vector<Row> option_rows(std::span<const OptionSpec> options) {
    std::vector<Row> rows;
    for (const OptionSpec& option : options) {
        if (!option.config_only) {
            rows.push_back({(option.short_name == 0 ? "    " : "") + option_title(option),
                            option_details(option)});
        }
    }
    return rows;
}

std::vector<Row> command_rows(std::span<const CommandSpec* const> commands) {
    std::vector<Row> rows;
    for (const CommandSpec* command : commands) {
        rows.push_back({command->path.back(), command->summary});
    }
    return rows;
}

std::string examples(const CommandSpec& spec, const HelpStyle& style) {
    std::string out;
    for (const Example& example : spec.examples) {
        out += fmt::format("  {}\n{}\n", example.command,
                           report::wrap(example.help, style.width, kIndent + 4));
    }
    return out;
}

std::string exit_codes(const CommandSpec& spec, const HelpStyle& style) {
    std::vector<Row> rows;
    for (const std::string& note : spec.exit_notes) {
        const auto space = std::min(note.find(' '), note.size());
        const auto text = std::min(note.find_first_not_of(' ', space), note.size());
        rows.push_back({note.substr(0, space), note.substr(text)});
    }
    return columns(rows, style);
}

std::vector<Row> operand_rows(const CommandSpec& spec) {
    std::vector<Row> rows;
    for (const OperandSpec& operand : spec.operands) {
        std::string text = operand.help;
        if (!operand.choices.empty()) {
            text += fmt::format(" ({})", fmt::join(operand.choices, ", "));
        }
        rows.push_back({operand.name + (operand.repeatable ? "..." : ""), std::move(text)});
    }
    return rows;
}

}  // namespace

std::string option_title(const OptionSpec& option) {
    std::string title;
    if (option.short_name != 0) {
        title += fmt::format("-{}, ", option.short_name);
    }
    title += "--" + option.name;
    return option.metavar.empty() ? title : title + " " + option.metavar;
}

std::string option_details(const OptionSpec& option) {
    std::vector<std::string> notes;
    if (option.required) {
        notes.emplace_back("required");
    }
    if (!option.choices.empty()) {
        notes.push_back(fmt::format("{}", fmt::join(option.choices, ", ")));
    }
    if (option.minimum && option.maximum) {
        notes.push_back(fmt::format("{:.15g} to {:.15g}", *option.minimum, *option.maximum));
    } else if (option.minimum) {
        notes.push_back(fmt::format("{:.15g} or more", *option.minimum));
    } else if (option.maximum) {
        notes.push_back(fmt::format("at most {:.15g}", *option.maximum));
    }
    if (!option.default_value.empty()) {
        notes.push_back("default " + option.default_value);
    }
    if (option.repeatable) {
        notes.emplace_back("repeatable");
    }
    return notes.empty() ? option.help
                         : fmt::format("{} ({})", option.help, fmt::join(notes, "; "));
}

std::string help_overview(std::span<const CommandSpec> commands,
                          std::span<const OptionSpec> globals, const HelpStyle& style) {
    std::string out = "abi - a command-line AI toolkit\n\n";
    out += "usage: abi [global options] COMMAND [options] [operands]\n";
    out += heading("commands", style) + columns(command_rows(children(commands, {})), style);
    out += heading("global options", style) + columns(option_rows(globals), style);
    std::vector<Row> codes;
    for (const ExitCodeNote& note : exit_code_notes()) {
        codes.push_back({fmt::format("{}", note.code), std::string(note.meaning)});
    }
    out += heading("exit codes", style) + columns(codes, style);
    out += "\n'abi help COMMAND' says more, 'man abi' everything.\n";
    return out;
}

std::string help_command(const CommandSpec& spec, std::span<const CommandSpec> commands,
                         std::span<const OptionSpec> globals, const HelpStyle& style) {
    const std::string name = command_name(spec);
    std::string out = fmt::format("abi {} - {}\n\n", name, spec.summary);
    out += "usage: " + usage_line(spec, commands) + "\n\n";
    out += report::wrap(spec.description, style.width) + "\n";
    const auto verbs = children(commands, spec.path);
    if (!verbs.empty()) {
        out += heading("commands", style) + columns(command_rows(verbs), style);
    }
    if (!spec.operands.empty()) {
        out += heading("operands", style) + columns(operand_rows(spec), style);
    }
    if (!spec.options.empty()) {
        out += heading("options", style) + columns(option_rows(spec.options), style);
    }
    out += heading("examples", style) + examples(spec, style);
    if (!spec.exit_notes.empty()) {
        out += heading("exit codes", style) + exit_codes(spec, style);
    }
    std::string names;
    for (const OptionSpec& option : globals) {
        if (!option.config_only) {
            names += (names.empty() ? "--" : ", --") + option.name;
        }
    }
    out += heading("global options", style) +
           report::wrap(names + "; 'abi help' explains them.", style.width, kIndent) + "\n";
    return out;
}

}  // namespace abikit::cli
