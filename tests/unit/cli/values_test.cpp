#include <doctest/doctest.h>

#include "cli/suggest.hpp"
#include "cli/values.hpp"

using namespace abikit;
using namespace abikit::cli;

TEST_SUITE("cli") {
    TEST_CASE("integers are whole decimal texts") {
        CHECK(parse_integer("0") == 0);
        CHECK(parse_integer("-5") == -5);
        CHECK(parse_integer("+5") == 5);
        CHECK(parse_integer("9223372036854775807") == INT64_MAX);
        for (const char* text : {"", "+", "-", "+-5", "5 ", " 5", "0x10", "1e3", "1.0",
                                 "9223372036854775808", "1,000", "five"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_integer(text));
        }
    }

    TEST_CASE("numbers are finite and whole texts") {
        CHECK(parse_number("2.5e-3") == 2.5e-3);
        CHECK(parse_number("+.5") == 0.5);
        for (const char* text : {"", "nan", "inf", "-infinity", "1e999", "1,5", "2.5x", "0x1p3"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_number(text));
        }
    }

    TEST_CASE("sizes know binary and decimal units") {
        CHECK(parse_size("0") == 0);
        CHECK(parse_size("4096") == 4096);
        CHECK(parse_size("1k") == 1024);
        CHECK(parse_size("64MiB") == 64U << 20);
        CHECK(parse_size("2 GB") == 2'000'000'000);
        CHECK(parse_size("1.5g") == 3U << 29);
        CHECK(parse_size("16777215T") == 16777215ULL << 40);
        for (const char* text : {"", "k", "-1", "1.2.3k", "5 apples", "16777216T", "1e3", ".",
                                 "1kk", "99999999999999999999"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_size(text));
        }
    }

    TEST_CASE("booleans are words in any case") {
        for (const char* text : {"true", "YES", "on", "1"}) {
            CHECK(parse_bool(text) == true);
        }
        for (const char* text : {"false", "No", "off", "0"}) {
            CHECK(parse_bool(text) == false);
        }
        CHECK_FALSE(parse_bool(""));
        CHECK_FALSE(parse_bool("2"));
    }

    TEST_CASE("a value that does not fit is told with its source and what fits") {
        const OptionSpec count{
            .name = "k", .type = ValueType::kInteger, .minimum = 1, .maximum = 100};
        CHECK(check_value(count, "100", "option '-k'"));
        const auto bad = check_value(count, "0", "option '-k'");
        REQUIRE_FALSE(bad);
        CHECK(bad.error().code() == Code::kInvalidArgument);
        CHECK(bad.error().message() ==
              "bad value '0' for option '-k': expected an integer from 1 to 100");
        CHECK(check_value(count, "", "option '-k'").error().message() == "option '-k' is empty");

        const OptionSpec choice{
            .name = "m", .type = ValueType::kChoice, .choices = {"l2", "cosine", "dot"}};
        const auto near = check_value(choice, "cosin", "variable 'M'");
        REQUIRE_FALSE(near);
        CHECK(near.error().hint() == "did you mean 'cosine'?");
        CHECK(check_value(choice, "xyz", "variable 'M'").error().message() ==
              "bad value 'xyz' for variable 'M': expected one of l2, cosine, dot");
    }

    TEST_CASE("edit distance counts swaps as one") {
        CHECK(edit_distance("", "") == 0);
        CHECK(edit_distance("abc", "") == 3);
        CHECK(edit_distance("query", "qurey") == 1);
        CHECK(edit_distance("import", "export") == 2);
        CHECK(edit_distance("Query", "query") == 0);
        CHECK(edit_distance("kitten", "sitting") == 3);
    }

    TEST_CASE("suggestions are near or absent") {
        const std::vector<std::string> words{"init", "import", "query", "version", "--format"};
        CHECK(nearest("verison", words) == "version");
        CHECK(nearest("ver", words) == "version");
        CHECK(nearest("qury", words) == "query");
        CHECK(nearest("--fromat", words) == "--format");
        CHECK(nearest("frobnicate", words).empty());
        CHECK(nearest("x", words).empty());
        CHECK(nearest("", words).empty());
        CHECK(nearest(std::string(1'000'000, 'a'), words).empty());
    }
}
