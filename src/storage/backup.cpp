// Making a backup: open everything that one generation names, copy what the repository lacks, then
// write the list that makes it a backup. Read restore.cpp for the way back.
#include <functional>

#include <fmt/format.h>

#include <abi/core/memory.hpp>
#include <abi/core/time.hpp>
#include <abi/storage/backup.hpp>

#include "backup_repository.hpp"
#include "database_impl.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
constexpr int kAttempts = 20;  // a writer swaps generations while we open them

// A file of the database, held open so that it stays readable when a writer removes its name. Null
// where the repository has the same bytes already.
struct Source {
    BackupFile file;
    std::unique_ptr<File> open;
};

// What is backed up: one generation, everything checked.
struct Moment {
    BackupRecord record;  // files without checksums where a source is open
    std::vector<Source> sources;
    GenerationPin pin;  // until they are copied
};

class Gatherer {
public:
    Gatherer(const Context& context, const std::string& path, const Repository& repository)
        : context_(context), fs_(*context.fs), path_(path), repository_(repository) {}

    Result<Moment> run() {
        for (int attempt = 1;; ++attempt) {
            Moment moment;
            const Status status = gather(moment);
            if (status) {
                return moment;
            }
            const Code code = status.error().code();
            if (code == Code::kCancelled || code == Code::kLimit || attempt == kAttempts) {
                return fail(status.error().clone());
            }
            ABI_TRY(const Manifest now, read_manifest(fs_, path_));
            if (now.generation == manifest_.generation) {
                return fail(as_damage(status.error().clone()));
            }
        }
    }

private:
    Status gather(Moment& moment) {
        seen_.clear();
        ABI_TRY(manifest_, read_manifest(fs_, path_));
        ABI_TRY(moment.record.manifest, fs_.read_file(join_path(path_, kManifestName)));
        ABI_TRY(manifest_,
                decode_manifest(moment.record.manifest, join_path(path_, kManifestName)));
        ABI_TRY(moment.pin, pin_generation(fs_, path_, manifest_.generation));
        moment.record.uuid = manifest_.uuid;
        moment.record.lsn = manifest_.lsn;
        ABI_CHECK(add_log(moment));
        ABI_CHECK(add_collections(moment, manifest_.collections));
        for (const SnapshotEntry& snapshot : manifest_.snapshots) {
            ABI_CHECK(add_collections(moment, snapshot.collections));
        }
        std::sort(moment.sources.begin(), moment.sources.end(),
                  [](const Source& a, const Source& b) { return a.file.name < b.file.name; });
        return {};
    }

    // The log up to the last whole record; a writer may be appending behind it.
    Status add_log(Moment& moment) {
        const std::string name = log_name(manifest_.log_number);
        ABI_TRY(auto file, fs_.open(join_path(path_, name), OpenMode::kRead));
        ABI_TRY(auto reader,
                LogReader::open(fs_, join_path(path_, name),
                                {manifest_.uuid, manifest_.log_number, manifest_.log_salt}));
        while (true) {
            ABI_CHECK(context_.cancel.check());
            ABI_TRY(const auto record, reader.next());
            if (!record) {
                break;
            }
            moment.record.lsn = record->lsn;
        }
        // Of the last record the padding may be missing where a crash cut it off.
        ABI_TRY(const std::uint64_t size, file->size());
        return add(moment, {{name, std::min(size, reader.end()), 0, 0}, std::move(file)});
    }
    Status add_collections(Moment& moment, const std::vector<CollectionEntry>& collections) {
        for (const CollectionEntry& collection : collections) {
            ABI_CHECK(add_embedder(moment, collection));
            for (const SegmentEntry& entry : collection.segments) {
                ABI_CHECK(add_deletes(moment, entry));
                ABI_CHECK(add_segment(moment, collection, entry));
            }
        }
        return {};
    }
    // Named snapshots share files with the present: each is taken once.
    bool first_time(const std::string& name) { return seen_.insert(name).second; }

