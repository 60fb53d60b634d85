// Making and opening databases: the manifest, its files, the replay of the log, the lock of the one
// writer.
#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>
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
    manifest.metric = options.metric;
    manifest.dimension = options.dimension;
    if (options.embedder) {
        if (options.dimension != 0 && options.dimension != options.embedder->dimension) {
            return fail(Code::kInvalidArgument,
                        fmt::format("dimension {} does not fit the embedder's {}",
                                    options.dimension, options.embedder->dimension),
                        "leave --dim out: the embedder decides");
        }
        manifest.embedder_kind = options.embedder->kind;
        manifest.dimension = options.embedder->dimension;
    }
    if (manifest.dimension == 0 || manifest.dimension > kMaxDimension) {
        return fail(Code::kInvalidArgument, fmt::format("dimension {} is out of range (1 to {})",
                                                        manifest.dimension, kMaxDimension));
    }
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
    ABI_CHECK(lock->try_lock(LockKind::kExclusive));
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
    if (options.embedder) {
        ABI_TRY(const auto probe,
                make_embedder(options.embedder->kind, options.embedder->dimension, {}));
        static_cast<void>(probe);
    }
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
    return open(context, path, AccessMode::kReadWrite);
}

Status Database::Impl::lock() {
    FileSystem& fs = *context_.fs;
    ABI_TRY(lock_, fs.open(join_path(path_, kLockName), OpenMode::kCreate));
    if (Status status = lock_->try_lock(LockKind::kExclusive); !status) {
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

Status Database::Impl::load() {
    const TraceSpan span(context_.trace, "storage", "open");
    ABI_TRY(manifest_, read_manifest(*context_.fs, path_));
    lsn_ = manifest_.lsn;
    next_ordinal_ = manifest_.next_ordinal;
    ABI_CHECK(load_segments());
    ABI_CHECK(load_embedder());
    mem_ = std::make_unique<MemTable>(manifest_.dimension, manifest_.metric);
    ABI_CHECK(replay_log());
    publish(make_state(manifest_, segments_, *mem_, log_end_, embedder_.get()));
    return {};
}

Status Database::Impl::load_segments() {
    segments_.clear();
    for (const SegmentEntry& entry : manifest_.segments) {
        SegmentUnit unit;
        ABI_TRY(unit.segment, Segment::open(*context_.fs, path_, manifest_, entry));
        if (entry.deletes_number != 0) {
            ABI_TRY(Bitmap deleted, read_deletes(*context_.fs, path_, manifest_, entry));
            unit.deleted = std::make_shared<const Bitmap>(std::move(deleted));
        }
        segments_.push_back(std::move(unit));
    }
    return {};
}

Status Database::Impl::load_embedder() {
    ABI_TRY(embedder_, read_embedder(*context_.fs, path_, manifest_));
    return {};
}

Status Database::Impl::replay_log() {
    const TraceSpan span(context_.trace, "storage", "replay_log");
    const LogIdentity identity{manifest_.uuid, manifest_.log_number, manifest_.log_salt};
    const std::string path = join_path(path_, log_name(manifest_.log_number));
    ABI_TRY(LogReader reader, LogReader::open(*context_.fs, path, identity));
    DecodedBatch batch;
    while (true) {
        ABI_CHECK(context_.cancel.check());
        ABI_TRY(const auto record, reader.next());
        if (!record) {
            break;
        }
        if (record->type != static_cast<std::uint32_t>(RecordType::kBatch) ||
            !decode_batch(record->payload, batch) ||
            (batch.rows != 0 && batch.dimension != manifest_.dimension)) {
            return fail(corruption(path, record->offset, "a log record has an impossible content"));
        }
        ABI_CHECK(replay(batch.view()));
        lsn_ = record->lsn;
    }
    log_end_ = reader.end();
    if (mode_ == AccessMode::kReadWrite) {
        ABI_TRY(log_, LogWriter::open(*context_.fs, path, identity, log_end_));
    }
    return {};
}

void Database::Impl::remove_orphans() {
    const auto entries = context_.fs->list(path_);
    if (!entries) {
        return;
    }
    const auto used = [this](FileName name) {
        const auto& segments = manifest_.segments;
        switch (name.role) {
            case FileRole::kLog:
                return name.number == manifest_.log_number;
            case FileRole::kEmbedder:
                return name.number == manifest_.embedder_number;
            case FileRole::kSegment:
                return std::any_of(segments.begin(), segments.end(),
                                   [&](const auto& s) { return s.number == name.number; });
            case FileRole::kDeletes:
                return std::any_of(segments.begin(), segments.end(),
                                   [&](const auto& s) { return s.deletes_number == name.number; });
            case FileRole::kTemporary:
                return false;
            default:
                return true;
        }
    };
    for (const DirectoryEntry& entry : *entries) {
        if (!used(parse_file_name(entry.name))) {
            static_cast<void>(context_.fs->remove(join_path(path_, entry.name)));
        }
    }
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

Result<Database> Database::open(const Context& context, const std::string& path, AccessMode mode) {
    return guarded([&]() -> Result<Database> {
        for (int attempt = 1;; ++attempt) {
            auto impl = std::make_unique<Impl>(context, path, mode);
            ABI_TRY(const Manifest before, read_manifest(*context.fs, path));
            if (mode == AccessMode::kReadWrite) {
                ABI_CHECK(impl->lock());
                // A writer that died between renaming the manifest and syncing the directory leaves
                // a generation that a power cut could still undo: nothing is built on it before it
                // is durable.
                ABI_CHECK(context.fs->sync_directory(path));
            }
            Status loaded = impl->load();
            if (loaded) {
                if (mode == AccessMode::kReadWrite) {
                    impl->remove_orphans();
                }
                return Database(std::move(impl));
            }
            if (loaded.error().code() == Code::kCancelled ||
                loaded.error().code() == Code::kLimit) {
                return fail(std::move(loaded).error());
            }
            ABI_TRY(const bool changed, generation_changed(*context.fs, path, before.generation));
            if (!changed || attempt == kOpenAttempts) {
                return fail(as_damage(std::move(loaded).error(), path));
            }
        }
    });
}

}  // namespace abikit::storage
