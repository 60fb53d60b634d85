// Checking configuration entries against the option table, and the JSON reader.
#include "config_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <type_traits>
#include <variant>

#include <abi/data/value.hpp>

#include "suggest.hpp"
#include "values.hpp"

namespace abikit::cli {
namespace {

constexpr std::string_view kProfiles = "env.";

// "env.ci.log.level" is the key "log.level" of profile "ci".
std::string_view bare_key(std::string_view key) {
    if (!key.starts_with(kProfiles)) {
        return key;
    }
    const auto dot = key.find('.', kProfiles.size());
    return dot == std::string_view::npos ? key : key.substr(dot + 1);
}

std::string_view kind_name(ConfigKind kind) {
    switch (kind) {
        case ConfigKind::kBool:
            return "a boolean";
        case ConfigKind::kInteger:
            return "an integer";
        case ConfigKind::kNumber:
            return "a number";
        case ConfigKind::kString:
            return "a string";
        case ConfigKind::kOther:
            return "something else";
    }
    return "something else";
}

// A file states types, so `commit_every = "8192"` is a mistake and said to be one.
bool kind_fits(ValueType type, ConfigKind kind) {
    switch (type) {
        case ValueType::kFlag:
            return kind == ConfigKind::kBool;
        case ValueType::kInteger:
            return kind == ConfigKind::kInteger;
        case ValueType::kNumber:
            return kind == ConfigKind::kInteger || kind == ConfigKind::kNumber;
        case ValueType::kSize:
            return kind == ConfigKind::kInteger || kind == ConfigKind::kString;
        case ValueType::kString:
        case ValueType::kChoice:
        case ValueType::kPath:
        case ValueType::kDirectory:
            return kind == ConfigKind::kString;
    }
    return false;
}

Status check_entry_value(const OptionSpec& option, const ConfigValue& value,
                         std::string_view source) {
    if (!kind_fits(option.type, value.kind)) {
        const std::string_view found =
            value.kind == ConfigKind::kOther ? std::string_view(value.text) : kind_name(value.kind);
        return fail(Code::kInvalidArgument,
                    fmt::format("{} is {}, not {}", source, found, describe_expected(option)));
    }
    return check_value(option, value.text, source);
}

Status check_entry(const ConfigFile& file, const ConfigEntry& entry, const OptionSpec& option) {
    const std::string source = fmt::format("key '{}' in {}", entry.key, file.place(entry));
    if (entry.is_array && !option.repeatable) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} is an array, not {}", source, describe_expected(option)));
    }
    if (entry.values.empty()) {
        return fail(Code::kInvalidArgument, fmt::format("{} is empty", source),
                    fmt::format("give {}", describe_expected(option)));
    }
    for (const ConfigValue& value : entry.values) {
        if (value.kind == ConfigKind::kString && value.text.empty()) {
            return fail(Code::kInvalidArgument, fmt::format("{} is empty", source),
                        fmt::format("give {}, or remove the key", describe_expected(option)));
        }
        ABI_CHECK(check_entry_value(option, value, source));
    }
    return {};
}

Error unknown_key(const ConfigFile& file, const ConfigEntry& entry,
                  std::span<const OptionSpec* const> options) {
    std::vector<std::string> keys;
    for (const OptionSpec* option : options) {
        keys.push_back(option->config_key);
    }
    Error error(Code::kInvalidArgument,
                fmt::format("unknown configuration key '{}' in {}", entry.key, file.place(entry)));
    if (const std::string near = nearest(bare_key(entry.key), keys); !near.empty()) {
        return std::move(error).with_hint(fmt::format("did you mean '{}'?", near));
    }
    return std::move(error).with_hint("'abi config show' lists the keys");
}

ConfigValue scalar_of(const data::Value& value) {
    return std::visit(
        [](const auto& held) -> ConfigValue {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, bool>) {
                return {ConfigKind::kBool, held ? "true" : "false"};
            } else if constexpr (std::is_same_v<Held, std::int64_t> ||
                                 std::is_same_v<Held, std::uint64_t>) {
                return {ConfigKind::kInteger, fmt::format("{}", held)};
            } else if constexpr (std::is_same_v<Held, double>) {
                return {ConfigKind::kNumber, fmt::format("{}", held)};
            } else if constexpr (std::is_same_v<Held, std::string>) {
                return {ConfigKind::kString, held};
            } else if constexpr (std::is_same_v<Held, std::nullptr_t>) {
                return {ConfigKind::kOther, "null"};
            } else {
                return {ConfigKind::kOther, "a nested array or object"};
            }
        },
        value.storage());
}

void flatten(const std::string& prefix, const data::Value& value, ConfigFile& file) {
    if (value.is_object()) {
        for (const auto& [key, member] : value.as_object()) {
            flatten(prefix.empty() ? key : prefix + "." + key, member, file);
        }
        return;
    }
    ConfigEntry& entry = file.entries.emplace_back();
    entry.key = prefix;
    entry.is_array = value.is_array();
    if (!value.is_array()) {
        entry.values.push_back(scalar_of(value));
        return;
    }
    for (const data::Value& item : value.as_array()) {
        entry.values.push_back(scalar_of(item));
    }
}

}  // namespace

std::string ConfigFile::place(const ConfigEntry& entry) const {
    return entry.line == 0 ? fmt::format("'{}'", path) : fmt::format("'{}:{}'", path, entry.line);
}

Result<ConfigFile> parse_json_config(std::string path, std::string_view text) {
    auto parsed = data::parse_json(text);
    if (!parsed) {
        return fail(Code::kInvalidArgument, fmt::format("cannot read configuration '{}': {}", path,
                                                        parsed.error().describe()));
    }
    if (!parsed->is_object()) {
        return fail(Code::kInvalidArgument,
                    fmt::format("cannot read configuration '{}': it is no JSON object", path));
    }
    ConfigFile file{.path = std::move(path)};
    flatten("", *parsed, file);
    return file;
}

Result<ConfigFile> parse_config(std::string path, std::string_view text) {
    return path.ends_with(".json") ? parse_json_config(std::move(path), text)
                                   : parse_toml_config(std::move(path), text);
}

std::vector<Error> check_config(const ConfigFile& file,
                                std::span<const OptionSpec* const> options) {
    std::vector<Error> errors;
    for (const ConfigEntry& entry : file.entries) {
        const std::string_view key = bare_key(entry.key);
        const auto known = std::ranges::find_if(
            options, [&](const OptionSpec* option) { return option->config_key == key; });
        if (known == options.end()) {
            errors.push_back(unknown_key(file, entry, options));
        } else if (auto status = check_entry(file, entry, **known); !status) {
            errors.push_back(std::move(status).error());
        }
    }
    return errors;
}

std::vector<std::string> profile_names(const ConfigFile& file) {
    std::set<std::string> names;
    for (const ConfigEntry& entry : file.entries) {
        if (bare_key(entry.key).size() < entry.key.size()) {
            names.insert(entry.key.substr(
                kProfiles.size(), entry.key.find('.', kProfiles.size()) - kProfiles.size()));
        }
    }
    return {names.begin(), names.end()};
}

}  // namespace abikit::cli
