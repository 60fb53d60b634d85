// Importing records: every format, what is rejected and how it is told, and what is durable when.
#include <cstring>
#include <limits>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

template <class T>
void append(std::string& bytes, T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

std::string fvecs(const std::vector<std::vector<float>>& vectors) {
    std::string bytes;
    for (const auto& vector : vectors) {
        append(bytes, static_cast<std::int32_t>(vector.size()));
        for (const float value : vector) {
            append(bytes, value);
        }
    }
    return bytes;
}

std::string npy(const std::vector<std::vector<float>>& vectors) {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" +
                         std::to_string(vectors.size()) + ", " +
                         std::to_string(vectors.at(0).size()) + "), }";
    header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 11, ' ');
    header += '\n';
    std::string bytes = "\x93NUMPY";
    bytes += '\1';
    bytes += '\0';
    append(bytes, static_cast<std::uint16_t>(header.size()));
    bytes += header;
    for (const auto& vector : vectors) {
        for (const float value : vector) {
            append(bytes, value);
        }
    }
    return bytes;
}

struct Import {
    MemoryStore store;
    std::optional<Database> database;
    ImportOptions options;
    ImportInfo info;

    explicit Import(std::uint32_t dimension = 2) { database = store.create(dimension); }
    explicit Import(const EmbedderChoice& embedder) {
        database = store.create(CreateOptions{.dimension = 0, .embedder = embedder});
    }
    Status run(const std::vector<std::string>& inputs) {
        info = {};
        return import_files(store.context, *database, inputs, nullptr, options, info);
    }
    Status run_text(const std::string& name, std::string_view content) {
        put(store.fs, "/" + name, content);
        return run({"/" + name});
    }
    Status run_stdin(std::string_view content) {
        info = {};
        const auto source = memory_source(std::as_bytes(std::span(content)));
        return import_files(store.context, *database, {"-"}, source.get(), options, info);
    }
    std::vector<std::string> ids() const { return ids_of(database->snapshot()); }
    std::optional<Row> row(std::string_view id) const { return get(database->snapshot(), id); }
};

