// CSV: RFC 4180 and what goes beyond it, columns, typed metadata, every rejection's words.
#include <doctest/doctest.h>

#include <cmath>

#include <fmt/format.h>

#include "csv_columns.hpp"
#include "record_dump.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

using Bad = std::pair<std::uint64_t, std::string>;

Dump read_csv(std::string_view text, ReaderOptions options = {}, std::size_t max_rows = 1000) {
    options.name = "x.csv";
    const Dump mapped = read_text(Format::kCsv, text, options, max_rows);
    TrickleSource trickle(text);
    CHECK(mapped.broken == "");
    CHECK(same_outcome(mapped, read_all(Format::kCsv, trickle, options, max_rows)));
    return mapped;
}

DumpRow only_row(std::string_view text, ReaderOptions options = {}) {
    const Dump dump = read_csv(text, std::move(options));
    CHECK(dump.error == "");
    if (!dump.rejected.empty()) {
        FAIL(dump.rejected[0].second);
    }
    REQUIRE(dump.rows.size() == 1);
    return dump.rows[0];
}

std::string reason_of(std::string_view text, ReaderOptions options = {}) {
    const Dump dump = read_csv(text, std::move(options));
    CHECK(dump.rows.empty());
    REQUIRE(dump.rejected.size() == 1);
    CHECK(dump.rejected[0].first == 2);
    return dump.rejected[0].second;
}

ReaderOptions with_vector(std::vector<std::string> columns) {
    ReaderOptions options;
    options.vector_columns = std::move(columns);
    return options;
}

}  // namespace

