// Purging: nothing of deleted rows is left in the directory, and no file is overwritten that a
// reader may serve from.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <abi/storage/backup.hpp>

#include "storage/format.hpp"
#include "storage/generation_pin.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {
constexpr std::string_view kSecret = "swordfish";

// One row stays, one goes; everything of the second has the secret in it.
Database with_deleted_row(MemoryStore& store) {
    Database database = store.create(2);
    const std::string secret(kSecret);
    must(commit(database,
                {{"keep", {1, 2}, "a text", R"({"a":1})"},
                 {secret + "-id", {3, 4}, "a " + secret, R"({"a":")" + secret + R"("})"}}));
    must(database.checkpoint());
    must(commit(database, {}, WriteMode::kUpsert, {secret + "-id"}));
    must(database.checkpoint());
    return database;
}

std::vector<std::string> files_with_secret(MemoryStore& store) {
    std::vector<std::string> found;
    for (const DirectoryEntry& entry : must(store.fs.list(store.path))) {
        if (whole(store.fs, store.file(entry.name)).find(kSecret) != std::string::npos) {
            found.push_back(entry.name);
        }
    }
    return found;
}

std::size_t left_aside(MemoryStore& store) {
    std::size_t count = 0;
    for (const DirectoryEntry& entry : must(store.fs.list(store.path))) {
        const FileRole role = parse_file_name(entry.name).role;
        count += role == FileRole::kPurge || role == FileRole::kPurgeMark ? 1 : 0;
    }
    return count;
}

