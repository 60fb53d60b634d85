// UUIDs of RFC 9562: random ones (version 4) and ones that sort by the time they were made
// (version 7).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <abi/core/export.h>
#include <abi/core/error.hpp>

namespace abikit {

// 128 bits in network order. Compares bytewise, which for version 7 is by time. A plain value.
struct Uuid {
    std::array<std::uint8_t, 16> bytes{};

    friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// "f81d4fae-7dec-11d0-a765-00a0c91e6bf6": 36 characters, lower case.
ABI_API std::string format_uuid(const Uuid& uuid);
// Reads that form in either case; no braces, no "urn:uuid:". Any version and variant is taken, also
// the nil and max UUIDs. kInvalidArgument names the offset of the first wrong character.
ABI_API Result<Uuid> parse_uuid(std::string_view text);

// The version field (4 and 7 are those made here), meaningful for the RFC's variant only.
ABI_API int uuid_version(const Uuid& uuid) noexcept;
// Milliseconds since the Unix epoch in a version 7 UUID; nullopt for other versions.
ABI_API std::optional<std::int64_t> uuid_unix_ms(const Uuid& uuid) noexcept;

// A new version 4 UUID: 122 bits from fill_secure. Thread-safe.
ABI_API Result<Uuid> make_uuid_v4();

// Makes version 7 UUIDs that strictly ascend within one generator, even within a millisecond and
// when the clock goes back: RFC 9562 section 6.2, method 2 (the 74 random bits are a counter that
// a random step of up to 2^32 advances). Between generators they are unique by chance, as version 4
// is. Single thread.
class ABI_API UuidV7Generator {
public:
    // A UUID for now.
    Result<Uuid> next();
    // A UUID for the given time, or for the latest time seen so far if that is later.
    // kInvalidArgument for times before 1970 or beyond 48 bits of milliseconds (the year 10889).
    Result<Uuid> next_at(std::int64_t unix_ms);

private:
    std::int64_t last_ms_ = -1;
    std::uint16_t high_ = 0;  // 12 bits: rand_a
    std::uint64_t low_ = 0;   // 62 bits: rand_b
};

}  // namespace abikit
