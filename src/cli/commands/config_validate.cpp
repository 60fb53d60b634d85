// `abi config validate`: every mistake in the configuration files, not only the first.
#include <fmt/format.h>

#include "../invocation.hpp"
#include "../toolkit.hpp"
#include "all.hpp"

namespace abikit::cli {
namespace {

using report::Block;

void add_problem(const std::string& path, const Error& error, data::Array& problems) {
    data::Value row;
    row.set("path", path);
    row.set("message", error.describe());
    row.set("hint", error.hint().empty() ? data::Value() : data::Value(error.hint()));
    problems.push_back(std::move(row));
}

// A file that cannot be read at all is an error of the command; a file that is wrong is its answer.
Result<std::size_t> validate_file(const Toolkit& kit, const std::string& path,
                                  data::Array& problems) {
    const auto text = kit.process->fs->read_file(path);
    if (!text) {
        return fail(text.error().clone());
    }
    const auto file = parse_config(path, *text);
    if (!file) {
        add_problem(path, file.error(), problems);
        return 0;
    }
    for (const Error& error : check_config(*file, configurable_options(kit.commands))) {
        add_problem(path, error, problems);
    }
    return file->entries.size();
}

// The problems the way errors are told.
std::string problem_lines(const data::Value& body) {
    std::string lines;
    for (const data::Value& problem : body.find("problems")->as_array()) {
        lines += (lines.empty() ? "" : "\n") + problem.find("message")->as_string();
        if (const data::Value& hint = *problem.find("hint"); hint.is_string()) {
            lines += "\n  hint: " + hint.as_string();
        }
    }
    return lines;
}

Result<Outcome> run_validate(Invocation& run) {
    const Toolkit& kit = *run.toolkit();
    std::vector<std::string> paths = run.operands("FILE");
    if (paths.empty()) {
        for (const ConfigPlace& place : kit.startup->places) {
            if (place.exists) {
                paths.push_back(place.path);
            }
        }
    }
    data::Array files;
    data::Array problems;
    for (const std::string& path : paths) {
        const std::size_t before = problems.size();
        ABI_TRY(const std::size_t keys, validate_file(kit, path, problems));
        data::Value row;
        row.set("path", path);
        row.set("keys", std::uint64_t{keys});
        row.set("valid", problems.size() == before);
        files.push_back(std::move(row));
    }
    Outcome outcome;
    outcome.exit_code = problems.empty() ? 0 : 2;
    const bool any = !problems.empty();
    outcome.report.schema = "abi.config.validate/1";
    outcome.report.body.set("valid", !any);
    outcome.report.body.set("files", std::move(files));
    outcome.report.body.set("problems", std::move(problems));
    outcome.report.rows_path = "problems";
    outcome.report.columns = {{.key = "path"}, {.key = "message"}, {.key = "hint"}};
    outcome.report.blocks = {
        {.kind = Block::Kind::kTable,
         .rows_path = "files",
         .columns = {{.key = "path", .header = "file"},
                     {.key = "keys", .header = "keys", .align = report::Align::kRight},
                     {.key = "valid", .header = "valid"}}}};
    if (any) {
        outcome.report.blocks.push_back(
            {.kind = Block::Kind::kText, .text = problem_lines(outcome.report.body)});
    }
    return outcome;
}

}  // namespace

CommandSpec config_validate_spec() {
    return {.path = {"config", "validate"},
            .summary = "check configuration files",
            .description =
                "Reads the configuration files in force, or the ones named, and lists "
                "every unknown key, wrong type and value out of range.",
            .operands = {{.name = "FILE",
                          .type = ValueType::kPath,
                          .help = "files to check instead of those in force",
                          .required = false,
                          .repeatable = true}},
            .examples = {{"abi config validate", "check the files in force here"},
                         {"abi config validate abi.toml", "check one file"}},
            .exit_notes = {"0  all files are valid", "2  a file has a mistake",
                           "3  a named file does not exist"},
            .handler = run_validate,
            .tolerates_bad_config = true};
}

}  // namespace abikit::cli
