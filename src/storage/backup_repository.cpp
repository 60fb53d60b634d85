// Looking at a repository. Nothing here decides: making, checking, pruning and restoring do.
#include "backup_repository.hpp"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>

namespace abikit::storage {

namespace {
constexpr std::uint64_t kMaxListBytes = std::uint64_t{1} << 30;
constexpr std::size_t kCopyBytes = std::size_t{1} << 20;
constexpr int kParents = 40;  // how far up a database is looked for
constexpr std::string_view kTemporarySuffix = ".tmp";

bool is_temporary_list(std::string_view name) {
    return name.ends_with(kTemporarySuffix) &&
           parse_backup_name(name.substr(0, name.size() - kTemporarySuffix.size()));
}

// An unfinished copy has the database's name for the file, since its checksum is not known yet.
bool is_temporary_copy(std::string_view name) {
    return name.ends_with(kTemporarySuffix) &&
           parse_file_name(name.substr(0, name.size() - kTemporarySuffix.size())).role !=
               FileRole::kForeign;
}

std::string in_store(std::string_view name) {
    return join_path(kStoreName, name);
}
}  // namespace

Result<Repository> Repository::look(FileSystem& fs, const std::string& path) {
    Repository repository;
    repository.path_ = path;
    ABI_TRY(const auto info, fs.stat(path));
    if (!info) {
        return repository;
    }
    if (info->kind != FileKind::kDirectory) {
        return fail(Code::kAlreadyExists, fmt::format("'{}' is a file", path),
                    "give the directory of a backup repository, or one that does not exist yet");
    }
    repository.exists_ = true;
    ABI_CHECK(repository.read_lists(fs));
    ABI_CHECK(repository.read_store(fs));
    if (repository.backups_.empty() && !repository.foreign_.empty()) {
        return fail(Code::kAlreadyExists,
                    fmt::format("'{}' is a directory with other files in it", path),
                    "give the directory of a backup repository, or one that does not exist yet");
    }
    return repository;
}

Result<Repository> Repository::open(FileSystem& fs, const std::string& path) {
    auto repository = look(fs, path);
    if (repository && !repository->exists()) {
        return fail(
            Code::kInputMissing,
            fmt::format("cannot open backup repository '{}': no such file or directory", path),
            "'abi db backup DATABASE REPOSITORY' makes one");
    }
    if ((repository && repository->backups().empty()) ||
        (!repository && repository.error().code() == Code::kAlreadyExists)) {
        return fail(Code::kCorrupt, fmt::format("'{}' is not a backup repository", path),
                    "give the directory that 'abi db backup' made");
    }
    return repository;
}

Status Repository::read_lists(FileSystem& fs) {
    ABI_TRY(const auto entries, fs.list(path_));
    for (const DirectoryEntry& entry : entries) {
        const auto number = parse_backup_name(entry.name);
        if (number) {
            ListedBackup listed;
            listed.number = *number;
            const std::string path = join_path(path_, entry.name);
            ABI_TRY(const std::string bytes, fs.read_file(path, kMaxListBytes));
            auto record = decode_backup(bytes, path);
            if (record && record->number == *number) {
                for (const BackupFile& file : record->files) {
                    named_.insert(stored_name(file));
                }
                listed.record = *std::move(record);
            } else {
                listed.fault = record ? "it holds another backup" : record.error().describe();
                listed.fault_offset = record ? 0 : corruption_offset(record.error());
            }
            backups_.push_back(std::move(listed));
        } else if (is_temporary_list(entry.name)) {
            unfinished_.push_back(entry.name);
        } else if (entry.name != kLockName &&
                   !(entry.name == kStoreName && entry.kind == FileKind::kDirectory)) {
            foreign_.push_back(entry.name);
        }
    }
    std::sort(backups_.begin(), backups_.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
    return {};
}

Status Repository::read_store(FileSystem& fs) {
    const std::string store = store_path();
    ABI_TRY(const auto info, fs.stat(store));
    if (!info || info->kind != FileKind::kDirectory) {
        return {};
    }
    ABI_TRY(const auto entries, fs.list(store));
    for (const DirectoryEntry& entry : entries) {
        if (is_stored_name(entry.name)) {
            ABI_TRY(const auto file, fs.stat(join_path(store, entry.name)));
            stored_[entry.name] = file ? file->size_bytes : 0;
        } else {
            (is_temporary_copy(entry.name) ? unfinished_ : foreign_)
                .push_back(in_store(entry.name));
        }
    }
    return {};
}

Result<const BackupRecord*> Repository::find(std::optional<std::uint64_t> number) const {
    for (auto at = backups_.rbegin(); at != backups_.rend(); ++at) {
        if (number && at->number != *number) {
            continue;
        }
        if (!at->record) {
            return fail(Code::kCorrupt,
                        fmt::format("backup {} cannot be used: {}", at->number, at->fault),
                        "'abi db backup list' shows the others");
        }
        return &*at->record;
    }
    return fail(Code::kNotFound,
                fmt::format("repository '{}' has no backup {}", path_, number.value_or(0)),
                "'abi db backup list' shows those it has");
}

Status Repository::all_readable() const {
    for (const ListedBackup& backup : backups_) {
        if (!backup.record) {
            return fail(Code::kCorrupt,
                        fmt::format("backup {} cannot be read, so what it needs is unknown: {}",
                                    backup.number, backup.fault),
                        fmt::format("when it is of no use any more, remove '{}' by hand first",
                                    join_path(path_, backup_name(backup.number))));
        }
    }
    return {};
}

std::optional<std::uint64_t> Repository::stored_bytes(const std::string& name) const {
    const auto found = stored_.find(name);
    return found == stored_.end() ? std::nullopt : std::optional(found->second);
}

bool Repository::has(const BackupFile& file) const {
    const std::string name = stored_name(file);
    return stored_bytes(name) == file.length && named_.contains(name);
}

const BackupFile* Repository::find_segment(const std::string& name, std::uint64_t length,
                                           std::uint32_t binding) const {
    for (auto at = backups_.rbegin(); at != backups_.rend(); ++at) {
        if (!at->record) {
            continue;
        }
        for (const BackupFile& file : at->record->files) {
            if (file.name == name && file.length == length && file.binding == binding &&
                has(file)) {
                return &file;
            }
        }
    }
    return nullptr;
}

std::vector<std::string> Repository::leftovers() const {
    std::vector<std::string> names = unfinished_;
    if (all_readable()) {
        for (const auto& [name, bytes] : stored_) {
            if (!named_.contains(name)) {
                names.push_back(in_store(name));
            }
        }
    }
    return names;
}

Result<std::unique_ptr<File>> lock_repository(FileSystem& fs, const std::string& path) {
    ABI_TRY(auto lock, fs.open(join_path(path, kLockName), OpenMode::kCreate));
    if (Status status = lock->try_lock(LockKind::kExclusive); !status) {
        if (status.error().code() != Code::kLocked) {
            return fail(std::move(status).error());
        }
        return fail(Code::kLocked,
                    fmt::format("repository '{}' is being changed by another process", path),
                    "wait until it is done; restoring is possible meanwhile");
    }
    return lock;
}

Status check_outside_databases(FileSystem& fs, const std::string& path, std::string_view what) {
    const auto info = fs.stat(path);
    // By "..", which follows where the directories really lie, not where their names say.
    std::string at = info && info->has_value() ? path : parent_path(path);
    for (int level = 0; level < kParents; ++level, at = join_path(at, "..")) {
        const std::string manifest = join_path(at, kManifestName);
        const auto found = fs.stat(manifest);
        if (!found || !found->has_value() || (*found)->kind != FileKind::kFile) {
            continue;
        }
        const auto file = fs.open(manifest, OpenMode::kRead);
        std::array<std::byte, 8> magic{};
        if (file && (*file)->read_at(0, magic).has_value() && as_text(magic) == "WDBXMAN1") {
            return fail(Code::kInvalidArgument,
                        fmt::format("{} '{}' is a database or lies inside of one", what, path),
                        "choose a directory outside of it");
        }
    }
    return {};
}

Result<std::uint32_t> stream_file(
    const Context& context, const File& from, std::uint64_t length,
    const std::function<Status(std::uint64_t, std::span<const std::byte>)>& sink) {
    std::vector<std::byte> buffer(
        static_cast<std::size_t>(std::min<std::uint64_t>(length, kCopyBytes)));
    std::uint32_t crc = 0;
    for (std::uint64_t at = 0; at < length;) {
        ABI_CHECK(context.cancel.check());
        const auto part = std::span(buffer).first(
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), length - at)));
        ABI_TRY(const std::size_t got, from.read_at(at, part));
        if (got < part.size()) {
            return fail(corruption(from.path(), at + got, "it is cut short"));
        }
        crc = crc32c(part, crc);
        ABI_CHECK(sink(at, part));
        at += part.size();
    }
    return crc;
}

Result<std::uint32_t> copy_file(const Context& context, const File& from, std::uint64_t length,
                                const std::string& to,
                                const std::function<void(std::uint64_t)>& copied) {
    ABI_TRY(auto file, context.fs->open(to, OpenMode::kTruncate));
    auto crc = stream_file(context, from, length,
                           [&](std::uint64_t at, std::span<const std::byte> bytes) -> Status {
                               ABI_CHECK(file->write_at(at, bytes));
                               file->start_writeback(at, bytes.size());
                               copied(bytes.size());
                               return {};
                           });
    if (crc) {
        if (Status synced = file->sync(); !synced) {
            crc = fail(std::move(synced).error());
        }
    }
    if (!crc) {
        file.reset();
        // Where this fails too, what is left is known by its name, and the next one removes it.
        static_cast<void>(context.fs->remove(to));
    }
    return crc;
}

}  // namespace abikit::storage
