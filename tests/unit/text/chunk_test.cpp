// Chunking: what lands where, and that nothing is lost on the way.
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <abi/text/chunk.hpp>
#include <abi/text/utf8.hpp>

#include "text/lines.hpp"
#include "text/utf8_decode.hpp"

using namespace abikit::text;

namespace {

constexpr ChunkOptions kMarkdown{.kind = DocumentKind::kMarkdown};

std::vector<std::string> content_lines(const std::string& text) {
    std::vector<std::string> result;
    for (const Line& line : split_lines(text)) {
        if (!line.blank) {
            result.emplace_back(
                trim(std::string_view(text).substr(line.begin, line.end - line.begin)));
        }
    }
    return result;
}

// The document without its white space: what no cut may change.
std::string without_space(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Step step = decode_utf8(text, at);
        if (!step.valid || !is_white_space(step.code_point)) {
            result += text.substr(at, step.bytes);
        }
        at += step.bytes;
    }
    return result;
}

// What must hold of any document: lines in order and whole, sizes, line numbers, trimmed texts.
void check_invariants(const std::string& document, const ChunkOptions& options) {
    const auto chunks = chunk_document(document, options);
    std::string joined;
    const auto lines = split_lines(document);
    for (const Chunk& chunk : chunks) {
        REQUIRE_FALSE(chunk.text.empty());
        REQUIRE(trim(chunk.text) == chunk.text);
        REQUIRE(utf8_valid(chunk.text));
        REQUIRE(utf8_valid(chunk.heading));
        REQUIRE(chunk.text.size() <= options.max_bytes);
        REQUIRE(chunk.line >= 1);
        REQUIRE(chunk.line <= lines.size());
        const std::string first(trim(chunk.text.substr(0, chunk.text.find_first_of("\r\n"))));
        const Line& line = lines[chunk.line - 1];
        REQUIRE(document.substr(line.begin, line.end - line.begin).find(first) !=
                std::string::npos);
        joined += chunk.text + "\n";
    }
    REQUIRE(without_space(joined) == without_space(document));
    if (document.size() <= options.max_bytes) {  // no line had to be cut
        REQUIRE(content_lines(joined) == content_lines(document));
    }
}

std::string repeated(std::string_view text, int times) {
    std::string result;
    for (int time = 0; time < times; ++time) {
        result += text;
    }
    return result;
}

}  // namespace

