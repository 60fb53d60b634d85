// Folding: Unicode's NFKC_Casefold on valid text, replacement characters for the rest.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <doctest/doctest.h>
#include <utf8proc.h>

#include <abi/text/utf8.hpp>

using namespace abikit::text;

namespace {

std::string encode(std::int32_t code_point) {
    utf8proc_uint8_t bytes[4];
    const auto size = utf8proc_encode_char(code_point, bytes);
    return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

// The library's one-call form over the whole text, which fold() takes apart.
std::string reference(const std::string& text) {
    utf8proc_uint8_t* out =
        utf8proc_NFKC_Casefold(reinterpret_cast<const utf8proc_uint8_t*>(text.c_str()));
    REQUIRE(out != nullptr);
    std::string result(reinterpret_cast<const char*>(out));
    std::free(out);
    return result;
}

}  // namespace

TEST_SUITE("text") {
    TEST_CASE("ASCII is lower-cased and otherwise kept") {
        CHECK(fold("") == "");
        CHECK(fold("Hello, World! [A-Z] @`{") == "hello, world! [a-z] @`{");
        CHECK(fold(std::string_view("A\0B\n", 4)) == std::string_view("a\0b\n", 4));
        const std::string kept = "\t !\"#$%&'()*+,-./0123456789:;<=>?@[\\]^_`abcxyz{|}~\x7F";
        CHECK(fold(kept) == kept);
    }

    TEST_CASE("case folding is full") {
        CHECK(fold("STRASSE") == fold("Stra\xC3\x9F"
                                      "e"));
        CHECK(fold("\xC3\x84") == "\xC3\xA4");
        CHECK(fold("\xCE\xA3\xCE\xA3") == "\xCF\x83\xCF\x83");
        CHECK(fold("\xCF\x82") == "\xCF\x83");  // final sigma
        CHECK(fold("\xD0\x96") == "\xD0\xB6");  // Cyrillic
        CHECK(fold("\xE2\x84\xAA") == "k");     // Kelvin sign
    }

    TEST_CASE("compatibility forms become ordinary ones") {
        CHECK(fold("\xEF\xAC\x81") == "fi");                        // ligature
        CHECK(fold("\xEF\xBC\xA1\xEF\xBC\x91") == "a1");            // full width
        CHECK(fold("x\xC2\xB2") == "x2");                           // superscript
        CHECK(fold("\xE2\x85\xA3") == "iv");                        // Roman numeral
        CHECK(fold("\xEF\xBD\xB6\xEF\xBE\x9E") == "\xE3\x82\xAC");  // half-width kana
    }

    TEST_CASE("marks compose with the character before them, even an ASCII one") {
        CHECK(fold("e\xCC\x81") == "\xC3\xA9");
        CHECK(fold("caf"
                   "E\xCC\x81 noir") == "caf\xC3\xA9 noir");
        CHECK(fold("a\xCC\x81"
                   "a\xCC\x80") == "\xC3\xA1\xC3\xA0");
        // Marks of different classes are brought into order.
        CHECK(fold("q\xCC\x87\xCC\xA3") == fold("q\xCC\xA3\xCC\x87"));
    }

    TEST_CASE("ignorable characters vanish") {
        CHECK(fold("co\xC2\xADoperate") == "cooperate");
        CHECK(fold("e\xC2\xAD\xCC\x81") == "\xC3\xA9");
        CHECK(fold("a\xE2\x80\x8B"
                   "b") == "ab");
    }

    TEST_CASE("each maximal ill-formed part becomes one replacement character") {
        CHECK(fold("A\xFF"
                   "B") ==
              "a\xEF\xBF\xBD"
              "b");
        CHECK(fold("\xFF\xFE") == "\xEF\xBF\xBD\xEF\xBF\xBD");
        CHECK(fold("\xF0\x9F\x98") == "\xEF\xBF\xBD");
        CHECK(fold("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
        CHECK(fold("\xC3\x84\xFF\xC3\x84") == "\xC3\xA4\xEF\xBF\xBD\xC3\xA4");
        CHECK(fold("X\xE2\x82") == "x\xEF\xBF\xBD");
    }

    TEST_CASE("taking the text apart changes nothing") {
        for (std::int32_t code_point = 1; code_point <= 0x10FFFF; ++code_point) {
            if (code_point >= 0xD800 && code_point <= 0xDFFF) {
                continue;
            }
            const std::string text =
                "E" + encode(code_point) + "A" + encode(code_point) + "\xCC\x81";
            if (fold(text) != reference(text)) {
                FAIL("code point ", code_point);
            }
        }
    }

    TEST_CASE("a long run without ASCII is folded whole") {
        std::string text;
        std::string expected;
        for (int repeat = 0; repeat < 5000; ++repeat) {
            text += "\xEF\xB7\xBA";  // one character that becomes eighteen
            expected += reference("\xEF\xB7\xBA");
        }
        CHECK(fold(text) == expected);
    }

    TEST_CASE("the output's earlier content is replaced") {
        std::string out = "left over from before";
        fold_into("ABC", out);
        CHECK(out == "abc");
        fold_into("", out);
        CHECK(out.empty());
    }
}
