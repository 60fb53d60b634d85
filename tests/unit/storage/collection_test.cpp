// Several collections in one database, element types, named snapshots, and databases of format
// version 1.
#include <array>

#include "storage/batch_codec.hpp"
#include "storage/log.hpp"
#include "support.hpp"
#include "version_1.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

Database reopen(MemoryStore& store, AccessMode mode, const OpenOptions& options = {}) {
    return must(Database::open(store.context, store.path, mode, options));
}

CollectionOptions shaped(std::string name, std::uint32_t dimension, Metric metric,
                         ElementType element = ElementType::kFloat32) {
    CollectionOptions options;
    options.name = std::move(name);
    options.dimension = dimension;
    options.metric = metric;
    options.element = element;
    return options;
}

void add(Database& database, const std::vector<Row>& rows) {
    const data::RecordBatch batch = batch_of(rows, database.dimension());
    must(database.commit({&batch, {}, WriteMode::kUpsert}));
}

std::vector<float> vector_of(const Snapshot& snapshot, std::string_view id) {
    const auto row = must(snapshot.find(id));
    REQUIRE(row);
    const RowView view = must(snapshot.read(*row));
    return {view.vector.begin(), view.vector.end()};
}

// What a vector becomes when it is stored: exact values for what the tests write.
const std::vector<float> kSmall{1, -2, 0.5F, 0.25F};

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("collections: each has its own rows, ids and shape, and they survive reopening") {
        MemoryStore store;
        {
            Database first = store.create(2, Metric::kL2);
            must(first.create_collection(shaped("words", 3, Metric::kCosine)));
            Database words = must(first.collection("words"));
            CHECK(words.name() == "words");
            CHECK(words.dimension() == 3);
            add(first, {{"a", {1, 2}, "in the first", {}}});
            add(words, {{"a", {1, 2, 3}, "in words", {}}, {{}, {0, 0, 1}, {}, {}}});
            add(first, {{{}, {3, 4}, {}, {}}});
            CHECK(first.snapshot().rows() == 2);
            CHECK(words.snapshot().rows() == 2);
        }  // not closed: everything comes from the log
        for (int round = 0; round < 2; ++round) {
            Database words = reopen(store, AccessMode::kReadWrite, {.collection = "words"});
            CHECK(vector_of(words.snapshot(), "a") == std::vector<float>{1, 2, 3});
            CHECK(must(words.snapshot().find("0")));
            const Database first = must(words.collection("default"));
            CHECK(vector_of(first.snapshot(), "a") == std::vector<float>{1, 2});
            const auto list = words.collections();
            REQUIRE(list.size() == 2);
            CHECK(list[0].name == "default");
            CHECK(list[1].name == "words");
            CHECK(list[1].rows == 2);
            must(words.close());
        }
        CHECK(must(verify(store.context, store.path)).rows == 4);
        CHECK(must(verify(store.context, store.path)).faults_total == 0);
    }

    TEST_CASE("collections: one commit over several is whole or absent") {
        MemoryStore store;
        Database first = store.create(1, Metric::kL2);
        must(first.create_collection(shaped("b", 1, Metric::kL2)));
        const data::RecordBatch good = batch_of({{"x", {1}, {}, {}}}, 1);
        const data::RecordBatch wide = batch_of({{"y", {1, 2}, {}, {}}}, 2);
        std::vector<WriteBatch> both(2);
        both[0].rows = &good;
        both[1].rows = &wide;
        both[1].collection = "b";
        CHECK(code_of(first.commit_all(both)) == Code::kIncompatible);
        CHECK(first.snapshot().rows() == 0);
        both[1].rows = &good;
        const CommitInfo info = must(first.commit_all(both));
        CHECK(info.added == 2);
        CHECK(info.lsn == 1);
        both[1].collection = "";
        CHECK(code_of(first.commit_all(both)) == Code::kInvalidArgument);
        both[1].collection = "nowhere";
        CHECK(code_of(first.commit_all(both)) == Code::kNotFound);
        const Database again = reopen(store, AccessMode::kRead, {.collection = "b"});
        CHECK(again.snapshot().rows() == 1);
        const std::vector<std::string> names{"b", "default"};
        CHECK(must(again.snapshots_of(names)).size() == 2);
    }

    TEST_CASE("collections: dropping one leaves the others, its name is free, its id is not") {
        MemoryStore store;
        Database first = store.create(1, Metric::kL2);
        must(first.create_collection(shaped("b", 1, Metric::kL2)));
        CHECK(code_of(first.create_collection(shaped("b", 2, Metric::kL2))) ==
              Code::kAlreadyExists);
        Database b = must(first.collection("b"));
        add(b, {{"x", {1}, {}, {}}});
        add(first, {{"x", {2}, {}, {}}});
        must(first.drop_collection("b"));
        CHECK(code_of(first.drop_collection("b")) == Code::kNotFound);
        CHECK(b.snapshot().rows() == 0);
        const data::RecordBatch batch = batch_of({{"y", {1}, {}, {}}}, 1);
        CHECK(code_of(b.commit({&batch, {}, WriteMode::kUpsert})) == Code::kNotFound);
        must(first.create_collection(shaped("b", 2, Metric::kL2)));
        CHECK(b.snapshot().rows() == 0);
        add(first, {{"z", {3}, {}, {}}});
        const Database again = reopen(store, AccessMode::kRead);
        CHECK(again.snapshot().rows() == 2);
        CHECK(must(again.collection("b")).dimension() == 2);
        CHECK(code_of(Database::open(store.context, store.path, AccessMode::kRead,
                                     {.collection = "c"})) == Code::kNotFound);
    }

    TEST_CASE("collections: names and shapes that cannot be are refused") {
        MemoryStore store;
        Database database = store.create(1, Metric::kL2);
        const auto refused = [&](const CollectionOptions& options) {
            return code_of(database.create_collection(options)) == Code::kInvalidArgument;
        };
        CHECK(refused(shaped("", 1, Metric::kL2)));
        CHECK(refused(shaped("a/b", 1, Metric::kL2)));
        CHECK(refused(shaped("a\nb", 1, Metric::kL2)));
        CHECK(refused(shaped("\xff", 1, Metric::kL2)));
        CHECK(refused(shaped(std::string(256, 'n'), 1, Metric::kL2)));
        CHECK(refused(shaped("n", 0, Metric::kL2)));
        CHECK(refused(shaped("n", 8, Metric::kL2, ElementType::kBits)));
        CHECK(refused(shaped("n", 8, Metric::kHamming)));
        CollectionOptions hash = shaped("n", 0, Metric::kCosine, ElementType::kInt8);
        hash.embedder = EmbedderChoice{"hash", 64};
        CHECK(refused(hash));
        hash.element = ElementType::kFloat16;
        must(database.create_collection(hash));
        CHECK(database.collections().size() == 2);
    }

    TEST_CASE("elements: what fits comes back exactly, what does not is refused") {
        for (const ElementType element :
             {ElementType::kFloat32, ElementType::kFloat16, ElementType::kBFloat16}) {
            CAPTURE(std::string(element_name(element)));
            MemoryStore store;
            Database database = store.create(1, Metric::kL2);
            must(database.create_collection(shaped("e", 4, Metric::kCosine, element)));
            Database e = must(database.collection("e"));
            add(e, {{"a", kSmall, {}, {}}});
            CHECK(vector_of(e.snapshot(), "a") == kSmall);
            must(e.close());
            const Database again = reopen(store, AccessMode::kRead, {.collection = "e"});
            CHECK(again.element() == element);
            CHECK(vector_of(again.snapshot(), "a") == kSmall);
            const auto hits = must(again.snapshot().search(store.context, kSmall, 1, 5));
            REQUIRE(hits[0].size() == 1);
            CHECK(hits[0][0].distance == doctest::Approx(0).epsilon(1e-6));
        }
        MemoryStore store;
        Database database = store.create(1, Metric::kL2);
        const auto try_add = [&](ElementType element, Metric metric, const std::vector<float>& v) {
            const std::string name = "c" + std::to_string(database.collections().size());
            must(database.create_collection(
                shaped(name, static_cast<std::uint32_t>(v.size()), metric, element)));
            Database c = must(database.collection(name));
            const data::RecordBatch batch = batch_of({{"a", v, {}, {}}}, c.dimension());
            const auto done = c.commit({&batch, {}, WriteMode::kUpsert});
            if (done) {
                CHECK(vector_of(c.snapshot(), "a") == v);
            }
            return done.has_value();
        };
        CHECK(try_add(ElementType::kInt8, Metric::kL2, {-128, 127, 0}));
        CHECK_FALSE(try_add(ElementType::kInt8, Metric::kL2, {-129}));
        CHECK_FALSE(try_add(ElementType::kInt8, Metric::kL2, {0.5F}));
        CHECK(try_add(ElementType::kBits, Metric::kHamming, {1, 0, 0, 1, 1, 1, 0, 1, 1}));
        CHECK_FALSE(try_add(ElementType::kBits, Metric::kHamming, {2}));
        CHECK(try_add(ElementType::kFloat16, Metric::kL2, {65504}));
        CHECK_FALSE(try_add(ElementType::kFloat16, Metric::kL2, {65520}));
        CHECK(try_add(ElementType::kBFloat16, Metric::kL2, {0x1.fep127F}));
        CHECK_FALSE(try_add(ElementType::kBFloat16, Metric::kL2, {0x1.ffp127F}));
    }

    TEST_CASE("snapshots: a name keeps a moment of all collections until it is dropped") {
        MemoryStore store;
        Database database = store.create(1, Metric::kL2);
        must(database.create_collection(shaped("b", 1, Metric::kL2)));
        Database b = must(database.collection("b"));
        add(database, {{"x", {1}, {}, {}}, {"y", {2}, {}, {}}});
        add(b, {{"z", {3}, {}, {}}});
        must(database.create_snapshot("before"));
        CHECK(code_of(database.create_snapshot("before")) == Code::kAlreadyExists);
        CHECK(code_of(database.create_snapshot("")) == Code::kInvalidArgument);
        must(database.commit({nullptr, {"x"}, WriteMode::kUpsert}));
        add(database, {{"y", {9}, {}, {}}});
        must(database.drop_collection("b"));
        must(database.optimize());
        must(database.close());
        CHECK(must(verify(store.context, store.path)).faults_total == 0);

        const Database now = reopen(store, AccessMode::kRead);
        CHECK(now.snapshot().rows() == 1);
        const auto list = now.snapshots();
        REQUIRE(list.size() == 1);
        CHECK(list[0].name == "before");
        CHECK(list[0].rows == 3);
        const Database then = reopen(store, AccessMode::kRead, {.snapshot = "before"});
        CHECK(then.snapshot().rows() == 2);
        CHECK(vector_of(then.snapshot(), "y") == std::vector<float>{2});
        CHECK(must(then.collection("b")).snapshot().rows() == 1);
        CHECK(code_of(Database::open(store.context, store.path, AccessMode::kRead,
                                     {.snapshot = "after"})) == Code::kNotFound);
        CHECK(code_of(Database::open(store.context, store.path, AccessMode::kReadWrite,
                                     {.snapshot = "before"})) == Code::kInvalidArgument);
        Database writer = reopen(store, AccessMode::kReadWrite);
        const std::size_t files = must(store.fs.list("/db")).size();
        must(writer.drop_snapshot("before"));
        CHECK(must(store.fs.list("/db")).size() < files);
        CHECK(code_of(writer.drop_snapshot("before")) == Code::kNotFound);
        CHECK(vector_of(writer.snapshot(), "y") == std::vector<float>{9});
    }

    TEST_CASE("format 1: it is read as it is, written only after an upgrade") {
        MemoryStore store;
        Uuid uuid{};
        uuid.bytes[0] = 7;
        must(store.fs.create_directory("/db"));
        const LogIdentity identity{uuid, 1, 99};
        must(create_log(store.fs, store.file(log_name(1)), identity));
        std::string log = must(store.fs.read_file(store.file(log_name(1))));
        log[8] = 1;
        put_crc(log, 60, std::string_view(log).substr(0, 60));
        put(store.fs, store.file(log_name(1)), log);
        {
            auto writer =
                must(LogWriter::open(store.fs, store.file(log_name(1)), identity, kLogHeaderBytes));
            const data::RecordBatch rows = batch_of({{"a", {1, 2}, "old", {}}}, 2);
            BatchView view;
            view.rows = 1;
            view.shape = {2};
            view.ids = &rows.ids;
            view.texts = &rows.texts;
            view.vectors = std::as_bytes(rows.vectors);
            const std::string head = encode_batch(view);
            const std::array<std::span<const std::byte>, 2> pieces{as_bytes(head), view.vectors};
            must(writer->append(RecordType::kBatch, 1, 5, pieces));
        }
        put(store.fs, "/db/MANIFEST", manifest_of_version_1(uuid, 2, {}));

        CHECK(vector_of(reopen(store, AccessMode::kRead).snapshot(), "a") ==
              std::vector<float>{1, 2});
        const auto refused = Database::open(store.context, store.path, AccessMode::kReadWrite);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Code::kIncompatible);
        CHECK(refused.error().hint().contains("abi db upgrade /db"));
        CHECK(must(verify(store.context, store.path)).faults_total == 0);
        CHECK(must(Database::upgrade(store.context, store.path, UpgradeMode::kLook)).from == 1);
        CHECK(must(Database::upgrade(store.context, store.path)).from == 1);
        CHECK(must(Database::upgrade(store.context, store.path)).from == 2);
        Database writer = reopen(store, AccessMode::kReadWrite);
        add(writer, {{"b", {3, 4}, {}, {}}});
        CHECK(vector_of(writer.snapshot(), "a") == std::vector<float>{1, 2});
        CHECK(must(read_manifest(store.fs, "/db")).version == 2);
    }
}
