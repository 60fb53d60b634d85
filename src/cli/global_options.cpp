// The table of global options. Options that name files to write have variables but no configuration
// key: an abi.toml in a directory that someone walked into must not choose what gets overwritten.
#include "global_options.hpp"

#include "../report/renderer.hpp"

namespace abikit::cli {
namespace {

std::vector<std::string> format_names() {
    std::vector<std::string> names;
    for (const report::Format& format : report::formats()) {
        names.emplace_back(format.name);
    }
    return names;
}

std::vector<OptionSpec> output_options() {
    return {
        {.name = "format",
         .type = ValueType::kChoice,
         .metavar = "FORMAT",
         .help = "how the report on standard output is written",
         .default_value = "console",
         .choices = format_names(),
         .config_key = "output.format"},
        {.name = "output",
         .type = ValueType::kPath,
         .metavar = "FILE",
         .help = "write the report to FILE instead; '-' is standard output",
         .env = "ABI_OUTPUT"},
        {.name = "report",
         .type = ValueType::kString,
         .metavar = "FORMAT=FILE",
         .help = "write a further copy of the report to a file",
         .env = "ABI_REPORT",
         .repeatable = true},
        {.name = "color",
         .type = ValueType::kChoice,
         .metavar = "WHEN",
         .help = "colours; auto means on a terminal without NO_COLOR and TERM=dumb",
         .default_value = "auto",
         .choices = {"auto", "always", "never"},
         .config_key = "output.color"},
        {.name = "progress",
         .type = ValueType::kChoice,
         .metavar = "WHEN",
         .help = "progress on standard error; auto means on a terminal",
         .default_value = "auto",
         .choices = {"auto", "always", "never"},
         .config_key = "output.progress"},
    };
}

std::vector<OptionSpec> resource_options() {
    return {
        {.name = "config",
         .type = ValueType::kPath,
         .metavar = "FILE",
         .help = "read this TOML or JSON file instead of the project's and the user's",
         .env = "ABI_CONFIG"},
        {.name = "env",
         .type = ValueType::kString,
         .help = "named profile: the [env.NAME] tables of the configuration files",
         .env = "ABI_ENV",
         .config_only = true},
        {.name = "threads",
         .type = ValueType::kInteger,
         .metavar = "N",
         .help = "threads that work at once; 0 means all that this process may use",
         .default_value = "0",
         .config_key = "threads",
         .minimum = 0,
         .maximum = 4096},
        {.name = "simd",
         .type = ValueType::kString,
         .metavar = "TARGET",
         .help = "vector instruction set: auto, none, or one that --check-simd lists",
         .default_value = "auto",
         .config_key = "simd.target"},
        {.name = "simd-enabled",
         .type = ValueType::kFlag,
         .help = "false runs scalar code, as --simd none does",
         .default_value = "true",
         .config_key = "simd.enabled",
         .config_only = true},
        {.name = "memory-limit",
         .type = ValueType::kSize,
         .metavar = "SIZE",
         .help = "stop with exit code 7 before heap and mapped memory pass SIZE",
         .config_key = "memory.limit",
         .minimum = 1},
        {.name = "memory-tracking",
         .type = ValueType::kFlag,
         .help = "report memory by room: current, peak, allocations, live at exit",
         .config_key = "memory.tracking"},
        {.name = "check-simd",
         .type = ValueType::kFlag,
         .help = "report vector targets: compiled in, supported, chosen; works alone too"},
        {.name = "profile",
         .type = ValueType::kPath,
         .metavar = "FILE",
         .help = "write a trace of the run for chrome://tracing or Perfetto",
         .env = "ABI_PROFILE"},
    };
}

std::vector<OptionSpec> message_options() {
    return {
        {.name = "log-level",
         .type = ValueType::kChoice,
         .metavar = "LEVEL",
         .help = "least severe log lines to keep",
         .default_value = "warn",
         .choices = {"trace", "debug", "info", "warn", "error", "off"},
         .config_key = "log.level"},
        {.name = "log-format",
         .type = ValueType::kChoice,
         .metavar = "FORMAT",
         .help = "log lines as text or as JSON objects",
         .default_value = "text",
         .choices = {"text", "json"},
         .config_key = "log.format"},
        {.name = "log-file",
         .type = ValueType::kPath,
         .metavar = "FILE",
         .help = "append log lines to FILE instead of standard error",
         .env = "ABI_LOG_FILE"},
        {.name = "quiet",
         .short_name = 'q',
         .type = ValueType::kFlag,
         .help = "no progress and no warnings; errors are still told"},
        {.name = "verbose",
         .short_name = 'v',
         .type = ValueType::kFlag,
         .help = "log more: -v info, -vv debug, -vvv trace"},
        {.name = "version", .type = ValueType::kFlag, .help = "print the version"},
        {.name = "help", .short_name = 'h', .type = ValueType::kFlag, .help = "print this help"},
    };
}

}  // namespace

std::span<const OptionSpec> global_options() {
    static const std::vector<OptionSpec> kOptions = [] {
        std::vector<OptionSpec> all = output_options();
        for (auto&& group : {resource_options(), message_options()}) {
            all.insert(all.end(), group.begin(), group.end());
        }
        return all;
    }();
    return kOptions;
}

}  // namespace abikit::cli
