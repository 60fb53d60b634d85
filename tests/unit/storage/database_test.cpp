// Commits: what they accept, what they count, and what they leave behind when they refuse.
#include <limits>

#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

Row row(std::string id, float x = 0, std::optional<std::string> text = {}) {
    return {std::move(id), {x, 0}, std::move(text), {}};
}
Row anonymous(float x) {
    return {{}, {x, 0}, {}, {}};
}

// The same test against rows in the log and against rows in a segment.
void settle(Database& database, bool checkpoint) {
    if (checkpoint) {
        must(database.checkpoint());
    }
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("commit: an upsert adds and replaces, and counts both") {
        for (const bool checkpointed : {false, true}) {
            MemoryStore store;
            Database database = store.create();
            const CommitInfo first = must(commit(database, {row("a", 1, "old"), row("b", 2)}));
            CHECK(first.lsn == 1);
            CHECK(first.added == 2);
            CHECK(first.replaced == 0);
            CHECK(first.first_id == "a");
            settle(database, checkpointed);
            const CommitInfo second = must(commit(database, {row("b", 3), row("c", 4)}));
            CHECK(second.lsn == 2);
            CHECK(second.added == 1);
            CHECK(second.replaced == 1);
            const Snapshot snapshot = database.snapshot();
            CHECK(snapshot.rows() == 3);
            CHECK(get(snapshot, "b")->vector[0] == 3);
            CHECK(ids_of(snapshot) == std::vector<std::string>{"a", "b", "c"});
            // Replacing takes the whole row: no text is left from the old one.
            must(commit(database, {row("a", 9)}));
            CHECK(*get(database.snapshot(), "a") == row("a", 9));
        }
    }

    TEST_CASE("commit: a duplicate within a batch counts as replaced, the last one stays") {
        MemoryStore store;
        Database database = store.create();
        const CommitInfo info = must(commit(database, {row("a", 1), row("b", 2), row("a", 3)}));
        CHECK(info.added == 2);
        CHECK(info.replaced == 1);
        CHECK(get(database.snapshot(), "a")->vector[0] == 3);
        CHECK(database.snapshot().rows() == 2);
        must(database.close());
        const Database again = store.open();
        CHECK(get(again.snapshot(), "a")->vector[0] == 3);
        CHECK(again.snapshot().rows() == 2);
    }

    TEST_CASE("commit: an insert of an id that is there fails the whole batch") {
        for (const bool checkpointed : {false, true}) {
            MemoryStore store;
            Database database = store.create();
            must(commit(database, {row("a"), row("17")}));
            settle(database, checkpointed);
            for (const char* id : {"a", "17"}) {
                const Error error = error_of(
                    commit(database, {row("new"), row(id), row("99")}, WriteMode::kInsert));
                CHECK(error.code() == Code::kAlreadyExists);
                CHECK(error.message() == "id '" + std::string(id) + "' is already in '/db'");
                CHECK_FALSE(error.hint().empty());
            }
            CHECK(database.snapshot().rows() == 2);
            CHECK(database.snapshot().stats().lsn == 1);
            const CommitInfo info =
                must(commit(database, {row("b"), row("18")}, WriteMode::kInsert));
            CHECK(info.added == 2);
        }
    }

    TEST_CASE("commit: an insert that brings an id twice fails") {
        MemoryStore store;
        Database database = store.create();
        CHECK(code_of(commit(database, {row("a"), row("b"), row("a")}, WriteMode::kInsert)) ==
              Code::kAlreadyExists);
        CHECK(code_of(commit(database, {row("5"), row("5")}, WriteMode::kInsert)) ==
              Code::kAlreadyExists);
        CHECK(database.snapshot().rows() == 0);
    }

    TEST_CASE("commit: an update of an id that is not there fails the whole batch") {
        for (const bool checkpointed : {false, true}) {
            MemoryStore store;
            Database database = store.create();
            must(commit(database, {row("a", 1), row("3", 1)}));
            settle(database, checkpointed);
            // Above every integer id there is, and between them.
            for (const char* id : {"b", "1", "4", "1000000"}) {
                CAPTURE(id);
                const Error error =
                    error_of(commit(database, {row("a", 2), row(id)}, WriteMode::kUpdate));
                CHECK(error.code() == Code::kNotFound);
                CHECK(error.message() == "id '" + std::string(id) + "' is not in '/db'");
            }
            CHECK(code_of(commit(database, {anonymous(1)}, WriteMode::kUpdate)) == Code::kNotFound);
            CHECK(get(database.snapshot(), "a")->vector[0] == 1);
            const CommitInfo info =
                must(commit(database, {row("a", 5), row("3", 6)}, WriteMode::kUpdate));
            CHECK(info.replaced == 2);
            CHECK(info.added == 0);
            CHECK(get(database.snapshot(), "3")->vector[0] == 6);
        }
    }

    TEST_CASE("commit: deletes count what was there and what was not, and come before the rows") {
        for (const bool checkpointed : {false, true}) {
            MemoryStore store;
            Database database = store.create();
            must(commit(database, {row("a"), row("b"), row("c"), row("5")}));
            settle(database, checkpointed);
            const CommitInfo info = must(
                commit(database, {row("b", 7)}, WriteMode::kUpsert, {"a", "b", "x", "a", "5"}));
            CHECK(info.deleted == 3);
            CHECK(info.missing == 2);
            CHECK(info.added == 1);
            CHECK(info.replaced == 0);
            CHECK(ids_of(database.snapshot()) == std::vector<std::string>{"c", "b"});
            const CommitInfo nothing = must(commit(database, {}, WriteMode::kUpsert, {"nobody"}));
            CHECK(nothing.missing == 1);
            CHECK(database.snapshot().rows() == 2);
        }
    }

    TEST_CASE("commit: modes look at the database as the deletes of the batch leave it") {
        for (const bool checkpointed : {false, true}) {
            MemoryStore store;
            Database database = store.create();
            must(commit(database, {row("a", 1), row("7", 1)}));
            settle(database, checkpointed);
            const CommitInfo info =
                must(commit(database, {row("a", 2), row("7", 2)}, WriteMode::kInsert, {"a", "7"}));
            CHECK(info.deleted == 2);
            CHECK(info.added == 2);
            CHECK(code_of(commit(database, {row("a", 3)}, WriteMode::kUpdate, {"a"})) ==
                  Code::kNotFound);
            CHECK(get(database.snapshot(), "a")->vector[0] == 2);
        }
    }

    TEST_CASE("commit: an empty batch does nothing") {
        MemoryStore store;
        Database database = store.create();
        const std::uint64_t before = store.fs.sequence();
        const CommitInfo info = must(database.commit({}));
        CHECK(info.lsn == 0);
        CHECK(info.first_id.empty());
        CHECK(store.fs.sequence() == before);
        CHECK(database.snapshot().stats().lsn == 0);
    }

    TEST_CASE("commit: rows without an id get ordinals above every integer id") {
        MemoryStore store;
        Database database = store.create();
        CHECK(must(commit(database, {anonymous(0), anonymous(1)})).first_id == "0");
        must(commit(database, {row("10")}));
        CHECK(must(commit(database, {anonymous(2)})).first_id == "11");
        must(commit(database, {row("007"), row("-5"), row("12x"), row("3")}));
        CHECK(must(commit(database, {anonymous(3)})).first_id == "12");
        const CommitInfo mixed =
            must(commit(database, {anonymous(4), row("20"), anonymous(5), row("word")}));
        CHECK(mixed.first_id == "13");
        CHECK(mixed.added == 4);
        CHECK(get(database.snapshot(), "21")->vector[0] == 5);
        // Deleting the highest one does not give its number away again.
        must(commit(database, {}, WriteMode::kUpsert, {"21"}));
        must(database.close());
        Database again = store.open();
        CHECK(must(commit(again, {anonymous(6)})).first_id == "22");
    }

    TEST_CASE("commit: ordinals go on after a replay") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {anonymous(0), row("41")}));
            must(commit(database, {}, WriteMode::kUpsert, {"41"}));
        }  // not closed: the log is replayed
        Database again = store.open();
        CHECK(must(commit(again, {anonymous(1)})).first_id == "42");
    }

    TEST_CASE("commit: the largest integer id is refused where an ordinal must follow it") {
        MemoryStore store;
        Database database = store.create();
        const std::string largest = std::to_string(std::numeric_limits<std::uint64_t>::max());
        CHECK(code_of(commit(database, {row(largest)})) == Code::kInvalidData);
        must(commit(database, {row("18446744073709551614")}));
        CHECK(code_of(commit(database, {anonymous(1)})) == Code::kLimit);
        CHECK(database.snapshot().rows() == 1);
    }

    TEST_CASE("commit: ids have limits") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {row(std::string(kMaxIdBytes, 'i')), row("\xc3\xa9 \xe6\x97\xa5")}));
        CHECK(get(database.snapshot(), std::string(kMaxIdBytes, 'i')));
        for (const std::string& id :
             {std::string(), std::string(kMaxIdBytes + 1, 'i'), std::string("\xff"),
              std::string("nul\0inside", 10), std::string("\xc3")}) {
            CAPTURE(id.size());
            CHECK(code_of(commit(database, {row("fine"), row(id)})) == Code::kInvalidData);
        }
        CHECK(database.snapshot().rows() == 2);
    }

    TEST_CASE("commit: texts and metadata have limits") {
        MemoryStore store;
        Database database = store.create();
        Row large = row("meta");
        large.metadata = "{\"k\":\"" + std::string(kMaxMetadataBytes - 8, 'm') + "\"}";
        REQUIRE(large.metadata->size() == kMaxMetadataBytes);
        must(commit(database, {large}));
        CHECK(get(database.snapshot(), "meta")->metadata == large.metadata);
        *large.metadata += " ";
        CHECK(code_of(commit(database, {large})) == Code::kInvalidData);
        CHECK(code_of(commit(database, {row("t", 0, std::string(kMaxTextBytes + 1, 't'))})) ==
              Code::kInvalidData);
        const Error error = error_of(commit(database, {row("t", 0, "ab\xff")}));
        CHECK(error.code() == Code::kInvalidData);
        CHECK(error.message() == "the text of row 't' is not valid UTF-8");
    }

    TEST_CASE("commit: vectors must have the dimension and be finite") {
        MemoryStore store;
        Database database = store.create(2);
        const data::RecordBatch three = batch_of({{"a", {1, 2, 3}, {}, {}}}, 3);
        const Error error = error_of(database.commit({&three, {}, WriteMode::kUpsert}));
        CHECK(error.code() == Code::kIncompatible);
        CHECK(error.message() == "the vectors have dimension 3, database '/db' has 2");
        data::RecordBatch none;
        none.rows = 1;
        CHECK(code_of(database.commit({&none, {}, WriteMode::kUpsert})) == Code::kIncompatible);
        for (const float bad :
             {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
              -std::numeric_limits<float>::infinity()}) {
            Row poisoned = row("bad");
            poisoned.vector[1] = bad;
            const Error nan = error_of(commit(database, {row("good"), poisoned}));
            CHECK(nan.code() == Code::kInvalidData);
            CHECK(nan.message() == "the vector of row 'bad' holds NaN or infinity at position 1");
        }
        CHECK(database.snapshot().rows() == 0);
    }

    TEST_CASE("commit: embed and learning need an embedder") {
        MemoryStore store;
        Database database = store.create();
        data::RecordBatch batch;
        batch.rows = 1;
        batch.texts.append("hello");
        CHECK(database.embedder() == nullptr);
        CHECK(code_of(database.embed(batch)) == Code::kInvalidArgument);
        const std::vector<std::string_view> texts{"hello"};
        CHECK_FALSE(must(database.learn_if_new(texts)));
    }

    TEST_CASE("embedder: learning embeds what is there again, is durable, and happens once") {
        MemoryStore store;
        Database database =
            store.create(CreateOptions{.dimension = 0, .embedder = EmbedderChoice{"hash", 64}});
        CHECK(database.dimension() == 64);
        REQUIRE(database.embedder() != nullptr);
        const auto add = [&](Database& into, const std::string& id, const std::string& text) {
            data::RecordBatch batch = batch_of({{id, {}, text, {}}}, 0);
            must(into.embed(batch));
            must(into.commit({&batch, {}, WriteMode::kUpsert}));
        };
        add(database, "early", "the cat sat on the mat with another cat");
        const std::vector<float> unlearned = get(database.snapshot(), "early")->vector;
        const std::vector<std::string_view> texts{"the dog", "the bird", "the cat and the fish"};
        CHECK(must(database.learn_if_new(texts)));
        CHECK(database.embedder()->learned_documents() == 4);
        CHECK(database.snapshot().stats().learned_documents == 4);
        const std::vector<float> learned = get(database.snapshot(), "early")->vector;
        CHECK(learned != unlearned);
        CHECK_FALSE(must(database.learn_if_new(texts)));
        add(database, "late", "the cat sat on the mat with another cat");
        CHECK(get(database.snapshot(), "late")->vector == learned);
        must(database.close());

        Database again = store.open();
        CHECK(again.embedder()->learned_documents() == 4);
        add(again, "later", "the cat sat on the mat with another cat");
        CHECK(get(again.snapshot(), "later")->vector == learned);
        const OptimizeInfo info = must(again.optimize());
        CHECK(info.reembedded);
        CHECK(again.embedder()->learned_documents() == 3);
        CHECK(get(again.snapshot(), "early")->vector != learned);
        CHECK(get(again.snapshot(), "early")->vector == get(again.snapshot(), "late")->vector);
    }
}
