// `abi config path`: where configuration files are looked for.
#include "../invocation.hpp"
#include "../toolkit.hpp"
#include "all.hpp"

namespace abikit::cli {
namespace {

Result<Outcome> run_path(Invocation& run) {
    data::Array rows;
    for (const ConfigPlace& place : run.toolkit()->startup->places) {
        data::Value row;
        row.set("level", level_name(place.level));
        row.set("path", place.path);
        row.set("exists", place.exists);
        rows.push_back(std::move(row));
    }
    Outcome outcome;
    outcome.report.schema = "abi.config.path/1";
    outcome.report.body.set("files", std::move(rows));
    outcome.report.rows_path = "files";
    outcome.report.blocks = {{.kind = report::Block::Kind::kTable,
                              .rows_path = "files",
                              .columns = {{.key = "level", .header = "level"},
                                          {.key = "path", .header = "path"},
                                          {.key = "exists", .header = "exists"}}}};
    return outcome;
}

}  // namespace

CommandSpec config_path_spec() {
    return {.path = {"config", "path"},
            .summary = "show where configuration files are looked for",
            .description =
                "Lists the configuration files that this directory and environment "
                "lead to, the one that wins first, and whether they exist.",
            .examples = {{"abi config path", "the files in force here"}},
            .handler = run_path,
            .tolerates_bad_config = true};
}

}  // namespace abikit::cli
