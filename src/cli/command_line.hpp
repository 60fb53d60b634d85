// From the words of a command line to a command with its options and operands. Pure syntax: values
// are not looked at here; resolve.hpp does that next.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>

#include "spec.hpp"

namespace abikit::cli {

// An option that stood on the line, with its values in order. A flag has one "true" for each time
// it stood there, or the value of `--flag=value`.
struct GivenOption {
    const OptionSpec* spec = nullptr;
    std::vector<std::string> values{};
};

// Operand words by operand of the command's spec, in its order.
using OperandWords = std::vector<std::vector<std::string>>;

// A command line that is well-formed. Points into the tables given to parse_command_line.
struct CommandLine {
    const CommandSpec* command = nullptr;  // null when no command stood there
    std::vector<GivenOption> options{};
    std::vector<std::string> words{};  // what is neither command nor option

    const GivenOption* find(std::string_view option) const noexcept;
};

// Finds the command, takes the options apart (GNU style: `--name value`, `--name=value`, `-kvalue`,
// clusters of short flags, `--` ends options). Global options may stand anywhere. kInvalidArgument
// with the nearest valid word for an unknown command or option.
Result<CommandLine> parse_command_line(std::span<const std::string> args,
                                       std::span<const CommandSpec> commands,
                                       std::span<const OptionSpec> globals);

// Deals the words of the line to the operands of the spec. kInvalidArgument for a missing operand,
// one word too many, or a word that is not among an operand's choices.
Result<OperandWords> assign_operands(const CommandSpec& spec, std::span<const std::string> words);

// The commands below `path` ("db" gives its verbs; empty gives the top level), in table order.
std::vector<const CommandSpec*> children(std::span<const CommandSpec> commands,
                                         std::span<const std::string> path);
// The command of exactly that path, or null.
const CommandSpec* find_command(std::span<const CommandSpec> commands,
                                std::span<const std::string> path) noexcept;
// "abi db import [options] PATH FILE..."
std::string usage_line(const CommandSpec& spec, std::span<const CommandSpec> commands);

// What CLI11 found among words without commands.
struct ParsedWords {
    std::vector<GivenOption> options{};
    std::vector<std::string> words{};
    std::string unknown_option{};  // the first one; "" when all are known
    bool value_missing = false;    // the last word is an option that lacks its value
};
// Implemented by parse_cli11.cpp, the only file that sees CLI11.
ParsedWords parse_words(std::span<const std::string> words,
                        std::span<const OptionSpec* const> options);

}  // namespace abikit::cli
