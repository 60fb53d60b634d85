// The filter language: what is read, what is refused and where, and what conditions mean.
#include <algorithm>
#include <cmath>
#include <limits>

#include <abi/data/value.hpp>
#include <abi/storage/bulk.hpp>
#include <abi/storage/filter.hpp>

#include "../../../src/storage/filter/number.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

// Rows "0", "1", ... with these metadata; "" is none.
struct Documents {
    MemoryStore store;
    std::optional<Database> database;

    explicit Documents(const std::vector<std::string>& metadata) {
        database = store.create();
        std::vector<Row> rows;
        for (std::size_t i = 0; i < metadata.size(); ++i) {
            rows.push_back({std::to_string(i),
                            {static_cast<float>(i), 0.0F},
                            {},
                            metadata[i].empty() ? std::nullopt : std::optional(metadata[i])});
        }
        if (!rows.empty()) {
            must(commit(*database, rows));
        }
    }
    RowSet match(const std::string& filter) {
        return must(database->snapshot().match(store.context, must(Filter::parse(filter))));
    }
    // The ids that match, joined.
    std::string ids(const std::string& filter) {
        const Snapshot snapshot = database->snapshot();
        const RowSet rows = must(snapshot.match(store.context, must(Filter::parse(filter))));
        std::string out;
        for (auto row = rows.next(0); row; row = rows.next(*row + 1)) {
            out += must(snapshot.read_id(*row));
        }
        return out;
    }
    Error refused(const std::string& filter) {
        return error_of(database->snapshot().match(store.context, must(Filter::parse(filter))));
    }
};

std::string canonical(const std::string& text) {
    return must(Filter::parse(text)).to_string();
}

