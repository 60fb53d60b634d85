// Importing documents: chunks as rows, and a directory imported again.
#include <algorithm>

#include <cerrno>

#include <abi/core/fs_fault.hpp>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

using Ids = std::vector<std::string>;

struct Library {
    MemoryStore store;
    std::optional<Database> database;
    ImportOptions options;
    ImportInfo info;

    Library() {
        database =
            store.create(CreateOptions{.dimension = 0, .embedder = EmbedderChoice{"hash", 64}});
        must(store.fs.create_directory("/docs"));
        must(store.fs.create_directory("/docs/sub"));
    }
    void write(const std::string& name, std::string_view text) {
        put(store.fs, "/docs/" + name, text);
    }
    Status run(const std::vector<std::string>& inputs = {"/docs"}) {
        info = {};
        return import_files(store.context, *database, inputs, nullptr, options, info);
    }
    Ids ids() const {
        Ids all = ids_of(database->snapshot());
        std::sort(all.begin(), all.end());
        return all;
    }
    std::optional<Row> row(std::string_view id) const { return get(database->snapshot(), id); }
};

// Two chunks: Markdown is cut at headings.
constexpr std::string_view kGuide = "# Guide\n\nSome words about it.\n\n# Second\n\nOther words.\n";

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("documents: chunks carry path, line and heading") {
        Library library;
        library.write("guide.md", kGuide);
        library.write("plain.txt", "just text");
        must(library.run());
        CHECK(library.info.files == 2);
        CHECK(library.info.rows_added == 3);
        CHECK(library.ids() == Ids{"/docs/guide.md#1", "/docs/guide.md#2", "/docs/plain.txt#1"});
        const auto second = library.row("/docs/guide.md#2");
        CHECK(second->text == "# Second\n\nOther words.");
        CHECK(second->metadata == R"({"path":"/docs/guide.md","line":5,"heading":"Second"})");
        CHECK(library.row("/docs/plain.txt#1")->metadata ==
              R"({"path":"/docs/plain.txt","line":1})");
    }

    TEST_CASE("documents: a directory imported again changes nothing that did not change") {
        Library library;
        library.write("guide.md", kGuide);
        library.write("sub/note.txt", "a note");
        must(library.run());
        const std::uint64_t lsn = library.database->snapshot().stats().lsn;
        must(library.run());
        CHECK(library.info.rows_unchanged == 3);
        CHECK(library.info.rows_added == 0);
        CHECK(library.info.rows_replaced == 0);
        CHECK(library.info.rows_dropped == 0);
        CHECK(library.info.commits == 0);
        CHECK(library.database->snapshot().stats().lsn == lsn);
        must(library.run({"/docs/"}));
        CHECK(library.info.rows_unchanged == 3);
    }

    TEST_CASE("documents: a changed chunk is replaced, a chunk that is gone is dropped") {
        Library library;
        library.write("guide.md", kGuide);
        library.write("note.txt", "a note");
        must(library.run());
        library.write("guide.md", "# Guide\n\nNew words about it.\n\n# Second\n\nOther words.\n");
        must(library.run());
        CHECK(library.info.rows_replaced == 1);
        CHECK(library.info.rows_unchanged == 2);
        CHECK(library.row("/docs/guide.md#1")->text == "# Guide\n\nNew words about it.");
        library.write("guide.md", "# Guide\n\nNew words about it.\n");
        must(library.run());
        CHECK(library.info.rows_dropped == 1);
        CHECK(library.info.rows_unchanged == 2);
        CHECK(library.ids() == Ids{"/docs/guide.md#1", "/docs/note.txt#1"});
    }

    TEST_CASE("documents: rows of files that vanished are dropped, others are not") {
        Library library;
        library.write("a.txt", "text a");
        library.write("sub/b.txt", "text b");
        must(library.run());
        must(library.store.fs.create_directory("/other"));
        put(library.store.fs, "/other/c.txt", "text c");
        must(library.run({"/other"}));
        data::RecordBatch batch = batch_of(
            {{"mine#1", {}, "by hand", R"({"x":1})"}, {"plain", {}, "by hand too", {}}}, 0);
        must(library.database->embed(batch));
        must(library.database->commit({&batch, {}, WriteMode::kUpsert}));
        must(library.store.fs.remove("/docs/sub/b.txt"));
        must(library.run());
        CHECK(library.info.rows_dropped == 1);
        CHECK(library.ids() == Ids{"/docs/a.txt#1", "/other/c.txt#1", "mine#1", "plain"});
        must(library.store.fs.remove("/docs/a.txt"));
        must(library.run());
        CHECK(library.info.rows_dropped == 1);
        CHECK(library.ids() == Ids{"/other/c.txt#1", "mine#1", "plain"});
    }

    TEST_CASE("documents: an emptied file and one that turned binary are dropped") {
        Library library;
        library.write("a.txt", "text a");
        library.write("b.txt", "text b");
        must(library.run());
        library.write("a.txt", "");
        library.write("b.txt", std::string("\x00\x01\x02\xff", 4));
        must(library.run());
        CHECK(library.ids().empty());
        CHECK(library.info.rows_dropped == 2);
        CHECK(library.info.files_skipped == 1);
        REQUIRE(library.info.skipped.size() == 1);
        CHECK(library.info.skipped[0].file == "/docs/b.txt");
    }

    TEST_CASE("documents: relative paths of different projects keep apart") {
        Library library;
        library.write("a.txt", "text a");
        library.write("b.txt", "text b");
        library.options.base = "/home/one";
        must(library.run({"docs"}));
        CHECK(library.row("docs/a.txt#1")->metadata ==
              R"({"path":"docs/a.txt","line":1,"base":"/home/one"})");
        // Another project whose directory has the same name, and fewer files.
        must(library.store.fs.remove("/docs/b.txt"));
        library.write("a.txt", "another text a");
        library.options.base = "/home/two";
        must(library.run({"docs"}));
        CHECK(library.info.rows_dropped == 0);
        CHECK(library.ids() == Ids{"docs/a.txt#1", "docs/b.txt#1"});
        library.options.base = "/home/one";
        must(library.run({"docs"}));
        CHECK(library.info.rows_dropped == 1);
        CHECK(library.ids() == Ids{"docs/a.txt#1"});
    }

    TEST_CASE("documents: a file that cannot be read is skipped, and keeps its rows") {
        Library library;
        library.write("a.txt", "text a");
        library.write("b.txt", "text b");
        must(library.run());
        FaultFileSystem fs(library.store.fs);
        fs.fail({.call = FsCall::kOpen,
                 .path_contains = "a.txt",
                 .repeat = FaultRepeat::kForEver,
                 .errno_value = EACCES});
        ImportInfo info;
        must(import_files(context_on(fs), *library.database, {"/docs"}, nullptr, {}, info));
        CHECK(info.files_skipped == 1);
        CHECK(info.skipped.at(0).file == "/docs/a.txt");
        CHECK(info.rows_dropped == 0);
        CHECK(library.ids() == Ids{"/docs/a.txt#1", "/docs/b.txt#1"});
        // Named by itself it is an error.
        CHECK(code_of(import_files(context_on(fs), *library.database, {"/docs/a.txt"}, nullptr, {},
                                   info)) == Code::kIo);
    }

    TEST_CASE("documents: two directories and a file in one run") {
        Library library;
        library.write("a.txt", "text a");
        library.write("sub/b.txt", "text b");
        must(library.run({"/docs/sub", "/docs/a.txt"}));
        CHECK(library.ids() == Ids{"/docs/a.txt#1", "/docs/sub/b.txt#1"});
        must(library.run({"/docs"}));
        CHECK(library.info.rows_unchanged == 2);
        must(library.run({"/docs/sub"}));  // what lies outside it is none of its business
        CHECK(library.info.rows_dropped == 0);
        CHECK(library.ids().size() == 2);
    }

    TEST_CASE("documents: hidden files, data files, and databases inside are skipped") {
        Library library;
        library.write("a.txt", "text a");
        library.write(".hidden", "secret");
        must(library.store.fs.create_directory("/docs/.git"));
        library.write(".git/config", "secret too");
        library.write("rows.jsonl", "{\"id\":\"x\",\"text\":\"y\"}\n");
        must(Database::create(library.store.context, "/docs/sub/inner.wdbx",
                              {.dimension = 2, .embedder = {}}));
        put(library.store.fs, "/docs/sub/inner.wdbx/readme.txt", "not a document");
        must(library.run());
        CHECK(library.ids() == Ids{"/docs/a.txt#1"});
        CHECK(library.info.files_skipped == 1);
        CHECK(library.info.skipped.at(0).file == "/docs/rows.jsonl");
        CHECK(library.info.skipped.at(0).reason.contains("import it by its name"));
    }

    TEST_CASE("documents: the database's own directory inside the imported one is skipped") {
        MemoryStore store;
        must(store.fs.create_directory("/project"));
        put(store.fs, "/project/readme.txt", "words");
        store.path = "/project/notes.wdbx";
        Database database =
            store.create(CreateOptions{.dimension = 0, .embedder = EmbedderChoice{"hash", 64}});
        for (int round = 0; round < 2; ++round) {
            ImportInfo info;
            must(import_files(store.context, database, {"/project"}, nullptr, {}, info));
            CHECK(ids_of(database.snapshot()) == Ids{"/project/readme.txt#1"});
            must(database.checkpoint());
        }
    }

    TEST_CASE("documents: a file named by itself, and a stream without a name") {
        Library library;
        library.write("guide.md", kGuide);
        must(library.run({"/docs/guide.md"}));
        CHECK(library.row("/docs/guide.md#1")->metadata ==
              R"({"path":"/docs/guide.md","line":1,"heading":"Guide"})");
        library.write("guide.md", "# Guide\n\nSome words about it.\n");
        must(library.run({"/docs/guide.md"}));
        CHECK(library.info.rows_dropped == 1);
        CHECK(library.ids() == Ids{"/docs/guide.md#1"});
        library.options.from = "text";
        constexpr std::string_view kStream = "piped words";
        const auto source = memory_source(std::as_bytes(std::span(kStream)));
        must(import_files(library.store.context, *library.database, {"-"}, source.get(),
                          library.options, library.info));
        CHECK(library.row("0")->text == "piped words");
        CHECK(library.row("0")->metadata == R"({"line":1})");
    }

    TEST_CASE("documents: --from decides how a file is read") {
        Library library;
        library.write("data.json", "# not a heading\n\n# of markdown\n");
        must(library.run({"/docs/data.json"}));
        CHECK(library.ids().size() == 1);
        library.options.from = "markdown";
        must(library.run({"/docs/data.json"}));
        CHECK(library.ids().size() == 2);
        library.options.from = "text";
        must(library.run({"/docs"}));
        CHECK(library.ids() == Ids{"/docs/data.json#1"});
    }

    TEST_CASE("documents: long documents are committed in batches, each durable") {
        Library library;
        std::string text;
        for (int i = 0; i < 40; ++i) {
            text += "# Heading " + std::to_string(i) + "\n\nWords of part " + std::to_string(i) +
                    ".\n\n";
        }
        library.write("long.md", text);
        must(library.run());  // learns, so that the next one need not
        must(library.store.fs.create_directory("/more"));
        put(library.store.fs, "/more/long.md", text);
        library.options.commit_every = 15;
        std::vector<std::uint64_t> told;
        library.options.on_durable = [&](std::uint64_t rows) -> Status {
            told.push_back(rows);
            return {};
        };
        must(library.run({"/more"}));
        CHECK(told == std::vector<std::uint64_t>{15, 30, 40});
    }
}