TEST_SUITE("data") {
    TEST_CASE("csv: a full record") {
        const DumpRow row = only_row(
            "id,text,v0,v1,lang,n\n"
            "a1,\"said \"\"hi\"\",\nthen left\", 0.5 ,-1e2,en,12\n");
        CHECK(row.line == 2);
        CHECK(row.id == "a1");
        CHECK(row.text == "said \"hi\",\nthen left");
        CHECK(floats_of(row) == std::vector<float>{0.5F, -100.0F});
        CHECK(row.metadata == R"({"lang":"en","n":12})");
    }

    TEST_CASE("csv: line ends, blank lines, byte order mark, missing last line end") {
        for (const std::string end : {"\n", "\r\n", "\r"}) {
            const Dump dump =
                read_csv("\xEF\xBB\xBFid,text" + end + end + "a,x" + end + end + "b,y");
            CAPTURE(end.size());
            REQUIRE(dump.rows.size() == 2);
            CHECK(dump.rejected.empty());
            CHECK(dump.rows[0].id == "a");
            CHECK(dump.rows[0].line == 3);
            CHECK(dump.rows[1].text == "y");
            CHECK(dump.rows[1].line == 5);
        }
        CHECK(read_csv("id,text\n").rows.empty());
        CHECK(only_row("text\n\"a\r\nb\"\r\n").text == "a\r\nb");
    }

    TEST_CASE("csv: line numbers count the lines inside quotes") {
        const Dump dump = read_csv("text,n\n\"a\nb\nc\",1\nshort\nd,2\n");
        REQUIRE(dump.rows.size() == 2);
        CHECK(dump.rows[1].line == 6);
        CHECK(dump.rejected == std::vector<Bad>{{5, "record has 1 fields, the header has 2"}});
    }

    TEST_CASE("csv: quotes") {
        CHECK(only_row("text,n\n5\" disk,1\n").text == "5\" disk");
        CHECK(only_row("text,n\n\"\"\"\",1\n").text == "\"");
        CHECK(only_row("text,n\n\"\",1\n").text == "");
        CHECK(only_row("\"te\"\"xt\",text\n1,x\n").metadata == "{\"te\\\"xt\":1}");
        const Dump behind = read_csv("text,n\n\"a\"b,\"1\n2,3\nc,4\n");
        CHECK(behind.rejected == std::vector<Bad>{{2, "text behind the closing quote of field 1"}});
        CHECK(behind.rows.size() == 2);
        const Dump open = read_csv("text,n\na,1\nb,\"2\nc,3\n");
        CHECK(open.rows.size() == 1);
        CHECK(open.rejected ==
              std::vector<Bad>{{3, "the quote that opens in line 3 is never closed"}});
    }

    TEST_CASE("csv: an open quote swallows no more than the cap") {
        constexpr std::size_t kCap = std::size_t{64} << 20;
        std::string text = "text,n\nbefore,1\n\"open,2\n";
        const std::size_t lines = kCap / 64 + 1000;
        for (std::size_t i = 0; i < lines; ++i) {
            text += fmt::format("{:60},{:02}\n", i, i % 100);
        }
        PipeSource pipe(text);
        const Dump dump = read_all(Format::kCsv, pipe);
        REQUIRE(dump.rejected.size() == 1);
        CHECK(dump.rejected[0] ==
              Bad{3, "record is longer than 64 MiB; the quote that opens in line 3 is not closed"});
        REQUIRE(dump.rows.size() > 1);
        CHECK(dump.rows.size() < 2000);
        CHECK(same_outcome(read_text(Format::kCsv, text), dump));
        CHECK(dump.rows[0].text == "before");
        CHECK(dump.rows.back().line == lines + 3);
        CHECK(dump.rows.back().metadata == fmt::format("{{\"n\":{}}}", (lines - 1) % 100));
    }

    TEST_CASE("csv: an overlong plain record is rejected") {
        std::string text = "text,n\n";
        text.append((std::size_t{64} << 20) + 1, 'x');
        text += ",1\nafter,2\n";
        PipeSource pipe(text);
        const Dump dump = read_all(Format::kCsv, pipe);
        CHECK(dump.rejected == std::vector<Bad>{{2, "record is longer than 64 MiB"}});
        REQUIRE(dump.rows.size() == 1);
        CHECK(dump.rows[0].line == 3);
    }

    TEST_CASE("csv: separators") {
        ReaderOptions options;
        options.separator = '\t';
        CHECK(only_row("id\ttext\na,b\tc d\n", options).id == "a,b");
        options.separator = ';';
        CHECK(only_row("id;text\na;\"b;c\"\n", options).text == "b;c");
        for (const char separator : {'"', '\n', '\r'}) {
            options.separator = separator;
            const Dump dump = read_csv("a", options);
            CHECK(dump.code == Code::kInvalidArgument);
            CHECK(dump.error == "a quote or line end cannot separate CSV fields");
        }
    }

    TEST_CASE("csv: metadata is typed") {
        const auto metadata = [](std::string_view cell) {
            return only_row(fmt::format("text,m\nt,{}\n", cell)).metadata.value_or("absent");
        };
        CHECK(metadata("12") == R"({"m":12})");
        CHECK(metadata(" -1.50e3 ") == R"({"m":-1.50e3})");
        CHECK(metadata("true") == R"({"m":true})");
        CHECK(metadata("false") == R"({"m":false})");
        CHECK(metadata("null") == R"({"m":null})");
        CHECK(metadata("007") == R"({"m":"007"})");
        CHECK(metadata("+5") == R"({"m":"+5"})");
        CHECK(metadata(".5") == R"({"m":".5"})");
        CHECK(metadata("nan") == R"({"m":"nan"})");
        CHECK(metadata("1e999") == R"({"m":"1e999"})");
        CHECK(metadata("True") == R"({"m":"True"})");
        CHECK(metadata(" a ") == R"({"m":" a "})");
        CHECK(metadata("\"12\"") == R"({"m":12})");
        CHECK(metadata("") == "absent");
        CHECK(metadata("\"\"") == "absent");
        CHECK(metadata("\"a\"\"b\\\"") == R"({"m":"a\"b\\"})");
    }

    TEST_CASE("csv: a metadata column may hold an object") {
        CHECK(only_row("text,metadata\nt,\"{\"\"a\"\": 1.50}\"\n").metadata == R"({"a":1.50})");
        CHECK(only_row("text,metadata\nt,plain\n").metadata == R"({"metadata":"plain"})");
        CHECK(!only_row("text,metadata\nt,\n").metadata);
        CHECK(only_row("text,a,metadata,b\nt,2,\"{\"\"a\"\":1,\"\"c\"\":[1]}\",x\n").metadata ==
              R"({"a":2,"c":[1],"b":"x"})");
        CHECK(reason_of("text,metadata\nt,{a}\n") ==
              "column 'metadata': not valid JSON at byte 1: invalid literal; expected string "
              "literal");
    }

    TEST_CASE("csv: vector columns by their usual names") {
        const auto vector = [](std::string_view text) { return floats_of(only_row(text)); };
        CHECK(vector("v0,v1,v2\n1,2,3\n") == std::vector<float>{1, 2, 3});
        CHECK(vector("v0,v1,v10,v2\n1,2,4,3\n") == std::vector<float>{1, 2, 3, 4});
        CHECK(vector("vector_1,x,vector_0\n2,9,1\n") == std::vector<float>{1, 2});
        CHECK(vector("vector[0],vector[1]\n1,2\n") == std::vector<float>{1, 2});
        CHECK(vector("vector.0,vector.1\n1,2\n") == std::vector<float>{1, 2});
        CHECK(vector("vector0,vector1,value,version\n1,2,3,4\n") == std::vector<float>{1, 2});
        CHECK(vector("vector\n\"[1, -2.5e0 ,3]\"\n") == std::vector<float>{1, -2.5F, 3});
        const DumpRow row = only_row("vector,vector_model,v0\n[1],bert,7\n");
        CHECK(floats_of(row) == std::vector<float>{1});
        CHECK(row.metadata == R"({"vector_model":"bert","v0":7})");
        CHECK(vector(" v0 , v1\n+1,2\n") == std::vector<float>{1, 2});
    }

    TEST_CASE("csv: columns by given names") {
        ReaderOptions options = with_vector({"y", "x"});
        options.id_column = "key";
        options.text_column = "body";
        const DumpRow row = only_row("x,y,key,body,id,text\n1,2,k,b,i,t\n", options);
        CHECK(row.id == "k");
        CHECK(row.text == "b");
        CHECK(floats_of(row) == std::vector<float>{2, 1});
        CHECK(row.metadata == R"({"id":"i","text":"t"})");
        CHECK(floats_of(only_row("e2,e0,e1\n3,1,2\n", with_vector({"e0..e2"}))) ==
              std::vector<float>{1, 2, 3});
        CHECK(floats_of(only_row("a,e0..e2\n3,1\n", with_vector({"e0..e2", "a"}))) ==
              std::vector<float>{1, 3});
        CHECK(floats_of(only_row("emb\n\"[1,2]\"\n", with_vector({"emb"}))) ==
              std::vector<float>{1, 2});
        CHECK(floats_of(only_row("emb\n7\n", with_vector({"emb"}))) == std::vector<float>{7});
    }

    TEST_CASE("csv: columns that are missing or named badly") {
        ReaderOptions options;
        options.text_column = "body";
        const Dump missing = read_csv("a,b\n1,2\n", options);
        CHECK(missing.code == Code::kInvalidArgument);
        CHECK(missing.error == "'x.csv' has no column 'body'");
        CHECK(missing.hint == "its columns are 'a', 'b'");
        CHECK(read_csv("e0,e1\n", with_vector({"e0..e2"})).error == "'x.csv' has no column 'e2'");
        CHECK(read_csv("e0,e1\n", with_vector({"e0", "e0"})).error ==
              "vector column 'e0' is named twice");
        for (const auto* range :
             {"e2..e0", "e0..f2", "e..f", "e0..e1000000", "..", "0..99999999999999999999"}) {
            const auto names = expand_column_range(range);
            REQUIRE(!names);
            CHECK(names.error().code() == Code::kInvalidArgument);
            CHECK(names.error().message() == fmt::format("'{}' is no range of columns", range));
        }
        CHECK(expand_column_range("v8..v11").value() ==
              std::vector<std::string>{"v8", "v9", "v10", "v11"});
        CHECK(expand_column_range("plain").value() == std::vector<std::string>{"plain"});
    }

    TEST_CASE("csv: headers that cannot be used") {
        const auto error = [](std::string_view text, Code code) {
            const Dump dump = read_csv(text);
            CHECK(dump.code == code);
            return dump.error;
        };
        CHECK(error("", Code::kCorrupt) ==
              "'x.csv' is empty: the line that names the columns is missing");
        CHECK(error("\n\r\n", Code::kCorrupt).ends_with("is missing"));
        CHECK(error("a,text,a\n", Code::kCorrupt) == "'x.csv' has two columns named 'a'");
        CHECK(error("a,\"b\n", Code::kCorrupt) ==
              "'x.csv', line 1: the quote that opens in line 1 is never closed");
        CHECK(error("a,\xFF\n", Code::kCorrupt) == "'x.csv' has a header that is not text");
        CHECK(error(std::string_view("\x7F\x45LF\0\0", 6), Code::kCorrupt) ==
              "'x.csv' has a header that is not text");
        const Dump neither = read_csv("a,b\n1,2\n");
        CHECK(neither.code == Code::kInvalidArgument);
        CHECK(neither.error == "'x.csv' has neither vector nor text columns");
        CHECK(neither.hint == "its columns are 'a', 'b'; say which are to be taken");
        CHECK(read_csv("0.5,1.5\n1,2\n").hint == "its first line must name the columns");
        std::string many = "c0";
        for (int i = 1; i < 30; ++i) {
            many += fmt::format(",c{}", i);
        }
        CHECK(read_csv(many).hint.ends_with("'c19' and 10 more; say which are to be taken"));
        CHECK(only_row(",text\n7,t\n").metadata == R"({"column1":7})");
    }

    TEST_CASE("csv: dimensions") {
        const Dump whole = read_csv("v0,v1\n1,2\n", {.dimension = 3});
        CHECK(whole.code == Code::kIncompatible);
        CHECK(whole.error == "'x.csv' has vectors of 2 values, expected 3");
        const Dump rows = read_csv("vector\n\"[1,2]\"\n[3]\n\"[4,5]\"\n");
        CHECK(rows.rows.size() == 2);
        CHECK(rows.rejected == std::vector<Bad>{{3, "vector has 1 values, expected 2"}});
        CHECK(read_csv("vector\n\"[1,2]\"\n[3]\n", {.dimension = 1}).rejected ==
              std::vector<Bad>{{2, "vector has 2 values, expected 1"}});
    }

    TEST_CASE("csv: vectors that are none") {
        CHECK(reason_of("v0,v1\n1,x\n") == "column 'v1': 'x' is not a number");
        CHECK(reason_of("v0,v1\n1,\n") == "column 'v1' is empty");
        CHECK(reason_of("v0,v1\n1,1e39\n") == "column 'v1': value out of float32 range");
        CHECK(reason_of("v0,v1\n1,+-2\n") == "column 'v1': '+-2' is not a number");
        CHECK(reason_of("vector\nabc\n") ==
              "column 'vector': 'abc' is not a number nor a JSON array of numbers");
        for (const auto* cell : {"[]", "[1", "[1,]", "[,1]", "[01]", "[nan]", "[[1]]", "[1]]"}) {
            CAPTURE(cell);
            CHECK(reason_of(fmt::format("vector\n\"{}\"\n", cell)) ==
                  fmt::format("column 'vector': '{}' is not a JSON array of numbers", cell));
        }
        CHECK(reason_of("vector\n\"[1,1e39]\"\n") == "column 'vector': value out of float32 range");
        CHECK(reason_of("v0,v1\n1," + std::string(60, 'y') + "\n") ==
              "column 'v1': '" + std::string(40, 'y') + "...' is not a number");
        CHECK(reason_of("v0,v1\n1,a\tb\xFFé\"\n") ==
              "column 'v1': 'a\xEF\xBF\xBD"
              "b\xEF\xBF\xBDé\"' is not a number");
        const auto values = floats_of(only_row("v0,v1,v2\nnan,inf,-inf\n"));
        CHECK(std::isnan(values[0]));
        CHECK(std::isinf(values[1]));
        CHECK(values[2] < 0);
    }

    TEST_CASE("csv: records without content, ragged records, ill-formed text") {
        CHECK(reason_of("id,text\na,\n") == "neither vector nor text");
        CHECK(reason_of("id,v0,v1\na,,\n") == "neither vector nor text");
        CHECK(reason_of("id,text\na,b,c\n") == "record has 3 fields, the header has 2");
        CHECK(reason_of("id,text\na,\xFF\n") == "column 'text' is not valid UTF-8");
        CHECK(reason_of("id,text\n\xC3,\xA9\n") == "column 'id' is not valid UTF-8");
        CHECK(reason_of("m,text\n\xC3,t\n") == "column 'm' is not valid UTF-8");
    }

    TEST_CASE("csv: a batch ends where rows with and without vectors meet") {
        const Dump dump = read_csv("text,v0\na,1\nb,\nc,\nd,2\n");
        CHECK(dump.batches == 3);
        REQUIRE(dump.rows.size() == 4);
        CHECK(dump.rows[1].vector.empty());
        CHECK(floats_of(dump.rows[3]) == std::vector<float>{2});
    }

    TEST_CASE("csv: without a handler the first bad record fails") {
        const auto source = mapped_source("text,n\na,1\nb\n");
        const auto reader = make_reader(Format::kCsv, *source, {.name = "x.csv"});
        RecordBatch batch;
        REQUIRE((*reader)->next(batch, 10).value());
        const auto failed = (*reader)->next(batch, 10);
        REQUIRE(!failed);
        CHECK(failed.error().describe() ==
              "'x.csv', line 3: record has 1 fields, the header has 2");
    }

    TEST_CASE("csv: batch sizes change nothing") {
        std::string text = "id,text,v0,v1,m\n";
        for (int i = 0; i < 3000; ++i) {
            text += i % 7 == 3   ? "ragged\n"
                    : i % 5 == 1 ? fmt::format("{},\"text\n\"\"{}\"\"\",,,\r\n", i, i)
                                 : fmt::format("{},t {},{}.25,-{},x{}\n", i, i, i, i, i);
        }
        const Dump expected = read_csv(text);
        CHECK(expected.rows.size() + expected.rejected.size() == 3000);
        CHECK(same_outcome(read_csv(text, {}, 1), expected));
        CHECK(same_outcome(read_csv(text, {}, 13), expected));
    }
}