TEST_SUITE("text") {
    TEST_CASE("the kind of a document is told by its extension") {
        CHECK(document_kind("README.md") == DocumentKind::kMarkdown);
        CHECK(document_kind("docs/a.b.MARKDOWN") == DocumentKind::kMarkdown);
        CHECK(document_kind("notes.txt") == DocumentKind::kPlain);
        CHECK(document_kind("md") == DocumentKind::kPlain);
        CHECK(document_kind("") == DocumentKind::kPlain);
        CHECK(document_kind("x.mdx") == DocumentKind::kPlain);
    }

    TEST_CASE("nothing comes of nothing") {
        CHECK(chunk_document("").empty());
        CHECK(chunk_document("\n \n\t\r\n\r").empty());
        CHECK(chunk_document("\xEF\xBB\xBF").empty());
        CHECK(chunk_document("\xEF\xBB\xBF\n\n", kMarkdown).empty());
    }

    TEST_CASE("small paragraphs are joined, large ones stand alone") {
        const std::string small = "A short paragraph.";
        const std::string large = repeated("word ", 400);
        const auto chunks =
            chunk_document(small + "\n\n" + small + "\n\n\n" + large + "\n\n" + small);
        REQUIRE(chunks.size() == 3);
        CHECK(chunks[0].text == small + "\n\n" + small);
        CHECK(chunks[0].line == 1);
        CHECK(chunks[1].text == trim(large));
        CHECK(chunks[1].line == 6);
        CHECK(chunks[2].text == small);
        CHECK(chunks[2].line == 8);
    }

    TEST_CASE("joining stops at the target") {
        const ChunkOptions options{.target_bytes = 20, .max_bytes = 100};
        const auto chunks = chunk_document("123456789\n\n123456789\n\nx", options);
        REQUIRE(chunks.size() == 2);
        CHECK(chunks[0].text == "123456789\n\n123456789");
        CHECK(chunks[1].text == "x");
        CHECK(chunk_document("a\n\nb\n\nc", {.target_bytes = 0}).size() == 3);
    }

    TEST_CASE("line numbers count every kind of line end") {
        const auto chunks = chunk_document("one\r\n\r\ntwo\r\rthree\n\nfour", {.target_bytes = 0});
        REQUIRE(chunks.size() == 4);
        CHECK(chunks[0].line == 1);
        CHECK(chunks[1].line == 3);
        CHECK(chunks[2].line == 5);
        CHECK(chunks[3].line == 7);
        CHECK(chunks[3].text == "four");
    }

    TEST_CASE("a chunk's line is that of its first character") {
        const auto chunks = chunk_document("\n\n   indented\nmore\n");
        REQUIRE(chunks.size() == 1);
        CHECK(chunks[0].line == 3);
        CHECK(chunks[0].text == "indented\nmore");
        CHECK(chunk_document("\xEF\xBB\xBFmarked")[0].text == "marked");
    }

    TEST_CASE("Markdown is cut at headings and remembers the path to them") {
        const auto chunks = chunk_document(
            "Intro.\n\n# Guide\n\nWelcome.\n\n## Install\n\nRun it.\n\n### Linux\nUse apt.\n\n"
            "## Use\n\nQuery it.\n# Other\nEnd.\n",
            kMarkdown);
        REQUIRE(chunks.size() == 6);
        CHECK(chunks[0].heading.empty());
        CHECK(chunks[0].text == "Intro.");
        CHECK(chunks[1].heading == "Guide");
        CHECK(chunks[1].text == "# Guide\n\nWelcome.");
        CHECK(chunks[1].line == 3);
        CHECK(chunks[2].heading == "Guide > Install");
        CHECK(chunks[3].heading == "Guide > Install > Linux");
        CHECK(chunks[3].text == "### Linux\nUse apt.");
        CHECK(chunks[4].heading == "Guide > Use");
        CHECK(chunks[5].heading == "Other");
        CHECK(chunks[5].line == 17);
    }

    TEST_CASE("a title with nothing below it goes with its first section") {
        const auto chunks =
            chunk_document("# Title\n\n## First\n\nText.\n\n## Empty\n\n## Last\n", kMarkdown);
        REQUIRE(chunks.size() == 3);
        CHECK(chunks[0].text == "# Title\n\n## First\n\nText.");
        CHECK(chunks[0].heading == "Title > First");
        CHECK(chunks[1].text == "## Empty");
        CHECK(chunks[1].heading == "Title > Empty");
        CHECK(chunks[2].heading == "Title > Last");
    }

    TEST_CASE("skipped levels leave no gaps in the path") {
        const auto chunks = chunk_document("### Deep\na\n# Top\nb\n### Sub\nc\n", kMarkdown);
        REQUIRE(chunks.size() == 3);
        CHECK(chunks[0].heading == "Deep");
        CHECK(chunks[1].heading == "Top");
        CHECK(chunks[2].heading == "Top > Sub");
    }

    TEST_CASE("setext headings") {
        const auto chunks = chunk_document(
            "Title\n=====\n\nText.\n\nSection\nof two lines\n---\nMore.\n\nafter\n\n---\n\n- "
            "item\n---\n",
            kMarkdown);
        REQUIRE(chunks.size() == 2);
        CHECK(chunks[0].heading == "Title");
        CHECK(chunks[0].text == "Title\n=====\n\nText.");
        CHECK(chunks[1].heading == "Title > Section of two lines");
        CHECK(chunks[1].line == 6);
        CHECK(chunks[1].text.ends_with("- item\n---"));
    }

    TEST_CASE("number signs in fenced code are no headings") {
        const std::string document =
            "# Real\n\n```sh\n# comment\n\n## another\n```\n\n~~~\n# more\n```\n~~~\ntext\n## "
            "Next\nx\n";
        const auto chunks = chunk_document(document, kMarkdown);
        REQUIRE(chunks.size() == 2);
        CHECK(chunks[0].heading == "Real");
        CHECK(chunks[0].text.ends_with("text"));
        CHECK(chunks[1].heading == "Real > Next");
    }

    TEST_CASE("a fence right below a paragraph is still a fence") {
        const auto chunks = chunk_document("Do:\n```\n# x\n```\n# H\n", kMarkdown);
        REQUIRE(chunks.size() == 2);
        CHECK(chunks[1].heading == "H");
    }

    TEST_CASE("fences in list items are indented") {
        const auto chunks =
            chunk_document("1. Do this:\n\n    ```\n# not a heading\n    ```\n# H\n", kMarkdown);
        REQUIRE(chunks.size() == 2);
        CHECK(chunks[0].heading.empty());
        CHECK(chunks[1].heading == "H");
    }

    TEST_CASE("an unclosed fence reaches to the end, unless it is indented code") {
        CHECK(chunk_document("# A\n```\n# B\n# C\n", kMarkdown).size() == 1);
        CHECK(chunk_document("# A\n    ```\n# B\n# C\n", kMarkdown).size() == 3);
    }

    TEST_CASE("fenced code stays whole across blank lines up to the maximum") {
        const std::string code = "```\n" + repeated("line of code\n\n", 200) + "```";
        const auto chunks = chunk_document("Before.\n\n" + code + "\n\nAfter.\n", kMarkdown);
        REQUIRE(chunks.size() == 3);
        CHECK(chunks[1].text == code);
    }

    TEST_CASE("front matter is no heading") {
        const auto chunks =
            chunk_document("---\ntitle: x\ndate: y\n---\n# Title\nText\n", kMarkdown);
        REQUIRE(chunks.size() == 2);
        CHECK(chunks[0].text == "---\ntitle: x\ndate: y\n---");
        CHECK(chunks[0].heading.empty());
        CHECK(chunks[1].heading == "Title");
    }

    TEST_CASE("plain text knows no headings") {
        const auto chunks = chunk_document("# not\n\nTitle\n===\n\n```\n");
        REQUIRE(chunks.size() == 1);
        CHECK(chunks[0].heading.empty());
    }

    TEST_CASE("a long heading is cut in the path, not in the text") {
        const std::string title = repeated("\xC3\xA4", 300);
        const auto chunks = chunk_document("# " + title + "\ntext", kMarkdown);
        REQUIRE(chunks.size() == 1);
        CHECK(chunks[0].heading.size() == 200);
        CHECK(utf8_valid(chunks[0].heading));
        CHECK(chunks[0].text == "# " + title + "\ntext");
    }

    TEST_CASE("a long paragraph is cut behind lines that end a sentence") {
        const std::string prose = repeated("A line that\nends a sentence here.\n", 400);
        const auto chunks = chunk_document(prose);
        REQUIRE(chunks.size() > 5);
        for (const Chunk& chunk : chunks) {
            CHECK(chunk.text.size() <= 1500);
            CHECK(chunk.text.starts_with("A line"));
            CHECK(chunk.text.ends_with("here."));
        }
        check_invariants(prose, {});
    }

    TEST_CASE("a long line is cut between sentences, else between words, else anywhere") {
        const ChunkOptions options{.target_bytes = 100, .max_bytes = 200};
        for (const Chunk& chunk : chunk_document(repeated("One two three. ", 40), options)) {
            CHECK(chunk.text.starts_with("One"));
            CHECK(chunk.text.ends_with("three."));
        }
        for (const Chunk& chunk : chunk_document(repeated("alpha ", 100), options)) {
            CHECK(chunk.text.starts_with("alpha"));
            CHECK(chunk.text.ends_with("alpha"));
        }
        const std::string solid(1000, 'x');
        std::string joined;
        for (const Chunk& chunk : chunk_document(solid, options)) {
            CHECK(chunk.text.size() <= 100);
            joined += chunk.text;
        }
        CHECK(joined == solid);
    }

    TEST_CASE("characters are never cut") {
        const ChunkOptions options{.target_bytes = 50, .max_bytes = 50};
        for (const std::string_view character : {"\xC3\xA9", "\xE6\x96\x87", "\xF0\x9F\x98\x80"}) {
            const std::string solid = repeated(character, 500);
            std::string joined;
            for (const Chunk& chunk : chunk_document(solid, options)) {
                CHECK(utf8_valid(chunk.text));
                CHECK(chunk.text.size() <= 50);
                joined += chunk.text;
            }
            CHECK(joined == solid);
        }
        const std::string sentences = repeated("\xE6\x96\x87\xE6\x96\x87\xE3\x80\x82", 100);
        for (const Chunk& chunk : chunk_document(sentences, options)) {
            CHECK(chunk.text.ends_with("\xE3\x80\x82"));
        }
    }

    TEST_CASE("tiny limits are raised to one that holds any character") {
        const auto chunks =
            chunk_document(repeated("\xF0\x9F\x98\x80", 30), {.target_bytes = 1, .max_bytes = 1});
        REQUIRE_FALSE(chunks.empty());
        for (const Chunk& chunk : chunks) {
            CHECK(utf8_valid(chunk.text));
            CHECK(chunk.text.size() <= 16);
        }
    }

    TEST_CASE("invalid bytes are kept and do no harm") {
        const auto chunks = chunk_document("\xFF\xFE\n\n\x80\x80");
        REQUIRE(chunks.size() == 1);
        CHECK(chunks[0].text == "\xFF\xFE\n\n\x80\x80");
    }

    TEST_CASE("random documents keep every line in order") {
        const std::vector<std::string> parts{"# Head\n",
                                             "## Sub\r\n",
                                             "Title\n===\n",
                                             "plain words here\n",
                                             "\n",
                                             "\r\n",
                                             "```\n",
                                             "~~~~\n",
                                             "    indented\n",
                                             "- item\n",
                                             "\xE6\x96\x87. x",
                                             "---\n",
                                             "\r",
                                             "  \t\n",
                                             "A sentence. Another one.",
                                             "\xC2\xA0\n",
                                             "> quote # \n"};
        std::mt19937 random(20240607);
        for (int round = 0; round < 3000; ++round) {
            std::string document;
            const auto pieces = random() % 40;
            for (unsigned piece = 0; piece < pieces; ++piece) {
                document += parts[random() % parts.size()];
            }
            const ChunkOptions options{
                .kind = random() % 2 == 0 ? DocumentKind::kPlain : DocumentKind::kMarkdown,
                .target_bytes = 20 + random() % 400,
                .max_bytes = random() % 2 == 0 ? 10000 : 16 + random() % 500};
            CAPTURE(document);
            check_invariants(document, options);
        }
    }

    TEST_CASE("equal documents give equal chunks") {
        const std::string document = repeated("# H\n\nSome text here.\n\nMore.\n", 50);
        const auto first = chunk_document(document, kMarkdown);
        const auto second = chunk_document(document, kMarkdown);
        REQUIRE(first.size() == second.size());
        for (std::size_t index = 0; index < first.size(); ++index) {
            CHECK(first[index].text == second[index].text);
            CHECK(first[index].line == second[index].line);
            CHECK(first[index].heading == second[index].heading);
        }
    }
}
