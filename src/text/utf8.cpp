// UTF-8 validation and the test for text. Folding is in fold.cpp.
#include <abi/simd/bytes.hpp>
#include <abi/text/utf8.hpp>

#include "utf8_decode.hpp"

namespace abikit::text {
namespace {

// What may follow a lead byte: how many bytes, and the range of the second one, which is where
// overlong forms, surrogates and code points past U+10FFFF are excluded.
struct LeadByte {
    std::uint8_t length = 0;  // 0: never a lead byte
    std::uint8_t second_low = 0x80;
    std::uint8_t second_high = 0xBF;
};

constexpr LeadByte lead_byte(std::uint8_t byte) noexcept {
    if (byte >= 0xC2 && byte <= 0xDF) {
        return {.length = 2};
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        return {.length = 3,
                .second_low = static_cast<std::uint8_t>(byte == 0xE0 ? 0xA0 : 0x80),
                .second_high = static_cast<std::uint8_t>(byte == 0xED ? 0x9F : 0xBF)};
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        return {.length = 4,
                .second_low = static_cast<std::uint8_t>(byte == 0xF0 ? 0x90 : 0x80),
                .second_high = static_cast<std::uint8_t>(byte == 0xF4 ? 0x8F : 0xBF)};
    }
    return {};
}

// C0 and C1 controls and DEL, apart from those that text files hold: layout, terminal escapes, NEL.
bool is_odd_control(char32_t code_point) noexcept {
    if (code_point >= 0x20 && code_point < 0x7F) {
        return false;
    }
    const bool control = code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F);
    const bool layout = code_point >= 0x09 && code_point <= 0x0D;
    return control && !layout && code_point != 0x1B && code_point != 0x85;
}

constexpr std::size_t kCharactersPerOddControl = 64;

}  // namespace

Utf8Step decode_utf8(std::string_view text, std::size_t at) noexcept {
    const std::uint8_t first = byte_at(text, at);
    if (first < 0x80) {
        return {.code_point = first, .bytes = 1, .valid = true};
    }
    const LeadByte lead = lead_byte(first);
    if (lead.length == 0) {
        return {.bytes = 1};
    }
    char32_t code_point = first & (0x7FU >> lead.length);
    for (std::uint8_t index = 1; index < lead.length; ++index) {
        if (at + index >= text.size()) {
            return {.bytes = index};
        }
        const std::uint8_t next = byte_at(text, at + index);
        const std::uint8_t low = index == 1 ? lead.second_low : std::uint8_t{0x80};
        const std::uint8_t high = index == 1 ? lead.second_high : std::uint8_t{0xBF};
        if (next < low || next > high) {
            return {.bytes = index};
        }
        code_point = (code_point << 6U) | (next & 0x3FU);
    }
    return {.code_point = code_point, .bytes = lead.length, .valid = true};
}

std::size_t utf8_valid_prefix(std::string_view text) noexcept {
    return simd::valid_utf8_prefix(text);
}

bool looks_like_text(std::string_view text) noexcept {
    std::size_t characters = 0;
    std::size_t odd_controls = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Step step = decode_utf8(text, at);
        if (!step.valid || step.code_point == 0) {
            return false;
        }
        odd_controls += is_odd_control(step.code_point) ? 1 : 0;
        ++characters;
        at += step.bytes;
    }
    return odd_controls * kCharactersPerOddControl <= characters;
}

}  // namespace abikit::text
