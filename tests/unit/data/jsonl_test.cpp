// JSON lines: what is accepted, every rejection's words, and that neither threads nor block borders
// show in the outcome.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <abi/data/value.hpp>

#include "record_dump.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

Dump read_jsonl(std::string_view text, ReaderOptions options = {}) {
    return read_text(Format::kJsonl, text, std::move(options));
}

// The one rejection of a single bad line.
std::string reason_of(std::string_view line, ReaderOptions options = {}) {
    const Dump dump = read_jsonl(line, std::move(options));
    REQUIRE(dump.rows.empty());
    REQUIRE(dump.rejected.size() == 1);
    CHECK(dump.rejected[0].first == 1);
    CHECK(!dump.code);
    return dump.rejected[0].second;
}

DumpRow only_row(std::string_view line) {
    const Dump dump = read_jsonl(line);
    if (!dump.rejected.empty()) {
        FAIL(dump.rejected[0].second);
    }
    REQUIRE(dump.rows.size() == 1);
    return dump.rows[0];
}

float only_value(std::string_view number) {
    const auto values = floats_of(only_row(fmt::format(R"({{"vector":[{}]}})", number)));
    REQUIRE(values.size() == 1);
    return values[0];
}

// Lines of every kind, so that some are good and some are not.
std::string mixed_lines(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) {
        switch (i % 9) {
            case 3:
                text += "{\"id\":1,\n";
                break;
            case 5:
                text += "\r\n";
                break;
            case 6:
                text += fmt::format("{{\"text\":\"t\\u00e9xt {}\"}}\r\n", i);
                break;
            case 7:
                text += "{\"vector\":[1,2]}\n";
                break;
            default:
                text += fmt::format(
                    "{{\"id\":\"row-{}\",\"vector\":[{}.5,-1e-3,{}],\"metadata\":{{\"n\": {}}}}}\n",
                    i, i, i % 17, i);
        }
    }
    return text;
}

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("jsonl: a full record") {
        const DumpRow row = only_row(
            R"( { "id" : "a\n1" , "vector" : [ 1 , -2.5e0,3 ], "text":"x \u00e9 \ud83d\ude00",)"
            R"( "metadata" : { "k" : [ 1 , { } , "v w" ] , "z":null } } )");
        CHECK(row.line == 1);
        CHECK(row.id == "a\n1");
        CHECK(floats_of(row) == std::vector<float>{1.0F, -2.5F, 3.0F});
        CHECK(row.text == "x é 😀");
        CHECK(row.metadata == R"({"k":[1,{},"v w"],"z":null})");
    }

    TEST_CASE("jsonl: absent members") {
        const DumpRow row = only_row(R"({"id":null,"vector":null,"text":"t","metadata":null})");
        CHECK(!row.id);
        CHECK(row.vector.empty());
        CHECK(!row.metadata);
        CHECK(only_row(R"({"text":""})").text == "");
        CHECK(only_row(R"({"text":"t","metadata":{}})").metadata == "{}");
    }

    TEST_CASE("jsonl: integer ids become their decimal text") {
        CHECK(only_row(R"({"id":42,"text":"t"})").id == "42");
        CHECK(only_row(R"({"id":-7 ,"text":"t"})").id == "-7");
        CHECK(only_row(R"({"id":-0,"text":"t"})").id == "0");
        CHECK(only_row(R"({"text":"t","id":123456789012345678901234567890})").id ==
              "123456789012345678901234567890");
    }

    TEST_CASE("jsonl: of repeated members the last wins") {
        const DumpRow row = only_row(
            R"({"id":"a","vector":[1,2],"metadata":{"a":1},"id":"b","vector":[3],"text":"t",)"
            R"("text":null,"metadata":{"b":1,"b":{"c":2},"\u0062":3}})");
        CHECK(row.id == "b");
        CHECK(floats_of(row) == std::vector<float>{3.0F});
        CHECK(!row.text);
        CHECK(row.metadata == R"({"b":3})");
        CHECK(only_row("{\"\\u0074ext\":\"t\"}").text == "t");
    }

    TEST_CASE("jsonl: metadata keeps its spelling") {
        CHECK(only_row(R"({"text":"t","metadata": {"a" : 1.50, "b": 1E5, "c":"\u00e9\/"} })")
                  .metadata == R"({"a":1.50,"b":1E5,"c":"\u00e9\/"})");
    }

    TEST_CASE("jsonl: white space, blank lines, CRLF, byte order mark, missing last line feed") {
        const Dump dump =
            read_jsonl("\xEF\xBB\xBF{\"text\":\"a\"}\r\n\r\n  \t\n\n{\"text\":\"b\"}");
        REQUIRE(dump.rows.size() == 2);
        CHECK(dump.rejected.empty());
        CHECK(dump.rows[0].line == 1);
        CHECK(dump.rows[1].line == 5);
        CHECK(dump.rows[1].text == "b");
        CHECK(read_jsonl("").rows.empty());
        CHECK(read_jsonl("\xEF\xBB\xBF").rejected.empty());
        CHECK(read_jsonl("\n\n").rejected.empty());
    }

    TEST_CASE("jsonl: numbers become the nearest float") {
        CHECK(only_value("0.1") == 0.1F);
        CHECK(only_value("1") == 1.0F);
        CHECK(std::signbit(only_value("-0")));
        CHECK(std::signbit(only_value("-0.0")));
        CHECK(only_value("3.4028234663852886e38") == 3.4028234663852886e38F);
        CHECK(only_value("1e-45") == 1e-45F);
        CHECK(only_value("1e-999") == 0.0F);
        CHECK(only_value("123456789012345678901234567890") == 1.2345679e29F);
        // Half way between two floats and a little: rounding by way of double would lose the
        // little.
        CHECK(only_value("1.00000017881393432617187499") == 1.00000011920928955078125F);
        CHECK(only_value("1.00000017881393432617187501") == 1.0000002384185791015625F);
        CHECK(only_value("7.038531e-26") == 7.038531e-26F);
        // Below the smallest normal float the spacing is another one.
        CHECK(only_value("1.1754943157898258e-38") == 1.1754943157898258e-38F);
        CHECK(only_value("2.1019476964872256e-45") == 2.1019476964872256e-45F);
    }

    TEST_CASE("jsonl: numbers outside float32") {
        const std::string reason = "value out of float32 range at position 1 of 'vector'";
        CHECK(reason_of(R"({"vector":[0,1e39]})") == reason);
        CHECK(reason_of(R"({"vector":[0,-1e400]})") == reason);
        CHECK(reason_of(R"({"vector":[0,3.4028236e38]})") == reason);
        CHECK(reason_of(R"({"vector":[0,1)" + std::string(400, '0') + "]}") == reason);
    }

    TEST_CASE("jsonl: members of the wrong type") {
        CHECK(reason_of(R"({"id":1.5,"text":"t"})") ==
              "'id' is a number; expected a string or an integer");
        CHECK(reason_of(R"({"id":1e3,"text":"t"})") ==
              "'id' is a number; expected a string or an integer");
        CHECK(reason_of(R"({"id":true,"text":"t"})") ==
              "'id' is a boolean; expected a string or an integer");
        CHECK(reason_of(R"({"id":[1],"text":"t"})") ==
              "'id' is an array; expected a string or an integer");
        CHECK(reason_of(R"({"id":"","text":"t"})") == "'id' is an empty string");
        CHECK(reason_of(R"({"vector":"1,2"})") ==
              "'vector' is a string; expected an array of numbers");
        CHECK(reason_of(R"({"vector":1})") ==
              "'vector' is an integer; expected an array of numbers");
        CHECK(reason_of(R"({"vector":{}})") ==
              "'vector' is an object; expected an array of numbers");
        CHECK(reason_of(R"({"text":12})") == "'text' is an integer; expected a string");
        CHECK(reason_of(R"({"text":["t"]})") == "'text' is an array; expected a string");
        CHECK(reason_of(R"({"text":"t","metadata":[]})") ==
              "'metadata' is an array; expected an object");
        CHECK(reason_of(R"({"text":"t","metadata":"{}"})") ==
              "'metadata' is a string; expected an object");
    }

    TEST_CASE("jsonl: vectors that are none") {
        CHECK(reason_of(R"({"vector":[]})") == "'vector' is empty");
        CHECK(reason_of(R"({"vector":[1,"2"]})") ==
              "'vector' holds a string at position 1; expected numbers");
        CHECK(reason_of(R"({"vector":[null]})") ==
              "'vector' holds null at position 0; expected numbers");
        CHECK(reason_of(R"({"vector":[1,[2]]})") ==
              "'vector' holds an array at position 1; expected numbers");
        CHECK(reason_of(R"({"vector":[1,true]})") ==
              "'vector' holds a boolean at position 1; expected numbers");
    }

    TEST_CASE("jsonl: records without content, unknown members, other values") {
        CHECK(reason_of("{}") == "neither 'vector' nor 'text'");
        CHECK(reason_of(R"({"id":1,"metadata":{"a":1}})") == "neither 'vector' nor 'text'");
        CHECK(reason_of(R"({"text":"t","title":"x"})") ==
              "unknown member 'title': it belongs under 'metadata'");
        CHECK(reason_of(R"({"te\u0078ts":"t"})") ==
              "unknown member 'texts': it belongs under 'metadata'");
        CHECK(reason_of("{\"" + std::string(39, 'k') + "éé\":1}") ==
              "unknown member '" + std::string(39, 'k') + "é...': it belongs under 'metadata'");
        CHECK(reason_of("[1,2]") == "expected a JSON object, found an array");
        CHECK(reason_of("17") == "expected a JSON object, found an integer");
        CHECK(reason_of("null") == "expected a JSON object, found null");
    }

    TEST_CASE("jsonl: lines that are no JSON") {
        CHECK(reason_of(R"({"text":"t")") ==
              "not valid JSON at byte 11: unexpected end of input; expected '}'");
        CHECK(reason_of(R"({"text":"t"}})") ==
              "not valid JSON at byte 12: unexpected '}'; expected end of input");
        CHECK(reason_of(R"({"text":"t"} {"a":1})") ==
              "not valid JSON at byte 13: unexpected '{'; expected end of input");
        CHECK(reason_of(R"({"text" "t"})") ==
              "not valid JSON at byte 8: unexpected string literal; expected ':'");
        CHECK(reason_of(R"({"vector":[1 2]})") ==
              "not valid JSON at byte 13: unexpected number literal; expected ']'");
        CHECK(reason_of(R"({"vector":[01]})") ==
              "not valid JSON at byte 12: unexpected number literal; expected ']'");
        CHECK(reason_of(R"({"vector":[1,]})") ==
              "not valid JSON at byte 13: unexpected ']'; expected '[', '{', or a literal");
        CHECK(reason_of(R"({"vector":[NaN]})") == "not valid JSON at byte 11: invalid literal");
        CHECK(
            reason_of(R"({"text":"\ud800"})") ==
            "not valid JSON at byte 15: invalid string: surrogate U+D800..U+DBFF must be followed "
            "by U+DC00..U+DFFF");
        CHECK(reason_of(R"({"text":"\q"})") ==
              "not valid JSON at byte 10: invalid string: forbidden character after backslash");
        CHECK(reason_of("{\"text\":\"a\tb\"}")
                  .starts_with("not valid JSON at byte 10: invalid string"));
        CHECK(reason_of(R"({"text":"":[1}},"text":"t"})") ==
              "not valid JSON at byte 10: unexpected ':'; expected '}'");
        CHECK(reason_of("{\"text\":nul}").starts_with("not valid JSON at byte 11"));
        CHECK(reason_of("{\"text\":\"t\",\"metadata\":{\"a\":tru}}")
                  .starts_with("not valid JSON at byte"));
        CHECK(reason_of("{\"text\":\"t\",\"metadata\":{\"a\":[1}}")
                  .starts_with("not valid JSON at byte"));
        CHECK(reason_of(std::string_view("{\"text\":\"t\"}\0", 13)) ==
              "not valid JSON at byte 12: unexpected NUL byte");
    }

    TEST_CASE("jsonl: ill-formed UTF-8") {
        CHECK(reason_of("{\"text\":\"a\xFFz\"}") == "not valid UTF-8 at byte 10");
        CHECK(reason_of("{\"text\":\"\xC3\"}") == "not valid UTF-8 at byte 9");
        CHECK(reason_of("\xFF\xFE") == "not valid UTF-8 at byte 0");
        // A byte order mark is one at the start of the input only.
        const Dump dump = read_jsonl("{\"text\":\"a\"}\n\xEF\xBB\xBF{\"text\":\"b\"}");
        REQUIRE(dump.rejected.size() == 1);
        CHECK(dump.rejected[0].second == "not valid JSON at byte 0: unexpected byte order mark");
    }

    TEST_CASE("jsonl: metadata nested to the limit and past it") {
        const auto nested = [](std::size_t levels) {
            return "{\"text\":\"t\",\"metadata\":{\"a\":" + std::string(levels - 1, '[') +
                   std::string(levels - 1, ']') + "}}";
        };
        CHECK(only_row(nested(512)).metadata->size() == 2 * 512 + 4);
        CHECK(reason_of(nested(513)).ends_with("nested deeper than 512 levels"));
        CHECK(reason_of(nested(100'000)).ends_with("nested deeper than 512 levels"));
    }

    TEST_CASE("jsonl: metadata numbers that no double holds") {
        CHECK(reason_of(R"({"text":"t","metadata":{"a":1e400}})") ==
              "not valid JSON at byte 28: number '1e400' is out of range");
        CHECK(only_row(R"({"text":"t","metadata":{"a":1e-400}})").metadata == R"({"a":1e-400})");
    }

    TEST_CASE("jsonl: dimensions") {
        const std::string text = "{\"vector\":[1,2]}\n{\"vector\":[1]}\n{\"vector\":[3,4]}\n";
        const Dump free = read_jsonl(text);
        CHECK(free.rows.size() == 2);
        REQUIRE(free.rejected.size() == 1);
        CHECK(free.rejected[0] ==
              std::pair<std::uint64_t, std::string>(2, "vector has 1 values, expected 2"));
        const Dump fixed = read_jsonl(text, {.dimension = 1});
        CHECK(fixed.rows.size() == 1);
        REQUIRE(fixed.rejected.size() == 2);
        CHECK(fixed.rejected[1] ==
              std::pair<std::uint64_t, std::string>(3, "vector has 2 values, expected 1"));
    }

    TEST_CASE("jsonl: a batch ends where rows with and without vectors meet") {
        const Dump dump = read_jsonl(
            "{\"vector\":[1]}\n{\"vector\":[2],\"id\":\"b\"}\n{\"text\":\"t\"}\n{\"vector\":[3]}"
            "\n");
        CHECK(dump.broken == "");
        CHECK(dump.batches == 3);
        REQUIRE(dump.rows.size() == 4);
        CHECK(!dump.rows[0].id);
        CHECK(dump.rows[1].id == "b");
        CHECK(dump.rows[3].line == 4);
    }

    TEST_CASE("jsonl: without a handler the first bad record fails, after the rows before it") {
        const auto source = mapped_source("{\"text\":\"a\"}\n{\"text\":1}\n{\"text\":\"c\"}\n");
        const auto reader = make_reader(Format::kJsonl, *source, {.name = "x.jsonl"});
        REQUIRE(reader);
        RecordBatch batch;
        REQUIRE((*reader)->next(batch, 10).value());
        CHECK(batch.rows == 1);
        for (int again = 0; again < 2; ++again) {
            const auto failed = (*reader)->next(batch, 10);
            REQUIRE(!failed);
            CHECK(batch.rows == 0);
            CHECK(failed.error().code() == Code::kInvalidData);
            CHECK(failed.error().describe() ==
                  "'x.jsonl', line 2: 'text' is an integer; expected a string");
        }
    }

    TEST_CASE("jsonl: a handler's error stops the reader") {
        ReaderOptions options;
        options.on_reject = [](const Rejection&) -> Status { return fail(Code::kLimit, "enough"); };
        const Dump dump = read_jsonl("{\"text\":\"a\"}\nx\n{\"text\":\"b\"}\n", std::move(options));
        CHECK(dump.rows.size() == 1);
        CHECK(dump.code == Code::kLimit);
        CHECK(dump.error == "enough");
    }

    TEST_CASE("jsonl: a source that fails gives the rows before") {
        PipeSource source("{\"text\":\"a\"}\n{\"text\":\"b\"}\n{\"te", 28);
        const Dump dump = read_all(Format::kJsonl, source);
        CHECK(dump.code == Code::kIo);
        CHECK(dump.error == "the pipe broke");
    }

    TEST_CASE("jsonl: sources, batch sizes and threads change nothing") {
        const std::string text = mixed_lines(30'000);  // over several blocks
        REQUIRE(text.size() > (std::size_t{1} << 20));
        const Dump expected = read_jsonl(text);
        CHECK(expected.broken == "");
        CHECK(expected.bytes_read == text.size());
        CHECK(expected.rows.size() == 20'001);
        CHECK(expected.rejected.size() == 6'666);
        for (const unsigned threads : {1U, 2U, 5U}) {
            ThreadPool pool(threads);
            for (const std::size_t max_rows :
                 {std::size_t{1}, std::size_t{777}, std::size_t{100'000}}) {
                PipeSource pipe(text);
                const Dump dump = read_all(Format::kJsonl, pipe, {.pool = &pool}, max_rows);
                CHECK(dump.broken == "");
                CHECK(same_outcome(dump, expected));
            }
        }
        TrickleSource trickle(text);
        CHECK(same_outcome(read_all(Format::kJsonl, trickle), expected));
    }

    TEST_CASE("jsonl: a reader that is dropped early leaves nothing running") {
        const std::string text = mixed_lines(60'000);
        ThreadPool pool(3);
        const auto source = mapped_source(text);
        const auto reader = make_reader(Format::kJsonl, *source, {.pool = &pool});
        RecordBatch batch;
        CHECK((*reader)->next(batch, 1).value());
    }

    TEST_CASE("jsonl: long lines up to the cap are read, longer ones are rejected unread") {
        constexpr std::size_t kCap = std::size_t{64} << 20;
        const std::string frame = R"({"text":""})";
        std::string text = "{\"text\":\"before\"}\n{\"text\":\"";
        text.append(kCap - frame.size(), 'x');
        text += "\"}\n{\"text\":\"";
        text.append(kCap - frame.size() + 1, 'y');
        text += "\"}\n{\"text\":\"after\"}\n";
        PipeSource pipe(text);
        const Dump dump = read_all(Format::kJsonl, pipe);
        REQUIRE(dump.rows.size() == 3);
        CHECK(dump.rows[1].text->size() == kCap - frame.size());
        CHECK(dump.rows[2].text == "after");
        CHECK(dump.rows[2].line == 4);
        REQUIRE(dump.rejected.size() == 1);
        CHECK(dump.rejected[0] ==
              std::pair<std::uint64_t, std::string>(3, "line is longer than 64 MiB"));
        CHECK(dump.bytes_read == text.size());
    }
}