// What was written over a file before its name went: the last bytes that it had.
bool zeroed(const MemoryFileSystem& fs, std::string_view name) {
    bool written = false, synced = false;
    std::uint64_t file = 0;
    for (const FsOperation& operation : fs.log()) {
        if (operation.call == FsCall::kRename && file_name(operation.path) == name) {
            file = operation.file;
        }
        if (file == 0 || operation.file != file) {
            continue;
        }
        written = written || (operation.call == FsCall::kWrite && operation.offset == 0);
        synced = synced || (written && operation.call == FsCall::kSync);
        if (operation.call == FsCall::kRemove) {
            return written && synced;
        }
    }
    return false;
}
}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("purge: replaced files are overwritten on the disk before they go") {
        MemoryStore store;
        Database database = with_deleted_row(store);
        const auto segments = store.files("seg-"), deletes = store.files("del-");
        REQUIRE(segments.size() == 1);
        REQUIRE(deletes.size() == 1);
        REQUIRE(files_with_secret(store) == segments);
        const OptimizeInfo info = must(database.optimize({.purge = true}));
        CHECK(info.purged_files == 3);  // segment, deletes, log
        CHECK(info.purged_bytes > 4096);
        CHECK(info.pending_files == 0);
        CHECK(info.snapshot_files == 0);
        CHECK(info.dropped_rows == 1);
        CHECK(files_with_secret(store).empty());
        CHECK(left_aside(store) == 0);
        CHECK(zeroed(store.fs, segments[0]));
        CHECK(zeroed(store.fs, deletes[0]));
        CHECK(ids_of(database.snapshot()) == std::vector<std::string>{"keep"});
        must(database.close());
        CHECK(must(verify(store.context, store.path)).faults_total == 0);
    }

    TEST_CASE("purge: rows that only the log had go with it") {
        MemoryStore store;
        Database database = store.create(2);
        const std::string secret(kSecret);
        must(commit(database, {{secret, {3, 4}, secret, {}}}));
        must(commit(database, {}, WriteMode::kUpsert, {secret}));
        const auto logs = store.files("log-");
        REQUIRE(files_with_secret(store) == logs);
        CHECK(must(database.optimize({.purge = true})).purged_files == 1);
        CHECK(zeroed(store.fs, logs[0]));
        CHECK(files_with_secret(store).empty());
        CHECK(must(database.optimize({.purge = true})).purged_files == 0);
        // Without --purge nothing is overwritten.
        must(commit(database, {{"a", {1, 2}, {}, {}}}));
        const auto removed = store.files("log-");
        CHECK(must(database.optimize()).purged_files == 0);
        CHECK_FALSE(zeroed(store.fs, removed[0]));
    }

    TEST_CASE("purge: a file that a snapshot of this handle serves from waits") {
        MemoryStore store;
        Database database = with_deleted_row(store);
        {
            const Snapshot held = database.snapshot();
            const OptimizeInfo info = must(database.optimize({.purge = true}));
            CHECK(info.purged_files == 0);
            CHECK(info.pending_files == 3);
            CHECK(left_aside(store) == 3);
            CHECK(ids_of(held) == std::vector<std::string>{"keep"});
            const VerifyInfo checked = must(verify(store.context, store.path));
            CHECK(checked.faults_total == 0);
            CHECK(checked.foreign.empty());
        }
        const OptimizeInfo info = must(database.optimize({.purge = true}));
        CHECK(info.purged_files == 3);
        CHECK(info.pending_files == 0);
        CHECK(files_with_secret(store).empty());
    }

    TEST_CASE("purge: a file that another handle serves from waits until it has looked again") {
        MemoryStore store;
        Database database = with_deleted_row(store);
        const Database reader = store.open(AccessMode::kRead);
        const Database other = store.open(AccessMode::kRead);
        CHECK(must(database.optimize({.purge = true})).pending_files == 3);
        CHECK(ids_of(reader.snapshot()) == std::vector<std::string>{"keep"});
        must(commit(database, {{"more", {1, 2}, {}, {}}}));
        must(database.checkpoint());
        CHECK(left_aside(store) == 3);  // `other` is still where it was
        CHECK(ids_of(other.snapshot()) == std::vector<std::string>{"keep", "more"});
        CHECK(reader.snapshot().rows() == 2);
        must(commit(database, {{"last", {1, 2}, {}, {}}}));
        must(database.checkpoint());
        CHECK(left_aside(store) == 3);
        CHECK(reader.snapshot().rows() == 3);
        CHECK(other.snapshot().rows() == 3);
        CHECK(must(database.optimize({.purge = true})).pending_files == 7);
        CHECK(reader.snapshot().rows() == 3);
        CHECK(other.snapshot().rows() == 3);
        CHECK(must(database.optimize({.purge = true})).pending_files == 0);
        CHECK(files_with_secret(store).empty());
    }

    TEST_CASE("purge: the next writer goes on where a reader was in the way") {
        MemoryStore store;
        {
            Database database = with_deleted_row(store);
            const Database reader = store.open(AccessMode::kRead);
            CHECK(must(database.optimize({.purge = true})).pending_files == 3);
            must(database.close());
        }
        CHECK(left_aside(store) == 3);
        CHECK(files_with_secret(store).size() == 1);
        must(store.open().close());
        CHECK(left_aside(store) == 0);
    }

    TEST_CASE("purge: named snapshots keep their rows, and it says so") {
        MemoryStore store;
        Database database = with_deleted_row(store);
        must(database.create_snapshot("before"));
        const OptimizeInfo info = must(database.optimize({.purge = true}));
        CHECK(info.snapshot_files == 2);  // segment and deletes
        CHECK(files_with_secret(store).size() == 1);
        must(database.drop_snapshot("before"));
        CHECK(files_with_secret(store).empty());  // removed, but not overwritten
        CHECK(must(database.optimize({.purge = true})).snapshot_files == 0);
    }

    TEST_CASE("purge: a backup that is being made holds its files") {
        MemoryStore store;
        Database database = with_deleted_row(store);
        const auto pin = must(pin_generation(store.fs, store.path, 3));
        REQUIRE(pin != nullptr);
        CHECK(must(database.optimize({.purge = true})).pending_files == 3);
        CHECK(must(make_backup(store.context, store.path, "/repo")).files > 1);
    }

    TEST_CASE("purge: while it overwrites, no reader begins with what it overwrites") {
        MemoryStore store;
        Database database = with_deleted_row(store);
        const auto hold = must(hold_readers_off(store.fs, store.path, 100));
        REQUIRE(hold != nullptr);
        // The manifest that a reader sees is newer than what a purge holds; here it is not, which
        // is what a writer of an older version looks like.
        CHECK(must(pin_generation(store.fs, store.path, 3)) == nullptr);
        CHECK(code_of(pin_generation(store.fs, store.path, 2)) == Code::kLocked);
        CHECK(store.open(AccessMode::kRead).snapshot().rows() == 1);
        CHECK(must(database.optimize({.purge = true})).pending_files == 3);
    }

    TEST_CASE("purge: without a lock file reading works as ever") {
        MemoryStore store;
        must(with_deleted_row(store).close());
        must(store.fs.remove(store.file("LOCK")));
        CHECK(must(pin_generation(store.fs, store.path, 3)) == nullptr);
        CHECK(store.open(AccessMode::kRead).snapshot().rows() == 1);
        CHECK(must(verify(store.context, store.path)).faults_total == 0);
        CHECK(must(store.open().optimize({.purge = true})).pending_files == 0);
    }

    TEST_CASE("purge: names of files that wait are ours, others are not") {
        for (const char* const name :
             {"seg-0000000001.wds.purge", "del-0000000001.wdd.purge", "log-0000000001.wal.purge",
              "emb-0000000001.wde.purge", "ann-0000000001.wdx.purge", "MANIFEST.tmp.purge"}) {
            CHECK(parse_file_name(name).role == FileRole::kPurge);
        }
        CHECK(parse_file_name("PURGE").role == FileRole::kPurgeMark);
        for (const char* const name : {"x.purge", ".purge", "LOCK.purge", "MANIFEST.purge",
                                       "seg-0000000001.wds.purge.purge", "PURGE.purge"}) {
            CHECK(parse_file_name(name).role == FileRole::kForeign);
        }
    }
}