    Status add_embedder(Moment& moment, const CollectionEntry& collection) {
        const std::string name = embedder_name(collection.embedder_number);
        if (collection.embedder_number == 0 || !first_time(name)) {
            return {};
        }
        ABI_TRY(auto file, fs_.open(join_path(path_, name), OpenMode::kRead));
        ABI_TRY(const auto checked, read_embedder(fs_, path_, collection));
        ABI_TRY(const std::uint64_t size, file->size());
        static_cast<void>(checked);
        return add(moment, {{name, size, 0, 0}, std::move(file)});
    }
    Status add_deletes(Moment& moment, const SegmentEntry& entry) {
        const std::string name = deletes_name(entry.deletes_number);
        if (entry.deletes_number == 0 || !first_time(name)) {
            return {};
        }
        ABI_TRY(auto file, fs_.open(join_path(path_, name), OpenMode::kRead));
        ABI_TRY(const Bitmap checked, read_deletes(fs_, path_, manifest_.uuid, entry));
        ABI_TRY(const std::uint64_t size, file->size());
        static_cast<void>(checked);
        return add(moment, {{name, size, 0, 0}, std::move(file)});
    }
    Status add_segment(Moment& moment, const CollectionEntry& collection,
                       const SegmentEntry& entry) {
        const std::string name = segment_name(entry.number);
        if (!first_time(name)) {
            return {};
        }
        // A segment never changes, and its header's checksum covers those of all its blocks: what
        // an earlier backup has need not be read again.
        if (const BackupFile* const known =
                repository_.find_segment(name, entry.size_bytes, entry.header_crc)) {
            moment.sources.push_back({*known, nullptr});
            return {};
        }
        ABI_TRY(auto file, fs_.open(join_path(path_, name), OpenMode::kRead));
        ABI_CHECK(check_segment(collection, entry));
        moment.sources.push_back({{name, entry.size_bytes, 0, entry.header_crc}, std::move(file)});
        return {};
    }
    // Damaged bytes must not replace good ones of earlier backups in anybody's trust.
    Status check_segment(const CollectionEntry& collection, const SegmentEntry& entry) {
        ABI_TRY(const auto segment,
                Segment::open(fs_, path_, owner_of(manifest_, collection), entry));
        ABI_CHECK(segment->check_headers());
        for (const Section& section : segment->header().sections) {
            for (std::uint64_t block = 0; block < section.blocks(); ++block) {
                if (block % 256 == 0) {
                    ABI_CHECK(context_.cancel.check());
                }
                if (!segment->block_intact(section, block)) {
                    return fail(corruption(segment->path(),
                                           section.offset + (block << section.block_shift),
                                           "the data do not match their checksum"));
                }
            }
        }
        return {};
    }

    // A small file: read whole, to know whether the repository has it.
    Status add(Moment& moment, Source source) {
        ABI_TRY(source.file.crc,
                stream_file(context_, *source.open, source.file.length,
                            [](std::uint64_t, std::span<const std::byte>) { return Status(); }));
        if (repository_.has(source.file)) {
            source.open.reset();
        }
        moment.sources.push_back(std::move(source));
        return {};
    }

    Error as_damage(Error error) const {
        if (error.code() != Code::kInputMissing) {
            return error;
        }
        return Error(Code::kCorrupt,
                     fmt::format("database '{}' lacks a file: {}", path_, error.describe()))
            .with_hint("'abi db verify' lists every fault of the database");
    }

    const Context& context_;
    FileSystem& fs_;
    const std::string& path_;
    const Repository& repository_;
    Manifest manifest_;
    std::set<std::string> seen_;  // names of this attempt
};

// Copies what the repository lacks. Complete files alone get their final name.
class Copier {
public:
    Copier(const Context& context, const Repository& repository)
        : context_(context), fs_(*context.fs), repository_(repository) {}

    Status run(Moment& moment) {
        std::uint64_t total = 0;
        for (const Source& source : moment.sources) {
            total += source.open != nullptr ? source.file.length : 0;
        }
        ProgressSink* const progress = context_.progress;
        if (progress != nullptr) {
            progress->begin("backup", "B", total);
        }
        Status status = copy_all(moment);
        if (progress != nullptr) {
            progress->end();
        }
        return status;
    }

private:
    Status copy_all(Moment& moment) {
        bool any = false;
        for (Source& source : moment.sources) {
            if (source.open != nullptr) {
                ABI_CHECK(copy(source));
                any = true;
            }
        }
        return any ? fs_.sync_directory(repository_.store_path()) : Status();
    }
    Status copy(Source& source) {
        const std::string unfinished =
            join_path(repository_.store_path(), source.file.name + ".tmp");
        const auto copied = [this](std::uint64_t bytes) {
            done_ += bytes;
            if (context_.progress != nullptr) {
                context_.progress->update(done_);
            }
        };
        ABI_TRY(source.file.crc,
                copy_file(context_, *source.open, source.file.length, unfinished, copied));
        return fs_.rename(unfinished, repository_.path_of(source.file));
    }

