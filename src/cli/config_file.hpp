// Configuration files: TOML or JSON read into a flat list of dotted keys, and the check of those
// keys against the options that exist. Read resolve.hpp next.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>

#include "spec.hpp"

namespace abikit::cli {

enum class ConfigKind { kBool, kInteger, kNumber, kString, kOther };

// A scalar of a file as text: true/false, decimal digits, or the string itself. kOther (dates,
// null, nested arrays) never fits an option; its text names the type.
struct ConfigValue {
    ConfigKind kind = ConfigKind::kString;
    std::string text{};
};

struct ConfigEntry {
    std::string key{};  // dotted: "db.commit_every", "env.ci.log.level"
    std::vector<ConfigValue> values{};
    bool is_array = false;
    std::size_t line = 0;  // from 1; 0 where the format does not tell (JSON)
};

struct ConfigFile {
    std::string path{};
    std::vector<ConfigEntry> entries{};

    // "abi.toml:3", or the path alone where the line is not known.
    std::string place(const ConfigEntry& entry) const;
};

// Reads one file's text. kInvalidArgument naming file, line and what is wrong.
Result<ConfigFile> parse_toml_config(std::string path, std::string_view text);
Result<ConfigFile> parse_json_config(std::string path, std::string_view text);
// By the extension: .json is JSON, everything else TOML.
Result<ConfigFile> parse_config(std::string path, std::string_view text);

// Everything that is wrong with the file: unknown keys (with the nearest one as the hint), values
// of the wrong type, empty values. `options` are all configurable options of all commands. Keys
// below "env.NAME." are checked without that prefix.
std::vector<Error> check_config(const ConfigFile& file, std::span<const OptionSpec* const> options);

// The names of the [env.NAME] tables, sorted, without repeats.
std::vector<std::string> profile_names(const ConfigFile& file);

}  // namespace abikit::cli
