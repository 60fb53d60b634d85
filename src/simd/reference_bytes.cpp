// Scalar twins of the byte kernels. Written to be read, not to be fast; the kernels of bytes.hpp
// are checked against them.
#include <algorithm>
#include <array>

#include <abi/simd/reference_bytes.hpp>

#include "hash_keys.hpp"

namespace abikit::simd::reference {
namespace {

// The second byte of a character has a range of its own, which is where overlong forms, surrogates
// and code points past U+10FFFF are excluded. length 0: not the first byte of a character.
struct FirstByte {
    std::size_t length = 0;
    unsigned second_low = 0x80;
    unsigned second_high = 0xBF;
};

FirstByte first_byte(unsigned byte) noexcept {
    if (byte < 0x80) {
        return {.length = 1};
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        return {.length = 2};
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        return {.length = 3,
                .second_low = byte == 0xE0 ? 0xA0U : 0x80U,
                .second_high = byte == 0xED ? 0x9FU : 0xBFU};
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        return {.length = 4,
                .second_low = byte == 0xF0 ? 0x90U : 0x80U,
                .second_high = byte == 0xF4 ? 0x8FU : 0xBFU};
    }
    return {};
}

unsigned byte_at(std::string_view text, std::size_t at) noexcept {
    return static_cast<unsigned char>(text[at]);
}

// Bytes of the valid character at `at`; 0 when it is ill-formed.
std::size_t character_at(std::string_view text, std::size_t at) noexcept {
    const FirstByte first = first_byte(byte_at(text, at));
    if (first.length == 0 || first.length > text.size() - at) {
        return 0;
    }
    for (std::size_t i = 1; i < first.length; ++i) {
        const unsigned byte = byte_at(text, at + i);
        const unsigned low = i == 1 ? first.second_low : 0x80U;
        const unsigned high = i == 1 ? first.second_high : 0xBFU;
        if (byte < low || byte > high) {
            return 0;
        }
    }
    return first.length;
}

// `count` bytes as a number, the first one lowest.
std::uint64_t read(std::string_view bytes, std::size_t at, std::size_t count) noexcept {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        value |= std::uint64_t{byte_at(bytes, at + i)} << (8 * i);
    }
    return value;
}

struct Product {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

// Schoolbook multiplication of halves.
Product multiply(std::uint64_t a, std::uint64_t b) noexcept {
    constexpr std::uint64_t kLow = 0xFFFFFFFFU;
    const std::uint64_t low = (a & kLow) * (b & kLow);
    const std::uint64_t mid1 = (a >> 32U) * (b & kLow) + (low >> 32U);
    const std::uint64_t mid2 = (a & kLow) * (b >> 32U) + (mid1 & kLow);
    return {.low = (mid2 << 32U) | (low & kLow),
            .high = (a >> 32U) * (b >> 32U) + (mid1 >> 32U) + (mid2 >> 32U)};
}

std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
    const Product product = multiply(a, b);
    return product.low ^ product.high ^ a ^ b;
}

std::uint64_t finish(std::uint64_t hash) noexcept {
    hash = (hash ^ (hash >> 32U)) * kHashKeys.finish[1];
    return hash ^ (hash >> 29U);
}

std::uint64_t hash_tiny(std::string_view bytes, std::uint64_t seed) noexcept {
    const std::size_t size = bytes.size();
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (size > 8) {
        a = read(bytes, 0, 8);
        b = read(bytes, size - 8, 8);
    } else if (size >= 4) {
        a = read(bytes, 0, 4);
        b = read(bytes, size - 4, 4);
    } else if (size > 0) {
        a = byte_at(bytes, 0) | byte_at(bytes, size / 2) << 8U | byte_at(bytes, size - 1) << 16U;
    }
    const auto& keys = kHashKeys.finish;
    const Product product = multiply(a ^ keys[2], b ^ seed);
    return fold(product.low ^ keys[3] ^ size, product.high ^ keys[4]);
}

std::uint64_t hash_short(std::string_view bytes, std::uint64_t seed) noexcept {
    const std::size_t size = bytes.size();
    const auto& keys = kHashKeys.stripes;
    std::uint64_t hash = seed + size * kHashKeys.finish[0];
    for (std::size_t pair = 0; pair < (size - 1) / 16; ++pair) {
        hash += fold(read(bytes, 16 * pair, 8) ^ keys[2 * pair] ^ seed,
                     read(bytes, 16 * pair + 8, 8) ^ keys[2 * pair + 1]);
    }
    const auto& last = kHashKeys.last_stripe;
    hash += fold(read(bytes, size - 16, 8) ^ last[0] ^ seed, read(bytes, size - 8, 8) ^ last[1]);
    return finish(hash);
}

using Sums = std::array<std::uint64_t, kHashLanes>;

void add_stripe(std::string_view bytes, std::size_t at, const std::uint64_t* keys,
                const Sums& seeds, Sums& sums) noexcept {
    for (std::size_t lane = 0; lane < kHashLanes; ++lane) {
        const std::uint64_t word = read(bytes, at + 8 * lane, 8);
        const std::uint64_t keyed = word ^ keys[lane] ^ seeds[lane];
        sums[lane] += (keyed & 0xFFFFFFFFU) * (keyed >> 32U);
        sums[lane ^ 1U] += word;  // so that no bit is lost to a factor of zero
    }
}

std::uint64_t hash_long(std::string_view bytes, std::uint64_t seed) noexcept {
    Sums seeds;
    Sums sums;
    for (std::size_t lane = 0; lane < kHashLanes; ++lane) {
        seeds[lane] = fold(seed, kHashKeys.sums[lane]);
        sums[lane] = kHashKeys.sums[lane] + seeds[lane];
    }
    const std::size_t stripes = (bytes.size() - 1) / kHashStripeBytes;
    for (std::size_t stripe = 0; stripe < stripes; ++stripe) {
        const std::size_t in_block = stripe % kHashStripesInBlock;
        add_stripe(bytes, stripe * kHashStripeBytes, &kHashKeys.stripes[in_block * kHashLanes],
                   seeds, sums);
        if (in_block + 1 == kHashStripesInBlock) {
            for (std::size_t lane = 0; lane < kHashLanes; ++lane) {
                sums[lane] = (sums[lane] ^ (sums[lane] >> 47U) ^ kHashKeys.stir[lane]) * kHashStir;
            }
        }
    }
    add_stripe(bytes, bytes.size() - kHashStripeBytes, kHashKeys.last_stripe.data(), seeds, sums);
    std::uint64_t hash = seed + bytes.size() * kHashKeys.finish[0];
    for (std::size_t lane = 0; lane < kHashLanes; lane += 2) {
        hash +=
            fold(sums[lane] ^ kHashKeys.finish[lane], sums[lane + 1] ^ kHashKeys.finish[lane + 1]);
    }
    return finish(hash);
}

}  // namespace