using Ids = std::vector<std::string>;

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("import: npy, fvecs and bvecs rows get ordinals") {
        const std::vector<std::vector<float>> vectors{{1, 2}, {-3.5F, 4}, {1e-40F, -0.0F}};
        Import import;
        must(import.run_text("a.npy", npy(vectors)));
        CHECK(import.info.rows_added == 3);
        CHECK(import.info.files == 1);
        CHECK(import.info.commits == 1);
        must(import.run_text("b.fvecs", fvecs(vectors)));
        std::string bytes;
        for (const int start : {10, 200}) {
            append(bytes, std::int32_t{2});
            bytes += static_cast<char>(start);
            bytes += static_cast<char>(start + 1);
        }
        must(import.run_text("c.bvecs", bytes));
        CHECK(import.info.rows_added == 2);
        CHECK(import.ids() == Ids{"0", "1", "2", "3", "4", "5", "6", "7"});
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(import.row(std::to_string(i))->vector == vectors[i]);
            CHECK(import.row(std::to_string(i + 3))->vector == vectors[i]);
        }
        CHECK(import.row("7")->vector == std::vector<float>{200, 201});
    }

    TEST_CASE("import: JSON lines bring ids, texts and metadata") {
        Import import;
        must(import.run_text("a.jsonl",
                             "{\"id\":\"x\",\"vector\":[1,2],\"text\":\"hello\"}\n"
                             "\n"
                             "{\"vector\":[3,4],\"metadata\":{\"k\": [1, 2]}}\n"
                             "{\"id\":17,\"vector\":[5,6]}\n"
                             "{\"id\":\"x\",\"vector\":[7,8]}"));
        CHECK(import.info.rows_read == 4);
        CHECK(import.info.rows_added == 3);
        CHECK(import.info.rows_replaced == 1);
        CHECK(import.info.rows_rejected == 0);
        CHECK(import.row("x") == Row{"x", {7, 8}, {}, {}});
        CHECK(import.row("0")->metadata == R"({"k":[1,2]})");
        CHECK(import.row("17")->vector == std::vector<float>{5, 6});
    }

    TEST_CASE("import: CSV and TSV by their columns") {
        Import import;
        must(import.run_text("a.csv", "id,text,v0,v1,colour\na,\"x, y\",1,2,red\nb,,3,4,\n"));
        CHECK(import.row("a") == Row{"a", {1, 2}, "x, y", R"({"colour":"red"})"});
        CHECK(import.row("b")->vector == std::vector<float>{3, 4});
        must(import.run_text("b.tsv", "id\tv0\tv1\nc\t5\t6\n"));
        CHECK(import.row("c")->vector == std::vector<float>{5, 6});
        import.options.from = "tsv";
        must(import.run_text("c.data", "id\tv0\tv1\nd\t7\t8\n"));
        CHECK(import.row("d")->vector == std::vector<float>{7, 8});
        import.options = {};
        import.options.id_column = "key";
        import.options.vector_columns = {"y", "x"};
        import.options.text_column = "words";
        must(import.run_text("d.csv", "x,y,key,words\n1,2,e,some words\n"));
        CHECK(import.row("e") == Row{"e", {2, 1}, "some words", {}});
    }

    TEST_CASE("import: standard input needs a format") {
        Import import;
        const Error error = error_of(import.run_stdin("{\"id\":\"a\",\"vector\":[1,2]}\n"));
        CHECK(error.code() == Code::kInvalidArgument);
        CHECK(error.hint().contains("--from"));
        CHECK(code_of(import.run({"-"})) == Code::kInvalidArgument);
        import.options.from = "jsonl";
        must(import.run_stdin("{\"id\":\"a\",\"vector\":[1,2]}\n"));
        CHECK(import.ids() == Ids{"a"});
    }

    TEST_CASE("import: a missing file and an unreadable one say so, earlier inputs stay") {
        Import import;
        put(import.store.fs, "/a.fvecs", fvecs({{1, 2}}));
        const Error missing = error_of(import.run({"/a.fvecs", "/b.fvecs"}));
        CHECK(missing.code() == Code::kInputMissing);
        CHECK(missing.describe() ==
              "import stopped after 1 durable rows: cannot read '/b.fvecs': no such file or "
              "directory");
        CHECK(import.ids() == Ids{"0"});
        must(import.store.fs.create_directory("/dir"));
        import.options.from = "npy";
        CHECK(code_of(import.run({"/dir"})) == Code::kInvalidArgument);
        import.options = {};
        import.options.commit_every = 0;
        CHECK(code_of(import.run({"/a.fvecs"})) == Code::kInvalidArgument);
    }

    TEST_CASE("import: an unknown extension is a document, and binary garbage is refused") {
        Import import;
        put(import.store.fs, "/data.xyz", std::string("\x00\xff\x01 garbage", 11));
        const Error error = error_of(import.run({"/data.xyz"}));
        CHECK(error.code() == Code::kIncompatible);
        CHECK(error.message().contains("'/data.xyz'"));
        put(import.store.fs, "/words.xyz", "some words");
        // A database of vectors has nothing to make a text's vector with.
        CHECK(code_of(import.run({"/words.xyz"})) == Code::kIncompatible);
        CHECK(code_of(import.run_text("broken.npy", "\x93NUMPY\x01")) == Code::kCorrupt);
        CHECK(import.ids().empty());
    }

    TEST_CASE("import: a wrong dimension is refused for the whole file or row by row") {
        Import import;
        CHECK(code_of(import.run_text("a.npy", npy({{1, 2, 3}}))) == Code::kIncompatible);
        CHECK(code_of(import.run_text("a.jsonl", "{\"vector\":[1,2,3]}\n")) == Code::kInvalidData);
        import.options.on_error = OnError::kSkip;
        must(import.run_text("b.jsonl", "{\"vector\":[1,2,3]}\n{\"vector\":[1,2]}\n"));
        CHECK(import.info.rows_rejected == 1);
        CHECK(import.info.rows_added == 1);
    }

    TEST_CASE("import: bad rows stop the import, or are skipped, with their lines") {
        const std::string text =
            "{\"id\":\"a\",\"vector\":[1,2]}\n"
            "not json\n"
            "{\"id\":\"b\",\"vector\":[1,2]}\n"
            "{\"id\":\"c\",\"vector\":[1]}\n"
            "{\"id\":\"\",\"vector\":[1,2]}\n"
            "{\"id\":\"d\",\"vector\":[1,2]}\n";
        Import import;
        const Error error = error_of(import.run_text("a.jsonl", text));
        CHECK(error.code() == Code::kInvalidData);
        CHECK(error.describe().contains("'/a.jsonl' line 2: "));
        CHECK(error.hint().contains("--on-error skip"));
        CHECK(import.info.rows_rejected == 1);
        REQUIRE(import.info.rejections.size() == 1);
        CHECK(import.info.rejections[0].line == 2);
        CHECK(import.ids().empty());

        import.options.on_error = OnError::kSkip;
        must(import.run({"/a.jsonl"}));
        CHECK(import.info.rows_read == 6);
        CHECK(import.info.rows_added == 3);
        CHECK(import.info.rows_rejected == 3);
        REQUIRE(import.info.rejections.size() == 3);
        CHECK(import.info.rejections[0].line == 2);
        CHECK(import.info.rejections[1].line == 4);
        CHECK(import.info.rejections[2].line == 5);
        CHECK(import.info.rejections[1].file == "/a.jsonl");
        CHECK(import.ids() == Ids{"a", "b", "d"});
    }

    TEST_CASE("import: rows before a bad one are kept when they were committed before it") {
        Import import;
        import.options.commit_every = 2;
        std::string text;
        for (int i = 0; i < 5; ++i) {
            text += "{\"id\":\"r" + std::to_string(i) + "\",\"vector\":[1,2]}\n";
        }
        const Error error = error_of(import.run_text("a.jsonl", text + "broken\n"));
        CHECK(error.describe().contains("import stopped after 4 durable rows"));
        CHECK(import.ids() == Ids{"r0", "r1", "r2", "r3"});
        CHECK(import.info.rows_added == 4);
    }

    TEST_CASE("import: NaN and infinity are rejected by row") {
        const std::vector<std::vector<float>> vectors{
            {1, 2}, {kNan, 0}, {3, 4}, {0, std::numeric_limits<float>::infinity()}, {kNan, kNan}};
        Import import;
        const Error error = error_of(import.run_text("a.npy", npy(vectors)));
        CHECK(error.code() == Code::kInvalidData);
        CHECK(error.message().contains("NaN or infinity at position 0"));
        import.options.on_error = OnError::kSkip;
        must(import.run({"/a.npy"}));
        CHECK(import.info.rows_rejected == 3);
        REQUIRE(import.info.rejections.size() == 3);
        CHECK(import.info.rejections[0].line == 1);
        CHECK(import.info.rejections[1].line == 3);
        CHECK(import.info.rejections[2].line == 4);
        CHECK(import.info.rows_added == 2);
        CHECK(import.row("1")->vector == std::vector<float>{3, 4});
    }

    TEST_CASE("import: whatever a commit refuses is rejected as a row, not as a batch") {
        Import import;
        import.options.on_error = OnError::kSkip;
        const std::string long_id(kMaxIdBytes + 1, 'i');
        const std::string text =
            "{\"id\":\"good\",\"vector\":[1,2]}\n"
            "{\"id\":\"" +
            long_id +
            "\",\"vector\":[1,2]}\n"
            "{\"id\":\"nul\\u0000inside\",\"vector\":[1,2]}\n"
            "{\"id\":\"18446744073709551615\",\"vector\":[1,2]}\n"
            "{\"id\":\"meta\",\"vector\":[1,2],\"metadata\":{\"k\":\"" +
            std::string(kMaxMetadataBytes, 'm') +
            "\"}}\n"
            "{\"id\":\"also good\",\"vector\":[1,2]}\n";
        must(import.run_text("a.jsonl", text));
        CHECK(import.ids() == Ids{"good", "also good"});
        CHECK(import.info.rows_rejected == 4);
        REQUIRE(import.info.rejections.size() == 4);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(import.info.rejections[i].line == i + 2);
        }
        must(import.run_text("b.csv", "id,v0,v1\n\"\xff\xfe\",1,2\nfine,3,4\n"));
        CHECK(import.info.rows_rejected == 1);
        CHECK(import.row("fine"));
    }

    TEST_CASE("import: rejections that are kept are bounded, the count is not") {
        Import import;
        import.options.on_error = OnError::kSkip;
        std::string text;
        for (int i = 0; i < 250; ++i) {
            text += "nonsense\n";
        }
        must(import.run_text("a.jsonl", text));
        CHECK(import.info.rows_rejected == 250);
        CHECK(import.info.rejections.size() == kMaxRejections);
        CHECK(import.info.commits == 0);
    }

    TEST_CASE("import: commits have the asked size and each is told once it is durable") {
        Import import;
        std::vector<std::vector<float>> vectors(25, std::vector<float>{1, 2});
        put(import.store.fs, "/a.npy", npy(vectors));
        import.options.commit_every = 10;
        std::vector<std::uint64_t> told;
        std::vector<std::uint64_t> visible;
        import.options.on_durable = [&](std::uint64_t rows)->Status { told.push_back(rows);
        visible.push_back(import.store.open(AccessMode::kRead).snapshot().rows());
        return {};
    };
    must(import.run({"/a.npy", "/a.npy"}));
    CHECK(told == std::vector<std::uint64_t>{10, 20, 25, 35, 45, 50});
    CHECK(visible == told);
    CHECK(import.info.commits == 6);
    // Replaced rows count as durable rows of this import as well.
    told.clear();
    must(import.run_text("r.jsonl", "{\"id\":\"0\",\"vector\":[9,9]}\n"));
    CHECK(told == std::vector<std::uint64_t>{1});
}

