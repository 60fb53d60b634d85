// The commands, and the file system that shelters its base from failing allocations.
#include "commands.hpp"

#include <algorithm>
#include <cstring>

#include <abi/core/io.hpp>
#include <abi/storage/archive.hpp>
#include <abi/storage/backup.hpp>
#include <abi/storage/import.hpp>
#include <abi/storage/repair.hpp>

#include "allocation.hpp"
#include "version_1.hpp"

namespace abikit::storage::test {

namespace {

Row sample(const std::string& id, float x) {
    return {id, {x, 1, 2}, "text of " + id, {}};
}

Result<Database> open(const Context& context, AccessMode mode) {
    return Database::open(context, "/db", mode);
}

// Opens to write, does something, closes.
Command writing(
    std::string name, std::function<Status(const Context&, Database&, Told&)> body,
    std::function<void(std::vector<Row>&)> effect = [](std::vector<Row>&) {}) {
    return {std::move(name),
            [body = std::move(body)](const Context& context, Told& told) -> Status {
                ABI_TRY(Database database, open(context, AccessMode::kReadWrite));
                ABI_CHECK(body(context, database, told));
                return database.close();
            },
            std::move(effect)};
}
Command reading(std::string name, std::function<Status(const Context&, Database&)> body) {
    return {std::move(name), [body = std::move(body)](const Context& context, Told&) -> Status {
                ABI_TRY(Database database, open(context, AccessMode::kRead));
                return body(context, database);
            }};
}

Status commit_one(Database& database, Told& told, const std::vector<Row>& rows, WriteMode mode,
                  std::vector<std::string> deletes) {
    ABI_CHECK(commit(database, rows, mode, std::move(deletes)));
    told.acknowledged = true;
    return {};
}

void add_writing(std::vector<Command>& all) {
    const auto add = [](std::vector<Row>& rows) { rows.push_back(sample("new", 9)); };
    all.push_back(writing(
        "add",
        [](const Context&, Database& database, Told& told) {
            return commit_one(database, told, {sample("new", 9)}, WriteMode::kInsert, {});
        },
        add));
    all.push_back(writing(
        "update",
        [](const Context&, Database& database, Told& told) {
            return commit_one(database, told, {sample("a", 7)}, WriteMode::kUpdate, {});
        },
        [](std::vector<Row>& rows) {
            rows.erase(rows.begin());
            rows.push_back(sample("a", 7));
        }));
    all.push_back(writing(
        "delete",
        [](const Context&, Database& database, Told& told) {
            return commit_one(database, told, {}, WriteMode::kUpsert, {"a"});
        },
        [](std::vector<Row>& rows) { rows.erase(rows.begin()); }));
    all.push_back(writing(
        "import",
        [](const Context& context, Database& database, Told& told) {
            ImportOptions options;
            options.on_durable = [&told](std::uint64_t) -> Status {
                told.acknowledged = true;
                return {};
            };
            ImportInfo info;
            return import_files(context, database, {"/new.jsonl"}, nullptr, options, info);
        },
        add));
    all.push_back(writing("checkpoint", [](const Context&, Database& database, Told&) {
        return database.checkpoint();
    }));
    all.push_back(writing("optimize", [](const Context&, Database& database, Told&) -> Status {
        ABI_CHECK(database.optimize());
        return {};
    }));
    all.push_back(writing("purge", [](const Context&, Database& database, Told&) -> Status {
        ABI_CHECK(database.optimize({.purge = true}));
        return {};
    }));
    all.push_back(writing("close", [](const Context&, Database&, Told&) { return Status(); }));
}

void add_reading(std::vector<Command>& all) {
    all.push_back(reading("query", [](const Context& context, Database& database) -> Status {
        const std::vector<float> query{1, 2, 3};
        ABI_CHECK(database.snapshot().search(context, query, 1, 2));
        return {};
    }));
    all.push_back(reading("list", [](const Context&, Database& database) -> Status {
        ABI_CHECK(load_rows(database.snapshot()));
        return {};
    }));
    all.push_back(reading("get", [](const Context&, Database& database) -> Status {
        ABI_CHECK(database.snapshot().find("a"));
        ABI_CHECK(database.snapshot().find("not there"));
        return {};
    }));
    all.push_back(reading("stats", [](const Context&, Database& database) -> Status {
        static_cast<void>(database.snapshot().stats());
        return {};
    }));
    for (const char* const format : {"jsonl", "csv", "npy"}) {
        all.push_back(reading(std::string("export ") + format,
                              [format](const Context& context, Database& database) -> Status {
                                  ABI_TRY(const auto sink, context.fs->open_sink("/rows.out"));
                                  ABI_CHECK(export_rows(context, database, *sink, {.to = format}));
                                  return {};
                              }));
    }
    all.push_back({.name = "verify", .run = [](const Context& context, Told&) -> Status {
                       ABI_TRY(const VerifyInfo info, verify(context, "/db"));
                       if (info.faults_total != 0) {
                           return fail(Code::kInternal,
                                       "verify blames a file: " + info.faults.at(0).what);
                       }
                       return {};
                   }});
}

void add_managing(std::vector<Command>& all) {
    all.push_back(
        writing("collection create", [](const Context&, Database& database, Told&) -> Status {
            CollectionOptions options;
            options.name = "third";
            options.dimension = 4;
            return database.create_collection(options);
        }));
    all.push_back(writing("collection drop", [](const Context&, Database& database, Told&) {
        return database.drop_collection("other");
    }));
    all.push_back(writing("snapshot create", [](const Context&, Database& database, Told&) {
        return database.create_snapshot("fresh");
    }));
    all.push_back(writing("snapshot drop", [](const Context&, Database& database, Told&) {
        return database.drop_snapshot("kept");
    }));
    all.push_back({.name = "backup", .run = [](const Context& context, Told&) -> Status {
                       ABI_CHECK(make_backup(context, "/db", "/backups"));
                       return {};
                   }});
    all.push_back({.name = "backup prune", .run = [](const Context& context, Told&) -> Status {
                       ABI_CHECK(prune_backups(context, "/backups", 1));
                       return {};
                   }});
    all.push_back({.name = "backup verify", .run = [](const Context& context, Told&) -> Status {
                       ABI_CHECK(verify_backups(context, "/backups"));
                       return {};
                   }});
    all.push_back({.name = "restore",
                   .run = [](const Context& context, Told&) -> Status {
                       ABI_CHECK(restore_backup(context, "/backups", "/restored"));
                       return {};
                   },
                   .made = "/restored"});
    all.push_back({.name = "repair",
                   .run = [](const Context& context, Told&) -> Status {
                       ABI_CHECK(repair(context, "/db", "/repaired"));
                       return {};
                   },
                   .made = "/repaired"});
    all.push_back({.name = "upgrade",
                   .run = [](const Context& context, Told&) -> Status {
                       ABI_CHECK(Database::upgrade(context, "/old"));
                       return {};
                   },
                   .made = "/old",
                   .made_rows = 1});
    all.push_back(reading("archive", [](const Context& context, Database& database) -> Status {
        ABI_TRY(const auto sink, context.fs->open_sink("/out.wda"));
        ABI_CHECK(export_archive(context, database, *sink));
        return sink->flush();
    }));
    all.push_back({.name = "archive unpack",
                   .run = [](const Context& context, Told&) -> Status {
                       ABI_CHECK(create_from_archive(context, "/new.wda", "/unpacked"));
                       return {};
                   },
                   .made = "/unpacked"});
    all.push_back(writing(
        "archive import",
        [](const Context& context, Database& database, Told&) -> Status {
            ImportInfo info;
            return import_archive(context, database, "/new.wda", {}, info);
        },
        [](std::vector<Row>& rows) { rows.push_back(sample("new", 9)); }));
}

// A place at which memory may run out.
void allocation_point() {
    ::operator delete(::operator new(1));
}

// Forwards a call: memory may run out before it, not within.
template <class Call>
auto sheltered_call(Call&& call) {
    allocation_point();
    const AllocationShelter shelter;
    return call();
}

class ShelteredFile final : public File {
public:
    explicit ShelteredFile(std::unique_ptr<File> base) : base_(std::move(base)) {}
    ~ShelteredFile() override {
        const AllocationShelter shelter;
        base_.reset();
    }
    ShelteredFile(const ShelteredFile&) = delete;
    ShelteredFile& operator=(const ShelteredFile&) = delete;
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
        return sheltered_call([&] { return base_->read_at(offset, out); });
    }
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        return sheltered_call([&] { return base_->write_at(offset, bytes); });
    }
    Status sync() override {
        return sheltered_call([&] { return base_->sync(); });
    }
    void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}
    Status truncate(std::uint64_t size) override {
        return sheltered_call([&] { return base_->truncate(size); });
    }
    Result<std::uint64_t> size() const override {
        return sheltered_call([&] { return base_->size(); });
    }
    Result<std::unique_ptr<MappedRegion>> map() const override {
        return sheltered_call([&] { return base_->map(); });
    }
    Status try_lock(LockKind kind, LockRange range) override {
        return sheltered_call([&] { return base_->try_lock(kind, range); });
    }
    const std::string& path() const noexcept override { return base_->path(); }

