// docs/cli/configuration.md.
#include <fmt/format.h>

#include "generate.hpp"
#include "help.hpp"
#include "table.hpp"

namespace abikit::cli {
namespace {

constexpr std::string_view kIntroduction =
    R"(<!-- Generated from the command table by 'abi help --reference'. -->
# Configuration

A setting comes from the first of these that names it:

1. the flag on the command line,
2. its `ABI_*` environment variable,
3. the project's `abi.toml`: the nearest one from the working directory upwards,
4. the user's `$XDG_CONFIG_HOME/abi/config.toml` (`~/.config/abi/config.toml` without that variable),
5. its default.

`--config FILE` reads FILE, in TOML or (with the extension `.json`) JSON, instead of 3 and 4.
`abi config show --origin` says which one won, `abi config path` where files are looked for, and
`abi config validate` lists every mistake.

- An unknown key, a wrong type, an empty or impossible value is an error (exit code 2) that names the
  file and line, or the variable.
- Relative paths in a file are relative to that file.
- The variable of a setting that takes several values separates them with commas.
- `ABI_ENV=ci` chooses the named profile `ci`: keys of the table `[env.ci]` win over the other keys of
  the same file.

```toml
log.level = "info"

[memory]
limit = "2GiB"

[env.ci]
output.progress = "never"
```
)";

std::string cell(std::string_view text) {
    return replace_all(replace_all(std::string(text), "|", "\\|"), "<", "\\<");
}

std::string commands_cell(const ConfigKey& key) {
    return key.commands.empty() ? "all" : "`" + join(key.commands, "`, `") + "`";
}

}  // namespace

std::vector<GeneratedFile> reference_pages(std::span<const CommandSpec> commands,
                                           std::span<const OptionSpec> globals) {
    std::string keyed = "| key | variable | meaning | commands |\n| --- | --- | --- | --- |\n";
    std::string others = "| variable | meaning | commands |\n| --- | --- | --- |\n";
    for (const ConfigKey& key : config_keys(commands, globals)) {
        const std::string variable = environment_name(*key.option);
        const std::string meaning = cell(option_details(*key.option));
        if (key.option->config_key.empty()) {
            others += fmt::format("| `{}` | {} | {} |\n", variable, meaning, commands_cell(key));
        } else {
            keyed += fmt::format("| `{}` | `{}` | {} | {} |\n", key.option->config_key, variable,
                                 meaning, commands_cell(key));
        }
    }
    std::string text(kIntroduction);
    text += "\n## Keys\n\n" + keyed;
    text +=
        "\n## Variables without a key\n\nFiles to write are named by whoever runs the command, "
        "never by a configuration file that happens\nto lie in a directory.\n\n" +
        others;
    return {{"configuration.md", std::move(text)}};
}

}  // namespace abikit::cli
