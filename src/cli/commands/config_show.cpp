// `abi config show`: every setting, its value, and with --origin who set it.
#include <set>

#include "../invocation.hpp"
#include "../toolkit.hpp"
#include "all.hpp"

namespace abikit::cli {
namespace {

using report::Block;

data::Value shown(const std::vector<std::string>& values, bool repeatable, bool secret) {
    if (values.empty()) {
        return {};
    }
    if (secret) {
        return "***";
    }
    if (!repeatable) {
        return values.back();
    }
    data::Array all;
    for (const std::string& value : values) {
        all.emplace_back(value);
    }
    return data::Value(std::move(all));
}

data::Value text_or_null(const std::string& text) {
    return text.empty() ? data::Value() : data::Value(text);
}

data::Value setting_value(const Setting& setting) {
    data::Value row;
    row.set("key", text_or_null(setting.spec->config_key));
    row.set("value", shown(setting.values, setting.spec->repeatable, setting.spec->secret));
    row.set("origin", origin_name(setting.origin));
    row.set("source", text_or_null(setting.source));
    row.set("environment", text_or_null(environment_name(*setting.spec)));
    return row;
}

// One row for each thing that can be configured; several commands may share a key.
Result<data::Array> all_settings(const Toolkit& kit) {
    const Startup& startup = *kit.startup;
    const Sources sources{kit.line, kit.process->env, startup.layers, startup.profile};
    Settings settings;
    ABI_CHECK(resolve(kit.globals, sources, settings));
    const Sources others{nullptr, kit.process->env, startup.layers, startup.profile};
    for (const CommandSpec& command : kit.commands) {
        ABI_CHECK(resolve(command.options, others, settings));
    }
    std::set<std::string> seen;
    data::Array rows;
    for (const Setting& setting : settings.all()) {
        const std::string variable = environment_name(*setting.spec);
        if (!variable.empty() && seen.insert(variable).second) {
            rows.push_back(setting_value(setting));
        }
    }
    return rows;
}

Result<Outcome> run_show(Invocation& run) {
    ABI_TRY(data::Array rows, all_settings(*run.toolkit()));
    for (data::Value& row : rows) {
        // What people call the setting: its key, or the variable where there is no key.
        row.set("name", row.find("key")->is_null() ? *row.find("environment") : *row.find("key"));
    }
    Outcome outcome;
    outcome.report.schema = "abi.config.show/1";
    outcome.report.body.set("settings", std::move(rows));
    outcome.report.rows_path = "settings";
    outcome.report.columns = {{.key = "name"},
                              {.key = "value"},
                              {.key = "origin"},
                              {.key = "source"},
                              {.key = "environment"}};
    Block table{
        .kind = Block::Kind::kTable,
        .rows_path = "settings",
        .columns = {{.key = "name", .header = "setting"}, {.key = "value", .header = "value"}}};
    if (run.flag("origin")) {
        table.columns.push_back({.key = "origin", .header = "origin"});
        table.columns.push_back({.key = "source", .header = "set by"});
    }
    outcome.report.blocks = {std::move(table)};
    return outcome;
}

}  // namespace

CommandSpec config_spec() {
    return {.path = {"config"},
            .summary = "show and check the configuration",
            .description =
                "An option can be set by a flag, an ABI_* environment variable, the project's "
                "abi.toml (the nearest one from the working directory upwards), the user's "
                "$XDG_CONFIG_HOME/abi/config.toml, or its default; the first of these that sets "
                "it wins. --config FILE reads FILE, in TOML or JSON, instead of the two files.",
            .examples = {{"abi config show --origin", "every setting and what set it"}}};
}

CommandSpec config_show_spec() {
    return {.path = {"config", "show"},
            .summary = "show every setting and where it comes from",
            .description =
                "Lists all settings with the value that holds in this directory and "
                "environment. With --origin it says which flag, variable or line of a "
                "file set it. Secrets are shown as ***.",
            .options = {{.name = "origin",
                         .type = ValueType::kFlag,
                         .help = "show what set each value"}},
            .examples = {{"abi config show", "the settings in force here"},
                         {"abi config show --origin", "and what set them"}},
            .exit_notes = {"0  shown", "2  a value or key in the configuration is wrong"},
            .handler = run_show};
}

}  // namespace abikit::cli
