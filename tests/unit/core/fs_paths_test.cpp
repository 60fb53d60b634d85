// Path helpers, and the memory streams of io.hpp.
#include <cerrno>
#include <string>

#include <abi/core/fs.hpp>
#include <abi/core/io.hpp>

#include "fs_test_util.hpp"

using namespace abikit;
using namespace abikit::test;

TEST_SUITE("core") {
    TEST_CASE("join_path uses exactly one slash") {
        CHECK(join_path("a", "b") == "a/b");
        CHECK(join_path("a/", "b") == "a/b");
        CHECK(join_path("a//", "//b") == "a/b");
        CHECK(join_path("/", "b") == "/b");
        CHECK(join_path("//", "/b/c") == "/b/c");
        CHECK(join_path("", "b") == "b");
        CHECK(join_path("", "/b") == "/b");
        CHECK(join_path("a", "") == "a");
        CHECK(join_path("/", "") == "/");
        CHECK(join_path("/", "/") == "/");
        CHECK(join_path("a/b", "c/d") == "a/b/c/d");
    }

    TEST_CASE("parent_path and file_name split at the last name") {
        CHECK(parent_path("a") == ".");
        CHECK(parent_path("") == ".");
        CHECK(parent_path("/a") == "/");
        CHECK(parent_path("//a") == "/");
        CHECK(parent_path("/") == "/");
        CHECK(parent_path("a/b") == "a");
        CHECK(parent_path("a//b") == "a");
        CHECK(parent_path("a/b/") == "a");
        CHECK(parent_path("/a/b/c") == "/a/b");
        CHECK(file_name("a") == "a");
        CHECK(file_name("/a/b") == "b");
        CHECK(file_name("a/b//") == "b");
        CHECK(file_name("/") == "");
        CHECK(file_name("") == "");
    }

    TEST_CASE("every call has a name of its own") {
        CHECK(fs_call_name(FsCall::kOpen) == "open");
        CHECK(fs_call_name(FsCall::kSyncDirectory) == "sync_directory");
        CHECK(fs_call_name(FsCall::kMark) == "mark");
    }

    TEST_CASE("memory_source reads in any step and gives its bytes as a whole") {
        const std::string text = "a source over bytes";
        for (const std::size_t step : {1U, 7U, 19U, 100U}) {
            const auto source = memory_source(bytes_of(text));
            CHECK(source->size() == text.size());
            CHECK(text_of(source->mapped().value()) == text);
            CHECK(drain(*source, step) == text);
        }
        const auto empty = memory_source({});
        CHECK(drain(*empty, 5).empty());
        CHECK(empty->size() == 0U);
    }

    TEST_CASE("string_sink appends text and bytes") {
        std::string out = "kept ";
        const auto sink = string_sink(out);
        must(sink->write("text "));
        must(sink->write(bytes_of(std::string_view("\0\xff", 2))));
        must(sink->write(std::string_view()));
        must(sink->flush());
        CHECK(out == std::string("kept text \0\xff", 12));
    }

    TEST_CASE("is_broken_pipe wants the code and the ending") {
        CHECK(is_broken_pipe(Error(Code::kIo, "cannot write standard output: broken pipe")));
        CHECK(is_broken_pipe(Error(Code::kIo, "cannot write 'x': broken pipe")
                                 .with_context("while exporting")
                                 .with_hint("none")));
        CHECK_FALSE(is_broken_pipe(Error(Code::kCorrupt, "cannot write 'x': broken pipe")));
        CHECK_FALSE(is_broken_pipe(Error(Code::kIo, "cannot open ': broken pipe': access denied")));
    }
}
