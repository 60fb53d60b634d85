// Listing, checking and pruning the backups of a repository.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include <abi/storage/backup.hpp>

#include "backup_repository.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
// How many backups need each stored file.
std::map<std::string, std::uint64_t> uses_of(const Repository& repository) {
    std::map<std::string, std::uint64_t> uses;
    for (const ListedBackup& backup : repository.backups()) {
        if (backup.record) {
            for (const BackupFile& file : backup.record->files) {
                ++uses[stored_name(file)];
            }
        }
    }
    return uses;
}

Result<std::vector<BackupEntry>> list(const Context& context, const std::string& path) {
    ABI_TRY(const Repository repository, Repository::open(*context.fs, path));
    const auto uses = uses_of(repository);
    std::vector<BackupEntry> entries;
    for (const ListedBackup& backup : repository.backups()) {
        BackupEntry entry;
        entry.number = backup.number;
        entry.fault = backup.fault;
        if (backup.record) {
            entry.uuid = format_uuid(backup.record->uuid);
            entry.lsn = backup.record->lsn;
            entry.time_ns = backup.record->time_ns;
            entry.files = backup.record->files.size() + 1;
            entry.bytes = backup.record->bytes();
            entry.own_bytes = backup.record->manifest.size();
            for (const BackupFile& file : backup.record->files) {
                entry.own_bytes += uses.at(stored_name(file)) == 1 ? file.length : 0;
            }
        }
        entries.push_back(std::move(entry));
    }
    return entries;
}

class Checker {
public:
    Checker(const Context& context, const Repository& repository)
        : context_(context), repository_(repository) {}

    Result<BackupCheck> run(std::optional<std::uint64_t> number) {
        std::map<std::string, BackupFile> files;  // each once, however many backups share it
        for (const ListedBackup& backup : repository_.backups()) {
            if (number && backup.number != *number) {
                continue;
            }
            ++check_.backups;
            ++check_.files;
            if (!backup.record) {
                add(backup_name(backup.number), backup.fault_offset, backup.fault);
                continue;
            }
            for (const BackupFile& file : backup.record->files) {
                files.emplace(stored_name(file), file);
            }
        }
        if (check_.backups == 0) {
            return fail(Code::kNotFound,
                        fmt::format("repository '{}' has no backup {}", repository_.path(),
                                    number.value_or(0)),
                        "'abi db backup list' shows those it has");
        }
        ABI_CHECK(check_files(files));
        check_.leftovers = repository_.leftovers();
        check_.foreign = repository_.foreign();
        return std::move(check_);
    }

private:
    Status check_files(const std::map<std::string, BackupFile>& files) {
        std::uint64_t total = 0;
        for (const auto& [name, file] : files) {
            total += file.length;
        }
        if (context_.progress != nullptr) {
            context_.progress->begin("verify", "B", total);
        }
        Status status;
        for (auto at = files.begin(); status && at != files.end(); ++at) {
            status = check(join_path(kStoreName, at->first), at->second);
        }
        if (context_.progress != nullptr) {
            context_.progress->end();
        }
        return status;
    }
    // An error of this is one that says nothing about the file, such as a cancellation.
    Status check(const std::string& name, const BackupFile& file) {
        ++check_.files;
        const auto opened = context_.fs->open(repository_.path_of(file), OpenMode::kRead);
        if (!opened) {
            add(name, 0, opened.error().describe());
            return {};
        }
        ABI_TRY(const std::uint64_t size, (*opened)->size());
        if (size != file.length) {
            add(name, std::min(size, file.length),
                fmt::format("it has {} bytes instead of {}", size, file.length));
            return {};
        }
        const auto crc = stream_file(context_, **opened, size,
                                     [this](std::uint64_t, std::span<const std::byte> bytes) {
                                         note(bytes.size());
                                         return Status();
                                     });
        if (!crc && crc.error().code() == Code::kCancelled) {
            return fail(crc.error().clone());
        }
        if (!crc) {
            add(name, 0, crc.error().describe());
        } else if (*crc != file.crc) {
            add(name, 0, "the data do not match their checksum");
        }
        return {};
    }
    void note(std::uint64_t bytes) {
        check_.bytes += bytes;
        if (context_.progress != nullptr) {
            context_.progress->update(check_.bytes);
        }
    }
    void add(std::string file, std::uint64_t offset, std::string what) {
        ++check_.faults_total;
        if (check_.faults.size() < kMaxFaults) {
            check_.faults.push_back({std::move(file), offset, std::move(what)});
        }
    }

    const Context& context_;
    const Repository& repository_;
    BackupCheck check_;
};

// Lists go first and durably, so that no list ever names a file that is gone, also not one whose
// removal an earlier process died in.
Status remove_backups(FileSystem& fs, const Repository& repository, const PruneInfo& info,
                      const std::vector<std::string>& files) {
    for (const std::uint64_t number : info.removed) {
        ABI_CHECK(fs.remove(join_path(repository.path(), backup_name(number))));
    }
    ABI_CHECK(fs.sync_directory(repository.path()));
    for (const std::string& file : files) {
        ABI_CHECK(fs.remove(join_path(repository.path(), file)));
    }
    return files.empty() ? Status() : fs.sync_directory(repository.store_path());
}

Result<PruneInfo> prune(const Context& context, const std::string& path, std::uint64_t keep,
                        Rehearsal rehearsal) {
    FileSystem& fs = *context.fs;
    if (keep == 0) {
        return fail(Code::kInvalidArgument, "a repository keeps at least one backup",
                    "remove its directory when none is needed any more");
    }
    ABI_TRY(Repository repository, Repository::open(fs, path));
    std::unique_ptr<File> lock;
    if (rehearsal == Rehearsal::kNo) {
        ABI_TRY(lock, lock_repository(fs, path));
        ABI_TRY(repository, Repository::open(fs, path));
    }
    ABI_CHECK(repository.all_readable());
    const auto& backups = repository.backups();
    const std::size_t going = backups.size() - std::min<std::size_t>(backups.size(), keep);
    PruneInfo info;
    info.kept = backups.size() - going;
    auto uses = uses_of(repository);
    std::vector<std::string> files = repository.leftovers();
    for (std::size_t i = 0; i < going; ++i) {
        info.removed.push_back(backups[i].number);
        for (const BackupFile& file : backups[i].record->files) {
            const std::string name = stored_name(file);
            if (const auto bytes = repository.stored_bytes(name); --uses[name] == 0 && bytes) {
                files.push_back(join_path(kStoreName, name));
                info.freed_bytes += *bytes;
            }
        }
    }
    info.removed_files = files.size();
    if (rehearsal == Rehearsal::kNo && going + files.size() != 0) {
        ABI_CHECK(context.cancel.check());
        ABI_CHECK(remove_backups(fs, repository, info, files));
    }
    return info;
}
}  // namespace

Result<std::vector<BackupEntry>> list_backups(const Context& context,
                                              const std::string& repository) {
    return guarded([&] { return list(context, repository); });
}

Result<BackupCheck> verify_backups(const Context& context, const std::string& repository,
                                   std::optional<std::uint64_t> number) {
    return guarded([&]() -> Result<BackupCheck> {
        const TraceSpan span(context.trace, "storage", "verify_backups");
        ABI_TRY(const Repository found, Repository::open(*context.fs, repository));
        return Checker(context, found).run(number);
    });
}

Result<PruneInfo> prune_backups(const Context& context, const std::string& repository,
                                std::uint64_t keep, Rehearsal rehearsal) {
    return guarded([&] { return prune(context, repository, keep, rehearsal); });
}

}  // namespace abikit::storage
