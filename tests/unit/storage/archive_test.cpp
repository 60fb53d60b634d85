// Archives: everything comes back bit for bit, into new and existing databases; any damaged byte is
// told before anything is written.
#include <abi/storage/archive.hpp>

#include <bit>

#include "storage/archive_format.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

std::string archive_of(MemoryStore& store, const Database& database) {
    std::string bytes;
    const auto sink = string_sink(bytes);
    const ArchiveInfo info = must(export_archive(store.context, database, *sink));
    CHECK(info.bytes == bytes.size());
    return bytes;
}

// Three collections with all that an archive must keep; some rows in segments, some in the log,
// some deleted.
Database make_sample(MemoryStore& store) {
    Database database = store.create(3, Metric::kL2);
    must(commit(database, {{"a", {0.1F, -0.0F, 1e-45F}, "text", R"({"k":[1]})"},
                           {"b", {3.4028235e38F, 2, 3}, {}, {}},
                           {"gone", {1, 1, 1}, {}, {}}}));
    must(database.checkpoint());
    must(commit(database, {{"41", {4, 5, 6}, "", {}}, {"b", {7, 8, 9}, "new", {}}},
                WriteMode::kUpsert, {"gone"}));
    CollectionOptions bytes{.dimension = 2, .metric = Metric::kDot, .embedder = {}};
    bytes.name = "bytes";
    bytes.element = ElementType::kInt8;
    must(database.create_collection(bytes));
    Database second = must(database.collection("bytes"));
    must(commit(second, {{"x", {-128, 127}, {}, {}}, {"y", {1, 2}, {}, {}}}));
    CollectionOptions texts;
    texts.name = "texts";
    texts.embedder = must(parse_embedder("hash:64"));
    must(database.create_collection(texts));
    Database third = must(database.collection("texts"));
    const std::vector<std::string_view> corpus = {"one fish", "two fish", "red fish"};
    CHECK(must(third.learn_if_new(corpus)));
    data::RecordBatch batch;
    for (const std::string_view text : corpus) {
        batch.texts.append(text);
        ++batch.rows;
    }
    must(third.embed(batch));
    must(third.commit({&batch, {}, WriteMode::kUpsert, {}}));
    CollectionOptions empty{.dimension = 5, .metric = Metric::kCosine, .embedder = {}};
    empty.name = "empty";
    must(database.create_collection(empty));
    return database;
}