void check_place(const std::string& text, std::size_t at, std::string_view message) {
    CAPTURE(text);
    const Error error = error_of(Filter::parse(text));
    CAPTURE(error.message());
    CHECK(error.code() == Code::kInvalidArgument);
    CHECK(error.excerpt() == text);
    CHECK(error.excerpt_at() == at);
    CHECK(error.message().find(message) != std::string::npos);
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("filters have one fixed spelling") {
        CHECK(canonical("lang='en' and year>=2020 AND tags contains \"db\"") ==
              "lang = \"en\" AND year >= 2020 AND tags CONTAINS \"db\"");
        CHECK(canonical("a = 1 OR b = 2 AND NOT c = 3") == "a = 1 OR b = 2 AND c != 3");
        CHECK(canonical("(a = 1 OR b = 2) AND c <> 3") == "(a = 1 OR b = 2) AND c != 3");
        CHECK(canonical("NOT (a = 1 OR b > 2)") == "a != 1 AND NOT b > 2");
        CHECK(canonical("NOT NOT ((a == 1))") == "a = 1");
        CHECK(canonical("a IN (3, 1, 1.0, 2)") == "a IN (1, 2, 3)");
        CHECK(canonical("a NOT IN ('y','x')") == "a NOT IN (\"x\", \"y\")");
        CHECK(canonical("a BETWEEN 1 AND 2.5 AND b IS NOT NULL") ==
              "a BETWEEN 1 AND 2.5 AND b IS NOT NULL");
        CHECK(canonical(R"(a starts with 'it\'s \u00e9\n')") == R"(a STARTS WITH "it's é\n")");
        CHECK(canonical("a.b.`c d`.`in` = true") == "a.b.`c d`.`in` = true");
        CHECK(canonical("home WITHIN box(-1, 170, 1.5, -170)") ==
              "home WITHIN BOX(-1.0, 170.0, 1.5, -170.0)");
        CHECK(canonical("x = 18446744073709551615") == "x = 18446744073709551615");
        CHECK(canonical("id = '5' OR `id` = 5") == "id = \"5\" OR `id` = 5");
        for (const char* const text : {"a = 1 AND (b = 2 OR NOT c IN (1, 2)) OR d IS NULL"}) {
            CHECK(canonical(canonical(text)) == canonical(text));
        }
    }

    TEST_CASE("a mistake in a filter is told with its place") {
        check_place("", 0, "it is empty");
        check_place("lang = AND year > 1", 7,
                    "a value was expected after '=', but 'AND' was found");
        check_place("lang", 4, "a comparison was expected after 'lang', but nothing follows");
        check_place("lang = en", 7, "a value was expected after '=', but 'en' was found");
        check_place("(a = 1", 6, "')' was expected");
        check_place("a = 1)", 5, "no parenthesis is open");
        check_place("a = 1 b = 2", 6, "AND, OR or the end was expected");
        check_place("a = \"x", 4, "never closed");
        check_place("a = '\\q'", 4, "escape");
        check_place("a = 2020-01-01", 4, "'2020-01-01' is no number");
        check_place("a = 1e999", 4, "out of the range");
        check_place("a & 1", 2, "'&' means nothing here");
        check_place("a IN ()", 6, "a value was expected");
        check_place("a IN (1, 'x')", 9, "a string stands beside a number");
        check_place("a BETWEEN 1 AND 'x'", 16, "a string stands beside a number");
        check_place("a < true", 4, "has no order");
        check_place("a = NULL", 4, "nothing compares with NULL");
        check_place("a STARTS WITH 5", 14, "a string was expected");
        check_place("a NOT = 5", 6, "was expected after 'a NOT'");
        check_place("id = 5", 5, "'id' is the row's own id");
        check_place("id CONTAINS 'x'", 12, "'id' is the row's own id");
        check_place("IN = 5", 0, "a field was expected");
        check_place("a. = 5", 3, "a field was expected");
        check_place("h WITHIN BOX(0, 0, 91, 0)", 19, "it goes from -90 to 90 degrees");
        check_place("h WITHIN BOX(2, 0, 1, 0)", 19, "south of its first");
        // Places are told in characters, the excerpt's in bytes.
        const Error umlaut = error_of(Filter::parse("\xC3\xA4 = ?"));
        CHECK(umlaut.excerpt_at() == 5);
        CHECK(umlaut.message().find("character 5") != std::string::npos);
    }

    TEST_CASE("filters have limits") {
        std::string deep(kMaxFilterDepth + 1, '(');
        CHECK(error_of(Filter::parse(deep)).message().find("nested deeper") != std::string::npos);
        std::string nots;
        for (std::size_t i = 0; i <= kMaxFilterDepth; ++i) {
            nots += "NOT ";
        }
        CHECK(error_of(Filter::parse(nots + "a = 1")).message().find("nested deeper") !=
              std::string::npos);
        CHECK(code_of(Filter::parse(std::string(kMaxFilterBytes + 1, ' '))) ==
              Code::kInvalidArgument);
        CHECK(code_of(Filter::parse("a = '\xFF'")) == Code::kInvalidArgument);
        std::string fields = "f0 = 1", conditions = "a = 1";
        for (std::size_t i = 1; i <= kMaxFilterFields; ++i) {
            fields += " OR f" + std::to_string(i) + " = 1";
        }
        CHECK(error_of(Filter::parse(fields)).message().find("fields") != std::string::npos);
        for (std::size_t i = 0; i < 20'000; ++i) {  // a long chain is no deep one
            conditions += " AND a = 1";
        }
        CHECK(Filter::parse(conditions).has_value());
    }

    TEST_CASE("conditions are true, false or unknown") {
        Documents documents(
            {R"({"lang":"en","year":2020,"ok":true})", R"({"lang":"de","year":2021.5,"ok":false})",
             R"({"lang":null,"year":"old"})", "", R"({"lang":"english","year":-3})"});
        CHECK(documents.ids("lang = 'en'") == "0");
        CHECK(documents.ids("lang != 'en'") == "14");
        CHECK(documents.ids("NOT lang = 'en'") == "14");
        CHECK(documents.ids("lang IN ('de', 'en')") == "01");
        CHECK(documents.ids("lang NOT IN ('de', 'en')") == "4");
        CHECK(documents.ids("lang STARTS WITH 'en'") == "04");
        CHECK(documents.ids("lang NOT STARTS WITH 'en'") == "1");
        CHECK(documents.ids("lang > 'de'") == "04");
        CHECK(documents.ids("lang IS NULL") == "23");
        CHECK(documents.ids("lang IS NOT NULL") == "014");
        CHECK(documents.ids("year >= 2020") == "01");
        CHECK(documents.ids("NOT year >= 2020") == "4");
        CHECK(documents.ids("year = 'old'") == "2");
        CHECK(documents.ids("year BETWEEN -3 AND 2020") == "04");
        CHECK(documents.ids("year NOT BETWEEN -3 AND 2020") == "1");
        CHECK(documents.ids("ok = true OR lang IS NULL") == "023");
        CHECK(documents.ids("NOT (ok = true OR year > 2020)") == "");
        CHECK(documents.ids("NOT (ok = true AND year > 2020)") == "014");
        CHECK(documents.ids("id IN ('1', '3', '9')") == "13");
        CHECK(documents.ids("id >= '3'") == "34");
        CHECK(documents.ids("nothing IS NULL") == "01234");
    }

    TEST_CASE("nested fields, arrays and places") {
        Documents documents(
            {R"({"a":{"b":1},"tags":["db","x"],"home":{"lat":52.5,"lon":13.4}})",
             R"({"a":{"b":2},"tags":[1,2.0,true],"home":{"lat":-17.7,"lon":178.0}})",
             R"({"a":5,"a.b":1,"tags":[],"home":{"lat":-17.7,"lon":-179.5}})",
             R"({"a":{"b":{"c":1}},"tags":"db","home":{"lat":1}})"});
        CHECK(documents.ids("a.b = 1") == "0");
        CHECK(documents.ids("`a.b` = 1") == "2");
        CHECK(documents.ids("a.b IS NULL") == "2");
        CHECK(documents.ids("a.b.c = 1") == "3");
        CHECK(documents.ids("tags CONTAINS 'db'") == "0");
        CHECK(documents.ids("tags NOT CONTAINS 'db'") == "12");
        CHECK(documents.ids("tags CONTAINS 2") == "1");
        CHECK(documents.ids("tags CONTAINS true") == "1");
        CHECK(documents.ids("tags = 'db'") == "3");
        CHECK(documents.ids("home WITHIN BOX(50, 10, 55, 15)") == "0");
        CHECK(documents.ids("home WITHIN BOX(-20, 177, -10, -179)") == "12");
        CHECK(documents.ids("home NOT WITHIN BOX(50, 10, 55, 15)") == "12");
    }

    TEST_CASE("numbers compare exactly whatever their form") {
        Documents documents({R"({"n":9007199254740993})", R"({"n":9007199254740992.0})",
                             R"({"n":18446744073709551615})", R"({"n":-9223372036854775808})",
                             R"({"n":0.1})", R"({"n":1e300})"});
        CHECK(documents.ids("n = 9007199254740993") == "0");
        CHECK(documents.ids("n = 9007199254740992") == "1");
        CHECK(documents.ids("n > 9007199254740992.0") == "025");
        CHECK(documents.ids("n >= 18446744073709551615") == "25");
        CHECK(documents.ids("n > 18446744073709551615") == "5");
        CHECK(documents.ids("n <= -9223372036854775808.0") == "3");
        CHECK(documents.ids("n = 0.1") == "4");
        const double below = std::nextafter(9223372036854775808.0, 0.0);
        const auto most = std::numeric_limits<std::int64_t>::max();
        CHECK(Number::compare(Number(most), Number(9223372036854775808.0)) < 0);
        CHECK(Number::compare(Number(most), Number(below)) > 0);
        CHECK(Number::compare(Number(std::uint64_t{1} << 63), Number(9223372036854775808.0)) == 0);
        CHECK(Number::compare(Number(-0.0), Number(std::int64_t{0})) == 0);
        CHECK(Number::compare(Number(std::int64_t{-1}), Number(-0.5)) < 0);
        CHECK(Number::compare(Number(-1.5), Number(std::int64_t{-1})) < 0);
    }

    TEST_CASE("an unknown field or a type that is nowhere is an error, nothing found is none") {
        Documents documents({R"({"lang":"en","year":2020,"tags":["a"],"none":null,"empty":[]})",
                             R"({"lang":null})"});
        const Error unknown = documents.refused("lang = 'en' AND langg = 'x'");
        CHECK(unknown.code() == Code::kInvalidArgument);
        CHECK(unknown.message() ==
              "the filter is wrong at character 17: no row has the field 'langg'");
        CHECK(unknown.hint() == "there are 'empty', 'lang', 'none', 'tags', 'year'");
        const Error type = documents.refused("year >= '2020'");
        CHECK(
            type.message().find("the field 'year' holds numbers, but is compared with a string") !=
            std::string::npos);
        CHECK(type.excerpt_at() == 8);
        CHECK(documents.refused("tags = 'a'").hint() == "arrays are asked with CONTAINS");
        CHECK(documents.refused("lang CONTAINS 'e'").message().find("holds strings") !=
              std::string::npos);
        CHECK(documents.refused("tags CONTAINS 5").message().find("arrays of strings") !=
              std::string::npos);
        CHECK(documents.refused("lang WITHIN BOX(0,0,1,1)").code() == Code::kInvalidArgument);
        CHECK(documents.ids("lang = 'xx'") == "");
        CHECK(documents.ids("none = 5") == "");
        CHECK(documents.ids("empty CONTAINS 5") == "");
        Documents empty({});
        CHECK(empty.ids("anything = 5") == "");
    }

    TEST_CASE("deleted rows match nothing, and no field lives in them") {
        Documents documents({R"({"a":1})", R"({"b":1})", R"({"b":2})"});
        must(documents.database->checkpoint());
        must(documents.database->commit({nullptr, {"0", "1"}, WriteMode::kUpsert}));
        CHECK(documents.ids("b >= 1") == "2");
        CHECK(documents.refused("a = 1").message().find("no row has the field 'a'") !=
              std::string::npos);
    }

    TEST_CASE("sets of rows") {
        RowSet rows({0x8000'0000'0000'0001, 0x6}, 70);
        CHECK(rows.count() == 4);
        CHECK(rows.contains(0));
        CHECK(rows.contains(63));
        CHECK_FALSE(rows.contains(64));
        CHECK_FALSE(rows.contains(1000));
        CHECK(rows.count_in(0, 63) == 1);
        CHECK(rows.count_in(60, 6) == 2);
        CHECK(rows.count_in(65, std::numeric_limits<std::uint64_t>::max()) == 2);
        CHECK(rows.next(1) == 63);
        CHECK(rows.next(64) == 65);
        CHECK_FALSE(rows.next(67));
        CHECK_FALSE(RowSet().next(0));
    }

    TEST_CASE("a filtered search is the search among the matches") {
        for (const std::size_t step : {std::size_t{2}, std::size_t{37}}) {
            MemoryStore store;
            Database database = store.create(4, Metric::kCosine);
            Random random(seed_or(step));
            std::vector<Row> rows;
            for (std::size_t i = 0; i < 3000; ++i) {
                rows.push_back({std::to_string(i),
                                random_vector(random, 4),
                                {},
                                i % step == 0 ? R"({"inside":true})" : R"({"inside":false})"});
                if (i == 1500) {
                    must(commit(database, std::exchange(rows, {})));
                    must(database.checkpoint());
                }
            }
            must(commit(database, rows));
            must(database.commit({nullptr, {"0", "74"}, WriteMode::kUpsert}));
            const Snapshot snapshot = database.snapshot();
            const Filter filter = must(Filter::parse("inside = true"));
            const RowSet matches = must(snapshot.match(store.context, filter));
            const std::vector<float> query = random_vector(random, 4);
            const auto all = must(snapshot.search(store.context, query, 1, 3000))[0];
            const std::size_t k = 50;
            std::vector<std::uint64_t> expected, found;
            for (const Hit& hit : all) {
                if (matches.contains(hit.row) && expected.size() < k) {
                    expected.push_back(hit.row);
                }
            }
            const auto hits =
                must(snapshot.search(store.context, query, 1, {.k = k, .filter = &filter}))[0];
            for (const Hit& hit : hits) {
                found.push_back(hit.row);
            }
            CHECK(found == expected);
            const Filter first = must(Filter::parse("id < '2'"));
            const RowSet some = must(snapshot.match(store.context, first));
            const auto both = must(snapshot.search(
                store.context, query, 1, {.k = 5000, .filter = &filter, .rows = &some}))[0];
            std::size_t wanted = 0;
            for (const Hit& hit : all) {
                wanted += matches.contains(hit.row) && some.contains(hit.row) ? 1u : 0u;
            }
            CHECK(both.size() == wanted);
            CHECK(wanted > 0);
            const RowSet foreign;
            CHECK(code_of(snapshot.search(store.context, query, 1, {.k = 1, .rows = &foreign})) ==
                  Code::kInvalidArgument);
        }
    }

    TEST_CASE("bulk changes are one commit, and rows that stay the same are left alone") {
        Documents documents({R"({"lang":"en","draft":true})", R"({"lang":"en","done":{"by":1}})",
                             R"({"lang":"de"})", R"({"lang":"en","done":{"by":"x"}})"});
        Database& database = *documents.database;
        const Filter english = must(Filter::parse("lang = 'en'"));
        const std::vector<MetadataChange> changes = {{"done.by", R"("x")"},
                                                     {"draft", std::nullopt}};
        BulkInfo info = must(
            update_matching(documents.store.context, database, english, changes, BulkMode::kLook));
        CHECK(info.matched == 3);
        CHECK(info.changed == 2);
        CHECK(info.lsn == 0);
        const std::uint64_t before = database.snapshot().stats().lsn;
        info = must(update_matching(documents.store.context, database, english, changes));
        CHECK(info.changed == 2);
        CHECK(info.lsn == before + 1);
        CHECK(get(database.snapshot(), "0")->metadata == R"({"lang":"en","done":{"by":"x"}})");
        CHECK(get(database.snapshot(), "0")->vector == std::vector<float>{0.0F, 0.0F});
        CHECK(get(database.snapshot(), "1")->metadata == R"({"lang":"en","done":{"by":"x"}})");
        // A member on the way that is no object fails all of it.
        const std::vector<MetadataChange> wrong = {{"lang.x", "1"}};
        const Error error =
            error_of(update_matching(documents.store.context, database, english, wrong));
        CHECK(error.code() == Code::kInvalidArgument);
        CHECK(database.snapshot().stats().lsn == before + 1);
        CHECK(code_of(change_metadata("{}", std::vector<MetadataChange>{{"id", "1"}})) ==
              Code::kInvalidArgument);
        CHECK(code_of(change_metadata("{}", std::vector<MetadataChange>{{"a b", "1"}})) ==
              Code::kInvalidArgument);
        CHECK(code_of(change_metadata("{}", std::vector<MetadataChange>{{"a", "{"}})) ==
              Code::kInvalidArgument);
        CHECK_FALSE(
            must(change_metadata(std::nullopt, std::vector<MetadataChange>{{"a", std::nullopt}})));
        const BulkInfo gone = must(delete_matching(documents.store.context, database, english));
        CHECK(gone.changed == 3);
        CHECK(ids_of(database.snapshot()) == std::vector<std::string>{"2"});
    }

    TEST_CASE("a filtered export holds the matches alone") {
        Documents documents({R"({"a":1})", R"({"a":2})", R"({"a":1})"});
        std::string bytes;
        const auto sink = string_sink(bytes);
        const Filter filter = must(Filter::parse("a = 1"));
        CHECK(must(export_rows(documents.store.context, *documents.database, *sink,
                               {.to = "csv", .filter = &filter}))
                  .rows == 2);
        CHECK(std::count(bytes.begin(), bytes.end(), '\n') == 3);
    }
}
