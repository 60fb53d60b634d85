// How text becomes hashed features: words of the folded text, and the character n-grams inside
// them. The scheme is part of the stored format (docs/formats/hash-embedder.md): changing anything
// here changes every vector and needs a new scheme number.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "utf8_decode.hpp"

namespace abikit::text {

// The number of this scheme, stored with whatever depends on it.
inline constexpr std::uint32_t kFeatureScheme = 1;

// One token of folded text.
struct Word {
    std::string_view bytes;
    std::uint64_t hash = 0;  // of the bytes, kind kWordSeed
    bool has_ngrams = true;  // false for pieces of scripts that are written without spaces
};

inline constexpr std::uint64_t kWordSeed = 0x9E3779B97F4A7C15U;
inline constexpr std::uint64_t kNgramSeed = 0xD1B54A32D192ED03U;

// SplitMix64's output function (Steele, Lea, Flood 2014): a bijection with full avalanche.
constexpr std::uint64_t mix64(std::uint64_t value) noexcept {
    value ^= value >> 30U;
    value *= 0xBF58476D1CE4E5B9U;
    value ^= value >> 27U;
    value *= 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
}

// Up to eight bytes as a little-endian number, whatever the machine.
inline std::uint64_t load_le(const char* bytes, std::size_t count) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
        if (count >= 8) {
            std::uint64_t value = 0;
            std::memcpy(&value, bytes, 8);
            return value;
        }
    }
    std::uint64_t value = 0;
    for (std::size_t index = 0; index < count && index < 8; ++index) {
        value |= std::uint64_t{static_cast<std::uint8_t>(bytes[index])} << (8 * index);
    }
    return value;
}

// mix64 over the length and the eight-byte little-endian blocks, the last one padded with zeros.
inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
    std::uint64_t state = seed ^ (bytes.size() * 0xFF51AFD7ED558CCDU);
    while (bytes.size() > 8) {
        state = mix64(state ^ load_le(bytes.data(), 8));
        bytes.remove_prefix(8);
    }
    return mix64(state ^ load_le(bytes.data(), bytes.size()));
}

enum class CharClass : std::uint8_t { kSeparator, kWord, kUnspaced };

// By general category (letters, marks and numbers make words) and, for scripts that put no spaces
// between words, by block.
CharClass char_class(char32_t code_point) noexcept;

inline bool is_ascii_word(char byte) noexcept {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

// The longest word that is hashed as one piece; a longer run is cut there, so that a line of base64
// costs no more than prose.
inline constexpr std::size_t kMaxWordBytes = 64;

// The end of the word that starts at `at`; `at` itself when none does.
inline std::size_t word_end(std::string_view folded, std::size_t at) noexcept {
    const std::size_t limit = std::min(folded.size(), at + kMaxWordBytes);
    while (at < limit) {
        if (is_ascii_word(folded[at])) {
            ++at;
            continue;
        }
        if (byte_at(folded, at) < 0x80) {
            break;
        }
        const Utf8Step step = decode_utf8(folded, at);
        if (at + step.bytes > limit || char_class(step.code_point) != CharClass::kWord) {
            break;
        }
        at += step.bytes;
    }
    return at;
}

// Visits a run of unspaced script that may start at `at`; returns its end, `at` when there is none.
template <class Visit>
std::size_t visit_unspaced(std::string_view folded, std::size_t at, Visit& visit) {
    const auto piece = [&](std::size_t begin, std::size_t end) {
        const std::string_view bytes = folded.substr(begin, end - begin);
        visit(Word{.bytes = bytes, .hash = hash_bytes(bytes, kWordSeed), .has_ngrams = false});
    };
    const std::size_t start = at;
    std::size_t previous = at;
    while (at < folded.size() && byte_at(folded, at) >= 0x80) {
        const Utf8Step step = decode_utf8(folded, at);
        if (char_class(step.code_point) != CharClass::kUnspaced) {
            break;
        }
        piece(at, at + step.bytes);
        if (at != start) {
            piece(previous, at + step.bytes);
        }
        previous = at;
        at += step.bytes;
    }
    return at;
}

// Calls visit(Word) for each token of `folded`, which is valid UTF-8, in order. Words are runs of
// letters, marks and digits; a run of unspaced script gives each character and each pair of
// neighbours.
template <class Visit>
void for_each_word(std::string_view folded, Visit&& visit) {
    for (std::size_t at = 0; at < folded.size();) {
        if (const std::size_t end = word_end(folded, at); end != at) {
            const std::string_view bytes = folded.substr(at, end - at);
            visit(Word{.bytes = bytes, .hash = hash_bytes(bytes, kWordSeed)});
            at = end;
        } else if (const std::size_t behind = visit_unspaced(folded, at, visit); behind != at) {
            at = behind;
        } else {
            at += decode_utf8(folded, at).bytes;
        }
    }
}

inline constexpr std::size_t kNgramCharacters = 3;

// Calls visit(hash) for each run of three characters of '<' + word + '>', so that beginnings and
// ends of words differ from their middles. A word of one character has none: its only trigram would
// say the same as the word.
template <class Visit>
void for_each_ngram(std::string_view word, Visit&& visit) {
    std::array<char, kMaxWordBytes + 2 + sizeof(std::uint64_t)> text;
    const std::size_t size = word.size() + 2;
    text[0] = '<';
    std::memcpy(text.data() + 1, word.data(), word.size());
    text[size - 1] = '>';
    std::memset(text.data() + size, 0, sizeof(std::uint64_t));
    // The starts of the last three characters; a trigram ends where the next character starts.
    std::array<std::size_t, kNgramCharacters> starts{};
    std::size_t characters = 0;
    for (std::size_t at = 0; at <= size; ++at) {
        if (at < size && !starts_code_point(text[at])) {
            continue;
        }
        const std::size_t oldest = characters % kNgramCharacters;
        if (characters >= kNgramCharacters && !(at == size && characters == kNgramCharacters)) {
            visit(hash_bytes({text.data() + starts[oldest], at - starts[oldest]}, kNgramSeed));
        }
        starts[oldest] = at;
        ++characters;
    }
}

}  // namespace abikit::text