void check_same(const Database& a, const Database& b) {
    const std::vector<CollectionInfo> left = a.collections(), right = b.collections();
    REQUIRE(left.size() == right.size());
    for (const CollectionInfo& info : left) {
        CAPTURE(info.name);
        const Database one = must(a.collection(info.name)), two = must(b.collection(info.name));
        CHECK(one.dimension() == two.dimension());
        CHECK(one.metric() == two.metric());
        CHECK(one.element() == two.element());
        const std::vector<Row> rows = rows_of(one.snapshot()), back = rows_of(two.snapshot());
        REQUIRE(rows.size() == back.size());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            CHECK(rows[i].id == back[i].id);
            CHECK(rows[i].text == back[i].text);
            CHECK(rows[i].metadata == back[i].metadata);
            REQUIRE(rows[i].vector.size() == back[i].vector.size());
            for (std::size_t j = 0; j < rows[i].vector.size(); ++j) {
                CHECK(std::bit_cast<std::uint32_t>(rows[i].vector[j]) ==
                      std::bit_cast<std::uint32_t>(back[i].vector[j]));
            }
        }
        REQUIRE((one.embedder() == nullptr) == (two.embedder() == nullptr));
        CHECK((one.embedder() == nullptr ||
               one.embedder()->serialize() == two.embedder()->serialize()));
    }
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("archive: into a new database") {
        MemoryStore store;
        Database database = make_sample(store);
        put(store.fs, "/a.wda", archive_of(store, database));
        const ArchiveInfo info = must(create_from_archive(store.context, "/a.wda", "/new"));
        CHECK(info.collections == 4);
        CHECK(info.rows == 8);
        Database copy = must(Database::open(store.context, "/new", AccessMode::kReadWrite));
        check_same(database, copy);
        CHECK(copy.snapshot().stats().uuid != database.snapshot().stats().uuid);
        // The next ordinal goes on where it was.
        data::RecordBatch batch;
        batch.rows = 1;
        batch.dimension = 3;
        batch.owned_vectors = {1, 2, 3};
        batch.vectors = batch.owned_vectors;
        CHECK(must(copy.commit({&batch, {}, WriteMode::kUpsert, {}})).first_id == "42");
        must(copy.close());
        CHECK(must(verify(store.context, "/new")).faults_total == 0);
        CHECK(code_of(create_from_archive(store.context, "/a.wda", "/new")) ==
              Code::kAlreadyExists);
    }

    TEST_CASE("archive: into a database that is there") {
        MemoryStore store;
        Database database = make_sample(store);
        put(store.fs, "/a.wda", archive_of(store, database));
        MemoryStore other;
        put(other.fs, "/a.wda", whole(store.fs, "/a.wda"));
        // "default" is there without rows, the rest is not there.
        Database target = other.create(3, Metric::kL2);
        ImportInfo info;
        must(import_files(other.context, target, {"/a.wda"}, nullptr, {}, info));
        CHECK(info.rows_added == 8);
        CHECK(info.commits == 1);
        check_same(database, target);
        // Again, now row by row, over rows that are there and one that is not in the archive.
        must(commit(target, {{"mine", {1, 2, 3}, {}, {}}, {"a", {0, 0, 0}, {}, {}}}));
        ImportInfo again;
        must(import_files(other.context, target, {"/a.wda"}, nullptr, {}, again));
        CHECK(again.rows_replaced == 8);
        CHECK(get(target.snapshot(), "a")->vector[0] == 0.1F);
        CHECK(target.snapshot().rows() == 4);
        must(target.close());
        CHECK(must(verify(other.context, other.path)).faults_total == 0);
    }

    TEST_CASE("archive: what does not fit is refused before anything is written") {
        MemoryStore store;
        Database database = make_sample(store);
        put(store.fs, "/a.wda", archive_of(store, database));
        const auto refused = [&](const CreateOptions& options, std::vector<Row> rows) {
            MemoryStore other;
            put(other.fs, "/a.wda", whole(store.fs, "/a.wda"));
            Database target = other.create(options);
            must(commit(target, std::move(rows)));
            ImportInfo info;
            const Status status =
                import_files(other.context, target, {"/a.wda"}, nullptr, {}, info);
            REQUIRE(!status);
            CHECK(target.collections().size() == 1);
            return status.error().code();
        };
        CHECK(refused({.dimension = 2, .metric = Metric::kL2, .embedder = {}}, {}) ==
              Code::kIncompatible);
        CHECK(refused({.dimension = 3, .metric = Metric::kDot, .embedder = {}}, {}) ==
              Code::kIncompatible);
        CreateOptions texts;
        texts.name = "texts";
        texts.embedder = must(parse_embedder("hash:64"));
        Row row{"r", std::vector<float>(64, 1.0F), "other", {}};
        CHECK(refused(texts, {row}) == Code::kIncompatible);
    }

    TEST_CASE("archive: every damaged byte and every cut is found") {
        MemoryStore store;
        Database database = store.create(2, Metric::kCosine);
        must(commit(database, {{"a", {1, 2}, "text", {}}, {"b", {3, 4}, {}, "{}"}}));
        const std::string bytes = archive_of(store, database);
        const auto code = [&](const std::string& changed) {
            put(store.fs, "/a.wda", changed);
            const auto made = create_from_archive(store.context, "/a.wda", "/new");
            REQUIRE(!made);
            CHECK(!must(store.fs.stat("/new")).has_value());
            CHECK(!must(store.fs.stat("/new.partial")).has_value());
            return made.error().code();
        };
        for (std::size_t at = 0; at < bytes.size(); at += at % 4096 < 200 ? 7 : 97) {
            std::string changed = bytes;
            changed[at] = static_cast<char>(changed[at] ^ 0x20);
            CAPTURE(at);
            REQUIRE(code(changed) == Code::kCorrupt);
        }
        for (std::size_t size = 0; size < bytes.size(); size += 501) {
            REQUIRE(code(bytes.substr(0, size)) == Code::kCorrupt);
        }
        REQUIRE(code(bytes + "x") == Code::kCorrupt);
    }

    TEST_CASE("archive: segments lie at multiples of 4,096 bytes") {
        MemoryStore store;
        Database database = make_sample(store);
        const std::string bytes = archive_of(store, database);
        const ArchiveContents contents = must(decode_archive(std::as_bytes(std::span(bytes)), "a"));
        CHECK(contents.files.size() == 6);  // three segments, an embedder, the log, the manifest
        for (const ArchiveFile& file : contents.files) {
            CHECK(file.offset % 4096 == 0);
        }
    }

    TEST_CASE("archive: an empty database, a cancelled export, a full disk") {
        MemoryStore store;
        const Database database = store.create(2, Metric::kL2);
        put(store.fs, "/a.wda", archive_of(store, database));
        CHECK(must(create_from_archive(store.context, "/a.wda", "/new")).rows == 0);
        CHECK(code_of(create_from_archive(store.context, "/none.wda", "/other")) ==
              Code::kInputMissing);
        MemoryStore other;
        const Database full = make_sample(other);
        CancelSource cancel;
        cancel.cancel();
        Context context = other.context;
        context.cancel = cancel.token();
        std::string bytes;
        const auto sink = string_sink(bytes);
        CHECK(code_of(export_archive(context, full, *sink)) == Code::kCancelled);
    }
}
