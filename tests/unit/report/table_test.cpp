#include <doctest/doctest.h>

#include "report/lookup.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::report;

TEST_SUITE("report") {
    TEST_CASE("dotted paths walk members and positions") {
        const data::Value root = object(
            {{"a", object({{"b", array({1, object({{"c", "deep"}})})}})}, {"x.y", "dotted"}});
        CHECK(lookup(root, "")->is_object());
        CHECK(*lookup(root, "a.b.0") == data::Value(1));
        CHECK(*lookup(root, "a.b.1.c") == data::Value("deep"));
        CHECK(*lookup(root, "x.y") == data::Value("dotted"));
        for (const char* path : {"a.b.2", "a.b.-1", "a.b.0x", "a.c", "x", ".", "a..b", "a.b.0.c"}) {
            CAPTURE(path);
            CHECK(lookup(root, path) == nullptr);
        }
    }

    TEST_CASE("csv quotes what RFC 4180 wants quoted") {
        Report report;
        report.body = object(
            {{"rows",
              array({object({{"text", "plain"}, {"n", 1}}), object({{"text", "a,b"}, {"n", 2.5}}),
                     object({{"text", "say \"hi\""}, {"n", true}}),
                     object({{"text", "two\nlines"}}), object({{"n", data::Value()}})})}});
        report.rows_path = "rows";
        CHECK(rendered("csv", report) ==
              "text,n\r\nplain,1\r\n\"a,b\",2.5\r\n\"say \"\"hi\"\"\",true\r\n\"two\nlines\",\r\n,"
              "\r\n");
    }

    TEST_CASE("csv takes columns from dotted keys and prints nested values as json") {
        Report report;
        report.body = object(
            {{"rows", array({object({{"m", object({{"path", "a.md"}})}, {"v", array({1, 2})}})})}});
        report.rows_path = "rows";
        report.columns = {{.key = "m.path"}, {.key = "v"}};
        CHECK(rendered("csv", report) == "m.path,v\r\na.md,\"[1,2]\"\r\n");
    }

    TEST_CASE("csv without rows writes the body as the one row, and nothing for nothing") {
        Report report;
        report.body = object({{"a", "x"}, {"nested", object({{"b", 1}})}, {"c", 3}});
        CHECK(rendered("csv", report) == "a,c\r\nx,3\r\n");
        CHECK(rendered("csv", Report{}).empty());
    }

    TEST_CASE("markdown escapes what would be markup") {
        const std::string text = rendered("markdown", hits_report());
        CHECK(text ==
              "| | |\n| --- | --- |\n| took | 1.50 ms |\n| name | notes |\n\n**hits**\n\n"
              "| id | distance |\n| --- | ---: |\n| a | 0.25 |\n| b\\|c | 1e+09 |\n");
        Report report;
        report.body = object({{"t", "*x* _y_ snake_case [l](u) <b> `c` \\\nnext"}});
        report.blocks = {{.kind = Block::Kind::kFields, .fields = {{"t", "text"}}}};
        CHECK(rendered("markdown", report)
                  .find("\\*x\\* \\_y\\_ snake_case \\[l\\](u) \\<b> \\`c\\` \\\\ next |") !=
              std::string::npos);
    }

    TEST_CASE("a report without blocks shows its scalars and its tables") {
        Report report = hits_report();
        report.blocks.clear();
        const std::string text = rendered("console", report);
        CHECK(text.find("took us  1500\n") != std::string::npos);
        CHECK(text.find("hits\nid ") != std::string::npos);
    }
}
