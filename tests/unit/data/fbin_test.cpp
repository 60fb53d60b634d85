// fbin, u8bin and i8bin: rows, and what is wrong with bad files.
#include <doctest/doctest.h>

#include <bit>

#include "record_dump.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

std::string u32(std::uint32_t value) {
    std::string bytes;
    for (int shift = 0; shift < 32; shift += 8) {
        bytes += static_cast<char>(value >> shift);
    }
    return bytes;
}

std::string fbin(std::uint32_t rows, std::uint32_t dimension, const std::vector<float>& values) {
    std::string bytes = u32(rows) + u32(dimension);
    for (const float value : values) {
        bytes += u32(std::bit_cast<std::uint32_t>(value));
    }
    return bytes;
}

Dump read_bin(Format format, std::string_view file, std::uint32_t dimension = 0,
              std::size_t max_rows = 1000) {
    ReaderOptions options;
    options.name = "x.bin";
    options.dimension = dimension;
    const Dump mapped = read_text(format, file, options, max_rows);
    TrickleSource trickle(file);
    CHECK(mapped.broken == "");
    const Dump piped = read_all(format, trickle, options, max_rows);
    CHECK(mapped.code == piped.code);
    CHECK((mapped.code || mapped.rows == piped.rows));
    return mapped;
}

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("fbin: rows") {
        const auto file = fbin(3, 2, {1, -2.5F, 3, 4, -0.0F, 1e-45F});
        const Dump dump = read_bin(Format::kFbin, file, 2, 2);
        CHECK(!dump.code);
        CHECK(dump.rows_total == 3);
        CHECK(dump.bytes_read == file.size());
        REQUIRE(dump.rows.size() == 3);
        CHECK(floats_of(dump.rows[0]) == std::vector<float>{1, -2.5F});
        CHECK(dump.rows[2].vector == std::vector<std::uint32_t>{0x80000000, 1});
        CHECK(dump.rows[2].line == 2);
        CHECK(read_bin(Format::kFbin, fbin(0, 2, {})).rows.empty());
    }

    TEST_CASE("u8bin and i8bin: rows") {
        const std::string file = u32(2) + u32(2) + std::string("\x00\x7f\x80\xff", 4);
        const Dump bytes = read_bin(Format::kU8bin, file);
        REQUIRE(bytes.rows.size() == 2);
        CHECK(floats_of(bytes.rows[0]) == std::vector<float>{0, 127});
        CHECK(floats_of(bytes.rows[1]) == std::vector<float>{128, 255});
        const Dump numbers = read_bin(Format::kI8bin, file);
        REQUIRE(numbers.rows.size() == 2);
        CHECK(floats_of(numbers.rows[1]) == std::vector<float>{-128, -1});
    }

    TEST_CASE("fbin: what is wrong with a file") {
        const Dump dimension = read_bin(Format::kFbin, fbin(1, 2, {1, 2}), 3);
        CHECK(dimension.code == Code::kIncompatible);
        CHECK(dimension.error == "'x.bin' has vectors of 2 values, expected 3");
        const Dump header = read_bin(Format::kFbin, "abc");
        CHECK(header.code == Code::kCorrupt);
        CHECK(header.error == "'x.bin' is truncated: the header of fbin takes 8 bytes, found 3");
        const Dump cut = read_bin(Format::kFbin, fbin(2, 2, {1, 2, 3}));
        CHECK(cut.code == Code::kCorrupt);
        CHECK(cut.error ==
              "'x.bin' is truncated: header promises 2 rows of 2 (16 bytes), found 12");
        const Dump longer = read_bin(Format::kFbin, fbin(1, 2, {1, 2, 3}));
        CHECK(longer.error == "'x.bin' goes on for 4 bytes behind its array");
        const Dump wide = read_bin(Format::kFbin, fbin(1, 1'000'001, {}));
        CHECK(wide.code == Code::kIncompatible);
        CHECK(wide.error == "'x.bin' has rows of 1000001 values, expected 1 to 1000000");
        CHECK(read_bin(Format::kFbin, fbin(1, 0, {})).code == Code::kIncompatible);
        CHECK(read_bin(Format::kFbin, fbin(0xFFFFFFFF, 1'000'000, {})).code == Code::kCorrupt);
    }
}
