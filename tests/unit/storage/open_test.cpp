// Making, opening, closing and checkpointing databases: who may, and what is left on the disk.
#include <algorithm>
#include <cstring>

#include <abi/core/crc32c.hpp>
#include <abi/core/fs_fault.hpp>

#include "storage/format.hpp"
#include "storage/manifest.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

Row row(std::string id, float x = 0) {
    return {std::move(id), {x, 0}, {}, {}};
}

std::vector<std::string> names(MemoryStore& store) {
    return store.files("");
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("create: makes a directory or takes an empty one") {
        MemoryStore store;
        store.create(3, Metric::kDot);
        const Database database = store.open(AccessMode::kRead);
        CHECK(database.dimension() == 3);
        CHECK(database.metric() == Metric::kDot);
        CHECK(database.path() == "/db");
        CHECK(database.snapshot().rows() == 0);
        CHECK(names(store) == std::vector<std::string>{"LOCK", "MANIFEST", "log-0000000001.wal"});
        must(store.fs.create_directory("/empty"));
        store.path = "/empty";
        store.create();
        store.open();
    }

    TEST_CASE("create: refuses what is there already") {
        MemoryStore store;
        store.create();
        const CreateOptions options{.dimension = 2, .embedder = {}};
        const Error again = error_of(Database::create(store.context, "/db", options));
        CHECK(again.code() == Code::kAlreadyExists);
        CHECK(again.message() == "there is a database at '/db' already");
        put(store.fs, "/file", "x");
        CHECK(code_of(Database::create(store.context, "/file", options)) == Code::kAlreadyExists);
        must(store.fs.create_directory("/full"));
        put(store.fs, "/full/notes.txt", "mine");
        const Error full = error_of(Database::create(store.context, "/full", options));
        CHECK(full.code() == Code::kAlreadyExists);
        CHECK(full.message() == "'/full' is a directory with other files in it");
        CHECK(whole(store.fs, "/full/notes.txt") == "mine");
        CHECK(must(store.fs.list("/full")).size() == 1);
        CHECK(code_of(Database::create(store.context, "/no/such/parent", options)) ==
              Code::kInputMissing);
    }

    TEST_CASE("create: refuses a database that lost its manifest") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {row("a")}));
        const CreateOptions options{.dimension = 2, .embedder = {}};
        SUBCASE("with rows in its log") {}
        SUBCASE("with rows in a segment") {
            must(database.checkpoint());
        }
        const std::vector<std::string> before = names(store);
        database = Database(store.open(AccessMode::kRead));
        must(store.fs.remove("/db/MANIFEST"));
        CHECK(code_of(Database::create(store.context, "/db", options)) == Code::kAlreadyExists);
        CHECK(names(store).size() == before.size() - 1);
    }

    TEST_CASE("create: impossible options make nothing") {
        MemoryStore store;
        const auto refused = [&](CreateOptions options) {
            const Code code = code_of(Database::create(store.context, "/db", options));
            CHECK_FALSE(must(store.fs.stat("/db")));
            return code;
        };
        const auto hash = [](std::uint32_t dimension) { return EmbedderChoice{"hash", dimension}; };
        CHECK(refused({.dimension = 0, .embedder = {}}) == Code::kInvalidArgument);
        CHECK(refused({.dimension = kMaxDimension + 1, .embedder = {}}) == Code::kInvalidArgument);
        CHECK(refused({.dimension = 5, .embedder = hash(64)}) == Code::kInvalidArgument);
        CHECK(refused({.dimension = 0, .embedder = hash(3)}) == Code::kInvalidArgument);
        CHECK(refused({.dimension = 0, .embedder = EmbedderChoice{"model", 64}}) ==
              Code::kUnavailable);
        must(Database::create(store.context, "/db", {.dimension = kMaxDimension, .embedder = {}}));
    }

    TEST_CASE("create: an abandoned creation can be repeated, cut at any operation") {
        MemoryFileSystem fs;
        const Context context = context_on(fs);
        const CreateOptions options{.dimension = 2, .embedder = {}};
        must(Database::create(context, "/db", options));
        for (std::uint64_t at = 0; at <= fs.sequence(); ++at) {
            for (const CrashPlan& plan : crash_plans(at, much(3, 1))) {
                CAPTURE(at);
                CAPTURE(describe(plan));
                const auto after = fs.crash_at(at, plan);
                const Context later = context_on(*after);
                auto opened = Database::open(later, "/db", AccessMode::kReadWrite);
                if (!opened) {
                    const Code code = opened.error().code();
                    CHECK((code == Code::kInputMissing || code == Code::kCorrupt));
                    opened = Database::create(later, "/db", options);
                }
                Database database = must(std::move(opened));
                must(commit(database, {row("a")}));
                must(database.close());
                CHECK(must(verify(later, "/db")).faults_total == 0);
            }
        }
    }

    TEST_CASE("create: one that fails leaves nothing, and can be repeated") {
        const CreateOptions options{.dimension = 2, .embedder = {}};
        for (std::uint64_t nth = 1;; ++nth) {
            CAPTURE(nth);
            MemoryFileSystem base;
            FaultFileSystem fs(base);
            fs.fail({.nth = nth});
            auto made = Database::create(context_on(fs), "/db", options);
            const bool failed = !made;
            if (fs.faults() == 0) {
                must(std::move(made));
                break;
            }
            fs.clear();
            if (failed) {
                made = Database::create(context_on(fs), "/db", options);
                // Opening may be what failed: then the database is there.
                if (!made) {
                    CHECK(made.error().code() == Code::kAlreadyExists);
                    made = Database::open(context_on(fs), "/db", AccessMode::kReadWrite);
                }
            }
            Database database = must(std::move(made));
            must(commit(database, {row("a")}));
        }
    }

    TEST_CASE("create: a second creation at the same time does not harm the first") {
        // The first holds the lock and has not written its manifest yet.
        MemoryStore store;
        must(store.fs.create_directory("/db"));
        const auto lock = must(store.fs.open("/db/LOCK", OpenMode::kCreate));
        must(lock->try_lock(LockKind::kExclusive));
        put(store.fs, "/db/log-0000000001.wal", "being written");
        const Error error = error_of(
            Database::create(store.context, "/db", CreateOptions{.dimension = 2, .embedder = {}}));
        CHECK(error.code() == Code::kLocked);
        CHECK(whole(store.fs, "/db/log-0000000001.wal") == "being written");
        CHECK(must(store.fs.stat("/db/LOCK")));
    }

    TEST_CASE("open: what is missing or no database says so") {
        MemoryStore store;
        for (const AccessMode mode : {AccessMode::kRead, AccessMode::kReadWrite}) {
            const Error missing = error_of(Database::open(store.context, "/nothing", mode));
            CHECK(missing.code() == Code::kInputMissing);
            CHECK(missing.message().contains("'/nothing'"));
        }
        must(store.fs.create_directory("/d"));
        CHECK(code_of(Database::open(store.context, "/d", AccessMode::kReadWrite)) ==
              Code::kCorrupt);
        CHECK(must(store.fs.list("/d")).empty());
        put(store.fs, "/f", "a file");
        const Error file = error_of(Database::open(store.context, "/f", AccessMode::kRead));
        CHECK((file.code() == Code::kCorrupt || file.code() == Code::kInputMissing));
        CHECK(file.message().contains("'/f"));
    }

    TEST_CASE("open: a second writer is refused, readers are not") {
        MemoryStore store;
        Database writer = store.create();
        must(commit(writer, {row("a", 1)}));
        const Error error = error_of(Database::open(store.context, "/db", AccessMode::kReadWrite));
        CHECK(error.code() == Code::kLocked);
        CHECK(error.message() == "database '/db' is being written by another process");
        const Database reader = store.open(AccessMode::kRead);
        const Database other = store.open(AccessMode::kRead);
        const Snapshot before = reader.snapshot();
        must(commit(writer, {row("b", 2)}));
        CHECK(before.rows() == 1);
        CHECK(reader.snapshot().rows() == 2);
        CHECK(store.open(AccessMode::kRead).snapshot().rows() == 2);
        must(writer.close());
        Database next = store.open();
        CHECK(next.snapshot().rows() == 2);
        CHECK(other.snapshot().rows() == 2);
    }

    TEST_CASE("open: a reader writes nothing, not even a cut tail away") {
        MemoryStore store;
        {
            Database writer = store.create();
            must(commit(writer, {row("a", 1)}));
        }
        const std::string log = store.file(log_name(1));
        put(store.fs, log, whole(store.fs, log) + "torn tail");
        put(store.fs, store.file("seg-0000000099.wds"), "an orphan");
        const std::uint64_t before = store.fs.sequence();
        Database reader = store.open(AccessMode::kRead);
        CHECK(reader.snapshot().rows() == 1);
        CHECK(code_of(commit(reader, {row("b")})) == Code::kInvalidArgument);
        CHECK(code_of(reader.checkpoint()) == Code::kInvalidArgument);
        CHECK(code_of(reader.optimize()) == Code::kInvalidArgument);
        must(reader.close());
        for (const FsOperation& operation : store.fs.log()) {
            if (operation.sequence > before) {
                CHECK((operation.call == FsCall::kOpen || operation.call == FsCall::kRead ||
                       operation.call == FsCall::kStat || operation.call == FsCall::kSize ||
                       operation.call == FsCall::kMap || operation.call == FsCall::kList ||
                       operation.call == FsCall::kLock));
                CHECK(operation.mode == OpenMode::kRead);
            }
        }
    }

    TEST_CASE("close: leaves an empty log, one segment and no other file") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {row("a"), row("b")}));
        must(commit(database, {}, WriteMode::kUpsert, {"a"}));
        must(database.close());
        CHECK(code_of(commit(database, {row("c")})) == Code::kInvalidArgument);
        CHECK(names(store).size() == 4);
        const auto logs = store.files("log-");
        REQUIRE(logs.size() == 1);
        CHECK(must(store.fs.stat(store.file(logs[0])))->size_bytes == 64);
        CHECK(store.files("seg-").size() == 1);
        const Database again = store.open(AccessMode::kRead);
        CHECK(ids_of(again.snapshot()) == std::vector<std::string>{"b"});
        CHECK(again.snapshot().stats().deleted_rows == 0);
    }

    TEST_CASE("close: without changes it writes nothing") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {row("a")}));
            must(database.close());
        }
        Database database = store.open();
        const std::uint64_t before = store.fs.sequence();
        must(database.close());
        CHECK(store.fs.sequence() == before);
    }

    TEST_CASE("open: replays the log of a writer that did not close") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {row("a", 1), row("b", 2), row("c", 3)}));
            must(database.checkpoint());
            must(commit(database, {row("b", 20), row("d", 4)}));
            must(commit(database, {row("d", 40)}, WriteMode::kUpdate, {"a"}));
            must(commit(database, {row("a", 10)}));
        }
        for (const AccessMode mode : {AccessMode::kRead, AccessMode::kReadWrite}) {
            const Database database = store.open(mode);
            const Snapshot snapshot = database.snapshot();
            CHECK(ids_of(snapshot) == std::vector<std::string>{"c", "b", "d", "a"});
            CHECK(get(snapshot, "a")->vector[0] == 10);
            CHECK(get(snapshot, "b")->vector[0] == 20);
            CHECK(get(snapshot, "d")->vector[0] == 40);
            CHECK(snapshot.stats().lsn == 4);
            CHECK(snapshot.stats().segments == 1);
        }
    }

    TEST_CASE("open: the writer removes orphans and leaves foreign files alone") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {row("a")}));
            must(database.close());
        }
        for (const char* name : {"seg-0000000099.wds", "del-0000000098.wdd", "emb-0000000097.wde",
                                 "log-0000000096.wal", "MANIFEST.tmp", "notes.txt"}) {
            put(store.fs, store.file(name), "stray");
        }
        {
            const Database reader = store.open(AccessMode::kRead);
            CHECK(names(store).size() == 4 + 6);
        }
        const Database database = store.open();
        CHECK(names(store).size() == 4 + 1);
        CHECK(whole(store.fs, store.file("notes.txt")) == "stray");
        CHECK(database.snapshot().rows() == 1);
    }

    TEST_CASE("open: a missing or damaged file is damage with its name") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {row("a"), row("b"), row("c")}));
            must(database.checkpoint());
            must(commit(database, {row("d")}, WriteMode::kUpsert, {"b"}));
            must(database.close());
        }
        for (const std::string& name : names(store)) {
            if (name == "LOCK" || name == "MANIFEST") {
                continue;
            }
            CAPTURE(name);
            const std::string bytes = whole(store.fs, store.file(name));
            must(store.fs.remove(store.file(name)));
            const Error missing = error_of(Database::open(store.context, "/db", AccessMode::kRead));
            CHECK(missing.code() == Code::kCorrupt);
            CHECK(missing.message().contains(name));
            put(store.fs, store.file(name), bytes);
            flip(store.fs, store.file(name), 20);
            if (name.starts_with("seg-")) {
                flip(store.fs, store.file(name), bytes.size() - 4096 + 20);  // the header's copy
            }
            const Error damaged =
                error_of(Database::open(store.context, "/db", AccessMode::kReadWrite));
            CHECK(damaged.code() == Code::kCorrupt);
            CHECK(damaged.message().contains(name));
            put(store.fs, store.file(name), bytes);
        }
        CHECK(store.open(AccessMode::kRead).snapshot().rows() == 3);
    }

    TEST_CASE("open: a newer format is told apart from damage") {
        MemoryStore store;
        store.create();
        std::string bytes = whole(store.fs, "/db/MANIFEST");
        bytes[8] = 3;
        put(store.fs, "/db/MANIFEST", bytes);
        const Error damaged = error_of(Database::open(store.context, "/db", AccessMode::kRead));
        CHECK(damaged.code() == Code::kCorrupt);
        const std::uint32_t crc = crc32c(std::as_bytes(std::span(bytes).first(36)));
        std::memcpy(bytes.data() + 36, &crc, sizeof crc);
        put(store.fs, "/db/MANIFEST", bytes);
        const Error error = error_of(Database::open(store.context, "/db", AccessMode::kReadWrite));
        CHECK(error.code() == Code::kIncompatible);
        CHECK(error.hint() == "use a newer abi");
    }

    TEST_CASE("checkpoint: deletes of segment rows are kept, segments without rows are dropped") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {row("a"), row("b"), row("c")}));
        must(database.checkpoint());
        must(commit(database, {row("d")}));
        must(database.checkpoint());
        CHECK(database.snapshot().stats().segments == 2);
        must(commit(database, {}, WriteMode::kUpsert, {"b"}));
        must(database.checkpoint());
        CHECK(store.files("del-").size() == 1);
        must(commit(database, {}, WriteMode::kUpsert, {"c"}));
        must(database.checkpoint());
        CHECK(store.files("del-").size() == 1);
        CHECK(ids_of(store.open(AccessMode::kRead).snapshot()) ==
              std::vector<std::string>{"a", "d"});
        must(commit(database, {}, WriteMode::kUpsert, {"a"}));
        must(database.close());
        CHECK(store.files("del-").empty());
        CHECK(store.files("seg-").size() == 1);
        CHECK(ids_of(store.open().snapshot()) == std::vector<std::string>{"d"});
    }

    TEST_CASE("checkpoint: a log whose rows are all gone makes no segment") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {row("a")}));
        must(commit(database, {}, WriteMode::kUpsert, {"a"}));
        must(database.close());
        CHECK(store.files("seg-").empty());
        Database again = store.open();
        CHECK(again.snapshot().rows() == 0);
        CHECK(again.snapshot().stats().lsn == 2);
        CHECK(must(commit(again, {row("b")})).lsn == 3);
    }

    TEST_CASE("checkpoint: many small ones leave few segments, and rows in their order") {
        MemoryStore store;
        Database database = store.create();
        std::vector<std::string> expected;
        std::uint64_t most = 0;
        for (int i = 0; i < 60; ++i) {
            const std::string id = "r" + std::to_string(i);
            std::vector<std::string> deletes;
            if (i % 5 == 4) {
                deletes.push_back(expected.at(expected.size() / 2));
                std::erase(expected, deletes[0]);
            }
            must(commit(database, {row(id, static_cast<float>(i))}, WriteMode::kUpsert, deletes));
            expected.push_back(id);
            must(database.checkpoint());
            REQUIRE(ids_of(database.snapshot()) == expected);
            most = std::max(most, database.snapshot().stats().segments);
        }
        CHECK(most <= 12);
        CHECK(store.files("seg-").size() == database.snapshot().stats().segments);
        must(database.close());
        const Database again = store.open(AccessMode::kRead);
        CHECK(ids_of(again.snapshot()) == expected);
        for (const std::string& id : expected) {
            REQUIRE(get(again.snapshot(), id)->vector[0] == std::stof(id.substr(1)));
        }
        CHECK(must(verify(store.context, store.path)).faults_total == 0);
    }

    TEST_CASE("optimize: merges into one segment and frees what was deleted") {
        MemoryStore store;
        Database database = store.create();
        for (int part = 0; part < 3; ++part) {
            std::vector<Row> rows;
            for (int i = 0; i < 100; ++i) {
                rows.push_back(row("p" + std::to_string(part) + "-" + std::to_string(i),
                                   static_cast<float>(part * 100 + i)));
            }
            must(commit(database, rows));
            must(database.checkpoint());
        }
        must(commit(database, {row("late", -1)}, WriteMode::kUpsert, {"p0-5", "p1-0", "p2-99"}));
        const std::vector<Row> before = rows_of(database.snapshot());
        const OptimizeInfo info = must(database.optimize());
        CHECK(info.rows == 298);
        CHECK(info.segments_before == 3);
        CHECK(info.segments_after == 1);
        CHECK(info.dropped_rows == 3);
        CHECK(info.size_bytes_after < info.size_bytes_before);
        CHECK_FALSE(info.reembedded);
        CHECK(rows_of(database.snapshot()) == before);
        CHECK(store.files("seg-").size() == 1);
        const std::uint64_t generation = database.snapshot().stats().generation;
        const OptimizeInfo again = must(database.optimize());
        CHECK(again.segments_after == 1);
        CHECK(database.snapshot().stats().generation == generation);
        must(database.close());
        CHECK(rows_of(store.open().snapshot()) == before);
    }

    TEST_CASE("optimize: a database whose rows are all deleted becomes empty") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {row("a")}));
        must(database.checkpoint());
        must(commit(database, {}, WriteMode::kUpsert, {"a"}));
        const OptimizeInfo info = must(database.optimize());
        CHECK(info.segments_after == 0);
        CHECK(store.files("seg-").empty());
        CHECK(must(commit(database, {row("a")})).added == 1);
    }

    TEST_CASE("open: the real file system behaves the same") {
        const auto fs = real_file_system();
        const char* const temporary = std::getenv("TMPDIR");
        std::string path = join_path(temporary == nullptr ? "/tmp" : temporary, "abi-open-XXXXXX");
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        const Context context = context_on(*fs);
        {
            Database database =
                must(Database::create(context, path, {.dimension = 2, .embedder = {}}));
            must(commit(database, {row("a", 1), row("b", 2)}));
            CHECK(code_of(Database::open(context, path, AccessMode::kReadWrite)) == Code::kLocked);
            CHECK(must(Database::open(context, path, AccessMode::kRead)).snapshot().rows() == 2);
            must(database.close());
        }
        const std::string inside = join_path(path, "MANIFEST");
        CHECK(code_of(Database::open(context, inside, AccessMode::kRead)) != Code::kInternal);
        CHECK(must(verify(context, path)).faults_total == 0);
        for (const DirectoryEntry& entry : must(fs->list(path))) {
            must(fs->remove(join_path(path, entry.name)));
        }
        must(fs->remove_directory(path));
    }
}

