// The small parts beneath the readers: numbers as text, compact JSON objects, UTF-8, the buffer.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include <fmt/format.h>

#include <abi/data/value.hpp>

#include "input_buffer.hpp"
#include "json_text.hpp"
#include "number_text.hpp"
#include "record_dump.hpp"
#include "seed.hpp"
#include "utf8.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

float float_of(std::string_view text) {
    float value = 99.0F;
    REQUIRE(parse_float(text, value) == FloatResult::kOk);
    return value;
}

FloatResult result_of(std::string_view text) {
    float value = 0.0F;
    return parse_float(text, value);
}

std::string compact(std::string_view text) {
    std::string out = "x";
    const auto status = append_compact_object(out, text);
    return status ? out.substr(1) : "error: " + status.error().message();
}

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("number text: the JSON grammar") {
        for (const auto* number : {"0", "-0", "10", "1.5", "-0.0", "1e5", "1E+05", "2.5e-7"}) {
            CAPTURE(number);
            CHECK(is_json_number(number));
        }
        for (const auto* text : {"", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e5", "1 ",
                                 "nan", "inf", "0x1", "1,5", "--1", "1.5.2", "00"}) {
            CAPTURE(text);
            CHECK(!is_json_number(text));
        }
        CHECK(is_json_integer("-120"));
        CHECK(!is_json_integer("1.0"));
        CHECK(!is_json_integer(""));
    }

    TEST_CASE("number text: what fits into a double") {
        CHECK(is_finite_number("1e308"));
        CHECK(!is_finite_number("1e309"));
        CHECK(!is_finite_number("-1e99999999999999999999"));
        CHECK(is_finite_number("1e-99999999999999999999"));
        CHECK(is_finite_number("0e99999"));
        CHECK(is_finite_number("0." + std::string(400, '0') + "1"));
        CHECK(!is_finite_number("1" + std::string(400, '0')));
        CHECK(is_finite_number("0." + std::string(400, '0') + "1e400"));
        CHECK(is_finite_number("1" + std::string(400, '0') + "e-400"));
    }

    TEST_CASE("number text: floats") {
        CHECK(float_of("1.5") == 1.5F);
        CHECK(float_of("-2E3") == -2000.0F);
        CHECK(float_of(".5") == 0.5F);
        CHECK(std::isnan(float_of("nan")));
        CHECK(std::isnan(float_of("NaN")));
        CHECK(float_of("inf") == std::numeric_limits<float>::infinity());
        CHECK(float_of("-Infinity") == -std::numeric_limits<float>::infinity());
        CHECK(float_of("1e-60") == 0.0F);
        CHECK(std::signbit(float_of("-1e-60")));
        CHECK(float_of("0.000e999") == 0.0F);
        CHECK(float_of("7.038531e-26") == 7.038531e-26F);
        CHECK(result_of("3.5e38") == FloatResult::kOutOfRange);
        CHECK(result_of("-1e999999999999999999999") == FloatResult::kOutOfRange);
        for (const auto* text : {"", " 1", "1 ", "1x", "+1", "0x10", "e5", "-", "1,5"}) {
            CAPTURE(text);
            CHECK(result_of(text) == FloatResult::kMalformed);
        }
    }

    TEST_CASE("number text: every kind of float survives") {
        std::mt19937_64 random(test_seed());
        INFO("seed " << test_seed());
        for (int i = 0; i < 200'000; ++i) {
            const auto bits = static_cast<std::uint32_t>(random());
            const auto value = std::bit_cast<float>(bits);
            std::string text;
            append_float(text, value);
            const float back = float_of(text);
            REQUIRE_MESSAGE(
                (std::isnan(value) ? std::isnan(back) : std::bit_cast<std::uint32_t>(back) == bits),
                text);
        }
    }

    TEST_CASE("json text: unescaping") {
        const auto unescaped = [](std::string_view raw) {
            std::string out;
            return append_unescaped(out, raw) ? out : "error";
        };
        CHECK(unescaped("") == "");
        CHECK(unescaped("plain") == "plain");
        CHECK(unescaped(R"(a\"\\\/\b\f\n\r\tz)") == "a\"\\/\b\f\n\r\tz");
        CHECK(unescaped(R"(\u0041\u00e9\u20AC\ud83d\uDE00)") == "Aé€😀");
        CHECK(unescaped(R"(\u0000)") == std::string(1, '\0'));
        for (const auto* bad :
             {R"(\)", R"(\x)", R"(\u)", R"(\u12)", R"(\u12g4)", R"(\ud800)", R"(\ud800x)",
              R"(\ud800\n)", R"(\ud800\u0041)", R"(\udc00)", R"(\ud83d\ud83d)", R"(\ud83d\ude0)"}) {
            CAPTURE(bad);
            CHECK(unescaped(bad) == "error");
        }
    }

    TEST_CASE("json text: compact objects") {
        CHECK(compact("{ }") == "{}");
        CHECK(compact(" { \"a\" : [ 1 , 2.50 , { } ] ,\n\"b\":\"x \\u00e9 y\" } ") ==
              "{\"a\":[1,2.50,{}],\"b\":\"x \\u00e9 y\"}");
        CHECK(compact(R"({"a":1,"b":2,"a":3})") == R"({"a":3,"b":2})");
        CHECK(compact(R"({"a":1,"\u0061":3})") == R"({"a":3})");
        CHECK(compact(R"({"x":{"a":1,"a":2},"y":{"a":1}})") == R"({"x":{"a":2},"y":{"a":1}})");
        CHECK(compact("[1]") == "error: not a JSON object");
        CHECK(compact("{\"a\":1") ==
              "error: not valid JSON at byte 6: unexpected end of input; expected '}'");
        CHECK(compact("{\"a\":1e400}") ==
              "error: not valid JSON at byte 5: number '1e400' is out of range");
        std::string many = "{";
        for (int i = 0; i < 200; ++i) {
            many += fmt::format("\"k{}\":{},", i, i);
        }
        many.back() = '}';
        CHECK(compact(many) == many);
    }

    TEST_CASE("utf8: sequences") {
        CHECK(is_utf8(""));
        CHECK(is_utf8("aé€😀"));
        CHECK(utf8_sequence_length("a") == 1);
        CHECK(utf8_sequence_length("é") == 2);
        CHECK(utf8_sequence_length("€") == 3);
        CHECK(utf8_sequence_length("😀") == 4);
        for (const auto* bad : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                                "\xE2\x82", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
                                "\xF5\x80\x80\x80", "\xFF", "\xE2\x82(", "\xC3("}) {
            CHECK(utf8_sequence_length(bad) == 0);
            CHECK(!is_utf8(bad));
        }
        CHECK(first_ill_formed("aé\xFFz") == 3);
        CHECK(first_ill_formed("aé") == 3);
    }

    TEST_CASE("utf8: the vectorised and the scalar check agree") {
        std::mt19937_64 random(test_seed());
        INFO("seed " << test_seed());
        constexpr std::string_view kBytes =
            "a\x7F\x80\xBF\xC2\xDF\xE0\xA0\xED\x9F\xEF\xF0\x90\xF4\x8F";
        for (int i = 0; i < 50'000; ++i) {
            std::string text(random() % 80, 'a');
            for (std::uint64_t j = random() % 6; j > 0 && !text.empty(); --j) {
                text[random() % text.size()] = kBytes[random() % kBytes.size()];
            }
            REQUIRE(is_utf8(text) == (first_ill_formed(text) == text.size()));
        }
    }

    TEST_CASE("input buffer: a mapped and a trickling source show the same bytes") {
        std::string text;
        for (int i = 0; i < 300'000; ++i) {
            text += static_cast<char>(i * 31 >> 3);
        }
        const auto mapped = mapped_source(text);
        TrickleSource trickle(text);
        for (ByteSource* source : {mapped.get(), static_cast<ByteSource*>(&trickle)}) {
            InputBuffer input(*source);
            CHECK(input.is_mapped() == (source == mapped.get()));
            std::string seen;
            for (std::size_t step = 1; seen.size() < text.size(); step = step * 7 % 100'003) {
                const auto bytes = input.peek(step).value();
                const std::size_t take = std::min(step, bytes.size());
                CHECK(bytes.size() >= std::min(step, text.size() - seen.size()));
                seen.append(reinterpret_cast<const char*>(bytes.data()), take);
                input.consume(take);
                CHECK(input.position() == seen.size());
            }
            CHECK(seen == text);
            CHECK(input.peek(1).value().empty());
        }
        TrickleSource rest(text);
        InputBuffer input(rest);
        CHECK(input.peek(10).value().size() >= 10);
        input.consume(10);
        CHECK(input.drain().value() == text.size() - 10);
    }

    TEST_CASE("formats: names, extensions, separators") {
        for (const auto format :
             {Format::kNpy, Format::kNpz, Format::kFvecs, Format::kBvecs, Format::kFbin,
              Format::kU8bin, Format::kI8bin, Format::kCsv, Format::kJsonl}) {
            CHECK(parse_format(format_name(format)).value() == format);
            Format by_path{};
            CHECK(format_from_path("x." + std::string(format_name(format)), by_path));
            CHECK(by_path == format);
        }
        const auto unknown = parse_format("xlsx");
        REQUIRE(!unknown);
        CHECK(unknown.error().code() == Code::kInvalidArgument);
        CHECK(unknown.error().message() == "unknown data format 'xlsx'");
        CHECK(unknown.error().hint() ==
              "use one of npy, npz, fvecs, bvecs, fbin, u8bin, i8bin, csv, jsonl");
        Format format = Format::kNpy;
        CHECK(format_from_path("a/b.JSONL", format));
        CHECK(format == Format::kJsonl);
        CHECK(format_from_path("x.ndjson", format));
        CHECK(format_from_path("x.tsv", format));
        CHECK(format == Format::kCsv);
        CHECK(!format_from_path("x.txt", format));
        CHECK(!format_from_path("csv", format));
        CHECK(separator_from_path("x.TSV") == '\t');
        CHECK(separator_from_path("x.csv") == ',');
    }
}
