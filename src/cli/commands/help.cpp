// `abi help`: the help texts; for packagers also the generated manual pages.
#include <fmt/format.h>

#include "../command_line.hpp"
#include "../gen/generate.hpp"
#include "../gen/help.hpp"
#include "../invocation.hpp"
#include "../suggest.hpp"
#include "../toolkit.hpp"
#include "all.hpp"

namespace abikit::cli {
namespace {

Error unknown_topic(const Toolkit& kit, const std::vector<std::string>& words) {
    std::vector<std::string> names;
    for (const CommandSpec& spec : kit.commands) {
        names.push_back(command_name(spec));
    }
    const std::string topic = fmt::format("{}", fmt::join(words, " "));
    Error error(Code::kInvalidArgument, fmt::format("unknown command '{}'", topic));
    const std::string near = nearest(topic, names);
    return std::move(error).with_hint(near.empty() ? "'abi help' lists the commands"
                                                   : fmt::format("did you mean '{}'?", near));
}

data::Value option_value(const OptionSpec& option) {
    data::Value value;
    value.set("name", option.name);
    value.set("help", option.help);
    value.set("metavar", option.metavar.empty() ? data::Value() : data::Value(option.metavar));
    value.set("default",
              option.default_value.empty() ? data::Value() : data::Value(option.default_value));
    value.set("config_key",
              option.config_key.empty() ? data::Value() : data::Value(option.config_key));
    const std::string variable = environment_name(option);
    value.set("environment", variable.empty() ? data::Value() : data::Value(variable));
    return value;
}

data::Value command_value(const CommandSpec& spec, const Toolkit& kit) {
    data::Array options;
    for (const OptionSpec& option : spec.options) {
        options.push_back(option_value(option));
    }
    data::Value value;
    value.set("command", command_name(spec));
    value.set("summary", spec.summary);
    value.set("usage", usage_line(spec, kit.commands));
    value.set("options", std::move(options));
    return value;
}

Outcome topic_report(const Toolkit& kit, const CommandSpec* spec) {
    const std::size_t width = kit.process->out_terminal.width;
    const HelpStyle style{.width = width == 0 ? 80 : std::min<std::size_t>(width, 100)};
    data::Array commands;
    for (const CommandSpec& command : kit.commands) {
        if (spec == nullptr || spec == &command) {
            commands.push_back(command_value(command, kit));
        }
    }
    Outcome outcome;
    outcome.report.schema = "abi.help/1";
    outcome.report.body.set("commands", std::move(commands));
    outcome.report.rows_path = "commands";
    const std::string text = spec == nullptr
                                 ? help_overview(kit.commands, kit.globals, style)
                                 : help_command(*spec, kit.commands, kit.globals, style);
    outcome.report.blocks = {{.kind = report::Block::Kind::kText,
                              .text = text.substr(0, text.find_last_not_of('\n') + 1)}};
    return outcome;
}

Result<Outcome> write_pages(Invocation& run, const std::vector<GeneratedFile>& files,
                            const std::string& directory) {
    data::Array names;
    for (const GeneratedFile& file : files) {
        const std::string path = join_path(directory, file.name);
        ABI_CHECK(run.context().fs->replace_file(path, std::as_bytes(std::span(file.text))));
        data::Value row;
        row.set("path", path);
        names.push_back(std::move(row));
    }
    Outcome outcome;
    outcome.report.schema = "abi.help.files/1";
    outcome.report.body.set("files", std::move(names));
    outcome.report.rows_path = "files";
    outcome.report.blocks = {{.kind = report::Block::Kind::kTable,
                              .rows_path = "files",
                              .columns = {{.key = "path", .header = "written"}}}};
    return outcome;
}

Result<Outcome> run_help(Invocation& run) {
    const Toolkit& kit = *run.toolkit();
    if (run.has("man")) {
        return write_pages(run, man_pages(kit.commands, kit.globals), run.text("man"));
    }
    if (run.has("reference")) {
        return write_pages(run, reference_pages(kit.commands, kit.globals), run.text("reference"));
    }
    const auto words = run.operands("COMMAND");
    if (words.empty()) {
        return topic_report(kit, nullptr);
    }
    const CommandSpec* spec = find_command(kit.commands, words);
    if (spec == nullptr) {
        return fail(unknown_topic(kit, words));
    }
    return topic_report(kit, spec);
}

}  // namespace

CommandSpec help_spec() {
    return {.path = {"help"},
            .summary = "explain a command",
            .description =
                "Shows the commands and global options, or everything about one command: "
                "its operands, options with their defaults, examples and exit codes. "
                "'abi COMMAND --help' shows the same.\n\n"
                "The options --man and --reference are for packagers: they write the "
                "manual pages and the configuration reference, which are made from the "
                "same tables as the command line itself.",
            .operands = {{.name = "COMMAND",
                          .help = "the words of the command, such as 'config show'",
                          .required = false,
                          .repeatable = true}},
            .options = {{.name = "man",
                         .type = ValueType::kDirectory,
                         .metavar = "DIR",
                         .help = "write the manual pages into DIR"},
                        {.name = "reference",
                         .type = ValueType::kDirectory,
                         .metavar = "DIR",
                         .help = "write the configuration reference in Markdown into DIR"}},
            .examples = {{"abi help", "all commands and global options"},
                         {"abi help config show", "one command"}},
            .handler = run_help,
            .tolerates_bad_config = true};
}

}  // namespace abikit::cli
