// Command lines of arbitrary words (one a line of the input): a refusal is a usage error, and what
// is understood means the same when it is written out in the longest form and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/command_line.hpp"
#include "cli/commands/all.hpp"
#include "cli/global_options.hpp"

namespace {

using namespace abikit;
using namespace abikit::cli;
using Words = std::vector<std::string>;

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

const std::vector<CommandSpec>& commands() {
    static const std::vector<CommandSpec> kCommands = all_commands();
    return kCommands;
}

Words split_lines(std::string_view text) {
    Words words;
    while (!text.empty() && words.size() < 64) {
        const auto end = text.find('\n');
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

bool same_options(const CommandLine& a, const CommandLine& b) {
    if (a.options.size() != b.options.size()) {
        return false;
    }
    for (const GivenOption& given : a.options) {
        const GivenOption* other = b.find(given.spec->name);
        if (other == nullptr || other->spec != given.spec || other->values != given.values) {
            return false;
        }
    }
    return true;
}

// The same line with the command first, every option in its long form, and the operands behind
// "--".
Words long_form(const CommandLine& line) {
    Words words;
    if (line.command != nullptr) {
        words = line.command->path;
    }
    for (const GivenOption& given : line.options) {
        for (const std::string& value : given.values) {
            words.push_back("--" + given.spec->name + "=" + value);
        }
    }
    words.emplace_back("--");
    words.insert(words.end(), line.words.begin(), line.words.end());
    return words;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Words words = split_lines({reinterpret_cast<const char*>(data), size});
    const auto line = parse_command_line(words, commands(), global_options());
    if (!line) {
        require(line.error().code() == Code::kInvalidArgument);
        require(!line.error().message().empty() && !line.error().hint().empty());
        return 0;
    }
    for (const GivenOption& given : line->options) {
        const bool many = given.spec->repeatable || given.spec->type == ValueType::kFlag;
        require(!given.values.empty() && (many || given.values.size() == 1));
        require(!given.spec->config_only);
    }
    require(line->words.size() <= words.size());
    const auto again = parse_command_line(long_form(*line), commands(), global_options());
    require(again.has_value());
    require(again->command == line->command && again->words == line->words);
    require(same_options(*line, *again));
    if (line->command != nullptr) {
        const auto operands = assign_operands(*line->command, line->words);
        std::size_t dealt = 0;
        for (const Words& some : operands.value_or(OperandWords{})) {
            dealt += some.size();
        }
        require(!operands || dealt == line->words.size());
    }
    return 0;
}
