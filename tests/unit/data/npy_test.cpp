// .npy: headers of every version, all element types and orders, and what is wrong with bad files.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "npy_dtype.hpp"
#include "npy_header.hpp"
#include "record_dump.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

// A file of the given version around a dictionary and its elements.
std::string npy(std::string_view dictionary, std::string_view payload, int major = 1) {
    std::string text(dictionary);
    const std::size_t prefix = major == 1 ? 10 : 12;
    text.append(63 - (prefix + text.size()) % 64, ' ');
    text += '\n';
    std::string file = "\x93NUMPY";
    file += static_cast<char>(major);
    file += '\0';
    for (std::size_t i = 0; i < prefix - 8; ++i) {
        file += static_cast<char>(text.size() >> (8 * i));
    }
    return file + text + std::string(payload);
}

std::string npy_of(std::string_view descr, std::string_view shape, std::string_view payload,
                   std::string_view order = "False") {
    return npy(
        fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", descr, order, shape),
        payload);
}

// The bytes of values in the machine's order, or turned around.
template <class Element>
std::string bytes_of(std::initializer_list<Element> values, bool swap = false) {
    std::string bytes;
    for (const Element value : values) {
        std::string one(sizeof(Element), '\0');
        std::memcpy(one.data(), &value, sizeof(Element));
        if (swap) {
            std::reverse(one.begin(), one.end());
        }
        bytes += one;
    }
    return bytes;
}

std::vector<float> all_floats(const Dump& dump) {
    std::vector<float> values;
    for (const DumpRow& row : dump.rows) {
        const auto more = floats_of(row);
        values.insert(values.end(), more.begin(), more.end());
    }
    return values;
}

Dump read_npy(std::string_view file, std::uint32_t dimension = 0, std::size_t max_rows = 1000) {
    ReaderOptions options;
    options.name = "x.npy";
    options.dimension = dimension;
    const Dump mapped = read_text(Format::kNpy, file, options, max_rows);
    TrickleSource trickle(file);
    const Dump trickled = read_all(Format::kNpy, trickle, options, max_rows);
    CHECK(mapped.broken == "");
    CHECK(trickled.broken == "");
    CHECK(mapped.error == trickled.error);
    CHECK(mapped.code == trickled.code);
    if (!mapped.code) {
        CHECK(mapped.rows == trickled.rows);
        CHECK(mapped.bytes_read == file.size());
        CHECK(trickled.bytes_read == file.size());
    }
    return mapped;
}

template <class Element>
void check_type(std::string_view name, std::initializer_list<Element> values,
                const std::vector<float>& expected) {
    const bool little = std::endian::native == std::endian::little;
    const auto shape = fmt::format("({}, 1)", values.size());
    for (const bool swap : {false, true}) {
        const char order = sizeof(Element) == 1 ? '|' : (little != swap ? '<' : '>');
        const auto file = npy_of(fmt::format("{}{}", order, name), shape, bytes_of(values, swap));
        CAPTURE(name);
        CHECK(all_floats(read_npy(file)) == expected);
    }
}

std::string error_of(std::string_view file, Code code, std::uint32_t dimension = 0) {
    const Dump dump = read_npy(file, dimension);
    CHECK(dump.code == code);
    return dump.error;
}