TEST_CASE("import: an error of the listener stops it, what was told stays") {
    Import import;
    std::vector<std::vector<float>> vectors(30, std::vector<float>{1, 2});
    import.options.commit_every = 10;
    import.options.on_durable = [](std::uint64_t rows)
                                    ->Status {
                                        return rows < 20 ? Status() : fail(Code::kIo, "nobody "
                                                                                      "reads any "
                                                                                      "more");
};
CHECK(code_of(import.run_text("a.npy", npy(vectors))) == Code::kIo);
CHECK(import.ids().size() == 20);
CHECK(import.info.rows_added == 20);
}

TEST_CASE("import: a cancelled one keeps its commits") {
    Import import;
    CancelSource cancel;
    import.store.context.cancel = cancel.token();
    std::vector<std::vector<float>> vectors(30, std::vector<float>{1, 2});
    import.options.commit_every = 10;
    import.options.on_durable = [&](std::uint64_t rows)
                                    ->Status {
                                        if (rows == 10) {
                                            cancel.cancel(2);
}
return {};
}
;
CHECK(code_of(import.run_text("a.npy", npy(vectors))) == Code::kCancelled);
CHECK(import.ids().size() == 10);
}

TEST_CASE("import: later rows win over earlier ones also while the embedder learns") {
    Import import(EmbedderChoice{"hash", 64});
    std::string vector = "[1";
    for (int i = 1; i < 64; ++i) {
        vector += ",0";
    }
    vector += "]";
    must(import.run_text("a.jsonl",
                         "{\"id\":\"a\",\"text\":\"old words\"}\n"
                         "{\"id\":\"a\",\"vector\":" +
                             vector +
                             "}\n"
                             "{\"id\":\"b\",\"text\":\"more words\"}\n"));
    CHECK(import.info.embedder_learned);
    CHECK(import.info.rows_added == 2);
    CHECK(import.info.rows_replaced == 1);
    REQUIRE(import.row("a"));
    CHECK_FALSE(import.row("a")->text);
    CHECK(import.row("a")->vector[0] == 1);
    CHECK(import.ids() == Ids{"a", "b"});
}

TEST_CASE("import: texts are embedded, learned from once, and found by their words") {
    Import import(EmbedderChoice{"hash", 256});
    std::string text;
    for (const char* words :
         {"the quick brown fox", "the lazy dog", "the seven seas", "the zebra and the giraffe"}) {
        text += "{\"id\":\"" + std::string(words).substr(4, 5) + "\",\"text\":\"" + words + "\"}\n";
    }
    must(import.run_text("a.jsonl", text));
    CHECK(import.info.embedder_learned);
    CHECK(import.database->embedder()->learned_documents() == 4);
    std::vector<float> query(256);
    import.database->embedder()->embed("giraffe zebra", query);
    const Snapshot snapshot = import.database->snapshot();
    const auto hits = must(snapshot.search(import.store.context, query, 1, 1));
    CHECK(must(snapshot.read_id(hits[0][0].row)) == "zebra");
    must(import.run_text("b.jsonl", "{\"text\":\"a fifth text\"}\n"));
    CHECK_FALSE(import.info.embedder_learned);
    CHECK(import.database->embedder()->learned_documents() == 4);
}
}
