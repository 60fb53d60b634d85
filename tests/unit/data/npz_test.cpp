// .npz: which members make rows, ZIP files that other programs wrote, and what is wrong with bad
// ones. Round trips of random batches are in writer_test.cpp.
#include <doctest/doctest.h>

#include <array>
#include <bit>

#include <fmt/format.h>

#include "npy_header.hpp"
#include "record_dump.hpp"
#include "zip_directory.hpp"
#include "zip_member.hpp"
#include "zip_writer.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

std::string zipped(const Members& members, ZipMethod method = ZipMethod::kStored) {
    std::string out;
    const auto sink = string_sink(out);
    ZipWriter zip(*sink);
    for (const auto& [name, bytes] : members) {
        REQUIRE(zip.begin(name, method, bytes.size()));
        REQUIRE(zip.write(std::as_bytes(std::span(bytes))));
        REQUIRE(zip.end());
    }
    REQUIRE(zip.finish());
    return out;
}

template <class T>
std::string npy(std::string_view descr, const std::vector<std::uint64_t>& shape,
                const std::vector<T>& values) {
    std::string bytes = make_npy_header(descr, shape);
    for (const T value : values) {
        bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    return bytes;
}

std::string npy_text(std::string_view descr, const std::vector<std::uint64_t>& shape,
                     std::string_view payload) {
    return make_npy_header(descr, shape) + std::string(payload);
}

std::string utf32(std::u32string_view text) {
    return std::string(reinterpret_cast<const char*>(text.data()), text.size() * sizeof(char32_t));
}

Dump read_npz(std::string_view file, std::uint32_t dimension = 0, std::size_t max_rows = 1000) {
    ReaderOptions options;
    options.name = "x.npz";
    options.dimension = dimension;
    const Dump mapped = read_text(Format::kNpz, file, options, max_rows);
    TrickleSource trickle(file);
    CHECK(mapped.broken == "");
    CHECK(same_outcome(mapped, read_all(Format::kNpz, trickle, options, 2)));
    return mapped;
}

const std::string kTwoRows = npy<float>("<f4", {2, 2}, {1, 2, 3, -0.0F});

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("npz: named members, stored and deflated") {
        const Members members = {
            {"vectors.npy", kTwoRows},
            {"ids.npy", npy_text("<U2", {2}, utf32({U"a\0éb", 4}))},
            {"texts.npy", npy_text("|S3", {2}, std::string_view("one\0\0\0", 6))},
            {"texts_present.npy", npy_text("|b1", {2}, std::string_view("\1\0", 2))},
            {"metadata.npy",
             npy_text("|S9", {2}, std::string_view("{\"k\": 1}\0\0\0\0\0\0\0\0\0\0", 18))},
            {"other.npy", npy<double>("<f8", {3}, {1, 2, 3})},
        };
        for (const auto method : {ZipMethod::kStored, ZipMethod::kDeflated}) {
            const std::string file = zipped(members, method);
            const Dump dump = read_npz(file, 2);
            REQUIRE(dump.error == "");
            CHECK(dump.rows_total == 2);
            CHECK(dump.bytes_read == file.size());
            REQUIRE(dump.rows.size() == 2);
            CHECK(dump.rows[0].id == "a");
            CHECK(dump.rows[1].id ==
                  "\xc3\xa9"
                  "b");
            CHECK(dump.rows[0].text == "one");
            CHECK(dump.rows[1].text == std::nullopt);
            CHECK(dump.rows[0].metadata == "{\"k\":1}");
            CHECK(dump.rows[1].metadata == std::nullopt);
            CHECK(dump.rows[1].vector == std::vector<std::uint32_t>{0x40400000, 0x80000000});
            CHECK(dump.rows[1].line == 1);
        }
    }

    TEST_CASE("npz: integers as ids, in either byte order") {
        const Dump dump = read_npz(zipped(
            {{"vectors.npy", kTwoRows}, {"ids.npy", npy<std::int16_t>("<i2", {2}, {7, -3})}}));
        REQUIRE(dump.rows.size() == 2);
        CHECK(dump.rows[0].id == "7");
        CHECK(dump.rows[1].id == "-3");
        const Dump big =
            read_npz(zipped({{"vectors.npy", kTwoRows},
                             {"ids.npy", npy_text(">u2", {2}, std::string_view("\1\0\0\2", 4))}}));
        REQUIRE(big.rows.size() == 2);
        CHECK(big.rows[0].id == "256");
        CHECK(big.rows[1].id == "2");
    }

    TEST_CASE("npz: the only array with two axes is the vectors") {
        const Dump dump = read_npz(zipped({{"labels.npy", npy<int>("<i4", {2}, {1, 2})},
                                           {"train.npy", kTwoRows},
                                           {"notes.txt", "hello"}}));
        CHECK(dump.error == "");
        CHECK(dump.rows.size() == 2);
        const Dump both = read_npz(zipped({{"a.npy", kTwoRows}, {"b.npy", kTwoRows}}));
        CHECK(both.code == Code::kIncompatible);
        CHECK(both.error == "'x.npz': 2 arrays with two axes: 'a.npy', 'b.npy'");
        CHECK(both.hint == "call one of them vectors: numpy.savez(path, vectors=a)");
        const Dump none = read_npz(zipped({{"labels.npy", npy<int>("<i4", {1}, {1})}}));
        CHECK(none.error == "'x.npz': no array of vectors");
    }

    TEST_CASE("npz: texts without vectors") {
        const Dump dump = read_npz(
            zipped({{"texts.npy", npy_text("|S2", {3}, std::string_view("a\0\0\0bc", 6))},
                    {"texts_present.npy", npy_text("|b1", {3}, std::string_view("\1\0\1", 3))}}));
        REQUIRE(dump.rows.size() == 2);
        CHECK(dump.rows[1].text == "bc");
        CHECK(dump.rows[1].line == 2);
        REQUIRE(dump.rejected.size() == 1);
        CHECK(dump.rejected[0].second == "neither vector nor text");
    }

    TEST_CASE("npz: bytes and ends") {
        const Members members = {
            {"vectors.npy", kTwoRows},
            {"texts_utf8.npy", npy_text("|u1", {5}, std::string_view("ab\0cd", 5))},
            {"texts_ends.npy", npy<std::uint64_t>("<u8", {2}, {3, 5})}};
        const Dump dump = read_npz(zipped(members));
        REQUIRE(dump.rows.size() == 2);
        CHECK(dump.rows[0].text == std::string("ab\0", 3));
        CHECK(dump.rows[1].text == "cd");
        const std::vector<std::pair<std::vector<std::uint64_t>, std::string>> bad = {
            {{3, 2}, "row 1 the bytes 3 to 2 of 5"},
            {{3, 6}, "row 1 the bytes 3 to 6 of 5"},
            {{~std::uint64_t{0}, 5}, "row 0 the bytes 0 to 18446744073709551615 of 5"}};
        for (const auto& [ends, what] : bad) {
            Members changed = members;
            changed[2].second = npy<std::uint64_t>("<u8", {2}, ends);
            const Dump broken = read_npz(zipped(changed));
            CHECK(broken.code == Code::kCorrupt);
            CHECK(broken.error == "'x.npz': 'texts_ends.npy' gives " + what);
        }
    }

    TEST_CASE("npz: bad values are rejected row by row") {
        const Dump dump = read_npz(zipped({{"vectors.npy", npy<float>("<f4", {4, 1}, {1, 2, 3, 4})},
                                           {"ids.npy", npy_text("<U1", {4},
                                                                utf32({U"a\xD800\x110000"
                                                                       U"d",
                                                                       4}))},
                                           {"texts.npy", npy_text("|S1", {4},
                                                                  "a\xff"
                                                                  "cd")},
                                           {"metadata.npy", npy_text("|S2", {4}, "{}{}{}[]")}}));
        REQUIRE(dump.rows.size() == 1);
        CHECK(dump.rows[0].id == "a");
        REQUIRE(dump.rejected.size() == 3);
        CHECK(dump.rejected[0].first == 1);
        CHECK(dump.rejected[0].second == "id holds a code point that is no character");
        CHECK(dump.rejected[2].first == 3);
        CHECK(dump.rejected[2].second.starts_with("metadata is no JSON object: "));
        ReaderOptions options;
        const auto source = mapped_source("");
        CHECK(!make_reader(Format::kNpz, *source, options));
    }

    TEST_CASE("npz: the first bad row fails where nothing may be rejected") {
        const std::string file =
            zipped({{"vectors.npy", kTwoRows}, {"texts.npy", npy_text("|S1", {2}, "a\xff")}});
        const auto source = mapped_source(file);
        ReaderOptions options;
        options.name = "x.npz";
        const auto reader = make_reader(Format::kNpz, *source, options);
        REQUIRE(reader);
        RecordBatch batch;
        const auto first = (*reader)->next(batch, 10);
        REQUIRE((first && *first));
        CHECK(batch.rows == 1);
        const auto second = (*reader)->next(batch, 10);
        REQUIRE(!second);
        CHECK(second.error().message() == "'x.npz', row 1: text is not valid UTF-8");
    }

    TEST_CASE("npz: members that do not fit together") {
        const Dump rows =
            read_npz(zipped({{"vectors.npy", kTwoRows}, {"ids.npy", npy_text("|S1", {3}, "abc")}}));
        CHECK(rows.code == Code::kIncompatible);
        CHECK(rows.error == "'x.npz': 3 rows of ids, but 2 before");
        const Dump kind = read_npz(
            zipped({{"vectors.npy", kTwoRows}, {"ids.npy", npy<float>("<f4", {2}, {1, 2})}}));
        CHECK(kind.error == "'x.npz': 'ids.npy' has elements of dtype '<f4'");
        const Dump axes = read_npz(
            zipped({{"vectors.npy", kTwoRows}, {"ids.npy", npy_text("|S1", {2, 1}, "ab")}}));
        CHECK(axes.error == "'x.npz': 'ids.npy' has 2 axes, expected 1");
        const Dump size =
            read_npz(zipped({{"vectors.npy", kTwoRows}, {"ids.npy", npy_text("|S1", {2}, "abc")}}));
        CHECK(size.code == Code::kCorrupt);
        CHECK(size.error == "'x.npz': 'ids.npy' promises 2 elements of 1 bytes and has 3 bytes");
        const Dump dimension = read_npz(zipped({{"vectors.npy", kTwoRows}}), 3);
        CHECK(dimension.error == "'x.npz': 'vectors.npy' has vectors of 2 values, expected 3");
        const Dump cut = read_npz(zipped({{"vectors.npy", kTwoRows.substr(0, 140)}}));
        CHECK(cut.code == Code::kCorrupt);
    }

    TEST_CASE("npz: an empty array") {
        const Dump dump = read_npz(zipped({{"vectors.npy", npy<float>("<f4", {0, 2}, {})}}));
        CHECK(dump.error == "");
        CHECK(dump.rows.empty());
    }

    TEST_CASE("npz: damage is found before the first row") {
        for (const auto method : {ZipMethod::kStored, ZipMethod::kDeflated}) {
            std::vector<float> values(600);
            for (std::size_t i = 0; i < values.size(); ++i) {
                values[i] = static_cast<float>(i % 37);
            }
            const std::string whole =
                zipped({{"vectors.npy", npy<float>("<f4", {300, 2}, values)}}, method);
            const auto members = read_zip_directory(std::as_bytes(std::span(whole)));
            REQUIRE(members);
            const std::size_t begin = static_cast<std::size_t>((*members)[0].offset);
            const std::size_t packed = (*members)[0].packed.size();
            for (std::size_t at = begin + 128; at < begin + packed; at += 7) {
                std::string damaged = whole;
                damaged[at] = static_cast<char>(damaged[at] ^ 4);
                const Dump dump = read_npz(damaged);
                CAPTURE(at);
                REQUIRE(dump.rows.empty());
                REQUIRE(dump.code == Code::kCorrupt);
                REQUIRE(dump.error.starts_with("'x.npz': 'vectors.npy' at byte "));
            }
            for (std::size_t size = 0; size < whole.size(); size += 11) {
                const Dump dump = read_npz(whole.substr(0, size));
                REQUIRE(dump.rows.empty());
                REQUIRE(dump.code == Code::kCorrupt);
            }
        }
    }

    TEST_CASE("zip: what makes a member unreadable") {
        const std::string whole = zipped({{"vectors.npy", kTwoRows}});
        const std::size_t entry = whole.rfind(std::string("PK\1\2", 4));
        const auto changed = [&](std::size_t at, std::string_view bytes) {
            std::string file = whole;
            file.replace(entry + at, bytes.size(), bytes);
            const auto members = read_zip_directory(std::as_bytes(std::span(file)));
            return members ? std::string() : members.error().message();
        };
        CHECK(changed(0, "") == "");
        CHECK(changed(8, "\x09") == "'vectors.npy' is encrypted");
        CHECK(changed(10, "\x0c") == "'vectors.npy' is packed by method 12, which is not known");
        CHECK(changed(24, "\xff") ==
              fmt::format("damaged at byte {}: the sizes of 'vectors.npy' cannot be true", entry));
        CHECK(changed(42, "\x01") == "damaged at byte 1: no header of 'vectors.npy'");
        CHECK(
            changed(20, "\xff\xff\xff\xff\xff\xff\xff\xff") ==
            fmt::format("damaged at byte {}: the zip64 sizes of 'vectors.npy' are broken", entry));
        CHECK(changed(0, "x") ==
              fmt::format("damaged at byte {}: no entry of the table of contents", entry));
    }

    TEST_CASE("zip: a bomb that promises little and holds much is cut off") {
        const std::string zeros(std::size_t{8} << 20, '\0');
        std::string file = zipped({{"vectors.npy", zeros}}, ZipMethod::kDeflated);
        const std::size_t entry = file.rfind(std::string("PK\1\2", 4));
        file.replace(entry + 24, 4, std::string("\0\4\0\0", 4));
        const auto members = read_zip_directory(std::as_bytes(std::span(file)));
        REQUIRE(members);
        const Status status = check_zip_member((*members)[0]);
        REQUIRE(!status);
        CHECK(status.error().code() == Code::kCorrupt);
        CHECK(status.error().message().ends_with("inflates to more bytes instead of 1024"));
        // And one whose sizes no deflate stream can have.
        file.replace(entry + 24, 4, std::string("\0\0\0\x70", 4));
        CHECK(!read_zip_directory(std::as_bytes(std::span(file))));
    }

    TEST_CASE("zip: zip64 fields of sizes, offset and end") {
        // One stored member of five bytes, all of whose numbers stand in 64 bits.
        const auto number = [](std::uint64_t value, int bytes) {
            std::string out;
            for (int i = 0; i < bytes; ++i) {
                out += static_cast<char>(value >> (8 * i) & 0xFF);
            }
            return out;
        };
        const std::string far = number(0xFFFFFFFF, 4);
        std::string file = "PK\3\4" + number(45, 2) + std::string(20, '\0') + number(1, 2) +
                           number(0, 2) + "a" + "hello";
        file.replace(26, 2, number(1, 2)).replace(28, 2, number(0, 2));
        const std::uint64_t central = file.size();
        file += "PK\1\2" + number(45, 2) + number(45, 2) + std::string(8, '\0') +
                number(0x3610A686, 4) + far + far + number(1, 2) + number(28, 2) +
                std::string(10, '\0') + far + "a" + number(1, 2) + number(24, 2) + number(5, 8) +
                number(5, 8) + number(0, 8);
        const std::uint64_t end = file.size();
        file += "PK\6\6" + number(44, 8) + number(45, 2) + number(45, 2) + number(0, 8) +
                number(1, 8) + number(1, 8) + number(end - central, 8) + number(central, 8);
        file += "PK\6\7" + number(0, 4) + number(end, 8) + number(1, 4);
        file += "PK\5\6" + std::string(4, '\0') + number(0xFFFF, 2) + number(0xFFFF, 2) + far +
                far + number(3, 2) + "end";
        const auto members = read_zip_directory(std::as_bytes(std::span(file)));
        REQUIRE(members);
        REQUIRE(members->size() == 1);
        CHECK((*members)[0].size_bytes == 5);
        CHECK((*members)[0].offset == 31);
        CHECK(check_zip_member((*members)[0]));
    }

    TEST_CASE("zip: stored members begin at multiples of 64, and announced sizes hold") {
        const std::string file = zipped({{"a", "12345"}, {"longer-name", "678"}});
        const auto members = read_zip_directory(std::as_bytes(std::span(file)));
        REQUIRE(members);
        for (const ZipMember& member : *members) {
            CHECK(member.offset % 64 == 0);
        }
        std::string out;
        const auto sink = string_sink(out);
        ZipWriter zip(*sink);
        REQUIRE(zip.begin("a", ZipMethod::kDeflated, 3));
        REQUIRE(zip.write(std::as_bytes(std::span(std::string_view("ab")))));
        CHECK(!zip.end());
    }
}
