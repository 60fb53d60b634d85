#include <doctest/doctest.h>

#include "report/humanise.hpp"
#include "report/text_width.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::report;

TEST_SUITE("report") {
    TEST_CASE("console aligns fields and tables") {
        CHECK(rendered("console", hits_report()) ==
              "took  1.50 ms\nname  notes\n\nhits\nid   distance\na        0.25\nb|c     1e+09\n");
    }

    TEST_CASE("colour adds styles and changes no text") {
        std::string text = rendered("console", hits_report(), {.colour = true});
        CHECK(text.find("\x1b[1mhits\x1b[0m") != std::string::npos);
        for (const char* code : {"\x1b[1m", "\x1b[2m", "\x1b[0m"}) {
            for (auto at = text.find(code); at != std::string::npos; at = text.find(code)) {
                text.erase(at, std::string_view(code).size());
            }
        }
        CHECK(text == rendered("console", hits_report()));
    }

    TEST_CASE("tables fit the terminal by cutting text, never numbers") {
        Report report;
        report.body = object({{"rows", array({object({{"text", std::string(100, 'x')},
                                                      {"other", std::string(30, 'y')},
                                                      {"n", 1234567890}})})}});
        report.blocks = {{.kind = Block::Kind::kTable,
                          .rows_path = "rows",
                          .columns = {{.key = "text", .header = "text"},
                                      {.key = "other", .header = "other"},
                                      {"n", "n", Unit::kCount, Align::kRight}}}};
        const std::string text = rendered("console", report, {.width = 50});
        for (std::size_t at = 0; at < text.size();) {
            const auto end = text.find('\n', at);
            CHECK(display_width(text.substr(at, end - at)) <= 50);
            at = end + 1;
        }
        CHECK(text.find("1,234,567,890") != std::string::npos);
        CHECK(text.find("…") != std::string::npos);
        // A terminal too narrow for the numbers is overrun rather than lied to.
        CHECK(rendered("console", report, {.width = 5}).find("1,234,567,890") != std::string::npos);
    }

    TEST_CASE("wide characters, combining marks and missing cells keep the columns straight") {
        Report report;
        report.body =
            object({{"rows", array({object({{"t", "日本"}, {"n", 1}}),
                                    object({{"t", "e\u0301a"}, {"n", 2}}), object({{"n", 3}})})}});
        report.blocks = {
            {.kind = Block::Kind::kTable,
             .rows_path = "rows",
             .columns = {{.key = "t", .header = "t"}, {"n", "n", Unit::kNone, Align::kRight}}}};
        CHECK(rendered("console", report) == "t     n\n日本  1\ne\u0301a    2\n-     3\n");
    }

    TEST_CASE("data cannot steer the terminal") {
        Report report;
        report.body = object({{"t", "a\x1b[2Jb\nc\rd\u202Ee\xFF"}});
        report.blocks = {{.kind = Block::Kind::kFields, .fields = {{"t", "t"}}}};
        CHECK(rendered("console", report) == "t  a\uFFFD[2Jb c d\uFFFDe\uFFFD\n");
    }

    TEST_CASE("numbers for people") {
        CHECK(human_count(0) == "0");
        CHECK(human_count(999) == "999");
        CHECK(human_count(1000) == "1,000");
        CHECK(human_count(18446744073709551615U) == "18,446,744,073,709,551,615");
        CHECK(human_bytes(0) == "0 B");
        CHECK(human_bytes(1023) == "1023 B");
        CHECK(human_bytes(1024) == "1.0 KiB");
        CHECK(human_bytes(1024.0 * 1024 - 1) == "1.0 MiB");
        CHECK(human_bytes(1.5 * 1024 * 1024 * 1024) == "1.5 GiB");
        CHECK(human_seconds(0) == "0 s");
        CHECK(human_seconds(850e-9) == "850 ns");
        CHECK(human_seconds(12.34e-6) == "12.3 µs");
        CHECK(human_seconds(0.9999e-3) == "1.00 ms");
        CHECK(human_seconds(0.25) == "250 ms");
        CHECK(human_seconds(3.5) == "3.50 s");
        CHECK(human_seconds(59.99) == "1 min 00 s");
        CHECK(human_seconds(125) == "2 min 05 s");
        CHECK(human_seconds(3720) == "1 h 02 min");
    }

    TEST_CASE("every unit has its form") {
        CHECK(humanise(data::Value(1234567), Unit::kCount) == "1,234,567");
        CHECK(humanise(data::Value(-1234), Unit::kCount) == "-1,234");
        CHECK(humanise(data::Value(1234567), Unit::kNone) == "1234567");
        CHECK(humanise(data::Value(2048), Unit::kBytes) == "2.0 KiB");
        CHECK(humanise(data::Value(1.5), Unit::kMicroseconds) == "1.50 µs");
        CHECK(humanise(data::Value(1500), Unit::kNanoseconds) == "1.50 µs");
        CHECK(humanise(data::Value(210000.4), Unit::kPerSecond) == "210,000/s");
        CHECK(humanise(data::Value(1.25), Unit::kPerSecond) == "1.25/s");
        CHECK(humanise(data::Value(3145728), Unit::kBytesPerSecond) == "3.0 MiB/s");
        CHECK(humanise(data::Value(45.61), Unit::kPercent) == "45.6 %");
        CHECK(humanise(data::Value(0.123456789), Unit::kDistance) == "0.123457");
        CHECK(humanise(data::Value(), Unit::kCount) == "-");
        CHECK(humanise(data::Value(true), Unit::kNone) == "yes");
        CHECK(humanise(array({1, "x", false}), Unit::kNone) == "1, x, no");
        CHECK(humanise(object({{"a", 1}}), Unit::kNone) == "{\"a\":1}");
    }

    TEST_CASE("text is cut and wrapped by columns") {
        CHECK(display_width("日本e\u0301") == 5);
        CHECK(report::truncate("abcdef", 6) == "abcdef");
        CHECK(report::truncate("abcdef", 4) == "abc…");
        CHECK(report::truncate("日本語", 4) == "日…");
        CHECK(report::truncate("abc", 0).empty());
        CHECK(wrap("one two three", 7) == "one two\nthree");
        CHECK(wrap("one two three", 9, 2) == "  one two\n  three");
        CHECK(wrap("a\n\n  b c", 80) == "a\n\n  b c");
        CHECK(wrap("unbreakable word", 4) == "unbreakable\nword");
        CHECK(wrap("", 10).empty());
    }
}