std::size_t count_byte(std::string_view text, char byte) noexcept {
    std::size_t count = 0;
    for (const char candidate : text) {
        count += candidate == byte ? 1 : 0;
    }
    return count;
}

std::size_t find_in(std::string_view text, const ByteSet& set) noexcept {
    std::size_t at = 0;
    while (at < text.size() && !set.contains(text[at])) {
        ++at;
    }
    return at;
}

std::size_t find_not_in(std::string_view text, const ByteSet& set) noexcept {
    std::size_t at = 0;
    while (at < text.size() && set.contains(text[at])) {
        ++at;
    }
    return at;
}

std::size_t count_in(std::string_view text, const ByteSet& set) noexcept {
    std::size_t count = 0;
    for (const char byte : text) {
        count += set.contains(byte) ? 1 : 0;
    }
    return count;
}

void mark_in(std::string_view text, const ByteSet& set, std::uint64_t* masks) noexcept {
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (at % 64 == 0) {
            masks[at / 64] = 0;
        }
        masks[at / 64] |= std::uint64_t{set.contains(text[at])} << (at % 64);
    }
}

std::size_t offsets_in(std::string_view text, const ByteSet& set, std::uint32_t* offsets) noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (set.contains(text[at])) {
            offsets[count++] = static_cast<std::uint32_t>(at);
        }
    }
    return count;
}

std::size_t find_substring(std::string_view text, std::string_view needle) noexcept {
    for (std::size_t at = 0; needle.size() <= text.size() - at; ++at) {
        if (text.substr(at, needle.size()) == needle) {
            return at;
        }
    }
    return kNotFound;
}

std::size_t count_substring(std::string_view text, std::string_view needle) noexcept {
    std::size_t count = 0;
    for (std::size_t at = 0; at + needle.size() <= text.size(); ++at) {
        count += text.substr(at, needle.size()) == needle ? 1 : 0;
    }
    return count;
}

std::size_t valid_utf8_prefix(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = character_at(text, at);
        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
    // Seeds that differ in one bit, or by one, become unrelated numbers first.
    const std::uint64_t mixed = fold(seed ^ kHashKeys.finish[5], kHashKeys.finish[6]);
    if (bytes.size() <= 16) {
        return hash_tiny(bytes, mixed);
    }
    return bytes.size() <= kHashShortBytes ? hash_short(bytes, mixed) : hash_long(bytes, mixed);
}

}  // namespace abikit::simd::reference
