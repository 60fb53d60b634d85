// The line rules of CommonMark that shape chunks; examples follow its specification.
#include <doctest/doctest.h>

#include "text/markdown.hpp"

using namespace abikit::text;

TEST_SUITE("text") {
    TEST_CASE("ATX headings") {
        CHECK(atx_heading("# foo").level == 1);
        CHECK(atx_heading("###### foo").level == 6);
        CHECK(atx_heading("   ## foo").level == 2);
        CHECK(atx_heading("#\tfoo").text == "foo");
        CHECK(atx_heading("##   foo bar  ").text == "foo bar");
        CHECK(atx_heading("## foo ##").text == "foo");
        CHECK(atx_heading("### foo ###     ").text == "foo");
        CHECK(atx_heading("# foo#").text == "foo#");
        CHECK(atx_heading("# foo \\#x").text == "foo \\#x");
        CHECK(atx_heading("## ").level == 2);
        CHECK(atx_heading("#").level == 1);
        CHECK(atx_heading("### ###").text.empty());
    }

    TEST_CASE("lines that are no ATX heading") {
        CHECK(atx_heading("####### foo").level == 0);
        CHECK(atx_heading("#5 bolt").level == 0);
        CHECK(atx_heading("#hashtag").level == 0);
        CHECK(atx_heading("    # foo").level == 0);
        CHECK(atx_heading("\t# foo").level == 0);
        CHECK(atx_heading("").level == 0);
        CHECK(atx_heading("foo # bar").level == 0);
    }

    TEST_CASE("underlines of setext headings") {
        CHECK(setext_level("===") == 1);
        CHECK(setext_level("=") == 1);
        CHECK(setext_level("   -----   ") == 2);
        CHECK(setext_level("--- -") == 0);
        CHECK(setext_level("==-") == 0);
        CHECK(setext_level("    ===") == 0);
        CHECK(setext_level("") == 0);
        CHECK(setext_level("text") == 0);
    }

    TEST_CASE("what cannot be a setext heading's text") {
        CHECK(may_be_setext_text("Title"));
        CHECK(may_be_setext_text("  Title"));
        CHECK(may_be_setext_text("2001: a title"));
        CHECK(may_be_setext_text("-dash"));
        CHECK_FALSE(may_be_setext_text("- item"));
        CHECK_FALSE(may_be_setext_text("* item"));
        CHECK_FALSE(may_be_setext_text("12. item"));
        CHECK_FALSE(may_be_setext_text("3) item"));
        CHECK_FALSE(may_be_setext_text("> quote"));
        CHECK_FALSE(may_be_setext_text("| a | b |"));
        CHECK_FALSE(may_be_setext_text("    code"));
    }

    TEST_CASE("fences open and close") {
        const Fence fence = opening_fence("```cpp");
        CHECK(fence.mark == '`');
        CHECK(fence.length == 3);
        CHECK(closes_fence("```", fence));
        CHECK(closes_fence("  `````  ", fence));
        CHECK_FALSE(closes_fence("``", fence));
        CHECK_FALSE(closes_fence("``` x", fence));
        CHECK_FALSE(closes_fence("~~~", fence));
        CHECK(opening_fence("~~~~ ~ x`y").length == 4);
        CHECK(opening_fence("    ```").indent == 4);
        CHECK(opening_fence("\t```").indent == 4);
    }

    TEST_CASE("lines that open no fence") {
        CHECK(opening_fence("``").mark == 0);
        CHECK(opening_fence("``` a`b").mark == 0);
        CHECK(opening_fence("text ```").mark == 0);
        CHECK(opening_fence("").mark == 0);
    }
}
