// A made-up command table and a whole run of `abi` over strings, for the tests of this room.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <abi/core/fs_memory.hpp>

#include "cli/app.hpp"
#include "cli/command_line.hpp"
#include "cli/global_options.hpp"
#include "cli/spec.hpp"

namespace abikit::cli {

// One option of every kind.
inline std::vector<OptionSpec> sample_options() {
    return {{.name = "count",
             .short_name = 'k',
             .type = ValueType::kInteger,
             .metavar = "N",
             .help = "how many",
             .default_value = "10",
             .config_key = "store.count",
             .minimum = 1,
             .maximum = 1000},
            {.name = "ratio",
             .type = ValueType::kNumber,
             .metavar = "X",
             .help = "a ratio",
             .config_key = "store.ratio",
             .minimum = 0},
            {.name = "metric",
             .type = ValueType::kChoice,
             .metavar = "METRIC",
             .help = "a metric",
             .choices = {"l2", "cosine"},
             .config_key = "store.metric"},
            {.name = "tag",
             .type = ValueType::kString,
             .metavar = "TAG",
             .help = "a tag",
             .config_key = "store.tags",
             .repeatable = true},
            {.name = "size",
             .type = ValueType::kSize,
             .metavar = "SIZE",
             .help = "a size",
             .config_key = "store.size"},
            {.name = "model",
             .type = ValueType::kPath,
             .metavar = "FILE",
             .help = "a file",
             .config_key = "store.model"},
            {.name = "key",
             .type = ValueType::kString,
             .metavar = "KEY",
             .help = "a secret key",
             .env = "ABI_STORE_KEY",
             .secret = true},
            {.name = "force",
             .short_name = 'f',
             .type = ValueType::kFlag,
             .help = "force it",
             .config_key = "store.force"}};
}

// `store put` takes all kinds of options; `store` is a group; `bench` runs itself and has a verb.
inline std::vector<CommandSpec> sample_commands() {
    const Handler nothing = [](Invocation&) -> Result<Outcome> { return Outcome{}; };
    CommandSpec group{.path = {"store"},
                      .summary = "keep things",
                      .description = "Keeps things.",
                      .examples = {{"abi store put x", "put x"}}};
    CommandSpec put{
        .path = {"store", "put"},
        .summary = "put a thing",
        .description = "Puts a thing.",
        .operands = {{.name = "PATH", .type = ValueType::kPath, .help = "where"},
                     {.name = "THING", .help = "what", .required = false, .repeatable = true}},
        .options = sample_options(),
        .examples = {{"abi store put x", "put x"}},
        .handler = nothing};
    CommandSpec bench{
        .path = {"bench"},
        .summary = "run suites",
        .description = "Runs suites.",
        .operands = {{.name = "SUITE", .help = "a suite", .required = false, .repeatable = true}},
        .examples = {{"abi bench simd", "run one"}},
        .handler = nothing};
    CommandSpec list{.path = {"bench", "list"},
                     .summary = "list suites",
                     .description = "Lists suites.",
                     .examples = {{"abi bench list", "list them"}},
                     .handler = nothing};
    return {group, put, bench, list};
}

// What a run wrote and how it ended.
struct RunResult {
    ExitStatus status{};
    std::string out{};
    std::string err{};
};

// A computer made of strings: files in memory, variables in a map.
struct World {
    World() { static_cast<void>(fs.create_directory("/here").has_value()); }

    RunResult run(std::vector<std::string> args) {
        RunResult result;
        const auto out = string_sink(result.out);
        const auto err = string_sink(result.err);
        const MapEnvironment environment(variables);
        result.status =
            cli::run({.args = std::move(args),
                      .directory = "/here",
                      .env = &environment,
                      .fs = &fs,
                      .open_in = [this] { return memory_source(std::as_bytes(std::span(input))); },
                      .out = out.get(),
                      .err = err.get(),
                      .out_terminal = out_terminal,
                      .err_terminal = err_terminal,
                      .cancel = cancel.token(),
                      .process_id = 4711});
        return result;
    }
    void write(const std::string& path, std::string_view text) {
        REQUIRE(fs.replace_file(path, std::as_bytes(std::span(text))));
    }
    std::string read(const std::string& path) {
        auto text = fs.read_file(path);
        REQUIRE(text);
        return *text;
    }

    MemoryFileSystem fs{};
    MapEnvironment::Variables variables{};
    std::string input{};
    TerminalFacts out_terminal{};
    TerminalFacts err_terminal{};
    CancelSource cancel{};
};

}  // namespace abikit::cli
