// Making and opening databases: the manifest, its files, the replay of the log, the lock of the one
// writer.
#include <algorithm>

#include <fmt/format.h>

#include <abi/core/memory.hpp>
#include <abi/core/random.hpp>
#include <abi/core/time.hpp>
#include <abi/storage/database.hpp>

#include "database_impl.hpp"
#include "guard.hpp"

namespace abikit::storage {

namespace {
constexpr int kOpenAttempts = 20;  // a reader meets a writer that swaps generations

// Whether an abandoned creation may have left this file behind: nothing that can hold a row.
Result<bool> is_leftover(FileSystem& fs, const std::string& path, const std::string& entry) {
    const FileName name = parse_file_name(entry);
    if (name.role == FileRole::kLock || name.role == FileRole::kTemporary) {
        return true;
    }
    ABI_TRY(const auto info, fs.stat(join_path(path, entry)));
    return name.role == FileRole::kLog && name.number == 1 && info &&
           info->size_bytes <= kLogHeaderBytes;
}

// kAlreadyExists when the directory holds anything but what an abandoned creation leaves behind.
Status check_free(FileSystem& fs, const std::string& path) {
    ABI_TRY(const auto entries, fs.list(path));
    for (const DirectoryEntry& entry : entries) {
        if (parse_file_name(entry.name).role == FileRole::kManifest) {
            return fail(Code::kAlreadyExists,
                        fmt::format("there is a database at '{}' already", path),
                        "choose another path, or remove that directory first");
        }
        ABI_TRY(const bool leftover, is_leftover(fs, path, entry.name));
        if (!leftover) {
            return fail(Code::kAlreadyExists,
                        fmt::format("'{}' is a directory with other files in it", path),
                        "choose a path that does not exist yet");
        }
    }
    return {};
}

Result<Manifest> first_manifest(const CreateOptions& options) {
    Manifest manifest;
    manifest.generation = 1;
    ABI_TRY(CollectionEntry collection, make_collection_entry(options));
    collection.id = 1;
    manifest.next_collection = 2;
    manifest.collections.push_back(std::move(collection));
    ABI_TRY(manifest.uuid, make_uuid_v4());
    ABI_CHECK(fill_secure(std::as_writable_bytes(std::span(&manifest.log_salt, 1))));
    manifest.created_ns = manifest.checkpoint_ns = wall_clock_ns();
    manifest.log_number = 1;
    manifest.next_file = 2;
    return manifest;
}

// Everything below happens under the lock, so that two creations at once cannot harm each other.
// `made` collects what must go when a later step fails.
Status write_first_files(FileSystem& fs, const std::string& path, const Manifest& manifest,
                         std::vector<std::string>& made) {
    ABI_CHECK(check_free(fs, path));
    made.push_back(join_path(path, log_name(1)));
    ABI_CHECK(create_log(fs, made.back(), {manifest.uuid, 1, manifest.log_salt}));
    ABI_CHECK(fs.sync_directory(path));
    // Before the manifest, so that whoever finds one may build on it: the directory stays.
    ABI_CHECK(fs.sync_directory(parent_path(path)));
    made.push_back(join_path(path, kManifestName));
    return write_manifest(fs, path, manifest);
}

Status create_locked(FileSystem& fs, const std::string& path, const Manifest& manifest,
                     bool made_directory) {
    const std::string lock_path = join_path(path, kLockName);
    ABI_TRY(auto lock, fs.open(lock_path, OpenMode::kCreate));
    ABI_CHECK(lock->try_lock(LockKind::kExclusive, kWriterRange));
    std::vector<std::string> made;
    Status status = write_first_files(fs, path, manifest, made);
    if (!status) {
        // What cannot be removed is reused by the next attempt.
        for (const std::string& file : made) {
            static_cast<void>(fs.remove(file));
        }
        if (made_directory) {
            static_cast<void>(fs.remove(lock_path));
        }
    }
    return status;
}

Status create_files(const Context& context, const std::string& path, const CreateOptions& options) {
    FileSystem& fs = *context.fs;
    ABI_TRY(const Manifest manifest, first_manifest(options));
    ABI_TRY(const auto info, fs.stat(path));
    if (info && info->kind != FileKind::kDirectory) {
        return fail(Code::kAlreadyExists, fmt::format("'{}' is a file", path),
                    "choose a path that does not exist yet");
    }
    if (info) {
        ABI_CHECK(check_free(fs, path));
    } else {
        ABI_CHECK(fs.create_directory(path));
    }
    if (Status status = create_locked(fs, path, manifest, !info); !status) {
        if (!info) {
            static_cast<void>(fs.remove_directory(path));
        }
        if (status.error().code() == Code::kAlreadyExists) {
            return fail(std::move(status).error());
        }
        return fail(std::move(status).error().with_context(
            fmt::format("cannot create database '{}'", path)));
    }
    return {};
}
}  // namespace

Result<Database> Database::create(const Context& context, const std::string& path,
                                  const CreateOptions& options) {
    ABI_CHECK(guarded([&] { return create_files(context, path, options); }));
    OpenOptions opening;
    opening.collection = options.name;
    return open(context, path, AccessMode::kReadWrite, opening);
}

Status Database::Impl::lock() {
    FileSystem& fs = *context_.fs;
    ABI_TRY(lock_, fs.open(join_path(path_, kLockName), OpenMode::kCreate));
    if (Status status = lock_->try_lock(LockKind::kExclusive, kWriterRange); !status) {
        lock_.reset();
        if (status.error().code() != Code::kLocked) {
            return status;
        }
        return fail(Code::kLocked,
                    fmt::format("database '{}' is being written by another process", path_),
                    "wait until it is done; reading is possible meanwhile");
    }
    return {};
}

namespace {
// The manifest as it was when the snapshot was made.
Result<Manifest> manifest_of_snapshot(Manifest manifest, const std::string& path,
                                      std::string_view name) {
    const SnapshotEntry* const found = manifest.find_snapshot(name);
    if (found == nullptr) {
        return fail(Code::kNotFound, fmt::format("database '{}' has no snapshot '{}'", path, name),
                    fmt::format("'abi db snapshot list {}' names them", path));
    }
    manifest.collections = found->collections;
    manifest.lsn = found->lsn;
    manifest.checkpoint_ns = found->time_ns;
    return manifest;
}
}  // namespace

Status Database::Impl::load() {
    const TraceSpan span(context_.trace, "storage", "open");
    if (watched_ != nullptr) {
        watched_->drop_pending();
    }
    if (follows()) {
        ABI_TRY(manifest_info_, context_.fs->stat(join_path(path_, kManifestName)));
    }
    ABI_TRY(Manifest manifest, read_manifest(*context_.fs, path_));
    if (mode_ == AccessMode::kReadWrite && manifest.version < kFormatVersion && !options_.upgrade) {
        return fail(
            Code::kIncompatible,
            fmt::format("database '{}' has format {}, this version writes format {}", path_,
                        manifest.version, kFormatVersion),
            fmt::format("reading works as it is; 'abi db upgrade {}' makes it writable", path_));
    }
    if (mode_ == AccessMode::kRead) {
        ABI_TRY(pin_, pin_generation(*context_.fs, path_, manifest.generation));
    } else {
        pin_ = std::make_shared<char>();
    }
    const bool named = !options_.snapshot.empty();
    if (named) {
        ABI_TRY(manifest, manifest_of_snapshot(std::move(manifest), path_, options_.snapshot));
    }
    // Segments that stay are kept open, with what is known of their checksums.
    std::vector<SegmentUnit> known;
    if (manifest_ != nullptr && manifest_->uuid == manifest.uuid) {
        for (const Core& core : cores_) {
            known.insert(known.end(), core.segments.begin(), core.segments.end());
        }
    }
    cores_.clear();
    manifest_ = std::make_shared<const Manifest>(std::move(manifest));
    lsn_ = manifest_->lsn;
    for (const CollectionEntry& entry : manifest_->collections) {
        ABI_CHECK(load_core({manifest_, &entry}, known));
    }
    if (watched_ != nullptr) {
        ABI_CHECK(watch_generation());
    }
    if (!named) {
        ABI_CHECK(replay_log());
    }
    for (Core& core : cores_) {
        refresh_state(core);
    }
    publish(make_state());
    if (watched_ != nullptr) {
        watched_->settle(lsn_);
    }
    return {};
}

Result<std::vector<SegmentUnit>> open_segments(FileSystem& fs, const std::string& directory,
                                               const Manifest& manifest,
                                               const CollectionEntry& collection,
                                               std::span<const SegmentUnit> known) {
    std::vector<SegmentUnit> units;
    for (const SegmentEntry& entry : collection.segments) {
        SegmentUnit unit;
        const auto found = std::find_if(known.begin(), known.end(), [&entry](const auto& other) {
            return other.segment->header().number == entry.number;
        });
        if (found != known.end()) {
            unit.segment = found->segment;
        } else {
            ABI_TRY(unit.segment,
                    Segment::open(fs, directory, owner_of(manifest, collection), entry));
        }
        if (entry.deletes_number != 0) {
            ABI_TRY(Bitmap deleted, read_deletes(fs, directory, manifest.uuid, entry));
            unit.deleted = std::make_shared<const Bitmap>(std::move(deleted));
        }
        units.push_back(std::move(unit));
    }
    return units;
}

Status Database::Impl::load_core(const std::shared_ptr<const CollectionEntry>& entry,
                                 std::span<const SegmentUnit> known) {
    Core core;
    core.entry = entry;
    core.next_ordinal = entry->next_ordinal;
    ABI_TRY(core.segments, open_segments(*context_.fs, path_, *manifest_, *entry, known));
    for (const SegmentUnit& unit : core.segments) {
        if (unit.segment->header_damaged() && context_.log != nullptr) {
            context_.log->write(LogLevel::kWarn, "storage",
                                fmt::format("the header of '{}' is damaged: its copy is used",
                                            unit.segment->path()));
        }
    }
    ABI_TRY(core.embedder, read_embedder(*context_.fs, path_, *entry));
    core.mem = std::make_unique<MemTable>(entry->shape, entry->metric);
    cores_.push_back(std::move(core));
    return {};
}

Status Database::Impl::replay_log() {
    const TraceSpan span(context_.trace, "storage", "replay_log");
    const LogIdentity identity{manifest_->uuid, manifest_->log_number, manifest_->log_salt};
    const std::string path = join_path(path_, log_name(manifest_->log_number));
    ABI_TRY(LogReader reader, LogReader::open(*context_.fs, path, identity));
    while (true) {
        ABI_CHECK(context_.cancel.check());
        ABI_TRY(const auto record, reader.next());
        if (!record) {
            break;
        }
        ABI_CHECK(replay_record(*record, path));
        lsn_ = record->lsn;
    }
    log_end_ = reader.end();
    if (follows()) {
        reader_ = std::move(reader);
    } else if (mode_ == AccessMode::kReadWrite) {
        ABI_TRY(log_,
                LogWriter::open(*context_.fs, path, identity, log_end_, {.mode = options_.sync}));
    }
    return {};
}

Status Database::Impl::replay_record(const LogRecord& record, const std::string& path) {
    Status status;
    if (watched_ != nullptr) {
        watched_->begin(record.lsn, record.time_ns);
    }
    const auto apply_part = [&](std::uint32_t id, std::string_view bytes) {
        const auto core = core_of(id);
        DecodedBatch batch;
        if (!core || !decode_batch(bytes, batch) ||
            (batch.rows != 0 && batch.shape != cores_[*core].entry->shape)) {
            return false;
        }
        status = replay(*core, batch.view());
        return static_cast<bool>(status);
    };
    const auto type = static_cast<RecordType>(record.type);
    const bool sound = type == RecordType::kParts   ? decode_parts(record.payload, apply_part)
                       : type == RecordType::kBatch ? apply_part(1, record.payload)
                                                    : false;
    if (!status) {
        return status;
    }
    if (!sound) {
        return fail(corruption(path, record.offset, "a log record has an impossible content"));
    }
    return {};
}

namespace {
Result<bool> generation_changed(FileSystem& fs, const std::string& path, std::uint64_t generation) {
    ABI_TRY(const Manifest now, read_manifest(fs, path));
    return now.generation != generation;
}

// A file that the manifest names and nobody swapped away meanwhile is missing: that is damage, not
// a wrong path.
Error as_damage(Error error, const std::string& path) {
    if (error.code() != Code::kInputMissing) {
        return error;
    }
    return Error(Code::kCorrupt,
                 fmt::format("database '{}' lacks a file: {}", path, error.describe()))
        .with_hint("'abi db verify' lists every fault of the database");
}
}  // namespace

namespace {
Status check_options(AccessMode mode, const OpenOptions& options) {
    if (mode == AccessMode::kReadWrite && !options.snapshot.empty()) {
        return fail(Code::kInvalidArgument,
                    fmt::format("snapshot '{}' can be read only", options.snapshot));
    }
    return {};
}
}  // namespace

Status Database::Impl::load_settled() {
    for (int attempt = 1;; ++attempt) {
        ABI_TRY(const Manifest before, read_manifest(*context_.fs, path_));
        Status loaded = load();
        if (loaded) {
            return loaded;
        }
        const Code code = loaded.error().code();
        if (code != Code::kCorrupt && code != Code::kInputMissing && code != Code::kIo &&
            code != Code::kLocked) {
            return loaded;
        }
        ABI_TRY(const bool changed, generation_changed(*context_.fs, path_, before.generation));
        if (!changed || attempt == kOpenAttempts) {
            return fail(as_damage(std::move(loaded).error(), path_));
        }
    }
}

Result<std::shared_ptr<Database::Impl>> Database::Impl::open(const Context& context,
                                                             const std::string& path,
                                                             AccessMode mode,
                                                             const ImplOptions& options) {
    auto impl = std::make_shared<Impl>(context, path, mode, options);
    if (mode == AccessMode::kReadWrite) {
        ABI_CHECK(
            read_manifest(*context.fs, path));  // before a lock file is made where there is none
        ABI_CHECK(impl->lock());
        // A writer that died between renaming the manifest and syncing the directory leaves a
        // generation that a power cut could still undo: nothing is built on it before it is
        // durable.
        ABI_CHECK(context.fs->sync_directory(path));
    }
    ABI_CHECK(impl->load_settled());
    if (mode == AccessMode::kReadWrite) {
        impl->remove_orphans();
    }
    return impl;
}

Result<Database> Database::open(const Context& context, const std::string& path, AccessMode mode,
                                const OpenOptions& options) {
    return guarded([&]() -> Result<Database> {
        ABI_CHECK(check_options(mode, options));
        ABI_TRY(auto impl, Impl::open(context, path, mode, {options, false}));
        for (const auto& state : impl->state()->collections) {
            if (options.collection.empty() || state->collection->name == options.collection) {
                return Database(std::move(impl), state);
            }
        }
        return fail(no_collection(path, options.collection));
    });
}

Result<UpgradeInfo> Database::upgrade(const Context& context, const std::string& path,
                                      UpgradeMode mode) {
    return guarded([&]() -> Result<UpgradeInfo> {
        ABI_TRY(const Manifest manifest, read_manifest(*context.fs, path));
        const UpgradeInfo info{manifest.version, kFormatVersion};
        if (info.from != info.to && mode == UpgradeMode::kUpgrade) {
            ABI_TRY(const auto impl, Impl::open(context, path, AccessMode::kReadWrite, {{}, true}));
            ABI_CHECK(impl->upgrade());
        }
        return info;
    });
}

}  // namespace abikit::storage
