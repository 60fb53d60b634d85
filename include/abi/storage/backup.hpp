// Backups of a database in a repository directory, and restoring them: online, consistent,
// incremental. The repository's format is docs/formats/wdbx-backup.md; why it is as it is stands in
// docs/adr/0008-backup-repository.md. Read `repair.hpp` for databases that are damaged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/database.hpp>

namespace abikit::storage {

// Whether a call does its work or only says what it would do. A rehearsal writes nothing, not even
// a lock file.
enum class Rehearsal { kNo, kYes };

struct BackupInfo {
    std::uint64_t number = 0;                          // of the backup in its repository, from 1
    std::string uuid;                                  // of the database
    std::uint64_t lsn = 0;                             // of the last commit in it
    std::int64_t time_ns = 0;                          // when it was made
    std::uint64_t files = 0, bytes = 0;                // of the database as it is in the backup
    std::uint64_t copied_files = 0, copied_bytes = 0;  // new in the repository
    std::uint64_t shared_files = 0, shared_bytes = 0;  // there already from earlier backups
};

// Adds a backup of the database at `path` to `repository`, which is made when it does not exist or
// is an empty directory. Waits for no lock on the database: writers and readers go on meanwhile,
// and what was acknowledged before the call is in the backup. Everything is checked on the way:
// damage is kCorrupt and leaves the earlier backups as they were, like any other failure. One
// backup at a time per repository (kLocked otherwise). kInvalidArgument: the repository lies inside
// a database; kAlreadyExists: it is a directory of something else; kIncompatible: it holds backups
// of another database.
ABI_API Result<BackupInfo> make_backup(const Context& context, const std::string& path,
                                       const std::string& repository,
                                       Rehearsal rehearsal = Rehearsal::kNo);

// One backup of a repository, as its list shows it.
struct BackupEntry {
    std::uint64_t number = 0;
    std::string fault;  // why its list cannot be read; the rest is empty then
    std::string uuid;
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;
    std::uint64_t files = 0, bytes = 0;
    std::uint64_t own_bytes = 0;  // of files that no other backup has: what pruning it would free
};
// All backups, the oldest first. kInputMissing: nothing there; kCorrupt: no repository.
ABI_API Result<std::vector<BackupEntry>> list_backups(const Context& context,
                                                      const std::string& repository);

struct BackupCheck {
    std::uint64_t backups = 0;  // that were checked
    std::uint64_t files = 0, bytes = 0;
    std::vector<Fault> faults;  // at most kMaxFaults are kept; files within the repository
    std::uint64_t faults_total = 0;
    std::vector<std::string> leftovers;  // of interrupted work; the next backup removes them
    std::vector<std::string> foreign;    // files that are not ours; left alone
};
// Reads every file of one backup, or of all, and compares length and checksum. Changes nothing.
// kNotFound: there is no such backup.
ABI_API Result<BackupCheck> verify_backups(const Context& context, const std::string& repository,
                                           std::optional<std::uint64_t> number = std::nullopt);

struct PruneInfo {
    std::vector<std::uint64_t> removed;  // numbers of the backups, the oldest first
    std::uint64_t kept = 0;
    std::uint64_t removed_files = 0, freed_bytes = 0;
};
// Removes all but the `keep` newest backups (at least 1), then the files that none of these needs.
// Interrupted at any point, every backup that is listed is whole. kCorrupt, and nothing is removed,
// when a list cannot be read: what it needs is unknown.
ABI_API Result<PruneInfo> prune_backups(const Context& context, const std::string& repository,
                                        std::uint64_t keep, Rehearsal rehearsal = Rehearsal::kNo);

struct RestoreInfo {
    std::uint64_t number = 0;
    std::string uuid;
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;
    std::uint64_t files = 0, bytes = 0;
    std::uint64_t rows = 0;  // counted by the final verify; 0 in a rehearsal
};
// Makes the database of a backup (the newest without a number) at `destination`, which must not
// exist or be an empty directory (kAlreadyExists otherwise). Every checksum of the backup is tested
// before anything is made (kCorrupt), the copy is built beside the destination as
// "<destination>.partial", verified there and then renamed: interrupted at any point there is no
// database at `destination`, or the whole. It is the same database at an earlier moment, with the
// same UUID. kInputMissing, kCorrupt, kNotFound as above.
ABI_API Result<RestoreInfo> restore_backup(const Context& context, const std::string& repository,
                                           const std::string& destination,
                                           std::optional<std::uint64_t> number = std::nullopt,
                                           Rehearsal rehearsal = Rehearsal::kNo);

}  // namespace abikit::storage
