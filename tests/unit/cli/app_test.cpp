#include <doctest/doctest.h>

#include <abi/core/version.h>
#include <abi/core/fs_fault.hpp>
#include <abi/data/value.hpp>

#include "cli/error_message.hpp"
#include "cli/exit_code.hpp"
#include "cli/output.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::cli;

namespace {

data::Value json(const std::string& text) {
    auto parsed = data::parse_json(text);
    REQUIRE_MESSAGE(parsed, text);
    return *std::move(parsed);
}

// A sink whose reader has gone away.
class BrokenPipe final : public ByteSink {
public:
    using ByteSink::write;
    Status write(std::span<const std::byte>) override {
        return fail(Code::kIo, "cannot write standard output: broken pipe");
    }
    Status flush() override { return write(std::span<const std::byte>()); }
};

}  // namespace

TEST_SUITE("cli") {
    TEST_CASE("version runs from the words to the report") {
        World world;
        const RunResult text = world.run({"version"});
        CHECK(text.status.code == 0);
        CHECK(text.err.empty());
        CHECK(text.out.starts_with("abi "));
        CHECK(text.out.find(" " ABI_VERSION "\n") != std::string::npos);
        const RunResult object = world.run({"version", "--format", "json"});
        const data::Value document = json(object.out);
        CHECK(*document.find("schema") == data::Value("abi.version/1"));
        CHECK(*document.find("exit_code") == data::Value(0));
        CHECK(document.find("libraries")->find("fmt") != nullptr);
        CHECK(world.run({"--version"}).out == "abi " ABI_VERSION "\n");
    }

    TEST_CASE("the same report goes to files in other formats") {
        World world;
        const RunResult result =
            world.run({"version", "--output", "/here/v.json", "--format", "json", "--report",
                       "markdown=/here/v.md", "--report=csv=/here/v.csv"});
        CHECK(result.status.code == 0);
        CHECK(result.out.empty());
        CHECK(*json(world.read("/here/v.json")).find("version") == data::Value(ABI_VERSION));
        CHECK(world.read("/here/v.md").starts_with("| | |\n"));
        CHECK(world.read("/here/v.csv").starts_with("version,compiler,"));
    }

    TEST_CASE("places that cannot be written are told before the work") {
        World world;
        for (const auto& args : {std::vector<std::string>{"version", "--output", "/missing/x"},
                                 std::vector<std::string>{"version", "--report", "json=/missing/x"},
                                 std::vector<std::string>{"version", "--profile", "/missing/x"},
                                 std::vector<std::string>{"version", "--output", "/here"}}) {
            CAPTURE(args);
            const RunResult result = world.run(args);
            CHECK(result.status.code == 5);
            CHECK(result.out.empty());
            CHECK(result.err.starts_with("abi: error: cannot write '/"));
        }
    }

    TEST_CASE("errors are two lines for a person and one object for a program") {
        World world;
        const RunResult text = world.run({"verzion"});
        CHECK(text.status.code == 2);
        CHECK(text.out.empty());
        CHECK(text.err ==
              "abi: error: unknown command 'verzion'\n  hint: did you mean 'version'?\n");
        const RunResult object = world.run({"verzion", "--format=json"});
        CHECK(object.status.code == 2);
        const data::Value document = json(object.err);
        CHECK(*document.find("schema") == data::Value("abi.error/1"));
        const data::Value& error = *document.find("error");
        CHECK(*error.find("code") == data::Value("invalid_argument"));
        CHECK(*error.find("message") == data::Value("unknown command 'verzion'"));
        CHECK(*error.find("hint") == data::Value("did you mean 'version'?"));
        CHECK(*error.find("exit_code") == data::Value(2));
        world.variables["ABI_OUTPUT_FORMAT"] = "jsonl";
        CHECK(json(world.run({"verzion"}).err).find("error") != nullptr);
    }

    TEST_CASE("no command and half a command are usage errors") {
        World world;
        CHECK(world.run({}).status.code == 2);
        CHECK(world.run({}).err.starts_with("abi: error: no command is given\n"));
        const RunResult group = world.run({"config"});
        CHECK(group.status.code == 2);
        CHECK(group.err.find("one of show, path, validate") != std::string::npos);
    }

    TEST_CASE("help wins over missing operands and needs no configuration") {
        World world;
        world.write("/here/abi.toml", "not toml at all");
        for (const auto& args : {std::vector<std::string>{"completion", "--help"},
                                 std::vector<std::string>{"-h", "completion"},
                                 std::vector<std::string>{"help", "completion"}}) {
            CAPTURE(args);
            const RunResult result = world.run(args);
            CHECK(result.status.code == 0);
            CHECK(result.out.starts_with("abi completion - print a completion script"));
        }
        CHECK(world.run({"version"}).status.code == 0);
        CHECK(world.run({"config", "show"}).status.code == 2);
    }

    TEST_CASE("the configuration says where its mistakes are") {
        World world;
        world.write("/here/abi.toml", "[log]\nlevle = \"info\"\nformat = \"xml\"\n");
        const RunResult show = world.run({"config", "show"});
        CHECK(show.status.code == 2);
        CHECK(show.err ==
              "abi: error: unknown configuration key 'log.levle' in "
              "'/here/abi.toml:2'\n  hint: did you mean 'log.level'?\n");
        const RunResult validate = world.run({"config", "validate", "--format", "json"});
        CHECK(validate.status.code == 2);
        const data::Value document = json(validate.out);
        CHECK(document.find("problems")->as_array().size() == 2);
        CHECK(*document.find("exit_code") == data::Value(2));
        CHECK(world.run({"config", "validate", "/here/none.toml"}).status.code == 3);
    }

    TEST_CASE("origins are told, secrets are not") {
        World world;
        world.write("/here/abi.toml", "log.level = \"info\"\n");
        world.variables["ABI_THREADS"] = "3";
        const data::Value document =
            json(world.run({"config", "show", "--format", "json", "--color", "never"}).out);
        const auto origin_of = [&](std::string_view name) {
            for (const data::Value& row : document.find("settings")->as_array()) {
                if (*row.find("name") == data::Value(name)) {
                    return row.find("origin")->as_string() + " " +
                           (row.find("source")->is_null() ? "" : row.find("source")->as_string());
                }
            }
            return std::string("missing");
        };
        CHECK(origin_of("log.level") == "project /here/abi.toml:1");
        CHECK(origin_of("threads") == "environment ABI_THREADS");
        CHECK(origin_of("output.color") == "flag --color");
        CHECK(origin_of("output.progress") == "default ");
        CHECK(origin_of("memory.limit") == "unset ");
    }

    TEST_CASE("profiles of the file are chosen by ABI_ENV") {
        World world;
        world.write("/here/abi.toml", "[env.ci]\noutput.format = \"json\"\n");
        world.variables["ABI_ENV"] = "ci";
        CHECK(world.run({"version"}).out.starts_with("{"));
        world.variables["ABI_ENV"] = "prod";
        const RunResult unknown = world.run({"config", "show"});
        CHECK(unknown.status.code == 2);
        CHECK(unknown.err.find("unknown profile 'prod'") != std::string::npos);
        CHECK(unknown.err.find("one of ci") != std::string::npos);
    }

    TEST_CASE("check-simd works alone and with any command") {
        World world;
        const data::Value alone = json(world.run({"--check-simd", "--format", "json"}).out);
        CHECK(*alone.find("schema") == data::Value("abi.check-simd/1"));
        const auto& targets = alone.find("simd")->find("targets")->as_array();
        CHECK_FALSE(targets.empty());
        const data::Value with = json(world.run({"version", "--check-simd", "--format=json"}).out);
        CHECK(*with.find("simd") == *alone.find("simd"));
        const RunResult text = world.run({"version", "--check-simd"});
        CHECK(text.err.find("vector targets") != std::string::npos);
        CHECK(text.out.find("vector targets") == std::string::npos);
    }

    TEST_CASE("vector targets are forced, unknown ones refused") {
        World world;
        const data::Value scalar =
            json(world.run({"version", "--simd", "none", "--format=json"}).out);
        CHECK(*scalar.find("simd_target") == data::Value("SCALAR"));
        const RunResult bad = world.run({"version", "--simd", "MMX"});
        CHECK(bad.status.code == 2);
        CHECK(bad.err.find("MMX") != std::string::npos);
        world.variables["ABI_SIMD_ENABLED"] = "false";
        CHECK(*json(world.run({"version", "--format=json"}).out).find("simd_target") ==
              data::Value("SCALAR"));
        world.variables.clear();
        REQUIRE(world.run({"version", "--simd", "auto"}).status.code == 0);
    }

    TEST_CASE("memory accounting is refused where nothing counts") {
        World world;
        for (const char* option : {"--memory-tracking", "--memory-limit=1g"}) {
            const RunResult result = world.run({"version", option});
            CHECK(result.status.code == 6);
            CHECK(result.err.find("memory accounting is not available") != std::string::npos);
        }
    }

    TEST_CASE("a trace is written whether the command succeeds or not") {
        World world;
        CHECK(world.run({"version", "--profile", "/here/t.json"}).status.code == 0);
        const data::Value trace = json(world.read("/here/t.json"));
        CHECK(trace.find("traceEvents")->as_array().size() >= 4);
        CHECK(world.run({"help", "nonsense", "--profile", "/here/f.json"}).status.code == 2);
        CHECK(json(world.read("/here/f.json")).find("traceEvents") != nullptr);
    }

    TEST_CASE("a broken pipe ends quietly") {
        World world;
        BrokenPipe out;
        std::string err_text;
        const auto err = string_sink(err_text);
        const MapEnvironment environment;
        for (const char* command : {"version", "help", "--help", "--version"}) {
            const ExitStatus status = run({.args = {command},
                                           .directory = "/here",
                                           .env = &environment,
                                           .fs = &world.fs,
                                           .out = &out,
                                           .err = err.get()});
            CHECK(status.code == 0);
            CHECK(err_text.empty());
        }
    }

    TEST_CASE("an interruption ends by its signal") {
        World world;
        world.cancel.cancel(2);
        // The tokens are polled by long work only; a short command finishes.
        CHECK(world.run({"version"}).status.signal == 0);
    }

    TEST_CASE("streams and reports share the output file, which appears whole or not at all") {
        MemoryFileSystem fs;
        std::string standard_text;
        const auto standard = string_sink(standard_text);
        {
            Output output(fs, *standard, "out.txt");
            REQUIRE(output.write("one\n"));
            REQUIRE(output.write_report("two\n"));
            CHECK_FALSE(fs.stat("out.txt")->has_value());
            REQUIRE(output.commit());
        }
        CHECK(*fs.read_file("out.txt") == "one\ntwo\n");
        CHECK_FALSE(fs.stat("out.txt.partial")->has_value());
        {
            Output output(fs, *standard, "out.txt");
            REQUIRE(output.write("half"));
        }
        CHECK(*fs.read_file("out.txt") == "one\ntwo\n");
        CHECK_FALSE(fs.stat("out.txt.partial")->has_value());
        Output to_standard(fs, *standard, "-");
        REQUIRE(to_standard.write("streamed "));
        REQUIRE(to_standard.write_report("report"));
        REQUIRE(to_standard.commit());
        CHECK(standard_text == "streamed report");
    }

    TEST_CASE("every code has its exit code and user data cannot steer the terminal") {
        CHECK(exit_code(Code::kNotFound) == 1);
        CHECK(exit_code(Code::kAlreadyExists) == 1);
        CHECK(exit_code(Code::kInvalidArgument) == 2);
        CHECK(exit_code(Code::kInputMissing) == 3);
        CHECK(exit_code(Code::kCorrupt) == 4);
        CHECK(exit_code(Code::kNoSpace) == 5);
        CHECK(exit_code(Code::kUnavailable) == 6);
        CHECK(exit_code(Code::kLocked) == 7);
        CHECK(exit_code(Code::kInconclusive) == 8);
        CHECK(exit_code(Code::kInternal) == 70);
        const Error error = Error(Code::kCorrupt, "cannot open 'a\x1b[2Jb'").with_hint("look");
        CHECK(error_text(error, {}) == "abi: error: cannot open 'a\uFFFD[2Jb'\n  hint: look\n");
        CHECK(error_text(error, {.verbose = true}).find("  code: corrupt\n") != std::string::npos);
        CHECK(error_text(error, {.colour = true}).find("\x1b[1;31merror:") != std::string::npos);
    }
}
