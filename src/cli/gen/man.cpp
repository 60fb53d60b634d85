// Manual pages in man(7) macros, which every man program on every system reads.
#include <fmt/format.h>

#include <abi/core/version.h>

#include "../../report/text_width.hpp"
#include "../command_line.hpp"
#include "../exit_code.hpp"
#include "../values.hpp"
#include "generate.hpp"
#include "help.hpp"
#include "table.hpp"

namespace abikit::cli {
namespace {

// Set by hand when the manual is revised: the date of the build would make every build different.
constexpr std::string_view kManualDate = "2026-11-23";

// Literal words: a hyphen that can be copied and pasted.
std::string literal(std::string_view text) {
    return replace_all(replace_all(std::string(text), "\\", "\\e"), "-", "\\-");
}

// Source lines stay below 80 columns, which mandoc's style asks for.
constexpr std::size_t kLineWidth = 72;

// Running text, one sentence a line. A line that begins with a dot or an apostrophe would be taken
// for a request.
std::string prose(std::string_view text) {
    std::string out = replace_all(std::string(text), ". ", ".\n");
    out = replace_all(report::wrap(out, kLineWidth), "\\", "\\e");
    out = replace_all(replace_all(out, " --", " \\-\\-"), "\n--", "\n\\-\\-");
    out = replace_all(replace_all(out, "\n.", "\n\\&."), "\n'", "\n\\&'");
    return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

// An empty line becomes a paragraph.
std::string paragraphs(std::string_view text) {
    return replace_all(prose(text), "\n\n", "\n.PP\n") + "\n";
}

std::string page_header(std::string_view name, int section) {
    std::string upper(name);
    for (char& c : upper) {
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return fmt::format(
        ".\\\" Generated from the command table by 'abi help --man'.\n"
        ".TH \"{}\" \"{}\" \"{}\" \"abi {}\" \"abi manual\"\n",
        literal(upper), section, kManualDate, ABI_VERSION);
}

std::string item(std::string_view title, std::string_view text) {
    return fmt::format(".TP\n\\fB{}\\fR\n{}\n", title, text);
}

std::string option_item(const OptionSpec& option) {
    std::string title;
    if (option.short_name != 0) {
        title += fmt::format("\\-{}\\fR, \\fB", option.short_name);
    }
    title += "\\-\\-" + literal(option.name);
    if (!option.metavar.empty()) {
        title += "\\fR \\fI" + literal(option.metavar);
    }
    std::string text = prose(option_details(option)) + ".";
    if (const std::string variable = environment_name(option); !variable.empty()) {
        text += fmt::format("\nVariable: \\fB{}\\fR.", variable);
    }
    if (!option.config_key.empty()) {
        text += fmt::format("\nConfiguration key: \\fB{}\\fR.", option.config_key);
    }
    return item(title, text);
}

std::string option_items(std::span<const OptionSpec> options) {
    std::string out;
    for (const OptionSpec& option : options) {
        out += option.config_only ? "" : option_item(option);
    }
    return out;
}

std::string synopsis_line(const CommandSpec& spec) {
    std::string out = ".br\n\\fBabi " + literal(command_name(spec)) + "\\fR [options]";
    for (const OperandSpec& operand : spec.operands) {
        const std::string word = "\\fI" + operand.name + "\\fR" + (operand.repeatable ? "..." : "");
        out += operand.required ? " " + word : " [" + word + "]";
    }
    return out + "\n";
}

std::string examples(const CommandSpec& spec) {
    std::string out;
    for (const Example& example : spec.examples) {
        out += fmt::format(".TP\n\\fB{}\\fR\n{}.\n", literal(example.command), prose(example.help));
    }
    return out;
}

std::string exit_items(const CommandSpec& spec) {
    std::string out;
    for (const std::string& note : spec.exit_notes) {
        const auto space = std::min(note.find(' '), note.size());
        const auto text = std::min(note.find_first_not_of(' ', space), note.size());
        out += item(note.substr(0, space), prose(note.substr(text)) + ".");
    }
    return out;
}

// What is said about one command, below its heading.
std::string body(const CommandSpec& spec) {
    std::string out = paragraphs(spec.description);
    for (const OperandSpec& operand : spec.operands) {
        std::string text = prose(operand.help);
        if (!operand.choices.empty()) {
            text += fmt::format(" ({})", join(operand.choices, ", "));
        }
        out += fmt::format(".TP\n\\fI{}\\fR\n{}.\n", operand.name, text);
    }
    return out + option_items(spec.options);
}

// All commands of a group, those of its verbs included, in the order of the table.
std::vector<const CommandSpec*> descendants(std::span<const CommandSpec> commands,
                                            const CommandSpec& top) {
    std::vector<const CommandSpec*> found;
    for (const CommandSpec& spec : commands) {
        if (spec.path.size() > top.path.size() &&
            std::equal(top.path.begin(), top.path.end(), spec.path.begin())) {
            found.push_back(&spec);
        }
    }
    return found;
}

std::string command_page(const CommandSpec& top, std::span<const CommandSpec> commands) {
    const auto verbs = descendants(commands, top);
    std::string out = page_header("abi-" + top.path.front(), 1);
    out += fmt::format(".SH NAME\nabi\\-{} \\- {}\n.SH SYNOPSIS\n", literal(top.path.front()),
                       prose(top.summary));
    std::string synopsis = top.handler ? synopsis_line(top) : "";
    for (const CommandSpec* verb : verbs) {
        synopsis += synopsis_line(*verb);
    }
    out += synopsis.substr(std::string_view(".br\n").size());
    out += ".SH DESCRIPTION\n" + body(top);
    if (!verbs.empty()) {
        out += ".SH COMMANDS\n";
    }
    for (const CommandSpec* verb : verbs) {
        out += fmt::format(".SS abi {}\n", literal(command_name(*verb))) + body(*verb);
        if (!verb->exit_notes.empty()) {
            out += ".PP\nExit codes:\n" + exit_items(*verb);
        }
    }
    out += ".SH EXAMPLES\n" + examples(top);
    for (const CommandSpec* verb : verbs) {
        out += examples(*verb);
    }
    if (!top.exit_notes.empty()) {
        out += ".SH EXIT STATUS\n" + exit_items(top);
    }
    out += ".SH SEE ALSO\n.BR abi (1),\n.BR abi.toml (5)\n";
    return out;
}

std::string main_page(std::span<const CommandSpec> commands, std::span<const OptionSpec> globals) {
    const auto tops = children(commands, {});
    std::string out = page_header("abi", 1);
    out +=
        ".SH NAME\nabi \\- command\\-line AI toolkit\n.SH SYNOPSIS\n"
        "\\fBabi\\fR [global options] \\fICOMMAND\\fR [options] [operands]\n"
        ".SH DESCRIPTION\n"
        "A toolkit of commands over shared libraries.\n"
        "Results go to standard output, in the format that \\fB\\-\\-format\\fR chooses.\n"
        "Progress, log lines and errors go to standard error.\n"
        ".SH COMMANDS\n";
    for (const CommandSpec* top : tops) {
        out += item(literal(top->path.front()),
                    fmt::format("{}.\nSee\n.BR abi\\-{} (1).", prose(top->summary),
                                literal(top->path.front())));
    }
    out += ".SH OPTIONS\nThese stand before or after the command.\n" + option_items(globals);
    out += ".SH EXIT STATUS\n";
    for (const ExitCodeNote& note : exit_code_notes()) {
        out += item(fmt::format("{}", note.code), prose(note.meaning) + ".");
    }
    out +=
        ".SH ENVIRONMENT\n"
        "Every configurable option has a variable, which\n.BR abi.toml (5)\nlists.\n";
    out += item("NO_COLOR", "When it is set and not empty, nothing is coloured.");
    out += item("XDG_CONFIG_HOME",
                "Where the user's configuration lies; \\fI~/.config\\fR "
                "without it.");
    out += ".SH FILES\n" +
           item("abi.toml",
                "The project's configuration, found upwards from the working "
                "directory.") +
           item("~/.config/abi/config.toml", "The user's configuration.");
    out += ".SH SEE ALSO\n";
    for (const CommandSpec* top : tops) {
        out += fmt::format(".BR abi\\-{} (1),\n", literal(top->path.front()));
    }
    return out + ".BR abi.toml (5)\n";
}

std::string config_page(std::span<const CommandSpec> commands,
                        std::span<const OptionSpec> globals) {
    std::string out = page_header("abi.toml", 5);
    out +=
        ".SH NAME\nabi.toml \\- configuration of abi\n"
        ".SH DESCRIPTION\n"
        "A TOML file with settings for\n.BR abi (1).\n"
        "The project's \\fIabi.toml\\fR is the nearest one from the working directory upwards;\n"
        "the user's is \\fI$XDG_CONFIG_HOME/abi/config.toml\\fR.\n"
        "A flag wins over a variable, a variable over the project's file,\n"
        "the project's file over the user's.\n"
        "Relative paths are relative to the file.\n"
        "An unknown key is an error.\n"
        ".PP\n"
        "The keys of a table \\fB[env.NAME]\\fR win over the others of the same file while the "
        "variable\n\\fBABI_ENV\\fR is \\fINAME\\fR.\n"
        ".SH KEYS\n";
    std::string variables;
    for (const ConfigKey& key : config_keys(commands, globals)) {
        const OptionSpec& option = *key.option;
        std::string text = prose(option_details(option)) + ".";
        if (!key.commands.empty()) {
            text += fmt::format("\nFor: abi {}.", literal(join(key.commands, ", abi ")));
        }
        if (option.config_key.empty()) {
            variables += item(environment_name(option), text);
        } else {
            out += item(option.config_key,
                        fmt::format("{}\nTakes {}.\nVariable: \\fB{}\\fR.", text,
                                    prose(describe_expected(option)), environment_name(option)));
        }
    }
    out +=
        ".SH VARIABLES WITHOUT A KEY\n"
        "Files that are written are named by people, not by a file that lies around.\n" +
        variables;
    return out + ".SH SEE ALSO\n.BR abi (1),\n.BR abi\\-config (1)\n";
}

}  // namespace

std::vector<GeneratedFile> man_pages(std::span<const CommandSpec> commands,
                                     std::span<const OptionSpec> globals) {
    std::vector<GeneratedFile> pages;
    pages.push_back({"abi.1", main_page(commands, globals)});
    for (const CommandSpec* top : children(commands, {})) {
        pages.push_back({"abi-" + top->path.front() + ".1", command_page(*top, commands)});
    }
    pages.push_back({"abi.toml.5", config_page(commands, globals)});
    return pages;
}

}  // namespace abikit::cli