TEST_SUITE("storage") {
    TEST_CASE("checkpoint: the names of new files are durable before the manifest names them") {
        MemoryStore store;
        Database database = store.create();
        must(commit(database, {row("a")}));
        const std::uint64_t before = store.fs.sequence();
        must(database.close());
        std::uint64_t last_create = 0, renamed = 0;
        std::vector<std::uint64_t> directory_syncs;
        for (const FsOperation& operation : store.fs.log()) {
            if (operation.sequence <= before) {
                continue;
            }
            const bool ours = operation.path.ends_with(".wal") || operation.path.ends_with(".wds");
            if (operation.call == FsCall::kOpen && ours && operation.mode == OpenMode::kTruncate) {
                last_create = operation.sequence;
            } else if (operation.call == FsCall::kSyncDirectory) {
                directory_syncs.push_back(operation.sequence);
            } else if (operation.call == FsCall::kRename) {
                renamed = operation.sequence;
            }
        }
        REQUIRE(last_create != 0);
        REQUIRE(renamed > last_create);
        CHECK(std::any_of(directory_syncs.begin(), directory_syncs.end(), [&](std::uint64_t sync) {
            return sync > last_create && sync < renamed;
        }));
    }

    TEST_CASE("open: a directory whose manifest is gone is not made a database again") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {row("a")}));
            must(database.close());
        }
        must(store.fs.remove("/db/MANIFEST"));
        CHECK(code_of(Database::create(store.context, "/db", {2, Metric::kL2, std::nullopt})) ==
              Code::kAlreadyExists);
        CHECK(store.files("seg-").size() == 1);
    }

    TEST_CASE("checkpoint: many small commits leave few segments") {
        MemoryStore store;
        for (int i = 0; i < 100; ++i) {
            Database database = i == 0 ? store.create() : store.open();
            must(commit(database, {row("r" + std::to_string(i))}));
            must(database.close());
        }
        const Snapshot snapshot = store.open(AccessMode::kRead).snapshot();
        CHECK(snapshot.rows() == 100);
        CHECK(snapshot.stats().segments < 20);
        CHECK(must(verify(store.context, "/db")).faults_total == 0);
    }

    TEST_CASE("open: a writer makes the log it read durable before it goes on") {
        MemoryStore store;
        {
            Database database = store.create();
            must(commit(database, {row("a")}));
        }  // not closed: the log holds the row
        const std::uint64_t before = store.fs.sequence();
        Database database = store.open();
        bool rewritten = false, synced = false;
        for (const FsOperation& operation : store.fs.log()) {
            if (operation.sequence > before && operation.path.ends_with(".wal")) {
                rewritten = rewritten || operation.call == FsCall::kWrite;
                synced = synced || (rewritten && operation.call == FsCall::kSync);
            }
        }
        CHECK(rewritten);
        CHECK(synced);
    }
}
