// fvecs and bvecs: rows, and what is wrong with bad files.
#include <doctest/doctest.h>

#include <bit>

#include "record_dump.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

std::string int32_bytes(std::int32_t value) {
    std::string bytes;
    for (int shift = 0; shift < 32; shift += 8) {
        bytes += static_cast<char>(static_cast<std::uint32_t>(value) >> shift);
    }
    return bytes;
}

std::string fvecs_row(std::initializer_list<float> values) {
    std::string bytes = int32_bytes(static_cast<std::int32_t>(values.size()));
    for (const float value : values) {
        bytes += int32_bytes(std::bit_cast<std::int32_t>(value));
    }
    return bytes;
}

Dump read_vecs(Format format, std::string_view file, std::uint32_t dimension = 0,
               std::size_t max_rows = 1000) {
    ReaderOptions options;
    options.name = "x.vecs";
    options.dimension = dimension;
    const Dump mapped = read_text(format, file, options, max_rows);
    TrickleSource trickle(file);
    CHECK(mapped.broken == "");
    CHECK(same_outcome(mapped, read_all(format, trickle, options, max_rows)));
    return mapped;
}

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("fvecs: rows") {
        const auto file = fvecs_row({1, -2.5F}) + fvecs_row({3, 4}) + fvecs_row({5, 6});
        const Dump dump = read_vecs(Format::kFvecs, file, 2, 2);
        CHECK(!dump.code);
        CHECK(dump.rows_total == 3);
        CHECK(dump.batches == 2);
        CHECK(dump.bytes_read == file.size());
        REQUIRE(dump.rows.size() == 3);
        CHECK(floats_of(dump.rows[0]) == std::vector<float>{1, -2.5F});
        CHECK(dump.rows[2].line == 2);
        CHECK(read_vecs(Format::kFvecs, "").rows.empty());
    }

    TEST_CASE("bvecs: rows") {
        const std::string file =
            int32_bytes(3) + std::string("\x00\x7f\xff", 3) + int32_bytes(3) + "abc";
        const Dump dump = read_vecs(Format::kBvecs, file);
        CHECK(dump.rows_total == 2);
        REQUIRE(dump.rows.size() == 2);
        CHECK(floats_of(dump.rows[0]) == std::vector<float>{0, 127, 255});
        CHECK(floats_of(dump.rows[1]) == std::vector<float>{97, 98, 99});
    }

    TEST_CASE("fvecs: another dimension than expected") {
        const Dump dump = read_vecs(Format::kFvecs, fvecs_row({1, 2}), 3);
        CHECK(dump.code == Code::kIncompatible);
        CHECK(dump.error == "'x.vecs' has vectors of 2 values, expected 3");
    }

    TEST_CASE("fvecs: a dimension that changes") {
        const Dump dump =
            read_vecs(Format::kFvecs, fvecs_row({1, 2}) + fvecs_row({3, 4}) + fvecs_row({5}));
        CHECK(dump.rows.size() == 2);
        CHECK(dump.code == Code::kCorrupt);
        CHECK(dump.error == "'x.vecs' changes its dimension from 2 to 1 at row 2 (byte 24)");
    }

    TEST_CASE("fvecs: truncated") {
        const auto file = fvecs_row({1, 2}) + fvecs_row({3, 4});
        const Dump payload = read_vecs(Format::kFvecs, file.substr(0, file.size() - 3));
        CHECK(payload.rows.size() == 1);
        CHECK(payload.code == Code::kCorrupt);
        CHECK(payload.error == "'x.vecs' is truncated: row 1 (byte 12) needs 12 bytes, found 9");
        const Dump prefix = read_vecs(Format::kFvecs, file.substr(0, 14));
        CHECK(prefix.error == "'x.vecs' is truncated: row 1 (byte 12) needs 12 bytes, found 2");
        const Dump start = read_vecs(Format::kFvecs, "ab");
        CHECK(start.error == "'x.vecs' is truncated: row 0 (byte 0) needs 4 bytes, found 2");
    }

    TEST_CASE("fvecs: dimensions that no vector has") {
        for (const std::int32_t dimension : {0, -1, 1'000'001, INT32_MIN, INT32_MAX}) {
            const Dump dump = read_vecs(Format::kFvecs, int32_bytes(dimension) + "payload");
            CHECK(dump.code == Code::kCorrupt);
            CHECK(dump.error ==
                  "'x.vecs' claims " + std::to_string(dimension) + " values in row 0 (byte 0)");
            CHECK(dump.hint == "is this really an fvecs file?");
        }
        CHECK(read_vecs(Format::kBvecs, int32_bytes(0)).hint == "is this really a bvecs file?");
        const Dump later = read_vecs(Format::kFvecs, fvecs_row({1}) + int32_bytes(-5) + "abcd");
        CHECK(later.rows.size() == 1);
        CHECK(later.error == "'x.vecs' claims -5 values in row 1 (byte 8)");
    }
}
