#include <doctest/doctest.h>

#include <abi/core/version.h>

#include <limits>

#include "support.hpp"

using namespace abikit;
using namespace abikit::report;

TEST_SUITE("report") {
    TEST_CASE("json puts schema and version first and keeps the order of the body") {
        const auto parsed = data::parse_json(rendered("json", hits_report()));
        REQUIRE(parsed);
        const auto& members = parsed->as_object();
        REQUIRE(members.size() == 5);
        CHECK(members[0] == data::Member("schema", "abi.test/1"));
        CHECK(members[1] == data::Member("abi", ABI_VERSION));
        CHECK(members[2].first == "took_us");
        CHECK(members[4].first == "hits");
    }

    TEST_CASE("json is pretty, ends with a line feed, and has no colour") {
        const std::string text = rendered("json", hits_report(), {.colour = true, .width = 10});
        CHECK(text.starts_with("{\n"));
        CHECK(text.ends_with("}\n"));
        CHECK(text.find('\x1b') == std::string::npos);
        CHECK(text == rendered("json", hits_report()));
    }

    TEST_CASE("non-finite numbers are null in json and empty in csv") {
        Report report{.schema = "abi.test/1"};
        report.body = object({{"a", std::numeric_limits<double>::quiet_NaN()},
                              {"b", std::numeric_limits<double>::infinity()},
                              {"c", 1}});
        const auto parsed = data::parse_json(rendered("json", report));
        REQUIRE(parsed);
        CHECK(parsed->find("a")->is_null());
        CHECK(parsed->find("b")->is_null());
        CHECK(rendered("csv", report) == "a,b,c\r\n,,1\r\n");
    }

    TEST_CASE("json lines are the rows, or the document when there are none") {
        CHECK(rendered("jsonl", hits_report()) ==
              "{\"id\":\"a\",\"distance\":0.25}\n{\"id\":\"b|c\",\"distance\":1e+09}\n");
        Report report{.schema = "abi.test/1"};
        report.body = object({{"n", 1}});
        CHECK(rendered("jsonl", report) == "{\"schema\":\"abi.test/1\",\"abi\":\"" ABI_VERSION
                                           "\",\"n\":1}\n");
        report.rows_path = "missing";
        CHECK(rendered("jsonl", report).starts_with("{\"schema\""));
    }

    TEST_CASE("an empty table has no json lines") {
        Report report{.schema = "abi.test/1"};
        report.body = object({{"rows", array({})}});
        report.rows_path = "rows";
        CHECK(rendered("jsonl", report).empty());
    }

    TEST_CASE("flat rows go before the rows of the body and the view is for people alone") {
        Report report = hits_report();
        report.flat_rows = data::Array{object({{"query", 0}, {"id", "a"}})};
        report.view = object({{"name", "shown instead"}});
        CHECK(rendered("jsonl", report) == "{\"query\":0,\"id\":\"a\"}\n");
        CHECK(rendered("csv", report) == "query,id\r\n0,a\r\n");
        CHECK(rendered("console", report).find("shown instead") != std::string::npos);
        CHECK(rendered("json", report).find("shown instead") == std::string::npos);
    }

    TEST_CASE("the formats are found by name and console is the default") {
        CHECK(formats().front().name == "console");
        for (const Format& format : formats()) {
            CHECK(find_format(format.name) == &format);
            CHECK(format.json == format.name.starts_with("json"));
        }
        CHECK(find_format("yaml") == nullptr);
        CHECK(find_format("") == nullptr);
    }
}
