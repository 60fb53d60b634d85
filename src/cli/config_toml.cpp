// The only file that sees toml++: TOML text to flat entries with line numbers.
#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>

#include "config_file.hpp"

namespace abikit::cli {
namespace {

ConfigValue scalar_of(const toml::node& node) {
    if (const auto* value = node.as_boolean()) {
        return {ConfigKind::kBool, value->get() ? "true" : "false"};
    }
    if (const auto* value = node.as_integer()) {
        return {ConfigKind::kInteger, fmt::format("{}", value->get())};
    }
    if (const auto* value = node.as_floating_point()) {
        return {ConfigKind::kNumber, fmt::format("{}", value->get())};
    }
    if (const auto* value = node.as_string()) {
        return {ConfigKind::kString, value->get()};
    }
    return {ConfigKind::kOther, node.is_array()   ? "a nested array"
                                : node.is_table() ? "a table"
                                                  : "a date or time"};
}

void flatten(const std::string& prefix, const toml::table& table, ConfigFile& file) {
    for (const auto& [name, node] : table) {
        const std::string key =
            prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
        if (const toml::table* inner = node.as_table()) {
            flatten(key, *inner, file);
            continue;
        }
        ConfigEntry& entry = file.entries.emplace_back();
        entry.key = key;
        entry.line = node.source().begin.line;
        entry.is_array = node.is_array();
        if (const toml::array* array = node.as_array()) {
            for (const toml::node& item : *array) {
                entry.values.push_back(scalar_of(item));
            }
        } else {
            entry.values.push_back(scalar_of(node));
        }
    }
}

std::string lower_first(std::string_view text) {
    std::string out(text);
    if (!out.empty() && out[0] >= 'A' && out[0] <= 'Z') {
        out[0] = static_cast<char>(out[0] - 'A' + 'a');
    }
    return out;
}

}  // namespace

Result<ConfigFile> parse_toml_config(std::string path, std::string_view text) {
    ConfigFile file{.path = std::move(path)};
    try {
        flatten("", toml::parse(text, file.path), file);
    } catch (const toml::parse_error& error) {
        return fail(Code::kInvalidArgument,
                    fmt::format("cannot read configuration '{}:{}': {}", file.path,
                                error.source().begin.line, lower_first(error.description())),
                    "a TOML file has lines such as 'log.level = \"info\"'");
    }
    // toml++ sorts by name; people read files from the top.
    std::stable_sort(file.entries.begin(), file.entries.end(),
                     [](const ConfigEntry& a, const ConfigEntry& b) { return a.line < b.line; });
    return file;
}

}  // namespace abikit::cli
