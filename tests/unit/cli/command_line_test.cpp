#include <doctest/doctest.h>

#include "support.hpp"

using namespace abikit;
using namespace abikit::cli;

namespace {

const std::vector<CommandSpec>& commands() {
    static const std::vector<CommandSpec> kCommands = sample_commands();
    return kCommands;
}

Result<CommandLine> parse(std::vector<std::string> args) {
    return parse_command_line(args, commands(), global_options());
}

using Words = std::vector<std::string>;

Words values(const CommandLine& line, std::string_view option) {
    const GivenOption* given = line.find(option);
    return given == nullptr ? Words{} : given->values;
}

}  // namespace

TEST_SUITE("cli") {
    TEST_CASE("commands and options are found in any usual order") {
        for (const Words& args :
             {Words{"store", "put", "p", "t", "-k", "5", "--format", "json"},
              Words{"--format", "json", "store", "put", "-k5", "p", "t"},
              Words{"--format=json", "store", "put", "p", "--count=5", "t"},
              Words{"store", "--format", "json", "put", "p", "t", "--count", "5"},
              Words{"store", "put", "--format=json", "-k", "5", "--", "p", "t"}}) {
            CAPTURE(args);
            const auto line = parse(args);
            REQUIRE(line);
            REQUIRE(line->command != nullptr);
            CHECK(command_name(*line->command) == "store put");
            CHECK(values(*line, "count") == Words{"5"});
            CHECK(values(*line, "format") == Words{"json"});
            CHECK(line->words == Words{"p", "t"});
        }
    }

    TEST_CASE("values are taken as they stand") {
        const auto line = parse({"store", "put", "p", "--tag", "-x", "--tag=", "--tag", "[a,b]",
                                 "--tag", "--format", "--ratio", "-0.5", "-"});
        REQUIRE(line);
        CHECK(values(*line, "tag") == Words{"-x", "", "[a,b]", "--format"});
        CHECK(values(*line, "ratio") == Words{"-0.5"});
        CHECK(line->words == Words{"p", "-"});
        CHECK(line->find("format") == nullptr);
    }

    TEST_CASE("flags cluster, repeat and take a value after the sign") {
        const auto line = parse({"store", "put", "p", "-fvv", "--quiet=false"});
        REQUIRE(line);
        CHECK(values(*line, "force").size() == 1);
        CHECK(values(*line, "verbose").size() == 2);
        CHECK(values(*line, "quiet") == Words{"false"});
        const auto cluster = parse({"store", "put", "p", "-vk", "7"});
        REQUIRE(cluster);
        CHECK(values(*cluster, "count") == Words{"7"});
        const auto joined = parse({"store", "put", "p", "-vk7"});
        REQUIRE(joined);
        CHECK(values(*joined, "count") == Words{"7"});
    }

    TEST_CASE("after the two dashes everything is an operand") {
        const auto line = parse({"store", "put", "--", "-k", "--format", "--"});
        REQUIRE(line);
        CHECK(line->words == Words{"-k", "--format", "--"});
    }

    TEST_CASE("a command that runs itself may have verbs too") {
        const auto verb = parse({"bench", "list"});
        REQUIRE(verb);
        CHECK(command_name(*verb->command) == "bench list");
        const auto itself = parse({"bench", "simd/vector"});
        REQUIRE(itself);
        CHECK(command_name(*itself->command) == "bench");
        CHECK(itself->words == Words{"simd/vector"});
    }

    TEST_CASE("nothing, a group and options alone are well-formed") {
        REQUIRE(parse({}));
        CHECK(parse({})->command == nullptr);
        CHECK(parse({"--check-simd"})->find("check-simd") != nullptr);
        CHECK(command_name(*parse({"store"})->command) == "store");
        CHECK(parse({"store", "--help"})->find("help") != nullptr);
    }

    TEST_CASE("what is wrong is named, with the nearest right word") {
        struct Wrong {
            Words args;
            const char* message;
            const char* hint;
        };
        const Wrong all[] = {
            {{"stroe", "put"}, "unknown command 'stroe'", "did you mean 'store'?"},
            {{"frobnicate"}, "unknown command 'frobnicate'", "one of store, bench"},
            {{"store", "pit"}, "unknown command 'pit' of 'abi store'", "did you mean 'put'?"},
            {{"store", "put", "p", "--cuont", "5"},
             "unknown option '--cuont' for 'abi store put'",
             "did you mean '--count'?"},
            {{"store", "put", "p", "--cuont=5"},
             "unknown option '--cuont' for 'abi store put'",
             "did you mean '--count'?"},
            {{"--fromat", "json", "store"},
             "unknown option '--fromat' for 'abi'",
             "did you mean '--format'?"},
            {{"store", "put", "p", "-z"},
             "unknown option '-z' for 'abi store put'",
             "see 'abi store put --help'"},
            {{"store", "put", "p", "-5"},
             "unknown option '-5' for 'abi store put'",
             "put '--' before an operand that begins with a dash"},
            {{"store", "put", "p", "--count"},
             "option '--count' needs a value",
             "see 'abi store put --help'"},
            {{"store", "put", "p", "-k"},
             "option '-k' needs a value",
             "see 'abi store put --help'"},
            {{"--format"}, "option '--format' needs a value", "see 'abi --help'"},
            {{"store", "put", "p", "-k1", "--count=2"},
             "option '--count' is given 2 times",
             "give it once"},
            {{"store", "put", "p", "--env", "x"},
             "unknown option '--env' for 'abi store put'",
             "see 'abi store put --help'"},
        };
        for (const Wrong& wrong : all) {
            CAPTURE(wrong.args);
            const auto line = parse(wrong.args);
            REQUIRE_FALSE(line);
            CHECK(line.error().code() == Code::kInvalidArgument);
            CHECK(line.error().message() == wrong.message);
            CHECK(line.error().hint() == wrong.hint);
        }
    }

    TEST_CASE("operands are dealt in order, the last one takes the rest") {
        const CommandSpec& put = commands()[1];
        const auto dealt = assign_operands(put, Words{"p", "a", "b"});
        REQUIRE(dealt);
        CHECK(*dealt == OperandWords{{"p"}, {"a", "b"}});
        CHECK(*assign_operands(put, Words{"p"}) == OperandWords{{"p"}, {}});
        const auto missing = assign_operands(put, {});
        REQUIRE_FALSE(missing);
        CHECK(missing.error().message() == "missing operand PATH of 'abi store put'");
        CHECK(missing.error().hint() == "usage: abi store put [options] PATH [THING...]");
        const auto extra = assign_operands(commands()[3], Words{"what"});
        REQUIRE_FALSE(extra);
        CHECK(extra.error().message() == "unexpected operand 'what'");
    }

    TEST_CASE("operands with choices take nothing else") {
        const CommandSpec shell{
            .path = {"completion"},
            .operands = {
                {.name = "SHELL", .type = ValueType::kChoice, .choices = {"bash", "zsh"}}}};
        CHECK(assign_operands(shell, Words{"zsh"}));
        const auto wrong = assign_operands(shell, Words{"bsh"});
        REQUIRE_FALSE(wrong);
        CHECK(wrong.error().message() ==
              "bad value 'bsh' for operand SHELL: expected one of bash, zsh");
        CHECK(wrong.error().hint() == "did you mean 'bash'?");
    }
}
