// The mark is a MANIFEST.tmp with content of its own: to a database it is a left-over that readers
// ignore and the next writer removes, so a power cut behind the rename does no harm.
#include "staging.hpp"

#include <new>

#include <fmt/format.h>

#include "backup_repository.hpp"
#include "format.hpp"

namespace abikit::storage {

namespace {
constexpr std::string_view kMarkName = "MANIFEST.tmp";
constexpr std::string_view kMark = "abi: a database is being made here\n";

std::string without_slashes(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.pop_back();
    }
    return path;
}

Result<bool> has_mark(FileSystem& fs, const std::string& path) {
    const std::string mark = join_path(path, kMarkName);
    ABI_TRY(const auto info, fs.stat(mark));
    if (!info || info->size_bytes > kMark.size()) {
        return false;
    }
    ABI_TRY(const std::string content, fs.read_file(mark));
    // Also one that a power cut left without its bytes.
    return content == kMark || content.find_first_not_of('\0') == std::string::npos;
}

std::unexpected<Error> in_the_way(const std::string& path) {
    return fail(Code::kAlreadyExists,
                fmt::format("'{}' is in the way: a copy is built there before it is renamed", path),
                "move or remove it, or choose another destination");
}
}  // namespace

Status check_destination(FileSystem& fs, const std::string& destination) {
    const std::string_view name = file_name(destination);
    if (name.empty() || name == "." || name == "..") {
        return fail(Code::kInvalidArgument,
                    fmt::format("'{}' has no name that a database could get", destination),
                    "give the path of a directory that does not exist yet");
    }
    ABI_TRY(const auto info, fs.stat(destination));
    if (info && info->kind != FileKind::kDirectory) {
        return fail(Code::kAlreadyExists, fmt::format("'{}' is a file", destination),
                    "choose a path that does not exist yet");
    }
    if (info) {
        ABI_TRY(const auto entries, fs.list(destination));
        for (const DirectoryEntry& entry : entries) {
            const bool database = parse_file_name(entry.name).role == FileRole::kManifest;
            if (database || &entry == &entries.back()) {
                return fail(
                    Code::kAlreadyExists,
                    database
                        ? fmt::format("there is a database at '{}' already", destination)
                        : fmt::format("'{}' is a directory with other files in it", destination),
                    "choose a path that does not exist yet");
            }
        }
    }
    return check_outside_databases(fs, parent_path(without_slashes(destination)),
                                   "the directory for the new database");
}

Result<Staging> Staging::begin(FileSystem& fs, const std::string& destination) {
    ABI_CHECK(check_destination(fs, destination));
    const std::string bare = without_slashes(destination);
    Staging staging(fs, bare, bare + ".partial");
    ABI_TRY(const auto info, fs.stat(staging.path_));
    if (info && info->kind != FileKind::kDirectory) {
        return in_the_way(staging.path_);
    }
    if (!info) {
        ABI_CHECK(fs.create_directory(staging.path_));
    }
    ABI_CHECK(staging.claim());
    return staging;
}

Status Staging::claim() {
    const std::string lock_path = join_path(path_, kLockName);
    ABI_TRY(const auto entries, fs_->list(path_));
    ABI_TRY(const bool marked, has_mark(*fs_, path_));
    const bool only_lock =
        entries.empty() || (entries.size() == 1 && entries.front().name == kLockName);
    if (!marked && !only_lock) {
        return in_the_way(path_);
    }
    ABI_TRY(auto lock, fs_->open(lock_path, OpenMode::kCreate));
    if (Status status = lock->try_lock(LockKind::kExclusive); !status) {
        if (status.error().code() != Code::kLocked) {
            return status;
        }
        return fail(Code::kLocked,
                    fmt::format("'{}' is being made by another process", destination_),
                    "wait until it is done, or choose another path");
    }
    lock_ = std::move(lock);
    ABI_CHECK(write_file(kMarkName, as_bytes(kMark)));
    // Durable before anything else is: whatever else is found there is ours.
    ABI_CHECK(fs_->sync_directory(path_));
    return clear();
}

// Removes what an earlier attempt left, all but the lock and the mark.
Status Staging::clear() {
    ABI_TRY(const auto entries, fs_->list(path_));
    for (const DirectoryEntry& entry : entries) {
        const FileRole role = parse_file_name(entry.name).role;
        if (role == FileRole::kForeign || entry.kind != FileKind::kFile) {
            return in_the_way(path_);
        }
        if (role != FileRole::kLock && role != FileRole::kTemporary) {
            ABI_CHECK(fs_->remove(join_path(path_, entry.name)));
        }
    }
    return {};
}

Status Staging::write_file(std::string_view name, std::span<const std::byte> bytes) {
    ABI_TRY(auto file, fs_->open(join_path(path_, name), OpenMode::kTruncate));
    ABI_CHECK(file->write_at(0, bytes));
    return file->sync();
}

Status Staging::publish() {
    ABI_CHECK(fs_->sync_directory(path_));
    ABI_CHECK(fs_->rename(path_, destination_));
    lock_.reset();
    ABI_CHECK(fs_->sync_directory(parent_path(destination_)));
    ABI_CHECK(fs_->remove(join_path(destination_, kMarkName)));
    return fs_->sync_directory(destination_);
}

// As far as it goes, also for want of memory: the next attempt removes the rest. The mark goes
// last.
Staging::~Staging() {
    try {
        if (lock_ != nullptr && clear()) {
            static_cast<void>(fs_->remove(join_path(path_, kMarkName)));
            static_cast<void>(fs_->remove(join_path(path_, kLockName)));
            static_cast<void>(fs_->remove_directory(path_));
        }
    } catch (const std::bad_alloc&) {
        return;
    }
}

}  // namespace abikit::storage
