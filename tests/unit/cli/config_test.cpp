#include <doctest/doctest.h>

#include "cli/resolve.hpp"
#include "cli/startup.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::cli;

namespace {

const std::vector<CommandSpec>& commands() {
    static const std::vector<CommandSpec> kCommands = sample_commands();
    return kCommands;
}

std::vector<std::string> problems(std::string_view toml) {
    const auto file = parse_toml_config("abi.toml", toml);
    REQUIRE(file);
    std::vector<std::string> messages;
    for (const Error& error : check_config(*file, configurable_options(commands()))) {
        messages.push_back(error.message() + (error.hint().empty() ? "" : " | " + error.hint()));
    }
    return messages;
}

ConfigLayer layer(ConfigLevel level, std::string path, std::string_view toml) {
    auto file = parse_toml_config(std::move(path), toml);
    REQUIRE(file);
    return {level, *std::move(file)};
}

}  // namespace

TEST_SUITE("cli") {
    TEST_CASE("TOML becomes dotted keys with lines") {
        const auto file = parse_toml_config(
            "abi.toml",
            "threads = 4\n[store]\ncount = 5\ntags = [\"a\", \"b\"]\n\n[env.ci.log]\n"
            "level = \"off\"\n");
        REQUIRE(file);
        REQUIRE(file->entries.size() == 4);
        CHECK(file->entries[0].key == "threads");
        CHECK(file->entries[0].line == 1);
        CHECK(file->entries[2].key == "store.tags");
        CHECK(file->entries[2].values.size() == 2);
        CHECK(file->entries[2].line == 4);
        CHECK(file->entries[3].key == "env.ci.log.level");
        CHECK(file->place(file->entries[3]) == "'abi.toml:7'");
        CHECK(profile_names(*file) == std::vector<std::string>{"ci"});
    }

    TEST_CASE("JSON configuration means the same") {
        const auto file =
            parse_config("a.json", R"({"threads":4,"store":{"count":5,"tags":["a"],"ratio":0.5}})");
        REQUIRE(file);
        CHECK(file->entries.size() == 4);
        CHECK(check_config(*file, configurable_options(commands())).empty());
        CHECK(parse_config("a.json", "[1]").error().message() ==
              "cannot read configuration 'a.json': it is no JSON object");
        CHECK_FALSE(parse_config("a.json", "{"));
    }

    TEST_CASE("broken TOML names file and line") {
        const auto file = parse_config("p/abi.toml", "threads = 4\nlog.level = \n");
        REQUIRE_FALSE(file);
        CHECK(file.error().code() == Code::kInvalidArgument);
        CHECK(file.error().message().starts_with("cannot read configuration 'p/abi.toml:2': "));
        CHECK_FALSE(parse_config("abi.toml", "a = 1\na = 2\n"));
        CHECK_FALSE(parse_config("abi.toml", "\xFF\xFE"));
        CHECK(parse_config("abi.toml", "")->entries.empty());
    }

    TEST_CASE("keys and types of a file are checked, all of them") {
        using List = std::vector<std::string>;
        CHECK(problems("store.count = 5\nstore.size = \"1g\"\nstore.force = true\nlog.level = "
                       "\"debug\"\nenv.ci.store.count = 7\nstore.tags = \"one\"\nstore.ratio = 1\n")
                  .empty());
        CHECK(problems("store.cuont = 5\n") ==
              List{"unknown configuration key 'store.cuont' in 'abi.toml:1' | did you mean "
                   "'store.count'?"});
        CHECK(problems("[env.ci]\nlog.levle = \"off\"\n") ==
              List{"unknown configuration key 'env.ci.log.levle' in 'abi.toml:2' | did you mean "
                   "'log.level'?"});
        CHECK(problems("zzz = 1\n") ==
              List{"unknown configuration key 'zzz' in 'abi.toml:1' | 'abi "
                   "config show' lists the keys"});
        CHECK(problems("store.count = \"5\"\nstore.metric = \"l3\"\n").size() == 2);
        CHECK(problems("store.count = \"5\"\n") ==
              List{"key 'store.count' in 'abi.toml:1' is a string, not an integer from 1 to 1000"});
        CHECK(
            problems("store.count = 0\n") ==
            List{"bad value '0' for key 'store.count' in 'abi.toml:1': expected an integer from 1 "
                 "to 1000"});
        CHECK(
            problems("store.metric = \"\"\n") ==
            List{"key 'store.metric' in 'abi.toml:1' is empty | give one of l2, cosine, or remove "
                 "the key"});
        CHECK(problems("store.count = [1, 2]\n") ==
              List{"key 'store.count' in 'abi.toml:1' is an array, not an integer from 1 to 1000"});
        CHECK(problems("store.tags = []\n").size() == 1);
        CHECK(problems("store.tags = [[\"a\"]]\n") ==
              List{"key 'store.tags' in 'abi.toml:1' is a nested array, not a text"});
        CHECK(problems("log.level = 2026-01-01\n") ==
              List{"key 'log.level' in 'abi.toml:1' is a date or time, not one of trace, debug, "
                   "info, warn, error, off"});
    }

    TEST_CASE("flag, variable, project, user, default: the first that sets a value wins") {
        const auto& options = commands()[1].options;
        const std::vector<ConfigLayer> layers{
            layer(ConfigLevel::kProject, "/p/abi.toml",
                  "store.count = 30\nstore.metric = \"l2\"\n"),
            layer(ConfigLevel::kUser, "/u/config.toml",
                  "store.count = 40\nstore.metric = \"cosine\"\nstore.ratio = 0.5\n")};
        CommandLine line{.options = {{&options[0], {"10"}}}};
        MapEnvironment env(MapEnvironment::Variables{{"ABI_STORE_COUNT", "20"}});
        const auto count_with = [&](Sources sources) {
            Settings settings;
            REQUIRE(resolve(options, sources, settings));
            return *settings.find("count");
        };
        const Setting flag = count_with({&line, &env, layers, ""});
        CHECK(flag.origin == Origin::kFlag);
        CHECK(flag.values == std::vector<std::string>{"10"});
        const Setting variable = count_with({nullptr, &env, layers, ""});
        CHECK(variable.origin == Origin::kEnvironment);
        CHECK(variable.source == "ABI_STORE_COUNT");
        const MapEnvironment none;
        const Setting project = count_with({nullptr, &none, layers, ""});
        CHECK(project.origin == Origin::kProject);
        CHECK(project.source == "/p/abi.toml:1");
        CHECK(project.values == std::vector<std::string>{"30"});
        CHECK(count_with({nullptr, &none, std::span(layers).subspan(1), ""}).origin ==
              Origin::kUser);
        const Setting fallback = count_with({nullptr, &none, {}, ""});
        CHECK(fallback.origin == Origin::kDefault);
        CHECK(fallback.values == std::vector<std::string>{"10"});
    }

    TEST_CASE("typed access, lists, relative paths and profiles") {
        const auto& options = commands()[1].options;
        const std::vector<ConfigLayer> layers{
            layer(ConfigLevel::kProject, "/p/abi.toml",
                  "[store]\ncount = 3\nsize = \"1k\"\nforce = true\nmodel = \"m/x.bin\"\n"
                  "tags = [\"a\", \"b\"]\n[env.ci.store]\ncount = 4\n")};
        const MapEnvironment env(MapEnvironment::Variables{{"ABI_STORE_RATIO", "0.25"}});
        Settings settings;
        REQUIRE(resolve(options, {nullptr, &env, layers, "ci"}, settings));
        CHECK(settings.integer("count") == 4);
        CHECK(settings.size_bytes("size") == 1024);
        CHECK(settings.flag("force"));
        CHECK(settings.number("ratio") == 0.25);
        CHECK(settings.text("model") == "/p/m/x.bin");
        CHECK(settings.list("tag") == std::vector<std::string>{"a", "b"});
        CHECK(settings.text("metric").empty());
        CHECK(settings.has("count"));
        CHECK_FALSE(settings.has("metric"));
        const MapEnvironment tags(MapEnvironment::Variables{{"ABI_STORE_TAGS", "x,y z"}});
        Settings again;
        REQUIRE(resolve(options, {nullptr, &tags, layers, ""}, again));
        CHECK(again.list("tag") == std::vector<std::string>{"x", "y z"});
        CHECK(again.integer("count") == 3);
    }

    TEST_CASE("bad values name the flag or the variable") {
        const auto& options = commands()[1].options;
        Settings settings;
        const MapEnvironment bad(MapEnvironment::Variables{{"ABI_STORE_COUNT", "many"}});
        const auto status = resolve(options, {nullptr, &bad, {}, ""}, settings);
        REQUIRE_FALSE(status);
        CHECK(status.error().message() ==
              "bad value 'many' for environment variable "
              "'ABI_STORE_COUNT': expected an integer from 1 to 1000");
        const MapEnvironment empty(MapEnvironment::Variables{{"ABI_STORE_METRIC", ""}});
        const auto hollow = resolve(options, {nullptr, &empty, {}, ""}, settings);
        REQUIRE_FALSE(hollow);
        CHECK(hollow.error().message() == "environment variable 'ABI_STORE_METRIC' is empty");
        CHECK(hollow.error().hint() == "unset it, or give one of l2, cosine");
    }

    TEST_CASE("files are found upwards, and --config replaces them") {
        MemoryFileSystem fs;
        for (const char* directory :
             {"/a", "/a/b", "/a/b/c", "/h", "/h/.config", "/h/.config/abi"}) {
            REQUIRE(fs.create_directory(directory));
        }
        const MapEnvironment env(MapEnvironment::Variables{{"HOME", "/h"}});
        auto places = config_places(fs, env, "/a/b/c", "");
        REQUIRE(places);
        REQUIRE(places->size() == 2);
        CHECK((*places)[0].path == "/a/b/c/abi.toml");
        CHECK_FALSE((*places)[0].exists);
        CHECK((*places)[1].path == "/h/.config/abi/config.toml");
        REQUIRE(fs.replace_file("/a/abi.toml", std::as_bytes(std::span("threads = 1", 11))));
        places = config_places(fs, env, "/a/b/c", "");
        CHECK((*places)[0].path == "/a/abi.toml");
        CHECK((*places)[0].exists);
        REQUIRE(load_config(fs, *places));
        CHECK(load_config(fs, *places)->size() == 1);
        places = config_places(fs, env, "/a/b/c", "other.toml");
        CHECK(places->size() == 1);
        CHECK(load_config(fs, *places).error().code() == Code::kInputMissing);
        const MapEnvironment xdg(
            MapEnvironment::Variables{{"HOME", "/h"}, {"XDG_CONFIG_HOME", "/x"}});
        CHECK((*config_places(fs, xdg, "/", ""))[1].path == "/x/abi/config.toml");
        const MapEnvironment relative(MapEnvironment::Variables{{"XDG_CONFIG_HOME", "x"}});
        CHECK(config_places(fs, relative, "/", "")->size() == 1);
    }
}
