// Configuration files of arbitrary text: what is wrong is told as a usage error that names the
// file, and what passes the check resolves to values that every typed accessor can read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/commands/all.hpp"
#include "cli/global_options.hpp"
#include "cli/resolve.hpp"
#include "cli/startup.hpp"
#include "cli/values.hpp"

namespace {

using namespace abikit;
using namespace abikit::cli;

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

const std::vector<CommandSpec>& commands() {
    static const std::vector<CommandSpec> kCommands = all_commands();
    return kCommands;
}

void check_values(std::span<const OptionSpec> options, const std::vector<ConfigLayer>& layers) {
    Settings settings;
    require(resolve(options, {.layers = layers}, settings).has_value());
    for (const Setting& setting : settings.all()) {
        if (setting.origin != Origin::kProject) {
            continue;
        }
        require(!setting.values.empty() && setting.source.starts_with("/p/file"));
        for (const std::string& value : setting.values) {
            require(check_value(*setting.spec, value, "x").has_value());
        }
    }
}

void check_file(std::string path, std::string_view text) {
    auto file = parse_config(path, text);
    if (!file) {
        require(file.error().code() == Code::kInvalidArgument);
        require(file.error().message().starts_with("cannot read configuration '" + path));
        return;
    }
    for (const ConfigEntry& entry : file->entries) {
        require(entry.is_array || entry.values.size() == 1);
        require(file->place(entry).starts_with("'" + path));
    }
    const auto errors = check_config(*file, configurable_options(commands()));
    for (const Error& error : errors) {
        require(error.code() == Code::kInvalidArgument);
        require(error.message().contains(path));
    }
    require(errors.size() <= file->entries.size());
    if (!errors.empty()) {
        return;
    }
    const std::vector<ConfigLayer> layers{{ConfigLevel::kProject, *std::move(file)}};
    check_values(global_options(), layers);
    for (const CommandSpec& command : commands()) {
        check_values(command.options, layers);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_file("/p/file.toml", text);
    check_file("/p/file.json", text);
    return 0;
}
