// Precedence, in one place.
#include "resolve.hpp"

#include <fmt/format.h>

#include <abi/core/fs.hpp>

#include "values.hpp"

namespace abikit::cli {
namespace {

Origin origin_of(ConfigLevel level) noexcept {
    switch (level) {
        case ConfigLevel::kExplicit:
            return Origin::kExplicit;
        case ConfigLevel::kProject:
            return Origin::kProject;
        case ConfigLevel::kUser:
            return Origin::kUser;
    }
    return Origin::kDefault;
}

std::vector<std::string> split_commas(std::string_view text) {
    std::vector<std::string> parts;
    while (true) {
        const auto comma = text.find(',');
        parts.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(comma + 1);
    }
}

Status check_all(const OptionSpec& option, const std::vector<std::string>& values,
                 std::string_view source) {
    for (const std::string& value : values) {
        ABI_CHECK(check_value(option, value, source));
    }
    return {};
}

Result<bool> from_flag(const Sources& sources, Setting& setting) {
    const GivenOption* given =
        sources.line == nullptr ? nullptr : sources.line->find(setting.spec->name);
    if (given == nullptr) {
        return false;
    }
    setting.values = given->values;
    setting.origin = Origin::kFlag;
    setting.source = "--" + setting.spec->name;
    ABI_CHECK(
        check_all(*setting.spec, setting.values, fmt::format("option '--{}'", setting.spec->name)));
    return true;
}

Result<bool> from_environment(const Sources& sources, Setting& setting) {
    const std::string name = environment_name(*setting.spec);
    const auto value =
        name.empty() || sources.env == nullptr ? std::nullopt : sources.env->get(name);
    if (!value) {
        return false;
    }
    const std::string source = fmt::format("environment variable '{}'", name);
    if (value->empty()) {
        return fail(Code::kInvalidArgument, source + " is empty",
                    fmt::format("unset it, or give {}", describe_expected(*setting.spec)));
    }
    setting.values =
        setting.spec->repeatable ? split_commas(*value) : std::vector<std::string>{*value};
    setting.origin = Origin::kEnvironment;
    setting.source = name;
    ABI_CHECK(check_all(*setting.spec, setting.values, source));
    return true;
}

const ConfigEntry* find_entry(const ConfigFile& file, std::string_view key) {
    for (const ConfigEntry& entry : file.entries) {
        if (entry.key == key) {
            return &entry;
        }
    }
    return nullptr;
}

bool from_file(const ConfigLayer& layer, const std::string& profile, Setting& setting) {
    const std::string& key = setting.spec->config_key;
    const ConfigEntry* entry =
        profile.empty() ? nullptr : find_entry(layer.file, "env." + profile + "." + key);
    entry = entry == nullptr ? find_entry(layer.file, key) : entry;
    if (entry == nullptr) {
        return false;
    }
    const bool path =
        setting.spec->type == ValueType::kPath || setting.spec->type == ValueType::kDirectory;
    for (const ConfigValue& value : entry->values) {
        const bool relative = path && !value.text.starts_with('/') && value.text != "-";
        setting.values.push_back(relative ? join_path(parent_path(layer.file.path), value.text)
                                          : value.text);
    }
    setting.origin = origin_of(layer.level);
    setting.source =
        entry->line == 0 ? layer.file.path : fmt::format("{}:{}", layer.file.path, entry->line);
    return true;
}

Result<Setting> resolve_one(const OptionSpec& option, const Sources& sources) {
    Setting setting{.spec = &option};
    ABI_TRY(const bool flag, from_flag(sources, setting));
    if (flag) {
        return setting;
    }
    ABI_TRY(const bool variable, from_environment(sources, setting));
    if (variable) {
        return setting;
    }
    if (!option.config_key.empty()) {
        for (const ConfigLayer& layer : sources.layers) {
            if (from_file(layer, sources.profile, setting)) {
                return setting;
            }
        }
    }
    if (!option.default_value.empty()) {
        setting.values = {option.default_value};
        setting.origin = Origin::kDefault;
    }
    return setting;
}

}  // namespace

std::string_view origin_name(Origin origin) noexcept {
    switch (origin) {
        case Origin::kFlag:
            return "flag";
        case Origin::kEnvironment:
            return "environment";
        case Origin::kExplicit:
            return "--config";
        case Origin::kProject:
            return "project";
        case Origin::kUser:
            return "user";
        case Origin::kDefault:
            return "default";
        case Origin::kUnset:
            return "unset";
    }
    return "";
}

Status resolve(std::span<const OptionSpec> options, const Sources& sources, Settings& settings) {
    for (const OptionSpec& option : options) {
        ABI_TRY(Setting setting, resolve_one(option, sources));
        settings.add(std::move(setting));
    }
    return {};
}

const Setting* Settings::find(std::string_view option) const noexcept {
    for (const Setting& setting : settings_) {
        if (setting.spec->name == option) {
            return &setting;
        }
    }
    return nullptr;
}

const Setting& Settings::at(std::string_view option) const {
    static const Setting kNone;
    const Setting* setting = find(option);
    ABI_ASSERT(setting != nullptr);
    return setting == nullptr ? kNone : *setting;
}

bool Settings::has(std::string_view option) const {
    const Origin origin = at(option).origin;
    return origin != Origin::kDefault && origin != Origin::kUnset;
}

bool Settings::flag(std::string_view option) const {
    const Setting& setting = at(option);
    return !setting.values.empty() && parse_bool(setting.values.back()).value_or(false);
}

std::string Settings::text(std::string_view option) const {
    const Setting& setting = at(option);
    return setting.values.empty() ? std::string() : setting.values.back();
}

std::int64_t Settings::integer(std::string_view option) const {
    return parse_integer(text(option)).value_or(0);
}

double Settings::number(std::string_view option) const {
    return parse_number(text(option)).value_or(0.0);
}

std::uint64_t Settings::size_bytes(std::string_view option) const {
    return parse_size(text(option)).value_or(0);
}

std::vector<std::string> Settings::list(std::string_view option) const {
    return at(option).values;
}

}  // namespace abikit::cli
