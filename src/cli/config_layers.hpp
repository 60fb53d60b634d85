// Which configuration files there are: where they are looked for and what was read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/core/fs.hpp>

#include "config_file.hpp"
#include "environment.hpp"

namespace abikit::cli {

enum class ConfigLevel { kExplicit, kProject, kUser };

// "--config", "project", "user"
std::string_view level_name(ConfigLevel level) noexcept;

// A place where a configuration file is looked for.
struct ConfigPlace {
    ConfigLevel level = ConfigLevel::kProject;
    std::string path{};
    bool exists = false;
};

// What was read, the file that wins first.
struct ConfigLayer {
    ConfigLevel level = ConfigLevel::kProject;
    ConfigFile file{};
};

// The places in order of precedence: the file named by --config alone, or else the project's
// `abi.toml` (the nearest one from `directory` upwards; the first candidate when there is none) and
// the user's `$XDG_CONFIG_HOME/abi/config.toml` (`~/.config` without that variable).
Result<std::vector<ConfigPlace>> config_places(FileSystem& fs, const Environment& env,
                                               const std::string& directory,
                                               const std::string& explicit_path);

// Reads the files that exist. kInputMissing when the explicit one does not.
Result<std::vector<ConfigLayer>> load_config(FileSystem& fs,
                                             const std::vector<ConfigPlace>& places);

}  // namespace abikit::cli
