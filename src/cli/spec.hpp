// The specification of a command as run-time data: parser, help, man pages, completions and the
// configuration reference are generated from it. One CommandSpec per command or verb;
// commands/all.hpp lists them.
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
    std::string name;  // long, without dashes: "commit-every"
    char short_name = 0;
    ValueType type = ValueType::kString;
    std::string metavar;               // "N", "FILE"
    std::string help;                  // one line, lower case, no final full stop
    std::string default_value;         // shown and used when nothing sets it; "" = none
    std::vector<std::string> choices;  // kChoice
    std::string
        config_key;   // dotted key in abi.toml; "" = not configurable. The variable is ABI_<KEY>.
    std::string env;  // environment variable; "" derives ABI_DB_COMMIT_EVERY from the config key
    bool repeatable = false;
    bool secret = false;  // redacted in logs and in `config show`
    std::optional<double> minimum, maximum;
    bool required = false;
};

struct OperandSpec {
    std::string name;  // "PATH", "FILE"
    ValueType type = ValueType::kString;
    std::string help;
    bool required = true;
    bool repeatable = false;  // only the last
};

struct Example {
    std::string command;  // "abi db init notes.wdbx --embedder hash"
    std::string help;
};

class Invocation;  // invocation.hpp: parsed values, services, streams

// What a command did: the report (rendered by the caller) and the exit code (0 or 1 here; errors
// travel as Error).
struct Outcome {
    report::Report report;
    int exit_code = 0;
    bool silent =
        false;  // nothing to render (the command wrote its own stream, such as exported data)
};
using Handler = std::function<Result<Outcome>(Invocation&)>;

struct CommandSpec {
    std::vector<std::string> path;  // {"db", "import"}
    std::string summary;            // one line for lists
    std::string description;        // paragraphs for help and man, plain text
    std::vector<OperandSpec> operands;
    std::vector<OptionSpec> options;
    std::vector<Example> examples;        // at least one
    std::vector<std::string> exit_notes;  // "1  an id was not found"
    Handler handler;                      // empty for a group such as {"db"}
};

}  // namespace abikit::cli