private:
    std::unique_ptr<File> base_;
};

class ShelteredFileSystem final : public FileSystem {
public:
    explicit ShelteredFileSystem(FileSystem& base) : base_(base) {}
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        return sheltered_call([&]() -> Result<std::unique_ptr<File>> {
            ABI_TRY(auto file, base_.open(path, mode));
            return std::make_unique<ShelteredFile>(std::move(file));
        });
    }
    Result<std::optional<FileInfo>> stat(const std::string& path) override {
        return sheltered_call([&] { return base_.stat(path); });
    }
    Status rename(const std::string& from, const std::string& to) override {
        return sheltered_call([&] { return base_.rename(from, to); });
    }
    Status remove(const std::string& path) override {
        return sheltered_call([&] { return base_.remove(path); });
    }
    Status remove_directory(const std::string& path) override {
        return sheltered_call([&] { return base_.remove_directory(path); });
    }
    Status create_directory(const std::string& path) override {
        return sheltered_call([&] { return base_.create_directory(path); });
    }
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
        return sheltered_call([&] { return base_.list(path); });
    }
    Status sync_directory(const std::string& path) override {
        return sheltered_call([&] { return base_.sync_directory(path); });
    }

private:
    FileSystem& base_;
};

}  // namespace

std::vector<Command> commands() {
    std::vector<Command> all;
    all.push_back(
        {.name = "init",
         .run = [](const Context& context, Told&) -> Status {
             ABI_TRY(Database made,
                     Database::create(context, "/other",
                                      {.dimension = 3, .metric = Metric::kL2, .embedder = {}}));
             return made.close();
         },
         .made = "/other"});
    add_writing(all);
    add_reading(all);
    add_managing(all);
    return all;
}

