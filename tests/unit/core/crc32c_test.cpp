// CRC-32C: the vectors of RFC 3720, and both implementations against one bit at a time.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <vector>

#include <abi/core/crc32c.hpp>

using namespace abikit;

namespace {

using Bytes = std::vector<std::byte>;

std::uint32_t bitwise(std::span<const std::byte> bytes) {
    std::uint32_t crc = 0xFFFFFFFF;
    for (const std::byte byte : bytes) {
        crc ^= std::to_integer<std::uint32_t>(byte);
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
        }
    }
    return ~crc;
}

Bytes noise(std::size_t size) {
    Bytes bytes(size);
    std::uint32_t state = 12345;
    for (std::byte& byte : bytes) {
        state = state * 1664525 + 1013904223;
        byte = static_cast<std::byte>(state >> 24);
    }
    return bytes;
}

Bytes repeat(std::size_t size, unsigned char value) {
    return Bytes(size, std::byte{value});
}

Bytes counting(bool up) {
    Bytes bytes(32);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::byte>(up ? i : 31 - i);
    }
    return bytes;
}

}  // namespace

TEST_SUITE("core/crc32c") {
    TEST_CASE("known answers") {
        // RFC 3720 B.4 prints the bytes in wire order; these are the same numbers.
        const Bytes scsi_read = [] {
            Bytes pdu(48);
            pdu[0] = std::byte{0x01};
            pdu[1] = std::byte{0xC0};
            pdu[16] = std::byte{0x14};
            pdu[22] = std::byte{0x04};
            pdu[27] = std::byte{0x14};
            pdu[31] = std::byte{0x18};
            pdu[32] = std::byte{0x28};
            pdu[40] = std::byte{0x02};
            return pdu;
        }();
        using Function = std::uint32_t (*)(std::span<const std::byte>, std::uint32_t) noexcept;
        for (const Function crc : {Function{&crc32c}, Function{&crc32c_portable}}) {
            CHECK(crc({}, 0) == 0);
            CHECK(crc(repeat(32, 0x00), 0) == 0x8A9136AA);
            CHECK(crc(repeat(32, 0xFF), 0) == 0x62A8AB43);
            CHECK(crc(counting(true), 0) == 0x46DD794E);
            CHECK(crc(counting(false), 0) == 0x113FDB5C);
            CHECK(crc(scsi_read, 0) == 0xD9963A56);
            CHECK(crc(std::as_bytes(std::span("123456789", 9)), 0) == 0xE3069283);
        }
    }

    TEST_CASE("every length against one bit at a time") {
        const Bytes bytes = noise(3000);
        for (std::size_t size = 0; size <= bytes.size(); ++size) {
            const std::span<const std::byte> part(bytes.data(), size);
            const std::uint32_t expected = bitwise(part);
            REQUIRE_MESSAGE(crc32c(part) == expected, size);
            REQUIRE_MESSAGE(crc32c_portable(part) == expected, size);
        }
    }

    TEST_CASE("long inputs reach the long streams") {
        const Bytes bytes = noise(3 * 4096 * 2 + 3 * 256 + 77);
        for (const std::size_t size : {std::size_t{12287}, std::size_t{12288}, std::size_t{12289},
                                       std::size_t{24576}, bytes.size()}) {
            const std::span<const std::byte> part(bytes.data(), size);
            CHECK_MESSAGE(crc32c(part) == bitwise(part), size);
            CHECK_MESSAGE(crc32c_portable(part) == bitwise(part), size);
        }
    }

    TEST_CASE("every alignment") {
        const Bytes bytes = noise(2048 + 64);
        for (std::size_t offset = 0; offset < 64; ++offset) {
            for (const std::size_t size : {std::size_t{7}, std::size_t{800}, std::size_t{2048}}) {
                const auto part = std::span(bytes).subspan(offset, size);
                const std::uint32_t expected = bitwise(part);
                REQUIRE(crc32c(part) == expected);
                REQUIRE(crc32c_portable(part) == expected);
            }
        }
    }

    TEST_CASE("feeding in parts and combining give the whole") {
        const Bytes bytes = noise(20000);
        const std::span<const std::byte> whole(bytes);
        const std::uint32_t expected = crc32c(whole);
        for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{255},
                                      std::size_t{8192}, std::size_t{19999}, bytes.size()}) {
            const auto a = whole.first(cut);
            const auto b = whole.subspan(cut);
            CHECK(crc32c(b, crc32c(a)) == expected);
            CHECK(crc32c_portable(b, crc32c_portable(a)) == expected);
            CHECK(crc32c_combine(crc32c(a), crc32c(b), b.size()) == expected);
        }
    }

    TEST_CASE("combining works for lengths that nobody would compute") {
        // Shifting by 2^40 bytes in one step or in two halves must agree.
        const std::uint32_t start = 0x12345678;
        const std::uint64_t half = std::uint64_t{1} << 39;
        CHECK(crc32c_combine(start, 0, 2 * half) ==
              crc32c_combine(crc32c_combine(start, 0, half), 0, half));
        CHECK(crc32c_combine(start, 0x9ABCDEF0, 0) == (start ^ 0x9ABCDEF0));
    }

    TEST_CASE("one flipped bit always shows") {
        Bytes bytes = noise(512);
        const std::uint32_t before = crc32c(bytes);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            REQUIRE(crc32c(bytes) != before);
            bytes[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        }
    }

    TEST_CASE("the implementation has a name") {
        const std::string_view name = crc32c_implementation();
        CHECK((name == "sse4.2" || name == "armv8-crc" || name == "portable"));
    }
}
