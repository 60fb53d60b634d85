// UUIDs: the text form, the fields of RFC 9562, and the order of version 7.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include <abi/core/uuid.hpp>

using namespace abikit;

TEST_SUITE("core/uuid") {
    TEST_CASE("text and bytes") {
        const auto uuid = parse_uuid("F81D4FAE-7dec-11d0-a765-00a0c91e6bf6");
        REQUIRE(uuid);
        CHECK(uuid->bytes == std::array<std::uint8_t, 16>{0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11,
                                                          0xd0, 0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e,
                                                          0x6b, 0xf6});
        CHECK(format_uuid(*uuid) == "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
        CHECK(uuid_version(*uuid) == 1);
        CHECK_FALSE(uuid_unix_ms(*uuid).has_value());
        CHECK(format_uuid(Uuid{}) == "00000000-0000-0000-0000-000000000000");
        CHECK(parse_uuid("00000000-0000-0000-0000-000000000000").value() == Uuid{});
    }

    TEST_CASE("the example of RFC 9562 for version 7") {
        const auto uuid = parse_uuid("017F22E2-79B0-7CC3-98C4-DC0C0C07398F");
        REQUIRE(uuid);
        CHECK(uuid_version(*uuid) == 7);
        CHECK(uuid_unix_ms(*uuid) == 1645557742000);
    }

    TEST_CASE("malformed texts are refused where they are wrong") {
        for (const std::string text :
             {"", "f81d4fae", "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
              "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "f81d4fae-7dec-11d0-a765-00a0c91e6bf66"}) {
            const auto result = parse_uuid(text);
            REQUIRE_FALSE(result);
            CHECK(result.error().code() == Code::kInvalidArgument);
        }
        const auto dash = parse_uuid("f81d4fae07dec-11d0-a765-00a0c91e6bf6");
        REQUIRE_FALSE(dash);
        CHECK(dash.error().message().ends_with("offset 8"));
        const auto digit = parse_uuid("f81d4fae-7dec-11d0-a765-00a0c91e6bfg");
        REQUIRE_FALSE(digit);
        CHECK(digit.error().message().ends_with("offset 35"));
    }

    TEST_CASE("version 4 has its fields and does not repeat") {
        std::set<Uuid> seen;
        for (int i = 0; i < 1000; ++i) {
            const auto uuid = make_uuid_v4();
            REQUIRE(uuid);
            CHECK(uuid_version(*uuid) == 4);
            CHECK((uuid->bytes[8] & 0xC0) == 0x80);
            CHECK(parse_uuid(format_uuid(*uuid)).value() == *uuid);
            seen.insert(*uuid);
        }
        CHECK(seen.size() == 1000);
    }

    TEST_CASE("version 7 carries the time and ascends within a millisecond") {
        UuidV7Generator generator;
        Uuid last = generator.next_at(1645557742000).value();
        CHECK(uuid_version(last) == 7);
        CHECK((last.bytes[8] & 0xC0) == 0x80);
        CHECK(uuid_unix_ms(last) == 1645557742000);
        for (int i = 0; i < 10000; ++i) {
            const Uuid next = generator.next_at(1645557742000).value();
            REQUIRE(last < next);
            REQUIRE(uuid_version(next) == 7);
            REQUIRE((next.bytes[8] & 0xC0) == 0x80);
            last = next;
        }
    }

    TEST_CASE("version 7 ascends when the clock goes back, and follows it when it goes on") {
        UuidV7Generator generator;
        const Uuid first = generator.next_at(5000).value();
        const Uuid back = generator.next_at(10).value();
        CHECK(first < back);
        CHECK(uuid_unix_ms(back).value() >= 5000);
        CHECK(uuid_unix_ms(back).value() <= 5001);
        const Uuid later = generator.next_at(9000).value();
        CHECK(back < later);
        CHECK(uuid_unix_ms(later) == 9000);
    }

    TEST_CASE("version 7 takes the clock's own time") {
        UuidV7Generator generator;
        const Uuid a = generator.next().value();
        const Uuid b = generator.next().value();
        CHECK(a < b);
        CHECK(uuid_unix_ms(a).value() > 1'600'000'000'000);
    }

    TEST_CASE("times that do not fit are refused") {
        UuidV7Generator generator;
        CHECK(generator.next_at(-1).error().code() == Code::kInvalidArgument);
        CHECK(generator.next_at(std::int64_t{1} << 48).error().code() == Code::kInvalidArgument);
        CHECK(uuid_unix_ms(generator.next_at(0).value()) == 0);
        CHECK(uuid_unix_ms(generator.next_at((std::int64_t{1} << 48) - 1).value()) ==
              (std::int64_t{1} << 48) - 1);
    }
}
