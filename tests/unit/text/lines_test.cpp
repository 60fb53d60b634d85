// Line splitting and white space, which the chunker's line numbers stand on.
#include <string>

#include <doctest/doctest.h>

#include "text/lines.hpp"

using namespace abikit::text;

TEST_SUITE("text") {
    TEST_CASE("lines end with LF, CRLF or CR") {
        const std::string text = "a\nbb\r\nccc\rd\n\r\n\re";
        const auto lines = split_lines(text);
        std::string joined;
        for (const Line& line : lines) {
            joined += text.substr(line.begin, line.end - line.begin) + "|";
        }
        CHECK(joined == "a|bb|ccc|d|||e|");
        CHECK(lines.back().next == text.size());
    }

    TEST_CASE("a final line end starts no further line") {
        CHECK(split_lines("").empty());
        CHECK(split_lines("a\n").size() == 1);
        CHECK(split_lines("a\r\n").size() == 1);
        CHECK(split_lines("\n").size() == 1);
        CHECK(split_lines("a\n\n").size() == 2);
    }

    TEST_CASE("every byte lies in one line") {
        const std::string text = "one\r\n\r\ntwo\n three \r";
        std::size_t at = 0;
        for (const Line& line : split_lines(text)) {
            CHECK(line.begin == at);
            CHECK(line.end <= line.next);
            at = line.next;
        }
        CHECK(at == text.size());
    }

    TEST_CASE("blank lines hold only white space of any script") {
        CHECK(split_lines(" \t\f\v")[0].blank);
        CHECK(split_lines("\xC2\xA0\xE3\x80\x80")[0].blank);  // no-break and ideographic space
        CHECK(split_lines("\xE2\x80\xA8\xC2\x85")[0].blank);  // line separator, NEL
        CHECK_FALSE(split_lines(" x ")[0].blank);
        CHECK_FALSE(split_lines("\xE2\x80\x8B")[0].blank);  // zero-width space is no White_Space
        CHECK_FALSE(split_lines("\xFF")[0].blank);
    }

    TEST_CASE("trimming takes white space from both ends") {
        CHECK(trim("  a b\t\n") == "a b");
        CHECK(trim("\xE3\x80\x80\xE6\x96\x87\xC2\xA0") == "\xE6\x96\x87");
        CHECK(trim(" \n ").empty());
        CHECK(trim("").empty());
        CHECK(trim("\x80 ") == "\x80");
        CHECK(trim("a\xA0") == "a\xA0");  // a lone continuation byte is no space
    }
}