namespace {
// Of one row, which is not in /db.
Status make_archive(FileSystem& fs) {
    const Context context = context_on(fs);
    {
        ABI_TRY(Database database,
                Database::create(context, "/new",
                                 {.dimension = 3, .metric = Metric::kL2, .embedder = {}}));
        ABI_CHECK(commit(database, {sample("new", 9)}));
        ABI_TRY(const auto sink, fs.open_sink("/new.wda"));
        ABI_CHECK(export_archive(context, database, *sink));
        ABI_CHECK(sink->flush());
        ABI_CHECK(database.close());
    }
    return {};
}
// A database of format 1 with one row, which its log holds.
Status make_old(FileSystem& fs) {
    {
        ABI_TRY(Database database,
                Database::create(context_on(fs), "/old",
                                 {.dimension = 3, .metric = Metric::kL2, .embedder = {}}));
        ABI_CHECK(commit(database, {sample("old", 1)}));
    }
    ABI_TRY(const auto entries, fs.list("/old"));
    const auto found = std::find_if(entries.begin(), entries.end(), [](const auto& entry) {
        return entry.name.starts_with("log-");
    });
    ABI_TRY(const std::string log, fs.read_file(join_path("/old", found->name)));
    Uuid uuid{};
    std::uint64_t salt = 0;
    std::memcpy(uuid.bytes.data(), log.data() + 16, uuid.bytes.size());
    std::memcpy(&salt, log.data() + 40, sizeof salt);
    return fs.replace_file("/old/MANIFEST", as_bytes(manifest_of_version_1(uuid, 3, {}, salt)));
}
}  // namespace

std::vector<Row> prepare_database(FileSystem& fs) {
    const auto body = [&]() -> Result<std::vector<Row>> {
        ABI_TRY(const auto sink, fs.open_sink("/new.jsonl"));
        ABI_CHECK(sink->write(
            std::string_view("{\"id\":\"new\",\"vector\":[9,1,2],\"text\":\"text of new\"}\n")));
        ABI_CHECK(sink->flush());
        ABI_TRY(Database database,
                Database::create(context_on(fs), "/db",
                                 {.dimension = 3, .metric = Metric::kL2, .embedder = {}}));
        CollectionOptions other;
        other.name = "other";
        other.dimension = 2;
        ABI_CHECK(database.create_collection(other));
        ABI_TRY(Database second, database.collection("other"));
        ABI_CHECK(commit(second, {{"x", {1, 2}, {}, {}}}));
        ABI_CHECK(commit(database, {sample("a", 1), sample("b", 2), sample("c", 3)}));
        ABI_CHECK(database.create_snapshot("kept"));
        ABI_CHECK(make_backup(context_on(fs), "/db", "/backups"));
        ABI_CHECK(commit(database, {sample("d", 4)}, WriteMode::kUpsert, {"b"}));
        ABI_CHECK(make_backup(context_on(fs), "/db", "/backups"));
        ABI_CHECK(make_archive(fs));
        ABI_CHECK(make_old(fs));
        ABI_CHECK(fs.sync_directory("/"));
        return load_rows(database.snapshot());
    };
    return body().value_or(std::vector<Row>());
}

std::unique_ptr<FileSystem> sheltered(FileSystem& base) {
    return std::make_unique<ShelteredFileSystem>(base);
}

}  // namespace abikit::storage::test
