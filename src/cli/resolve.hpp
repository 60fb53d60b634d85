// Which value every option has, and who set it: flag, environment, configuration file or default.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>

#include "command_line.hpp"
#include "config_layers.hpp"
#include "environment.hpp"
#include "spec.hpp"

namespace abikit::cli {

enum class Origin { kFlag, kEnvironment, kExplicit, kProject, kUser, kDefault, kUnset };

// "flag", "environment", "--config", "project", "user", "default", "unset"
std::string_view origin_name(Origin origin) noexcept;

// An option with its winning values.
struct Setting {
    const OptionSpec* spec = nullptr;
    std::vector<std::string> values{};
    Origin origin = Origin::kUnset;
    std::string source{};  // "--dim", "ABI_DB_DIM", "/home/u/p/abi.toml:3"; "" for defaults
};

// The settings of one command line. Lookup by option name is linear: there are a few dozen.
class Settings {
public:
    void add(Setting setting) { settings_.push_back(std::move(setting)); }
    std::span<const Setting> all() const noexcept { return settings_; }
    // Null for a name that is no option.
    const Setting* find(std::string_view option) const noexcept;

    // Values by type, already checked. An unknown name is a programmer's mistake and asserts;
    // unset options give false, "", 0 and no values.
    bool has(std::string_view option) const;
    bool flag(std::string_view option) const;
    std::string text(std::string_view option) const;
    std::int64_t integer(std::string_view option) const;
    double number(std::string_view option) const;
    std::uint64_t size_bytes(std::string_view option) const;
    std::vector<std::string> list(std::string_view option) const;

private:
    const Setting& at(std::string_view option) const;
    std::vector<Setting> settings_;
};

// Where values may come from, all borrowed. `profile` is the name given by ABI_ENV: the keys of
// [env.<profile>] win over the other keys of the same file.
struct Sources {
    const CommandLine* line = nullptr;
    const Environment* env = nullptr;
    std::span<const ConfigLayer> layers{};
    std::string profile{};
};

// Precedence: flag, environment variable, files in the order of `layers`, default. Every value is
// checked; kInvalidArgument names the value and where it stands. A repeatable option's variable is
// split at commas. Relative paths in a file are relative to that file. Appends to `settings`.
Status resolve(std::span<const OptionSpec> options, const Sources& sources, Settings& settings);

}  // namespace abikit::cli
