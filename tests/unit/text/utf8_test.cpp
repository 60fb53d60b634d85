// UTF-8 validation against an independent reading of Table 3-7, and the test for text.
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

#include <abi/text/utf8.hpp>

#include "text/utf8_decode.hpp"

using namespace abikit::text;

namespace {

std::string encode(std::uint32_t code_point) {
    const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
    if (code_point < 0x80) {
        return {byte(code_point)};
    }
    if (code_point < 0x800) {
        return {byte(0xC0 | (code_point >> 6)), byte(0x80 | (code_point & 0x3F))};
    }
    if (code_point < 0x10000) {
        return {byte(0xE0 | (code_point >> 12)), byte(0x80 | ((code_point >> 6) & 0x3F)),
                byte(0x80 | (code_point & 0x3F))};
    }
    return {byte(0xF0 | (code_point >> 18)), byte(0x80 | ((code_point >> 12) & 0x3F)),
            byte(0x80 | ((code_point >> 6) & 0x3F)), byte(0x80 | (code_point & 0x3F))};
}

bool is_scalar(std::uint32_t code_point) {
    return code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF);
}

// Whether the bytes decode to one scalar value whose shortest encoding they are: the definition,
// where the implementation has ranges of bytes.
bool is_one_character(const std::string& bytes) {
    const auto at = [&](std::size_t index) {
        return static_cast<std::uint32_t>(static_cast<std::uint8_t>(bytes[index]));
    };
    std::uint32_t code_point = 0;
    if (bytes.size() == 1) {
        return at(0) < 0x80;
    }
    const std::uint32_t mark = bytes.size() == 2 ? 0xC0 : bytes.size() == 3 ? 0xE0 : 0xF0;
    const std::uint32_t mask = bytes.size() == 2 ? 0xE0 : bytes.size() == 3 ? 0xF0 : 0xF8;
    if ((at(0) & mask) != mark) {
        return false;
    }
    code_point = at(0) & ~mask & 0xFF;
    for (std::size_t index = 1; index < bytes.size(); ++index) {
        if ((at(index) & 0xC0) != 0x80) {
            return false;
        }
        code_point = (code_point << 6) | (at(index) & 0x3F);
    }
    return is_scalar(code_point) && encode(code_point) == bytes;
}

}  // namespace

TEST_SUITE("text") {
    TEST_CASE("every scalar value is valid, every other one is not") {
        for (std::uint32_t code_point = 0; code_point < 0x200000; ++code_point) {
            const std::string bytes = encode(code_point);
            const bool valid = utf8_valid(bytes);
            if (valid != is_scalar(code_point)) {
                FAIL("code point ", code_point);
            }
            if (valid) {
                const Utf8Step step = decode_utf8(bytes, 0);
                const bool same = step.valid && step.code_point == code_point;
                if (!same || step.bytes != bytes.size()) {
                    FAIL("decoding ", code_point);
                }
            }
        }
    }

    TEST_CASE("every pair of bytes, and every triple with an interesting border, is judged right") {
        for (unsigned first = 0x80; first < 0x100; ++first) {
            for (unsigned second = 0; second < 0x100; ++second) {
                const std::string two{static_cast<char>(first), static_cast<char>(second)};
                if (utf8_valid(two) != is_one_character(two)) {
                    FAIL("bytes ", first, " ", second);
                }
                for (const unsigned third : {0x00U, 0x7FU, 0x80U, 0xBFU, 0xC0U, 0xFFU}) {
                    const std::string three = two + static_cast<char>(third);
                    const bool expected =
                        is_one_character(three) || (is_one_character(two) && third < 0x80);
                    if (utf8_valid(three) != expected) {
                        FAIL("bytes ", first, " ", second, " ", third);
                    }
                }
            }
        }
    }

    TEST_CASE("the valid prefix ends where the first ill-formed sequence starts") {
        CHECK(utf8_valid_prefix("") == 0);
        CHECK(utf8_valid_prefix("abc") == 3);
        CHECK(utf8_valid_prefix("abc\xFF") == 3);
        CHECK(utf8_valid_prefix("na\xC3\xAFve") == 6);
        CHECK(utf8_valid_prefix("na\xC3") == 2);
        CHECK(utf8_valid_prefix("\xE2\x82") == 0);
        CHECK(utf8_valid_prefix("\xE2\x82\xAC\xF0\x9F\x98") == 3);
        CHECK(utf8_valid_prefix("\xC0\xAF") == 0);          // overlong
        CHECK(utf8_valid_prefix("\xE0\x9F\xBF") == 0);      // overlong
        CHECK(utf8_valid_prefix("\xED\xA0\x80") == 0);      // surrogate
        CHECK(utf8_valid_prefix("\xF4\x90\x80\x80") == 0);  // past U+10FFFF
        CHECK(utf8_valid_prefix("\xF5\x80\x80\x80") == 0);
    }

    TEST_CASE("an ill-formed byte is found at every offset of a long ASCII text") {
        for (std::size_t size = 0; size < 70; ++size) {
            const std::string clean(size, 'x');
            CHECK(utf8_valid_prefix(clean) == size);
            for (std::size_t at = 0; at < size; ++at) {
                std::string dirty = clean;
                dirty[at] = '\x80';
                CHECK(utf8_valid_prefix(dirty) == at);
            }
        }
    }

    TEST_CASE("an ill-formed sequence is skipped by its maximal part") {
        CHECK(decode_utf8("\xF0\x9F\x98", 0).bytes == 3);
        CHECK(decode_utf8("\xF0\x9F\x41", 0).bytes == 2);
        CHECK(decode_utf8("\xE0\x80\x80", 0).bytes == 1);
        CHECK(decode_utf8("\xED\xA0\x80", 0).bytes == 1);
        CHECK(decode_utf8("\x80\x80", 0).bytes == 1);
        CHECK_FALSE(decode_utf8("\xF0\x9F\x98", 0).valid);
    }

    TEST_CASE("text looks like text and binary data does not") {
        CHECK(looks_like_text(""));
        CHECK(looks_like_text("plain\ttext\r\nwith lines\f\n"));
        CHECK(looks_like_text("na\xC3\xAFve \xE6\x96\x87"));
        CHECK(looks_like_text("\x1B[1mbold\x1B[0m"));
        CHECK_FALSE(looks_like_text(std::string_view("a\0b", 3)));
        CHECK_FALSE(looks_like_text("caf\xE9"));
        CHECK_FALSE(looks_like_text("\x01\x02\x03\x04"));
        CHECK_FALSE(looks_like_text("cut \xE2\x82"));
    }

    TEST_CASE("one control character in 64 is still text") {
        CHECK(looks_like_text(std::string(63, 'x') + '\x01'));
        CHECK_FALSE(looks_like_text(std::string(62, 'x') + '\x01'));
        CHECK_FALSE(looks_like_text("\x7F"));
        CHECK_FALSE(looks_like_text("\xC2\x80"));  // C1
        CHECK(looks_like_text("\xC2\x85"));        // NEL
        CHECK(looks_like_text("\xC2\xA0"));
    }
}
