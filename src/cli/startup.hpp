// From a parsed command line to the settings of the run: configuration files, environment,
// precedence, and the meaning of the global options.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../report/renderer.hpp"
#include "command_line.hpp"
#include "config_layers.hpp"
#include "process.hpp"
#include "resolve.hpp"

namespace abikit::cli {

// A further copy of the report: `--report FORMAT=FILE`.
struct ReportCopy {
    const report::Format* format = nullptr;
    std::string path{};
};

// Everything that is known before the command runs.
struct Startup {
    std::vector<ConfigPlace> places{};
    std::vector<ConfigLayer> layers{};
    std::string profile{};  // ABI_ENV
    Settings settings{};    // global options, then the command's own
    const report::Format* format = nullptr;
    std::string output_path{};  // "" = standard output
    std::vector<ReportCopy> copies{};
};

// Reads the configuration and resolves all options of the command. `command` may have no name (for
// `abi --check-simd`). kInvalidArgument for anything that does not fit.
Result<Startup> start(const Process& process, const CommandLine& line, const CommandSpec& command,
                      std::span<const CommandSpec> commands);

// All options of all commands that a configuration file may set.
std::vector<const OptionSpec*> configurable_options(std::span<const CommandSpec> commands);

// Whether failures are to be told as JSON, as far as it can be seen before the line is parsed: an
// error in the line itself must have the right form too.
bool wants_json(const Process& process);

}  // namespace abikit::cli
