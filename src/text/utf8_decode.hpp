// Decoding one UTF-8 sequence at a time, shared by validation, folding, tokenising and chunking.
// The byte ranges are Table 3-7 of The Unicode Standard ("Well-Formed UTF-8 Byte Sequences").
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace abikit::text {

struct Utf8Step {
    char32_t code_point = 0;  // meaningless when not valid
    std::uint8_t bytes = 0;   // consumed; for an invalid sequence its maximal subpart, at least 1
    bool valid = false;
};

inline std::uint8_t byte_at(std::string_view text, std::size_t index) noexcept {
    return static_cast<std::uint8_t>(text[index]);
}

// Whether a character may start here: not a continuation byte.
inline bool starts_code_point(char byte) noexcept {
    return (static_cast<std::uint8_t>(byte) & 0xC0U) != 0x80U;
}

// Decodes the sequence at text[at]; `at` must be below text.size().
Utf8Step decode_utf8(std::string_view text, std::size_t at) noexcept;

// The index of the first byte from `at` on that is not ASCII; text.size() when there is none.
inline std::size_t skip_ascii(std::string_view text, std::size_t at) noexcept {
    constexpr std::uint64_t kHighBits = 0x8080808080808080U;
    while (text.size() - at >= 16) {
        std::uint64_t words[2];
        std::memcpy(words, text.data() + at, sizeof words);
        if (((words[0] | words[1]) & kHighBits) != 0) {
            break;
        }
        at += sizeof words;
    }
    while (at < text.size() && byte_at(text, at) < 0x80) {
        ++at;
    }
    return at;
}

}  // namespace abikit::text
