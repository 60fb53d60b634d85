// What lies in a backup repository: reading its lists, its lock, and what may be removed from it.
// Read backup.cpp next.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <abi/core/context.hpp>

#include "backup_format.hpp"

namespace abikit::storage {

// A backup by its file: the record, or why there is none.
struct ListedBackup {
    std::uint64_t number = 0;
    std::optional<BackupRecord> record;
    std::string fault;
    std::uint64_t fault_offset = 0;
};

// A look at a repository. Single thread; does not follow later changes.
class Repository {
public:
    // Reads what is there. A directory that is missing or empty, or holds nothing but what an
    // interrupted first backup leaves, is a repository without backups. kAlreadyExists for a
    // directory of something else or a file.
    static Result<Repository> look(FileSystem& fs, const std::string& path);
    // The same for one that must have backups: kInputMissing when there is nothing, kCorrupt when
    // it is something else.
    static Result<Repository> open(FileSystem& fs, const std::string& path);

    bool exists() const noexcept { return exists_; }
    const std::string& path() const noexcept { return path_; }
    // The oldest first.
    const std::vector<ListedBackup>& backups() const noexcept { return backups_; }
    // The backup with that number, or the newest; its error when it cannot be read; kNotFound.
    Result<const BackupRecord*> find(std::optional<std::uint64_t> number) const;
    // Error of the first list that cannot be read: what it needs is unknown.
    Status all_readable() const;

    std::string store_path() const { return join_path(path_, kStoreName); }
    std::string path_of(const BackupFile& file) const {
        return join_path(store_path(), stored_name(file));
    }
    // Whether a readable backup names that file and the store has it in its length.
    bool has(const BackupFile& file) const;
    // The newest readable backup's entry for a segment of this name, length and binding that the
    // store has.
    const BackupFile* find_segment(const std::string& name, std::uint64_t length,
                                   std::uint32_t binding) const;

    // Unfinished files, and stored ones that no backup names, within the repository. The latter
    // only when every list could be read.
    std::vector<std::string> leftovers() const;
    const std::vector<std::string>& foreign() const noexcept { return foreign_; }
    // Bytes of a stored file, whoever names it.
    std::optional<std::uint64_t> stored_bytes(const std::string& name) const;

private:
    Status read_lists(FileSystem& fs);
    Status read_store(FileSystem& fs);

    std::string path_;
    bool exists_ = false;
    std::vector<ListedBackup> backups_;
    std::map<std::string, std::uint64_t> stored_;  // name in the store -> bytes
    std::set<std::string> named_;                  // by readable backups
    std::vector<std::string> unfinished_, foreign_;
};

// Takes the repository's lock; kLocked when another process backs up or prunes.
Result<std::unique_ptr<File>> lock_repository(FileSystem& fs, const std::string& path);

// kInvalidArgument when `path`, which need not exist, is a database or lies inside of one,
// whatever links lead there. `what` names it in the message: "the repository".
Status check_outside_databases(FileSystem& fs, const std::string& path, std::string_view what);

// Reads `length` bytes from the start of `from` in pieces, each handed to `sink`; returns their
// CRC-32C. kCorrupt when the file is shorter. Looks at the token between pieces.
Result<std::uint32_t> stream_file(
    const Context& context, const File& from, std::uint64_t length,
    const std::function<Status(std::uint64_t offset, std::span<const std::byte>)>& sink);
// Copies them to a new file at `to` and syncs it; on failure the copy is removed.
Result<std::uint32_t> copy_file(const Context& context, const File& from, std::uint64_t length,
                                const std::string& to,
                                const std::function<void(std::uint64_t)>& copied);

}  // namespace abikit::storage
