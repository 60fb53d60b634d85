#include <doctest/doctest.h>

#include <thread>

#include <abi/core/time.hpp>
#include <abi/data/value.hpp>

#include "cli/log_spdlog.hpp"
#include "cli/memory_report.hpp"
#include "cli/profile.hpp"
#include "cli/progress_bar.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::cli;

namespace {

std::string logged(LogFormat format, std::string_view message, Redactor redactor = {}) {
    std::string out;
    const auto log = make_log({.level = LogLevel::kInfo,
                               .format = format,
                               .redactor = std::move(redactor),
                               .write = [&](std::string_view line) { out += line; }});
    log->write(LogLevel::kDebug, "storage", "too quiet");
    log->write(LogLevel::kWarn, "storage", message);
    return out;
}

}  // namespace

TEST_SUITE("cli") {
    TEST_CASE("secrets are taken out of text") {
        Redactor redactor;
        redactor.add("hunter2222");
        redactor.add("hunter22");
        redactor.add("abc");
        const auto check = [&](std::string_view text, std::string_view expected) {
            CHECK(redactor.redact(text) == expected);
        };
        check("key hunter2222 and hunter22.", "key *** and ***.");
        check("abc stays: too short to be looked for", "abc stays: too short to be looked for");
        check("password=secret1 next", "password=*** next");
        check("PASSWORD: \"a b\" next", "PASSWORD: \"***\" next");
        check("{\"api_key\": \"xyz\", \"n\": 1}", "{\"api_key\": \"***\", \"n\": 1}");
        check("Authorization: Bearer abc.def, next", "Authorization: ***, next");
        check("?token=abc&x=1", "?token=***&x=1");
        check("https://user:pa55@host/path", "https://user:***@host/path");
        check("https://host:8080/a@b", "https://host:8080/a@b");
        check("the token of a tokenizer", "the token of a tokenizer");
        check("password=", "password=");
        check("", "");
    }

    TEST_CASE("log lines have the form of their place") {
        CHECK(logged(LogFormat::kPlain, "slow disk") == "abi: warning: slow disk\n");
        CHECK(logged(LogFormat::kPlainRooms, "slow disk") == "abi: warning: storage: slow disk\n");
        const std::string text = logged(LogFormat::kText, "slow disk");
        CHECK(text.size() ==
              std::string("2026-11-23T17:04:05.123Z warning storage: slow disk\n").size());
        CHECK(text.ends_with("Z warning storage: slow disk\n"));
        const auto json = data::parse_json(logged(LogFormat::kJson, "a \"quoted\"\nline"));
        REQUIRE(json);
        CHECK(json->find("level")->as_string() == "warning");
        CHECK(json->find("room")->as_string() == "storage");
        CHECK(json->find("message")->as_string() == "a \"quoted\"\nline");
        CHECK(json->find("time")->as_string().size() == 24);
    }

    TEST_CASE("log lines cannot be forged and hide secrets") {
        CHECK(logged(LogFormat::kPlain, "a\nabi: error: forged\x1b[2J") ==
              "abi: warning: a abi: error: forged [2J\n");
        Redactor redactor;
        redactor.add("s3cr3t");
        CHECK(logged(LogFormat::kPlain, "got s3cr3t", redactor) == "abi: warning: got ***\n");
    }

    TEST_CASE("levels are a threshold, off is silence") {
        for (const char* name : {"trace", "debug", "info", "warn", "error", "off"}) {
            const auto log = make_log({.level = log_level(name), .write = [](std::string_view) {}});
            CHECK(log->enabled(LogLevel::kError) == (std::string_view(name) != "off"));
            CHECK(log->enabled(LogLevel::kTrace) == (std::string_view(name) == "trace"));
            CHECK_FALSE(log->enabled(LogLevel::kOff));
        }
        CHECK(log_level("loud") == LogLevel::kOff);
    }

    TEST_CASE("a log file is appended to") {
        MemoryFileSystem fs;
        for (int i = 0; i < 2; ++i) {
            auto write = append_to_file(fs, "run.log");
            REQUIRE(write);
            (*write)("one\n");
            (*write)("two\n");
        }
        CHECK(*fs.read_file("run.log") == "one\ntwo\none\ntwo\n");
        CHECK_FALSE(append_to_file(fs, "missing/run.log"));
    }

    TEST_CASE("a profile is a Chrome trace with one row a thread") {
        Profile profile("abi test", 4711);
        const std::uint64_t now = monotonic_ns();
        profile.span("storage", "commit", now + 1'500, now + 4'000);
        profile.span("cli", "command", now, now + 10'000);
        std::thread([&] { profile.span("simd", "scan \"x\"", now + 2'000, now + 2'000); }).join();
        const auto trace = data::parse_json(profile.to_json());
        REQUIRE(trace);
        const auto& events = trace->find("traceEvents")->as_array();
        REQUIRE(events.size() == 6);
        CHECK(*events[0].find("args")->find("name") == data::Value("abi test"));
        CHECK(*events[1].find("args")->find("name") == data::Value("main"));
        CHECK(*events[2].find("args")->find("name") == data::Value("worker 1"));
        CHECK(*events[3].find("name") == data::Value("command"));
        CHECK(events[3].find("dur")->as_double() == 10.0);
        CHECK(*events[4].find("name") == data::Value("commit"));
        CHECK(events[4].find("dur")->as_double() == 2.5);
        CHECK(events[4].find("ts")->as_double() - events[3].find("ts")->as_double() ==
              doctest::Approx(1.5).epsilon(1e-6));
        CHECK(*events[5].find("name") == data::Value("scan \"x\""));
        CHECK(*events[5].find("tid") == data::Value(2));
        for (const data::Value& event : events) {
            CHECK(*event.find("pid") == data::Value(4711));
            CHECK(event.find("ph")->as_string().size() == 1);
        }
    }

    TEST_CASE("progress draws at once, then ten times a second, and goes away") {
        std::string out;
        const auto sink = string_sink(out);
        ErrorStream stream(*sink);
        std::uint64_t now = 5'000'000'000;
        ProgressBar bar(stream,
                        {.style = ProgressStyle::kBar, .width = 100, .now = [&] { return now; }});
        bar.begin("import", "rows", 1000);
        CHECK(out.find("import  ░░░░░░░░░░░░░░░░░░░░   0 %  0 / 1,000 rows") != std::string::npos);
        out.clear();
        now += 50'000'000;
        bar.update(100);
        CHECK(out.empty());
        now += 450'000'000;
        bar.update(250);
        CHECK(
            out ==
            "\r\x1b[Kimport  █████░░░░░░░░░░░░░░░  25 %  250 / 1,000 rows  500 rows/s  0:02 left");
        out.clear();
        stream.line("abi: warning: slow disk");
        CHECK(out.starts_with("\r\x1b[Kabi: warning: slow disk\nimport "));
        out.clear();
        bar.end();
        CHECK(out == "\r\x1b[K");
        out.clear();
        bar.update(500);
        CHECK(out.empty());
    }

    TEST_CASE("progress without a terminal is whole lines, without a total it counts") {
        std::string out;
        const auto sink = string_sink(out);
        ErrorStream stream(*sink);
        std::uint64_t now = 0;
        {
            ProgressBar lines(stream, {.style = ProgressStyle::kLines, .now = [&] { return now; }});
            lines.begin("read", "B", 0);
            now += 2'000'000'000;
            lines.update(4096);
        }
        CHECK(out == "read  0 B\nread  4.0 KiB  2.0 KiB/s\n");
        out.clear();
        {
            ProgressBar off(stream, {.style = ProgressStyle::kOff, .now = [&] { return now; }});
            off.begin("read", "B", 10);
            off.update(5);
        }
        CHECK(out.empty());
    }

    TEST_CASE("a bar is never wider than its terminal") {
        std::string out;
        const auto sink = string_sink(out);
        ErrorStream stream(*sink);
        ProgressBar bar(stream,
                        {.style = ProgressStyle::kBar, .width = 20, .now = [] { return 0U; }});
        bar.begin("a very long phase name that does not fit", "rows", 10);
        CHECK(out == "\r\x1b[Ka very long phase …");
    }

    TEST_CASE("colour and progress follow the terminal, NO_COLOR, TERM and the flag") {
        const TerminalFacts tty{.is_terminal = true, .width = 80};
        const TerminalFacts pipe;
        const MapEnvironment plain;
        const MapEnvironment no_color(MapEnvironment::Variables{{"NO_COLOR", "1"}});
        const MapEnvironment empty(MapEnvironment::Variables{{"NO_COLOR", ""}});
        const MapEnvironment dumb(MapEnvironment::Variables{{"TERM", "dumb"}});
        CHECK(use_colour("auto", tty, plain));
        CHECK(use_colour("auto", tty, empty));
        CHECK_FALSE(use_colour("auto", pipe, plain));
        CHECK_FALSE(use_colour("auto", tty, no_color));
        CHECK_FALSE(use_colour("auto", tty, dumb));
        CHECK(use_colour("always", pipe, no_color));
        CHECK_FALSE(use_colour("never", tty, plain));
        CHECK(progress_style("auto", tty, plain) == ProgressStyle::kBar);
        CHECK(progress_style("auto", pipe, plain) == ProgressStyle::kOff);
        CHECK(progress_style("auto", tty, dumb) == ProgressStyle::kOff);
        CHECK(progress_style("always", pipe, plain) == ProgressStyle::kLines);
        CHECK(progress_style("never", tty, plain) == ProgressStyle::kOff);
    }

    TEST_CASE("the memory report leaves the report's own room out of what is live") {
        MemoryUsage usage;
        usage.rooms[static_cast<std::size_t>(Room::kStorage)] = {
            .current_bytes = 64, .peak_bytes = 4096, .allocations = 9, .live_allocations = 2};
        usage.rooms[static_cast<std::size_t>(Room::kReport)] = {
            .current_bytes = 999, .peak_bytes = 999, .allocations = 3, .live_allocations = 3};
        const data::Value value = memory_value(usage);
        CHECK(value.find("rooms")->as_array().size() == 2);
        CHECK(*value.find("live_at_exit")->find("bytes") == data::Value(std::uint64_t{64}));
        CHECK(*value.find("live_at_exit")->find("allocations") == data::Value(std::uint64_t{2}));
        CHECK(value.find("limit_bytes")->is_null());
    }
}
