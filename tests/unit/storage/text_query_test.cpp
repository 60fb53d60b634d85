// What stands around full-text search: the query language, fusion with vectors, snippets.
#include <algorithm>

#include <abi/storage/text_search.hpp>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

TEST_SUITE("fulltext") {
    TEST_CASE("queries are read as they are written") {
        const auto shape = [](std::string_view query) {
            std::string out;
            const TextQuery parsed = must(TextQuery::parse(query));
            for (const TextQuery::Item& item : parsed.items()) {
                out += item.excluded ? "-" : "";
                for (const TextQuery::Word& word : item.words) {
                    out += word.bytes + (word.prefix ? "*" : "") + "@" +
                           std::to_string(word.position) + " ";
                }
                out += "/ ";
            }
            return out;
        };
        CHECK(shape("Quick  fox") == "quick@0 / fox@0 / ");
        CHECK(shape("\"The Quick\" -\"lazy dog\" jum*") ==
              "the@0 quick@1 / -lazy@0 dog@1 / jum*@0 / ");
        CHECK(shape("well-known -a-b* -- * ok") == "well@0 known@1 / -a@0 b*@1 / ok@0 / ");
        CHECK(shape("fox Fox fóx -fox") == "fox@0 / -fox@0 / ");
        CHECK(shape("\"one two\"* x") == "one@0 two*@1 / x@0 / ");
        CHECK(shape("東京都 東") == "東京@0 京都@1 / 東@0 / ");
        CHECK(shape("a\"b c\"d") == "a@0 / b@0 c@1 / d@0 / ");
        CHECK(must(TextQuery::of_words("-a \"b* c-d")).items().size() == 4);

        const Error open = error_of(TextQuery::parse("größe \"and so"));
        CHECK(open.code() == Code::kInvalidArgument);
        CHECK(open.message().find("character 7") != std::string::npos);
        for (const char* const bad : {"", "  ", "-", "* -- \"\"", "-only -this", "\xFF"}) {
            CHECK(code_of(TextQuery::parse(bad)) == Code::kInvalidArgument);
        }
        std::string many;
        for (int i = 0; i < 1100; ++i) {
            many += "w" + std::to_string(i) + " ";
        }
        CHECK(code_of(TextQuery::parse(many)) == Code::kLimit);
    }

    TEST_CASE("two rankings become one") {
        const std::vector<TextHit> texts{{7, 4.0}, {1, 2.0}, {9, 1.0}};
        const std::vector<Hit> vectors{{1, 0.5F}, {3, 1.0F}, {7, 1.5F}};
        const auto order = [](const std::vector<FusedHit>& hits) {
            std::vector<RowNumber> rows;
            for (const FusedHit& hit : hits) {
                rows.push_back(hit.row);
            }
            return rows;
        };
        const auto ranked = must(fuse(texts, vectors, 10));
        CHECK(order(ranked) == std::vector<RowNumber>{1, 7, 3, 9});
        CHECK(ranked[0].score == doctest::Approx(1 / 62.0 + 1 / 61.0));
        CHECK(ranked[0].text_rank == 2);
        CHECK(ranked[0].vector_rank == 1);
        CHECK(ranked[0].text_score == 2.0);
        CHECK(ranked[0].distance == 0.5F);
        CHECK(!ranked[2].text_rank);
        const auto weighted =
            must(fuse(texts, vectors, 3, {.method = FusionMethod::kWeighted, .text_weight = 0.75}));
        CHECK(order(weighted) == std::vector<RowNumber>{7, 1, 9});
        CHECK(weighted[0].score == doctest::Approx(0.75));
        CHECK(weighted[1].score == doctest::Approx(0.75 * 0.5 + 0.25));
        CHECK(must(fuse({}, {}, 5)).empty());
        CHECK(code_of(fuse(texts, vectors, 5, {.rank_constant = 0})) == Code::kInvalidArgument);
        CHECK(code_of(fuse(texts, vectors, 5, {.text_weight = 1.5})) == Code::kInvalidArgument);

        MemoryStore store;
        Database database = store.create();
        must(commit(database, {{"near", {0, 0}, "nothing here", {}},
                               {"both", {0, 1}, "the wanted word", {}},
                               {"far", {9, 9}, "wanted wanted", {}}}));
        const std::vector<float> zero{0, 0};
        const auto result =
            must(search_hybrid(store.context, database.snapshot(), must(TextQuery::parse("wanted")),
                               zero, {.text = {.k = 2}}));
        CHECK(order(result.hits) == std::vector<RowNumber>{2, 1});
    }

    TEST_CASE("snippets show where the words stand") {
        const std::string text =
            "It begins with nothing of note. Then, after a long while, the Quick brown fox jumps "
            "over a lazy dog, and the story goes on and on without ever coming back to it again.";
        const auto shown = [&](std::string_view query, std::size_t bytes) {
            const Snippet snippet =
                must(make_snippet(text, must(TextQuery::parse(query)), {.max_bytes = bytes}));
            CHECK(snippet.text.size() <= std::max<std::size_t>(bytes, 20));
            std::string marked = snippet.cut_before ? "..." : "";
            std::size_t at = 0;
            for (const auto& [begin, end] : snippet.marks) {
                marked += snippet.text.substr(at, begin - at) + "[" +
                          snippet.text.substr(begin, end - begin) + "]";
                at = end;
            }
            return marked + snippet.text.substr(at) + (snippet.cut_after ? "..." : "");
        };
        CHECK(shown("fox dog", 40) == "...brown [fox] jumps over a lazy [dog], and...");
        CHECK(shown("\"quick BROWN\" -fox", 40) == "...while, the [Quick brown] fox jumps...");
        CHECK(shown("jum*", 20) == "...fox [jumps] over a...");
        CHECK(shown("absent", 30) == "It begins with nothing of...");
        CHECK(shown("nothing", 1000).starts_with("It begins with [nothing] of"));
        CHECK(must(make_snippet("", must(TextQuery::parse("a")))).text.empty());
    }
}
