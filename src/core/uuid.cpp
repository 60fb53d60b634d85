// UUIDs: text form and generation.
#include <algorithm>
#include <bit>
#include <span>

#include <fmt/format.h>

#include <abi/core/random.hpp>
#include <abi/core/time.hpp>
#include <abi/core/uuid.hpp>

namespace abikit {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::int64_t kMaxMs = (std::int64_t{1} << 48) - 1;
constexpr std::uint64_t kLowMask = (std::uint64_t{1} << 62) - 1;
constexpr std::uint16_t kHighMask = 0x0FFF;

// Whether a dash stands before byte i in the text form.
constexpr bool dash_before(std::size_t i) {
    return i == 4 || i == 6 || i == 8 || i == 10;
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Variant 10xx and the version, in the places of RFC 9562 section 4.
void stamp(Uuid& uuid, unsigned version) {
    uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0F) | (version << 4));
    uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3F) | 0x80);
}

void store_big_endian(std::span<std::uint8_t> out, std::uint64_t value) {
    for (std::size_t i = out.size(); i > 0; --i, value >>= 8) {
        out[i - 1] = static_cast<std::uint8_t>(value);
    }
}

std::unexpected<Error> wrong_character(std::string_view text, std::size_t offset) {
    return fail(Code::kInvalidArgument,
                fmt::format("'{}' is no uuid: unexpected character at offset {}", text, offset),
                "the form is 8-4-4-4-12 hexadecimal digits");
}

}  // namespace

std::string format_uuid(const Uuid& uuid) {
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (dash_before(i)) {
            text += '-';
        }
        text += kHex[uuid.bytes[i] >> 4];
        text += kHex[uuid.bytes[i] & 0x0F];
    }
    return text;
}

Result<Uuid> parse_uuid(std::string_view text) {
    if (text.size() != 36) {
        return fail(Code::kInvalidArgument,
                    fmt::format("'{}' is no uuid: {} characters instead of 36", text, text.size()),
                    "the form is 8-4-4-4-12 hexadecimal digits");
    }
    Uuid uuid;
    std::size_t at = 0;
    for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
        if (dash_before(i) && text[at++] != '-') {
            return wrong_character(text, at - 1);
        }
        int value = 0;
        for (int digit = 0; digit < 2; ++digit, ++at) {
            const int nibble = hex_value(text[at]);
            if (nibble < 0) {
                return wrong_character(text, at);
            }
            value = value * 16 + nibble;
        }
        uuid.bytes[i] = static_cast<std::uint8_t>(value);
    }
    return uuid;
}

int uuid_version(const Uuid& uuid) noexcept {
    return uuid.bytes[6] >> 4;
}

std::optional<std::int64_t> uuid_unix_ms(const Uuid& uuid) noexcept {
    if (uuid_version(uuid) != 7) {
        return std::nullopt;
    }
    std::int64_t ms = 0;
    for (std::size_t i = 0; i < 6; ++i) {
        ms = ms << 8 | uuid.bytes[i];
    }
    return ms;
}

Result<Uuid> make_uuid_v4() {
    Uuid uuid;
    ABI_CHECK(fill_secure(std::as_writable_bytes(std::span(uuid.bytes))));
    stamp(uuid, 4);
    return uuid;
}

Result<Uuid> UuidV7Generator::next() {
    return next_at(wall_clock_ns() / 1'000'000);
}

Result<Uuid> UuidV7Generator::next_at(std::int64_t unix_ms) {
    if (unix_ms < 0 || unix_ms > kMaxMs) {
        return fail(Code::kInvalidArgument,
                    fmt::format("a uuid cannot carry the time {} ms", unix_ms),
                    "set the clock of this machine");
    }
    std::array<std::uint64_t, 2> random{};
    ABI_CHECK(fill_secure(std::as_writable_bytes(std::span(random))));
    if (unix_ms <= last_ms_) {
        // Same millisecond, or the clock went back: advance the counter by at least one.
        low_ += (random[0] >> 32) + 1;
        if (low_ > kLowMask) {
            low_ &= kLowMask;
            high_ = static_cast<std::uint16_t>(high_ + 1);
        }
    }
    if (unix_ms > last_ms_ || high_ > kHighMask) {
        // A new millisecond, or the counter ran over: then borrow from the next millisecond.
        last_ms_ = std::max(unix_ms, last_ms_ + 1);
        high_ = static_cast<std::uint16_t>(random[0] & kHighMask);
        low_ = random[1] & kLowMask;
    }
    Uuid uuid;
    const std::span out(uuid.bytes);
    store_big_endian(out.first<6>(), static_cast<std::uint64_t>(last_ms_));
    store_big_endian(out.subspan<6, 2>(), high_);
    store_big_endian(out.subspan<8, 8>(), low_);
    stamp(uuid, 7);
    return uuid;
}

}  // namespace abikit
