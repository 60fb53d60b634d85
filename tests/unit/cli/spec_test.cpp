#include <doctest/doctest.h>

#include <algorithm>

#include "cli/commands/all.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::cli;

namespace {

bool complains(const std::vector<CommandSpec>& commands, std::string_view about) {
    const auto problems = check_specs(commands, global_options());
    return std::ranges::any_of(problems,
                               [&](const std::string& problem) { return problem.contains(about); });
}

}  // namespace

TEST_SUITE("cli") {
    TEST_CASE("the real command table keeps the rules") {
        const auto commands = all_commands();
        for (const std::string& problem : check_specs(commands, global_options())) {
            FAIL_CHECK(problem);
        }
        CHECK(commands.size() >= 7);
    }

    TEST_CASE("the sample table keeps them too, and every breach is seen") {
        CHECK(check_specs(sample_commands(), global_options()).empty());
        auto table = sample_commands();
        const auto broken = [&](auto&& change, std::string_view about) {
            table = sample_commands();
            change(table);
            CAPTURE(about);
            CHECK(complains(table, about));
        };
        broken([](auto& t) { t[1].examples.clear(); }, "there is no example");
        broken([](auto& t) { t[1].examples[0].command = "abi other"; }, "does not show it");
        broken([](auto& t) { t[1].summary = "Ends with a stop."; }, "without a full stop");
        broken([](auto& t) { t[1].description.clear(); }, "description is empty");
        broken([](auto& t) { t.push_back(t[1]); }, "is there twice");
        broken([](auto& t) { t[1].options.push_back(t[1].options[0]); },
               "'--count' is there twice");
        broken([](auto& t) { t[1].options[1].short_name = 'q'; }, "'-q' is there twice");
        broken([](auto& t) { t[1].options[1].name = "format"; }, "'--format' is there twice");
        broken([](auto& t) { t[1].options[2].choices.clear(); }, "choices and the type kChoice");
        broken([](auto& t) { t[1].options[0].choices = {"1"}; }, "choices and the type kChoice");
        broken([](auto& t) { t[1].options[0].default_value = "5000"; }, "bad value '5000'");
        broken([](auto& t) { t[1].options[0].metavar.clear(); }, "metavar is empty");
        broken([](auto& t) { t[1].options[0].name = "Bad_Name"; }, "not lower-case words");
        broken([](auto& t) { t[1].options[0].required = true; }, "required, yet it has a default");
        broken([](auto& t) { t[1].options[1].config_key = "store.count"; }, "has two types");
        broken(
            [](auto& t) {
                t[1].operands[0].required = false;
                t[1].operands[1].required = true;
            },
            "a required operand follows");
        broken([](auto& t) { t[1].operands[0].repeatable = true; }, "only the last operand");
        broken([](auto& t) { t[3].handler = {}; }, "no handler and no verbs");
        broken([](auto& t) { t.erase(t.begin()); }, "its group is not listed before it");
    }

    TEST_CASE("variables come from keys unless they are named") {
        CHECK(environment_name({.config_key = "db.commit_every"}) == "ABI_DB_COMMIT_EVERY");
        CHECK(environment_name({.config_key = "a.b-c"}) == "ABI_A_B_C");
        CHECK(environment_name({.config_key = "x", .env = "ABI_Y"}) == "ABI_Y");
        CHECK(environment_name({}).empty());
        CHECK(environment_name(*find_option(global_options(), "simd-enabled")) ==
              "ABI_SIMD_ENABLED");
        CHECK(environment_name(*find_option(global_options(), "simd")) == "ABI_SIMD_TARGET");
        CHECK(environment_name(*find_option(global_options(), "memory-tracking")) ==
              "ABI_MEMORY_TRACKING");
        CHECK(environment_name(*find_option(global_options(), "log-level")) == "ABI_LOG_LEVEL");
    }
}
