// Restoring a backup: test every checksum, copy beside the destination, verify, rename.
#include <fmt/format.h>

#include <abi/storage/backup.hpp>

#include "backup_repository.hpp"
#include "guard.hpp"
#include "staging.hpp"

namespace abikit::storage {

namespace {
class Restorer {
public:
    Restorer(const Context& context, const Repository& repository, const BackupRecord& record)
        : context_(context), repository_(repository), record_(record) {}

    // Reads every file: what is damaged is known before anything is made.
    Status check() {
        for (const BackupFile& file : record_.files) {
            ABI_TRY(const auto opened, open(file));
            ABI_TRY(
                const std::uint32_t crc,
                stream_file(context_, *opened, file.length,
                            [](std::uint64_t, std::span<const std::byte>) { return Status(); }));
            ABI_CHECK(check_crc(file, crc));
        }
        return {};
    }

    Status copy_to(Staging& staging) {
        const auto copied = [this](std::uint64_t bytes) {
            done_ += bytes;
            if (context_.progress != nullptr) {
                context_.progress->update(done_);
            }
        };
        for (const BackupFile& file : record_.files) {
            ABI_TRY(const auto opened, open(file));
            ABI_TRY(const std::uint32_t crc,
                    copy_file(context_, *opened, file.length, join_path(staging.path(), file.name),
                              copied));
            ABI_CHECK(check_crc(file, crc));  // of what was written, not of what was read before
        }
        return staging.write_file(kManifestName, as_bytes(record_.manifest));
    }

private:
    Result<std::unique_ptr<File>> open(const BackupFile& file) const {
        const std::string path = repository_.path_of(file);
        auto opened = context_.fs->open(path, OpenMode::kRead);
        if (!opened && opened.error().code() == Code::kInputMissing) {
            return fail(damage(fmt::format("'{}' is missing", path)));
        }
        if (opened) {
            ABI_TRY(const std::uint64_t size, (*opened)->size());
            if (size != file.length) {
                return fail(damage(
                    fmt::format("'{}' has {} bytes instead of {}", path, size, file.length)));
            }
        }
        return opened;
    }
    Status check_crc(const BackupFile& file, std::uint32_t crc) const {
        if (crc != file.crc) {
            return fail(
                damage(fmt::format("'{}' does not match its checksum", repository_.path_of(file))));
        }
        return {};
    }
    Error damage(const std::string& what) const {
        return Error(Code::kCorrupt, fmt::format("backup {} is damaged: {}", record_.number, what))
            .with_hint("'abi db backup verify' tells which backups are whole");
    }

    const Context& context_;
    const Repository& repository_;
    const BackupRecord& record_;
    std::uint64_t done_ = 0;
};

Result<std::uint64_t> verified_rows(const Context& context, const std::string& path) {
    ABI_TRY(const VerifyInfo info, verify(context, path));
    if (info.faults_total != 0) {
        const Fault& fault = info.faults.front();
        return fail(Code::kCorrupt,
                    fmt::format("the backup holds a damaged database: '{}', byte {}: {}",
                                fault.file, fault.offset, fault.what),
                    "try an earlier backup; 'abi db backup list' shows them");
    }
    return info.rows;
}

Result<RestoreInfo> restore(const Context& context, const std::string& repository_path,
                            const std::string& destination, std::optional<std::uint64_t> number,
                            Rehearsal rehearsal) {
    const TraceSpan span(context.trace, "storage", "restore");
    FileSystem& fs = *context.fs;
    ABI_TRY(const Repository repository, Repository::open(fs, repository_path));
    ABI_TRY(const BackupRecord* const record, repository.find(number));
    ABI_CHECK(check_destination(fs, destination));
    RestoreInfo info;
    info.number = record->number;
    info.uuid = format_uuid(record->uuid);
    info.lsn = record->lsn;
    info.time_ns = record->time_ns;
    info.files = record->files.size() + 1;
    info.bytes = record->bytes();
    Restorer restorer(context, repository, *record);
    ABI_CHECK(restorer.check());
    if (rehearsal == Rehearsal::kYes) {
        return info;
    }
    ABI_TRY(Staging staging, Staging::begin(fs, destination));
    if (context.progress != nullptr) {
        context.progress->begin("restore", "B", info.bytes);
    }
    Status copied = restorer.copy_to(staging);
    if (context.progress != nullptr) {
        context.progress->end();
    }
    ABI_CHECK(std::move(copied));
    ABI_TRY(info.rows, verified_rows(context, staging.path()));
    ABI_CHECK(context.cancel.check());
    ABI_CHECK(staging.publish());
    return info;
}
}  // namespace

Result<RestoreInfo> restore_backup(const Context& context, const std::string& repository,
                                   const std::string& destination,
                                   std::optional<std::uint64_t> number, Rehearsal rehearsal) {
    return guarded([&] { return restore(context, repository, destination, number, rehearsal); });
}

}  // namespace abikit::storage
