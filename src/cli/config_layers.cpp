// Looking for configuration files and reading them.
#include "config_layers.hpp"

#include <fmt/format.h>

namespace abikit::cli {
namespace {

constexpr std::uint64_t kLargestFile = std::uint64_t{1} << 20;  // nobody writes a megabyte of keys

Result<bool> is_file(FileSystem& fs, const std::string& path) {
    auto info = fs.stat(path);
    if (!info) {
        return fail(std::move(info).error());
    }
    return info->has_value() && (*info)->kind != FileKind::kDirectory;
}

// Upwards until an abi.toml is found or the root is reached. A directory that may not be looked
// into ends the search: what lies above belongs to someone else.
ConfigPlace project_place(FileSystem& fs, const std::string& directory) {
    std::string here = directory;
    while (true) {
        const std::string candidate = join_path(here, "abi.toml");
        const auto found = is_file(fs, candidate);
        if (!found) {
            break;
        }
        if (*found) {
            return {ConfigLevel::kProject, candidate, true};
        }
        const std::string parent = parent_path(here);
        if (parent == here || parent == ".") {
            break;
        }
        here = parent;
    }
    return {ConfigLevel::kProject, join_path(directory, "abi.toml"), false};
}

std::string user_path(const Environment& env) {
    // The XDG base directory specification: a relative XDG_CONFIG_HOME is to be ignored.
    if (const auto xdg = env.get("XDG_CONFIG_HOME"); xdg && xdg->starts_with('/')) {
        return join_path(*xdg, "abi/config.toml");
    }
    const auto home = env.get("HOME");
    return home && home->starts_with('/') ? join_path(*home, ".config/abi/config.toml")
                                          : std::string();
}

}  // namespace

std::string_view level_name(ConfigLevel level) noexcept {
    switch (level) {
        case ConfigLevel::kExplicit:
            return "--config";
        case ConfigLevel::kProject:
            return "project";
        case ConfigLevel::kUser:
            return "user";
    }
    return "";
}

Result<std::vector<ConfigPlace>> config_places(FileSystem& fs, const Environment& env,
                                               const std::string& directory,
                                               const std::string& explicit_path) {
    std::vector<ConfigPlace> places;
    if (!explicit_path.empty()) {
        ABI_TRY(const bool exists, is_file(fs, explicit_path));
        places.push_back({ConfigLevel::kExplicit, explicit_path, exists});
        return places;
    }
    places.push_back(project_place(fs, directory));
    if (const std::string path = user_path(env); !path.empty()) {
        const auto exists = is_file(fs, path);
        places.push_back({ConfigLevel::kUser, path, exists && *exists});
    }
    return places;
}

Result<std::vector<ConfigLayer>> load_config(FileSystem& fs,
                                             const std::vector<ConfigPlace>& places) {
    std::vector<ConfigLayer> layers;
    for (const ConfigPlace& place : places) {
        if (!place.exists && place.level != ConfigLevel::kExplicit) {
            continue;
        }
        auto text = fs.read_file(place.path, kLargestFile);
        if (!text) {
            return fail(std::move(text).error().with_context("cannot read the configuration"));
        }
        ABI_TRY(ConfigFile file, parse_config(place.path, *text));
        layers.push_back({place.level, std::move(file)});
    }
    return layers;
}

}  // namespace abikit::cli
