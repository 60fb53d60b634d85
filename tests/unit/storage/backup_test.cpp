// Backups and their restoring: what is copied and shared, what is refused, what damage is found.
#include <functional>
#include <map>
#include <utility>

#include <abi/storage/backup.hpp>

#include "storage/backup_format.hpp"
#include "storage/manifest.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

const std::string kRepository = "/repo";

// A database with a learned embedder, two segments, deleted rows and commits in its log.
void fill(MemoryStore& store) {
    Database database =
        store.create(CreateOptions{.dimension = 0, .embedder = EmbedderChoice{"hash", 64}});
    const std::vector<std::string_view> texts{"one small text", "and another one"};
    must(database.learn_if_new(texts));
    Random random(2);
    for (int part = 0; part < 4; ++part) {
        std::vector<Row> rows;
        for (int i = 0; i < 30; ++i) {
            const std::string id = "p" + std::to_string(part) + "/" + std::to_string(i);
            rows.push_back({id, random_vector(random, 64), "text of " + id, "{\"p\":1}"});
        }
        must(commit(database, rows, WriteMode::kUpsert, {"p0/3", "p1/9"}));
        if (part < 2) {
            must(database.checkpoint());
        }
    }
}

std::vector<Row> rows_at(const Context& context, const std::string& path) {
    return rows_of(must(Database::open(context, path, AccessMode::kRead)).snapshot());
}

std::vector<std::string> names_in(FileSystem& fs, const std::string& path) {
    std::vector<std::string> names;
    for (const DirectoryEntry& entry : must(fs.list(path))) {
        names.push_back(entry.name);
    }
    return names;
}

BackupInfo back_up(MemoryStore& store) {
    return must(make_backup(store.context, store.path, kRepository));
}

