// Base64: three bytes are four characters. One body for both alphabets.
#include <array>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include <abi/core/base64.hpp>

namespace abikit {
namespace {

enum class Padding { kRequired, kOptional };

struct Alphabet {
    std::string_view characters;
    std::array<std::uint8_t, 256> values;  // kNone for what is not in the alphabet
};

constexpr std::uint8_t kNone = 0xFF;

constexpr Alphabet make_alphabet(std::string_view characters) {
    Alphabet alphabet{characters, {}};
    alphabet.values.fill(kNone);
    for (std::size_t i = 0; i < characters.size(); ++i) {
        alphabet.values[static_cast<unsigned char>(characters[i])] = static_cast<std::uint8_t>(i);
    }
    return alphabet;
}

constexpr Alphabet kStandard =
    make_alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
constexpr Alphabet kUrl =
    make_alphabet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

// Appends `characters` of the four that a group of three bytes gives.
void append_group(std::string& text, const Alphabet& alphabet, std::uint32_t group,
                  int characters) {
    for (int i = 0; i < characters; ++i) {
        text += alphabet.characters[(group >> (18 - 6 * i)) & 63];
    }
}

std::string encode(std::span<const std::byte> bytes, const Alphabet& alphabet, Padding padding) {
    std::string text;
    text.reserve(bytes.size() / 3 * 4 + 4);
    const auto at = [&](std::size_t i) { return std::to_integer<std::uint32_t>(bytes[i]); };
    std::size_t i = 0;
    for (; bytes.size() - i >= 3; i += 3) {
        append_group(text, alphabet, at(i) << 16 | at(i + 1) << 8 | at(i + 2), 4);
    }
    const std::size_t left = bytes.size() - i;
    if (left > 0) {
        const std::uint32_t second = left == 2 ? at(i + 1) : 0;
        append_group(text, alphabet, at(i) << 16 | second << 8, static_cast<int>(left) + 1);
        if (padding == Padding::kRequired) {
            text.append(3 - left, '=');
        }
    }
    return text;
}

std::unexpected<Error> bad(std::string_view why, std::size_t offset) {
    return fail(Code::kInvalidData, fmt::format("invalid base64: {} at offset {}", why, offset));
}

// The length without padding; at most two characters are taken for padding.
std::size_t unpadded_length(std::string_view text) {
    std::size_t length = text.size();
    while (length > 0 && text.size() - length < 2 && text[length - 1] == '=') {
        --length;
    }
    return length;
}

// What may be wrong once all characters are known to be good.
Status check_end(std::size_t length, std::size_t pads, std::uint32_t unused_bits, Padding padding) {
    if (length % 4 == 1) {
        return bad("a lone last character", length - 1);
    }
    if (unused_bits != 0) {
        return bad("unused bits that are not zero", length - 1);
    }
    const std::size_t needed = (4 - length % 4) % 4;
    if (pads != needed && (pads != 0 || padding == Padding::kRequired)) {
        return bad("wrong padding", length);
    }
    return {};
}

Result<std::vector<std::byte>> decode(std::string_view text, const Alphabet& alphabet,
                                      Padding padding) {
    const std::size_t length = unpadded_length(text);
    std::vector<std::byte> bytes;
    bytes.reserve(length / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned count = 0;  // how many of the low bits are waiting
    for (std::size_t i = 0; i < length; ++i) {
        const std::uint8_t value = alphabet.values[static_cast<unsigned char>(text[i])];
        if (value == kNone) {
            return bad("unexpected character", i);
        }
        bits = bits << 6 | value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<std::byte>(bits >> count));
            bits &= (1U << count) - 1;
        }
    }
    ABI_CHECK(check_end(length, text.size() - length, bits, padding));
    return bytes;
}

}  // namespace

std::string base64_encode(std::span<const std::byte> bytes) {
    return encode(bytes, kStandard, Padding::kRequired);
}

std::string base64url_encode(std::span<const std::byte> bytes) {
    return encode(bytes, kUrl, Padding::kOptional);
}

Result<std::vector<std::byte>> base64_decode(std::string_view text) {
    return decode(text, kStandard, Padding::kRequired);
}

Result<std::vector<std::byte>> base64url_decode(std::string_view text) {
    return decode(text, kUrl, Padding::kOptional);
}

}  // namespace abikit
