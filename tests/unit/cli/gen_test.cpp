#include <doctest/doctest.h>

#include <algorithm>

#include "cli/commands/all.hpp"
#include "cli/gen/generate.hpp"
#include "cli/gen/help.hpp"
#include "cli/gen/table.hpp"
#include "report/text_width.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::cli;

namespace {

std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) {
        ++found;
    }
    return found;
}

}  // namespace

TEST_SUITE("cli") {
    TEST_CASE("help names everything that the table has") {
        const auto commands = all_commands();
        const std::string overview = help_overview(commands, global_options(), {});
        for (const OptionSpec& option : flags_of(global_options())) {
            CHECK(overview.contains("--" + option.name));
        }
        for (const CommandSpec& spec : commands) {
            const std::string text = help_command(spec, commands, global_options(), {});
            CHECK(text.contains(spec.summary));
            CHECK(text.contains("usage: abi " + command_name(spec)));
            for (const OptionSpec& option : flags_of(spec.options)) {
                CHECK(text.contains("--" + option.name));
            }
            for (const Example& example : spec.examples) {
                CHECK(text.contains(example.command));
            }
        }
        CHECK_FALSE(overview.contains("simd-enabled"));
    }

    TEST_CASE("help fits its width") {
        const auto commands = all_commands();
        for (const std::size_t width : {60U, 80U, 100U}) {
            std::string text = help_overview(commands, global_options(), {.width = width});
            while (!text.empty()) {
                const auto end = text.find('\n');
                CHECK(report::display_width(text.substr(0, end)) <= width);
                text.erase(0, end + 1);
            }
        }
    }

    TEST_CASE("option details bound the value") {
        const auto options = sample_options();
        CHECK(option_title(options[0]) == "-k, --count N");
        CHECK(option_details(options[0]) == "how many (1 to 1000; default 10)");
        CHECK(option_details(options[2]) == "a metric (l2, cosine)");
        CHECK(option_title(options[7]) == "-f, --force");
    }

    TEST_CASE("there is a manual page for each command and every key is explained") {
        const auto commands = all_commands();
        const auto pages = man_pages(commands, global_options());
        CHECK(pages.front().name == "abi.1");
        CHECK(pages.back().name == "abi.toml.5");
        CHECK(pages.size() == children(commands, {}).size() + 2);
        for (const ConfigKey& key : config_keys(commands, global_options())) {
            CHECK(pages.back().text.contains(environment_name(*key.option)));
            CHECK(pages.back().text.contains(key.option->config_key));
        }
        for (const GeneratedFile& page : pages) {
            CHECK(page.text.contains(".SH NAME\n"));
            CHECK(page.text.ends_with("\n"));
            CHECK(count(page.text, "\n\n") == 0);
        }
    }

    TEST_CASE("keys of several commands are listed once with all of them") {
        auto commands = sample_commands();
        commands[3].options.push_back(commands[1].options[0]);
        const auto keys = config_keys(commands, global_options());
        const auto found = std::ranges::find_if(
            keys, [](const ConfigKey& key) { return key.option->config_key == "store.count"; });
        REQUIRE(found != keys.end());
        CHECK(found->commands == std::vector<std::string>{"store put", "bench list"});
    }

    TEST_CASE("completions know commands, options and choices") {
        const auto commands = sample_commands();
        const std::string bash = bash_completion(commands, global_options());
        CHECK(bash.contains("\"store put\") return 0 ;;"));
        CHECK(bash.contains("\"store put|--metric\") _abi_words \"l2 cosine\" ;;"));
        CHECK(bash.contains("\"store\") _abi_words \"put\" ;;"));
        const std::string zsh = zsh_completion(commands, global_options());
        CHECK(zsh.starts_with("#compdef abi\n"));
        CHECK(zsh.contains("'--metric=[a metric]:METRIC:(l2 cosine)'"));
        CHECK(zsh.contains("'(-k --count)'{-k+,--count=}'[how many]:N: '"));
        const std::string fish = fish_completion(commands, global_options());
        CHECK(fish.contains("complete -c abi -n \"__abi_at 'store'\" -a put -d 'put a thing'"));
        CHECK(
            fish.contains("complete -c abi -n \"__abi_at 'store put'\" -l metric -x -a 'l2 cosine' "
                          "-d 'a metric'"));
    }

    TEST_CASE("the reference lists every key and variable") {
        const auto pages = reference_pages(sample_commands(), global_options());
        REQUIRE(pages.size() == 1);
        CHECK(
            pages[0].text.contains("| `store.count` | `ABI_STORE_COUNT` | how many (1 to 1000; "
                                   "default 10) | `store put` |"));
        CHECK(pages[0].text.contains("| `ABI_OUTPUT` |"));
    }
}