std::string dictionary_error(std::string_view text) {
    const auto header = parse_npy_dictionary(text);
    REQUIRE(!header);
    CHECK(header.error().code() != Code::kInternal);
    return header.error().message();
}

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("npy: rows of float32") {
        const auto payload = bytes_of<float>({1, 2, 3, 4, 5, 6});
        for (const int major : {1, 2, 3}) {
            const auto file =
                npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }", payload, major);
            const Dump dump = read_npy(file, 2, 2);
            CHECK(dump.batches == 2);
            CHECK(dump.rows_total == 3);
            REQUIRE(dump.rows.size() == 3);
            CHECK(dump.rows[2].line == 2);
            CHECK(!dump.rows[2].id);
            CHECK(all_floats(dump) == std::vector<float>{1, 2, 3, 4, 5, 6});
        }
    }

    TEST_CASE("npy: a mapped float32 file is handed out as it lies, a misaligned one is copied") {
        const auto file = npy_of("<f4", "(2, 2)", bytes_of<float>({1, 2, 3, 4}));
        for (const std::size_t shift : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
            alignas(64) char storage[256];
            std::memcpy(storage + shift, file.data(), file.size());
            const auto source = mapped_source({storage + shift, file.size()});
            const auto reader = make_reader(Format::kNpy, *source, {});
            RecordBatch batch;
            REQUIRE((*reader)->next(batch, 1).value());
            REQUIRE((*reader)->next(batch, 1).value());
            CHECK(batch.vectors[0] == 3.0F);
            const auto* place = reinterpret_cast<const char*>(batch.vectors.data());
            CHECK((place == storage + file.size() - 8) == (shift == 0));
        }
    }

    TEST_CASE("npy: every element type in both byte orders") {
        const float inf = std::numeric_limits<float>::infinity();
        check_type<float>("f4", {1.5F, -inf, 1e-45F}, {1.5F, -inf, 1e-45F});
        check_type<double>("f8", {0.1, 1e300, -1e-300}, {0.1F, inf, -0.0F});
        check_type<std::int8_t>("i1", {-128, 127}, {-128, 127});
        check_type<std::uint8_t>("u1", {0, 255}, {0, 255});
        check_type<std::int16_t>("i2", {-32768, 258}, {-32768, 258});
        check_type<std::uint16_t>("u2", {65535, 258}, {65535, 258});
        check_type<std::int32_t>("i4", {-16777217, 66051}, {-16777216, 66051});
        check_type<std::uint32_t>("u4", {4294967295U, 1}, {4294967296.0F, 1});
        check_type<std::int64_t>("i8", {INT64_MIN, 72623859790382856},
                                 {-0x1p63F, 72623859790382856.0F});
        check_type<std::uint64_t>("u8", {UINT64_MAX, 3}, {0x1p64F, 3});
        check_type<std::uint16_t>("f2",
                                  {0x0000, 0x8000, 0x3C00, 0xC000, 0x7BFF, 0x0001, 0x03FF, 0x0400,
                                   0x3555, 0x7C00, 0xFC00},
                                  {0.0F, -0.0F, 1.0F, -2.0F, 65504.0F, 0x1p-24F, 0x1.FF8p-15F,
                                   0x1p-14F, 0.333251953125F, inf, -inf});
        const auto nan = read_npy(npy_of("<f2", "(1, 1)", bytes_of<std::uint16_t>({0x7E00})));
        CHECK(std::isnan(all_floats(nan).at(0)));
    }

    TEST_CASE("npy: columns first") {
        const auto file = npy_of("<f4", "(3, 2)", bytes_of<float>({1, 3, 5, 2, 4, 6}), "True");
        for (const std::size_t max_rows : {1, 2, 10}) {
            CHECK(all_floats(read_npy(file, 0, max_rows)) == std::vector<float>{1, 2, 3, 4, 5, 6});
        }
        const auto swapped =
            npy_of(">i2", "(2, 3)", bytes_of<std::int16_t>({1, 4, 2, 5, 3, 6}, true), "True");
        CHECK(all_floats(read_npy(swapped)) == std::vector<float>{1, 2, 3, 4, 5, 6});
        const auto one_row = npy_of("<f4", "(1, 3)", bytes_of<float>({1, 2, 3}), "True");
        CHECK(all_floats(read_npy(one_row)) == std::vector<float>{1, 2, 3});
    }

    TEST_CASE("npy: a pipe's array with columns first is held up to a limit only") {
        const auto file = npy_of("<f4", "(1000000, 1000)", bytes_of<float>({1, 2}), "True");
        PipeSource pipe(file);
        const Dump dump = read_all(Format::kNpy, pipe, {.name = "stdin"});
        CHECK(dump.code == Code::kLimit);
        CHECK(dump.error ==
              "'stdin' stores columns first and takes 4000000000 bytes, more than the 1073741824 "
              "that are held for an input that is no file");
        CHECK(dump.hint.find("ascontiguousarray") != std::string::npos);
    }

    TEST_CASE("npy: one axis") {
        const auto file = npy_of("<f4", "(3,)", bytes_of<float>({1, 2, 3}));
        CHECK(read_npy(file).rows.size() == 1);
        CHECK(floats_of(read_npy(file, 3).rows.at(0)) == std::vector<float>{1, 2, 3});
        CHECK(read_npy(file, 1).rows.size() == 3);
        CHECK(error_of(file, Code::kIncompatible, 2) ==
              "'x.npy' has vectors of 3 values, expected 2");
    }

    TEST_CASE("npy: no rows") {
        CHECK(read_npy(npy_of("<f4", "(0, 5)", "")).rows.empty());
        CHECK(read_npy(npy_of("<f4", "(0,)", "")).rows.empty());
        CHECK(read_npy(npy_of("<f4", "(0, 0)", ""), 7).rows.empty());
    }

    TEST_CASE("npy: shapes that are no rows of vectors") {
        CHECK(error_of(npy_of("<f4", "(2, 2)", std::string(16, 'x')), Code::kIncompatible, 3) ==
              "'x.npy' has vectors of 2 values, expected 3");
        CHECK(error_of(npy_of("<f4", "()", "xxxx"), Code::kIncompatible) ==
              "'x.npy' has 0 axes, expected 2");
        CHECK(error_of(npy_of("<f4", "(1, 1, 1)", "xxxx"), Code::kIncompatible) ==
              "'x.npy' has 3 axes, expected 2");
        CHECK(error_of(npy_of("<f4", "(2, 0)", ""), Code::kIncompatible) ==
              "'x.npy' has rows of 0 values, expected 1 to 1000000");
        CHECK(error_of(npy_of("<f4", "(1000001,)", ""), Code::kIncompatible) ==
              "'x.npy' has rows of 1000001 values, expected 1 to 1000000");
        CHECK(error_of(npy_of("<f4", "(4611686018427387904, 4)", ""), Code::kCorrupt) ==
              "'x.npy' claims 4611686018427387904 rows of 4, more than any file holds");
        CHECK(error_of(npy_of("<f8", "(18446744073709551615, 18446744073709551615)", ""),
                       Code::kCorrupt)
                  .ends_with("more than any file holds"));
    }

    TEST_CASE("npy: truncated and overlong files") {
        const auto whole = npy_of("<f4", "(100, 128)", std::string(51200, 'x'));
        const auto cut = whole.substr(0, whole.size() - 11200);
        CHECK(error_of(cut, Code::kCorrupt) ==
              "'x.npy' is truncated: header promises 100 rows of 128 (51200 bytes), found 40000");
        TrickleSource trickle(cut);
        const Dump dump = read_all(Format::kNpy, trickle);
        CHECK(dump.rows.size() == 40000 / 512);
        CHECK(dump.error.starts_with("the input is truncated"));
        CHECK(error_of(npy_of("<f4", "(3, 2)", std::string(20, 'x'), "True"), Code::kCorrupt) ==
              "'x.npy' is truncated: header promises 3 rows of 2 (24 bytes), found 20");
        CHECK(error_of(whole + "tail", Code::kCorrupt) ==
              "'x.npy' goes on for 4 bytes behind its array");
    }

    TEST_CASE("npy: a header that promises much costs nothing") {
        const auto file = npy_of("<f4", "(1000000000, 1000000)", "abcd");
        PipeSource pipe(file);
        const Dump dump = read_all(Format::kNpy, pipe, {}, SIZE_MAX);
        CHECK(dump.rows.empty());
        CHECK(dump.error ==
              "the input is truncated: header promises 1000000000 rows of 1000000 "
              "(4000000000000000 bytes), found 4");
    }

    TEST_CASE("npy: types that are no plain numbers") {
        const auto of = [](std::string_view descr) {
            return error_of(npy_of(descr, "(1, 1)", "xxxxxxxxxxxxxxxx"),
                            descr == "|O" || descr == "<c8" || descr == "<U3" || descr == "|b1" ||
                                    descr == "<f16" || descr == "<M8[ns]"
                                ? Code::kIncompatible
                                : Code::kCorrupt);
        };
        CHECK(of("|O") == "'x.npy': dtype '|O' holds Python objects");
        CHECK(of("<c8") == "'x.npy': dtype '<c8' holds complex numbers");
        CHECK(of("<U3") == "'x.npy': dtype '<U3' holds text");
        CHECK(of("|b1") == "'x.npy': dtype '|b1' holds booleans");
        CHECK(of("<M8[ns]") == "'x.npy': dtype '<M8[ns]' holds dates or times");
        CHECK(of("<f16") == "'x.npy': dtype '<f16' holds floats of a size that is not supported");
        CHECK(of("<i3") == "'x.npy': unknown dtype '<i3'");
        CHECK(of("f4") == "'x.npy': dtype 'f4' lacks its byte order");
        CHECK(of("") == "'x.npy': unknown dtype ''");
        CHECK(of("<") == "'x.npy': unknown dtype '<'");
        const auto structured =
            npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "xxxx");
        CHECK(error_of(structured, Code::kIncompatible) ==
              "'x.npy': structured dtype holds records, not plain numbers");
    }

    TEST_CASE("npy: what is no npy file") {
        CHECK(error_of("", Code::kCorrupt) == "'x.npy': empty, no .npy header");
        CHECK(error_of("\x93NUM", Code::kCorrupt) == "'x.npy': not a .npy file: wrong magic bytes");
        CHECK(error_of("PK\x03\x04 a zip file", Code::kCorrupt) ==
              "'x.npy': not a .npy file: wrong magic bytes");
        CHECK(error_of("\x93NUMPY\x01", Code::kCorrupt) ==
              "'x.npy': truncated inside its header: 8 bytes promised, 7 found");
        CHECK(error_of(std::string("\x93NUMPY\x01\x00\x50", 9), Code::kCorrupt) ==
              "'x.npy': truncated inside its header: 10 bytes promised, 9 found");
        CHECK(error_of(std::string("\x93NUMPY\x01\x00\x50\x00{'descr'", 18), Code::kCorrupt) ==
              "'x.npy': truncated inside its header: 90 bytes promised, 18 found");
        CHECK(error_of(std::string("\x93NUMPY\x04\x00\x01\x00\x00\x00}", 13),
                       Code::kIncompatible) == "'x.npy': format version 4.0 is not known");
        CHECK(error_of(std::string("\x93NUMPY\x02\x00\xff\xff\xff\x7f{", 13), Code::kCorrupt) ==
              "'x.npy': header of 2147483647 bytes is longer than any");
    }

    TEST_CASE("npy: dictionaries") {
        const auto header =
            parse_npy_dictionary("{ \"shape\":( 3L , 4 ),'fortran_order':True,'descr':'>f8'}\n");
        REQUIRE(header);
        CHECK(header->shape == std::vector<std::uint64_t>{3, 4});
        CHECK(header->fortran_order);
        CHECK(header->descr == ">f8");
        CHECK(dictionary_error("") == "broken header: expected '{' at byte 0 of it");
        CHECK(dictionary_error("{}") == "header lacks the key 'descr'");
        CHECK(dictionary_error("{'descr': '<f4'}") == "header lacks the key 'fortran_order'");
        CHECK(dictionary_error("{'descr': '<f4', 'fortran_order': False}") ==
              "header lacks the key 'shape'");
        CHECK(dictionary_error("{'descr': '<f4', 'descr': '<f4'}") ==
              "header has an unexpected or repeated key 'descr'");
        CHECK(dictionary_error("{'x': 1}") == "header has an unexpected or repeated key 'x'");
        CHECK(dictionary_error("{'descr' '<f4'}") == "broken header: expected ':' at byte 9 of it");
        CHECK(dictionary_error("{'descr: '<f4'}").starts_with("broken header: expected ':'"));
        CHECK(dictionary_error("{descr: 1}") == "broken header: expected a string at byte 1 of it");
        CHECK(dictionary_error("{'de\\scr': 1}") ==
              "broken header: expected a plain string at byte 1 of it");
        CHECK(dictionary_error("{'fortran_order': 1}") ==
              "broken header: expected True or False at byte 18 of it");
        CHECK(dictionary_error("{'shape': (3)}") == "broken header: expected ',' at byte 12 of it");
        CHECK(dictionary_error("{'shape': (-3,)}") ==
              "broken header: expected a non-negative integer at byte 11 of it");
        CHECK(dictionary_error("{'shape': (99999999999999999999,)}") ==
              "broken header: expected a length below 2^64 at byte 11 of it");
        CHECK(dictionary_error("{'shape': (3, 4") ==
              "broken header: expected ')' at byte 15 of it");
        std::string axes = "{'shape': (";
        for (int i = 0; i < 33; ++i) {
            axes += "1,";
        }
        CHECK(dictionary_error(axes + ")}").starts_with("broken header: expected at most 32 axes"));
        CHECK(dictionary_error("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x") ==
              "broken header: expected the end of the header at byte 56 of it");
    }

    TEST_CASE("npy: made headers are aligned and read back") {
        for (const std::uint64_t rows : {std::uint64_t{0}, std::uint64_t{7}, UINT64_MAX / 1024}) {
            const std::string bytes = make_npy_header("<f4", {rows, 128});
            CHECK(bytes.size() % 64 == 0);
            CHECK(bytes.back() == '\n');
            const auto source = mapped_source(bytes);
            InputBuffer input(*source);
            const auto header = read_npy_header(input);
            REQUIRE(header);
            CHECK(header->descr == "<f4");
            CHECK(!header->fortran_order);
            CHECK(header->shape == std::vector<std::uint64_t>{rows, 128});
            CHECK(header->size_bytes == bytes.size());
        }
    }
}
