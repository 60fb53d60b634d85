// The specification of a command as run-time data: parser, help, man pages, completions and the
// configuration reference are generated from it. One CommandSpec per command or verb;
// commands/all.hpp lists them. All members have defaults, so that designated initializers may leave
// out what a command does not need.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/core/error.hpp>

#include "../report/report.hpp"

namespace abikit::cli {

enum class ValueType { kFlag, kString, kInteger, kNumber, kSize, kChoice, kPath, kDirectory };

struct OptionSpec {
    std::string name{};  // long, without dashes: "commit-every"
    char short_name = 0;
    ValueType type = ValueType::kString;
    std::string metavar{};               // "N", "FILE"
    std::string help{};                  // one line, lower case, no final full stop
    std::string default_value{};         // shown and used when nothing sets it; "" = none
    std::vector<std::string> choices{};  // kChoice
    // Dotted key in abi.toml; "" = not configurable. The variable is ABI_<KEY>.
    std::string config_key{};
    std::string env{};  // environment variable; "" derives ABI_DB_COMMIT_EVERY from the config key
    bool repeatable = false;
    bool secret = false;  // redacted in logs and in `config show`
    std::optional<double> minimum{}, maximum{};
    bool required = false;
    bool config_only = false;  // no flag: only the variable and the configuration key set it
};

struct OperandSpec {
    std::string name{};  // "PATH", "FILE"
    ValueType type = ValueType::kString;
    std::string help{};
    bool required = true;
    bool repeatable = false;             // only the last
    std::vector<std::string> choices{};  // kChoice
};

struct Example {
    std::string command{};  // "abi db init notes.wdbx --embedder hash"
    std::string help{};
};

class Invocation;  // invocation.hpp: parsed values, services, streams

// What a command did: the report (rendered by the caller) and the exit code (0 or 1 here; errors
// travel as Error).
struct Outcome {
    report::Report report{};
    int exit_code = 0;
    // Nothing to render (the command wrote its own stream, such as exported data).
    bool silent = false;
    // Renders in this format whatever --format says: "jsonl" for a command whose stream of JSON
    // lines ends with the report. "" leaves the choice to the user.
    std::string format{};
};
using Handler = std::function<Result<Outcome>(Invocation&)>;

struct CommandSpec {
    std::vector<std::string> path{};  // {"db", "import"}
    std::string summary{};            // one line for lists
    std::string description{};        // paragraphs for help and man, plain text
    std::vector<OperandSpec> operands{};
    std::vector<OptionSpec> options{};
    std::vector<Example> examples{};        // at least one
    std::vector<std::string> exit_notes{};  // "1  an id was not found"
    Handler handler{};                      // empty for a group such as {"db"}
    bool tolerates_bad_config = false;      // runs although the configuration has errors
};

// The variable that sets an option: its own name, or ABI_<KEY> of its configuration key
// ("db.commit_every" gives ABI_DB_COMMIT_EVERY), or "" when it has neither.
std::string environment_name(const OptionSpec& option);

// "db import", the way a user types it after `abi`.
std::string command_name(const CommandSpec& spec);

// The option of that long name, or null.
const OptionSpec* find_option(std::span<const OptionSpec> options, std::string_view name) noexcept;

// What is wrong with a table of commands, one line each; empty when all is well. A programmer's
// check: the unit tests run it over the real table.
std::vector<std::string> check_specs(std::span<const CommandSpec> commands,
                                     std::span<const OptionSpec> globals);

// `-n, --dry-run`, for commands that can say what they would do (Invocation::dry_run).
OptionSpec dry_run_option();

}  // namespace abikit::cli
