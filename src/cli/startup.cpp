// Reading the configuration, resolving the options, and checking what they say about output.
#include "startup.hpp"

#include <fmt/format.h>

#include "global_options.hpp"
#include "output.hpp"
#include "suggest.hpp"

namespace abikit::cli {
namespace {

bool is_json_name(std::string_view name) {
    const report::Format* format = report::find_format(name);
    return format != nullptr && format->json;
}

Status check_profile(const Startup& startup) {
    std::vector<std::string> names;
    for (const ConfigLayer& layer : startup.layers) {
        for (std::string& name : profile_names(layer.file)) {
            if (name == startup.profile) {
                return {};
            }
            names.push_back(std::move(name));
        }
    }
    return fail(
        Code::kInvalidArgument,
        fmt::format("unknown profile '{}' in environment variable 'ABI_ENV'", startup.profile),
        names.empty() ? "no configuration file has an [env.NAME] table"
                      : fmt::format("one of {}", fmt::join(names, ", ")));
}

Status read_config(const Process& process, std::span<const CommandSpec> commands,
                   Startup& startup) {
    ABI_TRY(startup.layers, load_config(*process.fs, startup.places));
    const auto options = configurable_options(commands);
    for (const ConfigLayer& layer : startup.layers) {
        auto errors = check_config(layer.file, options);
        if (!errors.empty()) {
            return fail(std::move(errors.front()));
        }
    }
    return startup.profile.empty() ? Status() : check_profile(startup);
}

// The two options that say where configuration comes from cannot come from there.
Status locate_config(const Process& process, const CommandLine& line, Startup& startup) {
    const auto globals = global_options();
    Settings early;
    for (const std::string_view name : {"config", "env"}) {
        ABI_CHECK(resolve(std::span(find_option(globals, name), 1),
                          {.line = &line, .env = process.env}, early));
    }
    startup.profile = early.text("env");
    ABI_TRY(startup.places,
            config_places(*process.fs, *process.env, process.directory, early.text("config")));
    return {};
}

Result<ReportCopy> parse_copy(FileSystem& fs, const std::string& text) {
    const auto sign = text.find('=');
    const std::string name = text.substr(0, sign);
    const report::Format* format = report::find_format(name);
    if (sign == std::string::npos || format == nullptr) {
        std::vector<std::string> names;
        for (const report::Format& known : report::formats()) {
            names.emplace_back(known.name);
        }
        const std::string near = nearest(name, names);
        return fail(Code::kInvalidArgument,
                    fmt::format("bad value '{}' for option '--report': expected FORMAT=FILE with "
                                "FORMAT one of {}",
                                text, fmt::join(names, ", ")),
                    near.empty() ? "for example --report json=report.json"
                                 : fmt::format("did you mean '{}=...'?", near));
    }
    const std::string path = text.substr(sign + 1);
    if (path.empty() || path == "-") {
        return fail(Code::kInvalidArgument,
                    fmt::format("bad value '{}' for option '--report': no file is named", text),
                    "choose the format of standard output with --format");
    }
    ABI_CHECK(check_place(fs, path));
    return ReportCopy{format, path};
}

Status read_output_options(const Process& process, Startup& startup) {
    const Settings& settings = startup.settings;
    startup.format = report::find_format(settings.text("format"));
    ABI_ASSERT(startup.format != nullptr);
    startup.output_path = settings.text("output");
    // A symbolic link to what standard output already is: a rename would replace the link.
    if (startup.output_path == "-" || startup.output_path == "/dev/stdout") {
        startup.output_path.clear();
    }
    if (!startup.output_path.empty()) {
        ABI_CHECK(check_place(*process.fs, startup.output_path));
    }
    for (const std::string& text : settings.list("report")) {
        ABI_TRY(ReportCopy copy, parse_copy(*process.fs, text));
        startup.copies.push_back(std::move(copy));
    }
    for (const std::string_view option : {"profile", "log-file"}) {
        if (const std::string path = settings.text(option); !path.empty()) {
            ABI_CHECK(check_place(*process.fs, path));
        }
    }
    return {};
}

Status check_required(const CommandSpec& command, const Settings& settings) {
    for (const OptionSpec& option : command.options) {
        if (option.required && !settings.has(option.name)) {
            return fail(Code::kInvalidArgument,
                        fmt::format("option '--{}' is required", option.name),
                        fmt::format("usage: abi {} --{} {}", command_name(command), option.name,
                                    option.metavar));
        }
    }
    return {};
}

}  // namespace

std::vector<const OptionSpec*> configurable_options(std::span<const CommandSpec> commands) {
    std::vector<const OptionSpec*> options;
    const auto add = [&](std::span<const OptionSpec> some) {
        for (const OptionSpec& option : some) {
            if (!option.config_key.empty()) {
                options.push_back(&option);
            }
        }
    };
    add(global_options());
    for (const CommandSpec& command : commands) {
        add(command.options);
    }
    return options;
}

Result<Startup> start(const Process& process, const CommandLine& line, const CommandSpec& command,
                      std::span<const CommandSpec> commands) {
    Startup startup;
    ABI_CHECK(locate_config(process, line, startup));
    auto read = read_config(process, commands, startup);
    if (!read && !command.tolerates_bad_config) {
        return fail(std::move(read).error());
    }
    if (!read) {
        startup.layers.clear();
        startup.profile.clear();
    }
    const Sources sources{&line, process.env, startup.layers, startup.profile};
    ABI_CHECK(resolve(global_options(), sources, startup.settings));
    ABI_CHECK(resolve(command.options, sources, startup.settings));
    ABI_CHECK(check_required(command, startup.settings));
    ABI_CHECK(read_output_options(process, startup));
    return startup;
}

bool wants_json(const Process& process) {
    bool json = is_json_name(process.env->get("ABI_OUTPUT_FORMAT").value_or(""));
    for (std::size_t i = 0; i < process.args.size() && process.args[i] != "--"; ++i) {
        const std::string_view word = process.args[i];
        if (word.starts_with("--format=")) {
            json = is_json_name(word.substr(9));
        } else if (word == "--format" && i + 1 < process.args.size()) {
            json = is_json_name(process.args[i + 1]);
        }
    }
    return json;
}

}  // namespace abikit::cli
