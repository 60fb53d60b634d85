// parse_json and to_json: types, exact numbers, error texts, and that printing loses nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include <fmt/format.h>

#include <abi/data/value.hpp>

#include "seed.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

std::string error_of(std::string_view text) {
    const auto value = parse_json(text);
    REQUIRE(!value);
    CHECK(value.error().code() == Code::kInvalidData);
    return value.error().message();
}

Value parsed(std::string_view text) {
    auto value = parse_json(text);
    REQUIRE_MESSAGE(value, std::string(text));
    return *std::move(value);
}

std::string quoted(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

std::string random_text(std::mt19937_64& random) {
    constexpr std::string_view kPieces[] = {"a",    "Z9", "\"", "\\", "/", "\n", "\x01",   "\x1F",
                                            "\x7F", "é",  "€",  "😀",  " ", "{",  "\\u0041"};
    std::string text;
    for (std::uint64_t i = random() % 6; i > 0; --i) {
        text += kPieces[random() % std::size(kPieces)];
    }
    return text;
}

double random_double(std::mt19937_64& random) {
    while (true) {
        const double value = std::bit_cast<double>(random());
        if (std::isfinite(value)) {
            return value;
        }
    }
}

Value random_value(std::mt19937_64& random, int depth) {
    switch (random() % (depth > 0 ? 9 : 7)) {
        case 0:
            return nullptr;
        case 1:
            return random() % 2 == 0;
        case 2:
            return static_cast<std::int64_t>(random());
        case 3:
            return std::uint64_t{random()};
        case 4:
            return random_double(random);
        case 5:
            return static_cast<double>(static_cast<std::int32_t>(random()));
        case 6:
            return random_text(random);
        case 7: {
            Array array;
            for (std::uint64_t i = random() % 5; i > 0; --i) {
                array.push_back(random_value(random, depth - 1));
            }
            return array;
        }
        default: {
            Value object{Object{}};
            for (std::uint64_t i = random() % 30; i > 0; --i) {
                object.set(random_text(random), random_value(random, depth - 1));
            }
            return object;
        }
    }
}

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("json: scalars") {
        CHECK(parsed("null").is_null());
        CHECK(parsed(" true ").as_bool());
        CHECK(!parsed("false").as_bool());
        CHECK(parsed("-12").to_int64() == -12);
        CHECK(parsed("9223372036854775807").to_int64() == INT64_MAX);
        CHECK(parsed("-9223372036854775808").to_int64() == INT64_MIN);
        CHECK(parsed("9223372036854775808").to_uint64() == std::uint64_t{1} << 63);
        CHECK(!parsed("9223372036854775808").to_int64());
        CHECK(parsed("18446744073709551615").to_uint64() == UINT64_MAX);
        CHECK(!parsed("18446744073709551616").is_integer());
        CHECK(parsed("18446744073709551616").as_double() == 0x1p64);
        CHECK(!parsed("1.0").is_integer());
        CHECK(parsed("1.5e-3").as_double() == 1.5e-3);
        CHECK(parsed("1e-999").as_double() == 0.0);
        CHECK(parsed(R"("a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")").as_string() ==
              "a\"\\/\b\f\n\r\té😀");
    }

    TEST_CASE("json: objects keep their order, the last of equal keys wins") {
        const Value value = parsed(R"({"b":1,"a":[],"b":{"c":null},"":2})");
        REQUIRE(value.as_object().size() == 3);
        CHECK(value.as_object()[0].first == "b");
        CHECK(value.find("b")->find("c")->is_null());
        CHECK(value.find("")->to_int64() == 2);
        CHECK(value.find("x") == nullptr);
        std::string many = "{";
        for (int i = 0; i < 1000; ++i) {
            many += fmt::format("\"k{}\":{},", i % 300, i);
        }
        many.back() = '}';
        const Value large = parsed(many);
        REQUIRE(large.as_object().size() == 300);
        for (int i = 0; i < 300; ++i) {
            CHECK(large.as_object()[static_cast<std::size_t>(i)].first == fmt::format("k{}", i));
        }
        CHECK(large.find("k0")->to_int64() == 900);
        CHECK(large.find("k299")->to_int64() == 899);
    }

    TEST_CASE("json: errors tell the byte and what was expected") {
        CHECK(error_of("") ==
              "not valid JSON at byte 0: unexpected end of input; expected '[', '{', or a literal");
        CHECK(error_of("{\"a\":1,}") ==
              "not valid JSON at byte 7: unexpected '}'; expected string literal");
        CHECK(error_of("[1 2]") ==
              "not valid JSON at byte 3: unexpected number literal; expected ']'");
        CHECK(error_of("[1,\n \"a\" true]") ==
              "not valid JSON at byte 9: unexpected true literal; expected ']'");
        CHECK(error_of("[1 false]") ==
              "not valid JSON at byte 3: unexpected false literal; expected ']'");
        CHECK(error_of("[1 \"abc\"]") ==
              "not valid JSON at byte 3: unexpected string literal; expected ']'");
        CHECK(error_of("{} x") ==
              "not valid JSON at byte 3: invalid literal; expected end of input");
        CHECK(error_of("nul") == "not valid JSON at byte 3: invalid literal");
        CHECK(error_of("[1.]") ==
              "not valid JSON at byte 3: invalid number; expected digit after '.'");
        CHECK(error_of("-") ==
              "not valid JSON at byte 1: invalid number; expected digit after '-'");
        CHECK(error_of("\"a") == "not valid JSON at byte 2: invalid string: missing closing quote");
        CHECK(error_of("\"a\xC3(\"") ==
              "not valid JSON at byte 3: invalid string: ill-formed UTF-8 byte");
        CHECK(error_of("\"\\udc00\"")
                  .starts_with("not valid JSON at byte 6: invalid string: surrogate"));
        CHECK(error_of("[1e999]") == "not valid JSON at byte 1: number '1e999' is out of range");
        CHECK(error_of(std::string_view("{}\0{", 4)) ==
              "not valid JSON at byte 2: unexpected NUL byte");
        CHECK(error_of("// c\n1").starts_with("not valid JSON at byte 0: invalid literal"));
        CHECK(error_of("[1" + std::string(500, '0') + "]") ==
              "not valid JSON at byte 1: number '1" + std::string(39, '0') +
                  "...' is out of range");
    }

    TEST_CASE("json: the depth limit") {
        const auto nested = [](std::size_t levels) {
            return std::string(levels, '[') + std::string(levels, ']');
        };
        CHECK(parse_json(nested(512)));
        CHECK(error_of(nested(513)) == "not valid JSON at byte 512: nested deeper than 512 levels");
        CHECK(error_of(std::string(1'000'000, '[')).ends_with("nested deeper than 512 levels"));
        CHECK(error_of("[\"[[\\\"[\",{\"a\":" + std::string(511, '[')) ==
              "not valid JSON at byte 524: nested deeper than 512 levels");
    }

    TEST_CASE("json: printing") {
        const Value value =
            parsed(R"( {"a":[1,-2.5,"x",true,null],"b":{},"c":[ ],"d":{"e":1.0}} )");
        CHECK(to_json(value) == R"({"a":[1,-2.5,"x",true,null],"b":{},"c":[],"d":{"e":1.0}})");
        CHECK(to_json(parsed(R"({"a":[1,{"b":[]}],"c":{}})"), JsonStyle::kPretty) ==
              "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
    }

    TEST_CASE("json: printing numbers") {
        CHECK(to_json(1.0) == "1.0");
        CHECK(to_json(-0.0) == "-0.0");
        CHECK(to_json(0.1) == "0.1");
        CHECK(to_json(1e22) == "1e+22");
        CHECK(to_json(5e-324) == "5e-324");
        CHECK(to_json(std::numeric_limits<double>::max()) == "1.7976931348623157e+308");
        CHECK(to_json(std::nan("")) == "null");
        CHECK(to_json(std::numeric_limits<double>::infinity()) == "null");
        CHECK(to_json(INT64_MIN) == "-9223372036854775808");
        CHECK(to_json(UINT64_MAX) == "18446744073709551615");
    }

    TEST_CASE("json: printing strings") {
        CHECK(quoted("a\"\\/\b\f\n\r\t\x01\x1F\x7Fé😀") ==
              "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7Fé😀\"");
        CHECK(quoted(std::string_view("\0", 1)) == "\"\\u0000\"");
        CHECK(quoted("a\xFF\"b\xC3") == "\"a\xEF\xBF\xBD\\\"b\xEF\xBF\xBD\"");
        CHECK(quoted("\xED\xA0\x80") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
        CHECK(quoted("\xF4\x90\x80\x80é") ==
              "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDé\"");
    }

    TEST_CASE("value: equal integers are equal whatever they were made of") {
        CHECK(Value(5) == Value(std::uint64_t{5}));
        CHECK(Value(5U) == parsed("5"));
        CHECK(Value(std::uint64_t{1} << 63) == parsed("9223372036854775808"));
        CHECK(Value(5) != Value(5.0));
        CHECK(Value(-1).to_uint64() == std::nullopt);
        CHECK(Value(UINT64_MAX).as_double() == 0x1p64);
    }

    TEST_CASE("value: set makes an object, replaces in place, appends") {
        Value value;
        value.set("a", 1);
        value.set("b", "x").as_string();
        value.set("a", Array{1, 2});
        CHECK(to_json(value) == R"({"a":[1,2],"b":"x"})");
        CHECK(Value("text").find("a") == nullptr);
    }

    TEST_CASE("json: random values survive printing in both styles") {
        const std::uint64_t seed = test_seed();
        INFO("seed " << seed);
        std::mt19937_64 random(seed);
        for (int i = 0; i < 2000; ++i) {
            const Value value = random_value(random, 4);
            const std::string text = to_json(value);
            CAPTURE(text);
            REQUIRE(parsed(text) == value);
            REQUIRE(parsed(to_json(value, JsonStyle::kPretty)) == value);
            REQUIRE(to_json(parsed(text)) == text);
        }
    }
}