    const Context& context_;
    FileSystem& fs_;
    const Repository& repository_;
    std::uint64_t done_ = 0;
};

Status check_same_database(const Repository& repository, const Uuid& uuid,
                           const std::string& path) {
    for (const ListedBackup& backup : repository.backups()) {
        if (backup.record && backup.record->uuid != uuid) {
            return fail(Code::kIncompatible,
                        fmt::format("repository '{}' holds backups of another database than '{}'",
                                    repository.path(), path),
                        "give each database a repository of its own");
        }
    }
    return {};
}

Status make_directories(FileSystem& fs, const Repository& repository) {
    const auto ensure = [&fs](const std::string& path) -> Status {
        ABI_TRY(const auto info, fs.stat(path));
        if (!info) {
            ABI_CHECK(fs.create_directory(path));
        }
        // Also for one that is there: whoever made it may have died before its name was durable.
        return fs.sync_directory(parent_path(path));
    };
    ABI_CHECK(ensure(repository.path()));
    return ensure(repository.store_path());
}

BackupInfo info_of(const Moment& moment) {
    BackupInfo info;
    const BackupRecord& record = moment.record;
    info.number = record.number;
    info.uuid = format_uuid(record.uuid);
    info.lsn = record.lsn;
    info.time_ns = record.time_ns;
    info.files = moment.sources.size() + 1;  // and the manifest
    info.bytes = record.manifest.size();
    info.copied_files = 1;
    info.copied_bytes = record.manifest.size();
    for (const Source& source : moment.sources) {
        const bool copied = source.open != nullptr;
        info.bytes += source.file.length;
        (copied ? info.copied_files : info.shared_files) += 1;
        (copied ? info.copied_bytes : info.shared_bytes) += source.file.length;
    }
    return info;
}

Result<Moment> gather(const Context& context, const std::string& path,
                      const Repository& repository) {
    ABI_TRY(Moment moment, Gatherer(context, path, repository).run());
    ABI_CHECK(check_same_database(repository, moment.record.uuid, path));
    moment.record.number =
        repository.backups().empty() ? 1 : repository.backups().back().number + 1;
    moment.record.time_ns = wall_clock_ns();
    return moment;
}

Result<BackupInfo> back_up(const Context& context, const std::string& path,
                           const std::string& repository_path, Rehearsal rehearsal) {
    const TraceSpan span(context.trace, "storage", "backup");
    FileSystem& fs = *context.fs;
    // Before anything is made: is there a database, and may the backup stand where it is told to?
    ABI_TRY(const Manifest manifest, read_manifest(fs, path));
    ABI_CHECK(check_outside_databases(fs, repository_path, "the repository"));
    ABI_TRY(Repository repository, Repository::look(fs, repository_path));
    ABI_CHECK(check_same_database(repository, manifest.uuid, path));
    if (rehearsal == Rehearsal::kYes) {
        ABI_TRY(const Moment moment, gather(context, path, repository));
        return info_of(moment);
    }
    ABI_CHECK(make_directories(fs, repository));
    ABI_TRY(const auto lock, lock_repository(fs, repository_path));
    ABI_TRY(repository, Repository::look(fs, repository_path));  // as it is under the lock
    // A prune that died may have removed lists that a power cut would bring back: their files stay
    // until that is settled.
    ABI_CHECK(fs.sync_directory(repository_path));
    for (const std::string& name : repository.leftovers()) {
        ABI_CHECK(fs.remove(join_path(repository_path, name)));
    }
    ABI_TRY(Moment moment, gather(context, path, repository));
    ABI_CHECK(Copier(context, repository).run(moment));
    for (const Source& source : moment.sources) {
        moment.record.files.push_back(source.file);
    }
    ABI_CHECK(context.cancel.check());
    ABI_CHECK(fs.replace_file(join_path(repository_path, backup_name(moment.record.number)),
                              as_bytes(encode_backup(moment.record))));
    return info_of(moment);
}
}  // namespace

Result<BackupInfo> make_backup(const Context& context, const std::string& path,
                               const std::string& repository, Rehearsal rehearsal) {
    return guarded([&] { return back_up(context, path, repository, rehearsal); });
}

}  // namespace abikit::storage