// Everything below a directory, with contents: what must not change.
std::map<std::string, std::string> contents(FileSystem& fs, const std::string& path) {
    std::map<std::string, std::string> all;
    for (const DirectoryEntry& entry : must(fs.list(path))) {
        const std::string inner = join_path(path, entry.name);
        if (entry.kind == FileKind::kDirectory) {
            all.merge(contents(fs, inner));
        } else {
            all[inner] = whole(fs, inner);
        }
    }
    return all;
}

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("backup: what comes back is the database, beside an open writer") {
        MemoryStore store;
        fill(store);
        Database writer = store.open();
        must(commit(writer, {{"late", std::vector<float>(64, 1.0F), "late", {}}}));
        const auto before = contents(store.fs, store.path);
        const BackupInfo info = back_up(store);
        CHECK(contents(store.fs, store.path) == before);
        CHECK(info.number == 1);
        CHECK(info.files == 6);  // manifest, two segments, deletes of the first, embedder, log
        CHECK(info.copied_files == 6);
        CHECK(info.copied_bytes == info.bytes);
        CHECK(info.shared_files == 0);
        CHECK(info.uuid == writer.snapshot().stats().uuid);
        CHECK(info.lsn == writer.snapshot().stats().lsn);
        const std::vector<Row> rows = rows_of(writer.snapshot());
        must(commit(writer, {{"later", std::vector<float>(64, 2.0F), {}, {}}}));
        must(writer.close());

        const RestoreInfo restored = must(restore_backup(store.context, kRepository, "/new"));
        CHECK(restored.number == 1);
        CHECK(restored.rows == rows.size());
        CHECK(restored.uuid == info.uuid);
        CHECK(rows_at(store.context, "/new") == rows);
        CHECK(must(verify(store.context, "/new")).foreign.empty());
        CHECK_FALSE(must(store.fs.stat("/new.partial")));
        CHECK_FALSE(must(store.fs.stat("/new/MANIFEST.tmp")));
        // It goes on working, and can be backed up into the same repository.
        Database again = must(Database::open(store.context, "/new", AccessMode::kReadWrite));
        must(commit(again, {{"own", std::vector<float>(64, 3.0F), {}, {}}}));
        must(again.close());
        CHECK(must(make_backup(store.context, "/new", kRepository)).number == 2);
        CHECK(must(verify_backups(store.context, kRepository)).faults_total == 0);
    }

    TEST_CASE("backup: a second one copies only what is new") {
        MemoryStore store;
        fill(store);
        must(store.open().close());
        back_up(store);
        const BackupInfo same = back_up(store);
        CHECK(same.number == 2);
        CHECK(same.copied_files == 1);  // the manifest stands in each list
        CHECK(same.copied_bytes < 1000);
        CHECK(same.shared_bytes + same.copied_bytes == same.bytes);
        {
            Database database = store.open();
            must(commit(database, {{"new", std::vector<float>(64, 1.0F), {}, {}}}));
            must(database.close());
        }
        // Shared segments are not even read.
        const std::uint64_t sequence = store.fs.sequence();
        const BackupInfo more = back_up(store);
        CHECK(more.shared_files ==
              6);  // two segments and their deletes, the embedder, one more segment
        CHECK(more.copied_files == 3);  // the new segment, the new log, the manifest
        for (const FsOperation& operation : store.fs.log()) {
            if (operation.sequence > sequence && operation.call == FsCall::kMap) {
                CHECK(operation.path == store.file(store.files("seg-").back()));
            }
        }
        const auto list = must(list_backups(store.context, kRepository));
        REQUIRE(list.size() == 3);
        CHECK(list[0].own_bytes < 1000);
        CHECK(list[2].own_bytes > list[0].own_bytes);
        CHECK(list[2].lsn > list[1].lsn);
        CHECK(list[2].fault.empty());
        for (std::uint64_t number = 1; number <= 3; ++number) {
            const std::string path = "/r" + std::to_string(number);
            CHECK(must(restore_backup(store.context, kRepository, path, number)).rows ==
                  (number == 3 ? 119 : 118));
        }
    }

    TEST_CASE("backup: a rehearsal tells the same and writes nothing") {
        MemoryStore store;
        fill(store);
        const BackupInfo told =
            must(make_backup(store.context, store.path, kRepository, Rehearsal::kYes));
        CHECK_FALSE(must(store.fs.stat(kRepository)));
        const BackupInfo done = back_up(store);
        CHECK(told.copied_bytes == done.copied_bytes);
        CHECK(told.files == done.files);
        const auto before = contents(store.fs, "/");
        CHECK(must(make_backup(store.context, store.path, kRepository, Rehearsal::kYes))
                  .copied_files == 1);
        CHECK(must(restore_backup(store.context, kRepository, "/new", {}, Rehearsal::kYes)).files ==
              done.files);
        CHECK(contents(store.fs, "/") == before);
    }

    TEST_CASE("backup: places that are refused") {
        MemoryStore store;
        fill(store);
        const auto refused = [&](const std::string& repository) {
            return code_of(make_backup(store.context, store.path, repository));
        };
        CHECK(refused("/db") == Code::kInvalidArgument);
        CHECK(refused("/db/") == Code::kInvalidArgument);
        CHECK(refused("/db/backups") == Code::kInvalidArgument);
        CHECK(refused("/other/../db/backups") == Code::kInvalidArgument);
        must(store.fs.create_directory("/db/deep"));
        CHECK(refused("/db/deep/er") == Code::kInvalidArgument);
        must(store.fs.remove_directory("/db/deep"));
        must(store.fs.create_directory("/other"));
        put(store.fs, "/other/file", "mine");
        CHECK(refused("/other") == Code::kAlreadyExists);
        CHECK(refused("/other/file") == Code::kAlreadyExists);
        must(store.fs.create_directory("/mine"));
        must(store.fs.create_directory("/mine/files"));
        put(store.fs, "/mine/files/thesis.txt", "mine");
        CHECK(refused("/mine") == Code::kAlreadyExists);
        CHECK(refused("/no/such/place") == Code::kInputMissing);
        CHECK(code_of(make_backup(store.context, "/nothing", kRepository)) == Code::kInputMissing);
        CHECK(code_of(make_backup(store.context, "/other", kRepository)) == Code::kCorrupt);
        CHECK_FALSE(must(store.fs.stat(kRepository)));

        back_up(store);
        must(Database::create(store.context, "/db2", {.dimension = 2, .embedder = {}})
                 .value()
                 .close());
        CHECK(code_of(make_backup(store.context, "/db2", kRepository)) == Code::kIncompatible);
        CHECK(must(list_backups(store.context, kRepository)).size() == 1);
        // One at a time.
        const auto lock = must(store.fs.open("/repo/LOCK", OpenMode::kCreate));
        must(lock->try_lock(LockKind::kExclusive));
        CHECK(refused(kRepository) == Code::kLocked);
        CHECK(code_of(prune_backups(store.context, kRepository, 1)) == Code::kLocked);
        must(restore_backup(store.context, kRepository, "/while_locked"));
    }

    TEST_CASE("backup: places for a restored database that are refused") {
        MemoryStore store;
        fill(store);
        back_up(store);
        const auto refused = [&](const std::string& destination) {
            return code_of(restore_backup(store.context, kRepository, destination));
        };
        const auto before = contents(store.fs, "/");
        CHECK(refused("/db") == Code::kAlreadyExists);
        CHECK(refused("/db/inner") == Code::kInvalidArgument);
        CHECK(refused("/repo") == Code::kAlreadyExists);
        CHECK(refused("/db/MANIFEST") == Code::kAlreadyExists);
        CHECK(refused(".") == Code::kInvalidArgument);
        CHECK(refused("/") == Code::kInvalidArgument);
        CHECK(refused("/no/such/place") == Code::kInputMissing);
        CHECK(code_of(restore_backup(store.context, kRepository, "/new", 2)) == Code::kNotFound);
        CHECK(code_of(restore_backup(store.context, "/nothing", "/new")) == Code::kInputMissing);
        CHECK(code_of(restore_backup(store.context, "/db", "/new")) == Code::kCorrupt);
        CHECK(contents(store.fs, "/") == before);
        must(store.fs.create_directory("/new.partial"));
        put(store.fs, "/new.partial/MANIFEST", "somebody's");
        CHECK(refused("/new") == Code::kAlreadyExists);
        CHECK(whole(store.fs, "/new.partial/MANIFEST") == "somebody's");
        must(store.fs.create_directory("/empty"));
        must(restore_backup(store.context, kRepository, "/empty/"));
        CHECK(rows_at(store.context, "/empty") == rows_at(store.context, "/db"));
    }

    TEST_CASE("backup: a damaged database is not backed up") {
        MemoryStore store;
        fill(store);
        back_up(store);
        must(prune_backups(store.context, kRepository, 1));
        const auto before = contents(store.fs, kRepository);
        for (const char* const prefix : {"MANIFEST", "seg-", "del-", "emb-", "log-"}) {
            CAPTURE(prefix);
            const std::string path = store.file(store.files(prefix).front());
            const std::string good = whole(store.fs, path);
            flip(store.fs, path, good.starts_with("WDBXSEG1") ? 4096 : 20);
            CHECK(code_of(make_backup(store.context, store.path, "/fresh")) == Code::kCorrupt);
            if (std::string_view(prefix) != "seg-") {  // which earlier backups have unhurt
                CHECK(code_of(make_backup(store.context, store.path, kRepository)) ==
                      Code::kCorrupt);
                CHECK(contents(store.fs, kRepository) == before);
            }
            must(store.fs.remove(path));
            if (std::string_view(prefix) != "MANIFEST") {
                const Error error = error_of(make_backup(store.context, store.path, "/fresh"));
                CHECK(error.code() == Code::kCorrupt);
                CHECK(error.describe().contains("lacks a file"));
            }
            put(store.fs, path, good);
        }
        CHECK(must(verify_backups(store.context, kRepository)).faults_total == 0);
    }

    TEST_CASE("backup: every flipped byte and every cut of a repository is found") {
        MemoryStore store;
        fill(store);
        back_up(store);
        back_up(store);
        for (const auto& [path, bytes] : contents(store.fs, kRepository)) {
            if (path.ends_with("LOCK")) {
                continue;
            }
            CAPTURE(path);
            const bool list = path.ends_with(".wdk");
            for (std::size_t at = 0; at < bytes.size();
                 at += bytes.size() < 2000 ? much(1, 7) : much(997, 2999)) {
                CAPTURE(at);
                flip(store.fs, path, at);
                const BackupCheck check = must(verify_backups(store.context, kRepository));
                REQUIRE(check.faults_total == 1);
                REQUIRE(join_path(kRepository, check.faults.at(0).file) == path);
                if (!list || path.ends_with("2.wdk")) {
                    REQUIRE(code_of(restore_backup(store.context, kRepository, "/new")) ==
                            Code::kCorrupt);
                } else {
                    REQUIRE(code_of(prune_backups(store.context, kRepository, 1)) ==
                            Code::kCorrupt);
                }
                put(store.fs, path, std::string_view(bytes).substr(0, at));
                REQUIRE(must(verify_backups(store.context, kRepository)).faults_total == 1);
                put(store.fs, path, bytes);
            }
            if (!list) {
                must(store.fs.remove(path));
                CHECK(must(verify_backups(store.context, kRepository)).faults_total == 1);
                CHECK(code_of(restore_backup(store.context, kRepository, "/new")) ==
                      Code::kCorrupt);
                // The next backup brings back what is missing.
                back_up(store);
                CHECK(must(verify_backups(store.context, kRepository)).faults_total == 0);
                must(prune_backups(store.context, kRepository, 2));
            }
        }
        CHECK_FALSE(must(store.fs.stat("/new")));
        CHECK_FALSE(must(store.fs.stat("/new.partial")));
    }

    TEST_CASE("backup: a damaged list does not stop the next backup, and nothing is removed") {
        MemoryStore store;
        fill(store);
        back_up(store);
        back_up(store);
        flip(store.fs, "/repo/backup-0000000001.wdk", 50);
        put(store.fs, "/repo/files/log-0000000099.wal.64.00000000", "needed by the damaged one?");
        CHECK(back_up(store).number == 3);
        CHECK(must(store.fs.stat("/repo/files/log-0000000099.wal.64.00000000")));
        const auto list = must(list_backups(store.context, kRepository));
        REQUIRE(list.size() == 3);
        CHECK(list[0].fault.contains("does not match its checksum"));
        CHECK(list[2].fault.empty());
        must(restore_backup(store.context, kRepository, "/new"));
    }

    TEST_CASE("backup: pruning keeps the newest and what they need") {
        MemoryStore store;
        fill(store);
        for (int i = 0; i < 4; ++i) {
            Database database = store.open();
            must(commit(database,
                        {{"n" + std::to_string(i), std::vector<float>(64, 1.0F), {}, {}}}));
            must(i == 2 ? database.optimize().value(), database.close() : database.close());
            database = store.open();
            must(database.close());
            back_up(store);
        }
        const auto before = contents(store.fs, kRepository);
        const PruneInfo told = must(prune_backups(store.context, kRepository, 2, Rehearsal::kYes));
        CHECK(contents(store.fs, kRepository) == before);
        const PruneInfo done = must(prune_backups(store.context, kRepository, 2));
        CHECK(done.removed == std::vector<std::uint64_t>{1, 2});
        CHECK(told.removed == done.removed);
        CHECK(told.freed_bytes == done.freed_bytes);
        CHECK(done.removed_files > 0);
        CHECK(done.kept == 2);
        const BackupCheck check = must(verify_backups(store.context, kRepository));
        CHECK(check.faults_total == 0);
        CHECK(check.leftovers.empty());
        CHECK(check.backups == 2);
        must(restore_backup(store.context, kRepository, "/three", 3));
        CHECK(code_of(restore_backup(store.context, kRepository, "/two", 2)) == Code::kNotFound);
        CHECK(must(prune_backups(store.context, kRepository, 2)).removed.empty());
        CHECK(code_of(prune_backups(store.context, kRepository, 0)) == Code::kInvalidArgument);
        CHECK(back_up(store).number == 5);
    }

    TEST_CASE("backup: foreign files are told and left alone, left-overs are removed") {
        MemoryStore store;
        fill(store);
        back_up(store);
        put(store.fs, "/repo/notes.txt", "mine");
        put(store.fs, "/repo/files/notes.txt", "mine too");
        put(store.fs, "/repo/backup-0000000002.wdk.tmp", "half");
        put(store.fs, "/repo/files/seg-0000000007.wds.tmp", "half");
        put(store.fs, "/repo/files/seg-0000000007.wds.4.00000000", "lost");
        const BackupCheck check = must(verify_backups(store.context, kRepository));
        CHECK(check.faults_total == 0);
        CHECK(check.leftovers.size() == 3);
        CHECK(check.foreign == std::vector<std::string>{"notes.txt", "files/notes.txt"});
        back_up(store);
        CHECK(must(verify_backups(store.context, kRepository)).leftovers.empty());
        CHECK(names_in(store.fs, "/repo") ==
              std::vector<std::string>{"LOCK", "backup-0000000001.wdk", "backup-0000000002.wdk",
                                       "files", "notes.txt"});
        CHECK(whole(store.fs, "/repo/files/notes.txt") == "mine too");
    }

    TEST_CASE("backup: a cancelled one leaves everything as it was") {
        MemoryStore store;
        fill(store);
        back_up(store);
        const auto before = contents(store.fs, "/");
        CancelSource cancel;
        cancel.cancel();
        Context context = store.context;
        context.cancel = cancel.token();
        must(store.open().close());
        CHECK(code_of(make_backup(context, store.path, kRepository)) == Code::kCancelled);
        CHECK(code_of(restore_backup(context, kRepository, "/new")) == Code::kCancelled);
        CHECK(code_of(verify_backups(context, kRepository)) == Code::kCancelled);
        CHECK_FALSE(must(store.fs.stat("/new.partial")));
        CHECK(must(list_backups(store.context, kRepository)).size() == 1);
    }

    TEST_CASE("backup: starts again when a writer swaps the generation under it") {
        // Lets a writer work when a file of a kind is opened for the first time.
        class Meddling : public FileSystem {
        public:
            Meddling(FileSystem& base, std::string kind, std::function<void()> meddle)
                : base_(base), kind_(std::move(kind)), meddle_(std::move(meddle)) {}
            Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
                if (meddle_ && path.contains(kind_)) {
                    std::exchange(meddle_, nullptr)();
                }
                return base_.open(path, mode);
            }
            Result<std::optional<FileInfo>> stat(const std::string& path) override {
                return base_.stat(path);
            }
            Status rename(const std::string& from, const std::string& to) override {
                return base_.rename(from, to);
            }
            Status remove(const std::string& path) override { return base_.remove(path); }
            Status remove_directory(const std::string& path) override {
                return base_.remove_directory(path);
            }
            Status create_directory(const std::string& path) override {
                return base_.create_directory(path);
            }
            Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
                return base_.list(path);
            }
            Status sync_directory(const std::string& path) override {
                return base_.sync_directory(path);
            }

        private:
            FileSystem& base_;
            std::string kind_;
            std::function<void()> meddle_;
        };
        for (const char* const kind :
             {"/db/log-", "/db/emb-", "/db/seg-", "/db/del-", "/repo/files/"}) {
            CAPTURE(kind);
            MemoryStore store;
            fill(store);
            Database writer = store.open();
            bool met = false;
            Meddling fs(store.fs, kind, [&] {
                met = true;
                must(writer.optimize());
                must(commit(writer, {{"meanwhile", std::vector<float>(64, 1.0F), {}, {}}}));
            });
            Context context = store.context;
            context.fs = &fs;
            const std::vector<Row> before = rows_of(writer.snapshot());
            must(make_backup(context, store.path, kRepository));
            CHECK(met);
            must(restore_backup(store.context, kRepository, "/new"));
            const std::vector<Row> rows = rows_at(store.context, "/new");
            CHECK((rows == before || rows == rows_of(writer.snapshot())));
            CHECK(must(verify_backups(store.context, kRepository)).leftovers.empty());
        }
    }

    TEST_CASE("backup: a torn end of the log is left out") {
        MemoryStore store;
        fill(store);
        const std::string log = store.file(store.files("log-").at(0));
        const std::vector<Row> rows = rows_at(store.context, store.path);
        put(store.fs, log, whole(store.fs, log) + std::string(100, 'x'));
        back_up(store);
        must(restore_backup(store.context, kRepository, "/new"));
        CHECK(rows_at(store.context, "/new") == rows);
        CHECK(must(store.fs.stat(join_path("/new", file_name(log))))->size_bytes + 100 ==
              must(store.fs.stat(log))->size_bytes);
    }

    TEST_CASE("backup format: names and bytes") {
        CHECK(backup_name(7) == "backup-0000000007.wdk");
        CHECK(parse_backup_name("backup-0000000007.wdk") == 7);
        for (const char* const name : {"backup-7.wdk", "backup-.wdk", "backup-000000000x.wdk",
                                       "backup-0000000007.wdk.tmp", "backup-00000000007.wdk"}) {
            CHECK_FALSE(parse_backup_name(name));
        }
        CHECK(parse_backup_name("backup-12345678901.wdk") == 12345678901);
        const BackupFile file{"seg-0000000003.wds", 8192, 0x0a1b2c3d, 5};
        CHECK(stored_name(file) == "seg-0000000003.wds.8192.0a1b2c3d");
        CHECK(is_stored_name(stored_name(file)));
        for (const char* const name :
             {"seg-0000000003.wds", "MANIFEST.1.00000000", "seg-0000000003.wds.1.0000000",
              "seg-0000000003.wds..00000000", "seg-3.wds.1.00000000", ".1.00000000", "a", ""}) {
            CHECK_FALSE(is_stored_name(name));
        }
        MemoryStore store;
        fill(store);
        back_up(store);
        const std::string bytes = whole(store.fs, "/repo/backup-0000000001.wdk");
        BackupRecord record = must(decode_backup(bytes, "b"));
        CHECK(encode_backup(record) == bytes);
        std::swap(record.files[0].name, record.files[1].name);
        CHECK(code_of(decode_backup(encode_backup(record), "b")) == Code::kCorrupt);
        record = must(decode_backup(bytes, "b"));
        record.files.pop_back();
        CHECK(code_of(decode_backup(encode_backup(record), "b")) == Code::kCorrupt);
        record = must(decode_backup(bytes, "b"));
        record.uuid.bytes[0] ^= 1;
        CHECK(code_of(decode_backup(encode_backup(record), "b")) == Code::kCorrupt);
    }
}
