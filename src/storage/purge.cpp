// Getting rid of files that the database needs no longer: by removing them or, where purging was
// asked for, by overwriting them first. Files that are to be overwritten are renamed to *.purge, so
// that whoever opens the database next goes on where a crash or a reader was in the way.
#include <algorithm>

#include "database_impl.hpp"
#include "generation_pin.hpp"
#include "manifest.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kZerosBytes = std::size_t{1} << 20;

}  // namespace

Result<GenerationPin> pin_generation(FileSystem& fs, const std::string& directory,
                                     std::uint64_t generation) {
    auto file = fs.open(join_path(directory, kLockName), OpenMode::kRead);
    if (!file) {
        const Code code = file.error().code();
        if (code == Code::kInputMissing || code == Code::kIo) {  // none there, or no permission
            return GenerationPin();
        }
        return fail(std::move(file).error());
    }
    Status status = (*file)->try_lock(LockKind::kShared, {kFirstPin + generation, 1});
    if (status) {
        return GenerationPin(*std::move(file));
    }
    if (status.error().code() == Code::kLocked) {
        // Unless it is a purge, it is a writer of a version that locks the whole file.
        ABI_TRY(const Manifest now, read_manifest(fs, directory));
        if (now.generation != generation) {
            return fail(std::move(status).error());
        }
    }
    return GenerationPin();
}

Result<std::unique_ptr<File>> hold_readers_off(FileSystem& fs, const std::string& directory,
                                               std::uint64_t generation) {
    ABI_TRY(auto file, fs.open(join_path(directory, kLockName), OpenMode::kReadWrite));
    if (!file->try_lock(LockKind::kExclusive, {kFirstPin, generation})) {
        return std::unique_ptr<File>();
    }
    return file;
}

namespace {
// What a commit or a checkpoint left that the manifest does not name. An index goes with its
// segment.
bool is_orphan(const std::string& name, const Manifest& manifest,
               const std::vector<std::string>& used) {
    const FileName parsed = parse_file_name(name);
    switch (parsed.role) {
        case FileRole::kLog:
            return parsed.number != manifest.log_number;
        case FileRole::kEmbedder:
        case FileRole::kSegment:
        case FileRole::kDeletes:
            return !std::binary_search(used.begin(), used.end(), name);
        case FileRole::kIndex:
            return !std::binary_search(used.begin(), used.end(), segment_name(parsed.number));
        case FileRole::kTemporary:
            return true;
        default:
            return false;
    }
}

// Zeros over everything, on the disk before the name goes.
Result<std::uint64_t> overwrite(const Context& context, const std::string& path) {
    ABI_TRY(const auto file, context.fs->open(path, OpenMode::kReadWrite));
    ABI_TRY(const std::uint64_t size, file->size());
    const std::vector<std::byte> zeros(std::min<std::uint64_t>(size, kZerosBytes));
    for (std::uint64_t at = 0; at < size; at += zeros.size()) {
        ABI_CHECK(context.cancel.check());
        const auto count = std::min<std::uint64_t>(zeros.size(), size - at);
        ABI_CHECK(file->write_at(at, std::span(zeros).first(count)));
    }
    ABI_CHECK(file->sync());
    return size;
}
}  // namespace

Status Database::Impl::mark_purge() {
    ABI_TRY(const auto mark,
            context_.fs->open(join_path(path_, kPurgeMarkName), OpenMode::kCreate));
    return {};
}

// Renames what is to be overwritten, or removes it. Goes on behind a failure, and tells the first.
Status Database::Impl::set_aside(const std::vector<DirectoryEntry>& entries, bool purge) {
    Status first;
    const std::vector<std::string> used = files_of(*manifest_);
    for (const DirectoryEntry& entry : entries) {
        if (!is_orphan(entry.name, *manifest_, used)) {
            continue;
        }
        const std::string path = join_path(path_, entry.name);
        Status status = purge ? context_.fs->rename(path, path + std::string(kPurgeSuffix))
                              : context_.fs->remove(path);
        if (first && !status) {
            first = std::move(status);
        }
    }
    return first;
}

namespace {
bool has(const std::vector<DirectoryEntry>& entries, FileRole role) {
    return std::any_of(entries.begin(), entries.end(), [role](const DirectoryEntry& entry) {
        return parse_file_name(entry.name).role == role;
    });
}
}  // namespace

void Database::Impl::remove_orphans() {
    const auto entries = context_.fs->list(path_);
    if (!entries) {
        return;
    }
    const bool marked = has(*entries, FileRole::kPurgeMark);
    static_cast<void>(set_aside(*entries, marked));
    // During optimize() the rest is done at the end, which tells what became of it.
    if (!purging_ && (marked || has(*entries, FileRole::kPurge))) {
        OptimizeInfo unused;
        static_cast<void>(finish_purge(unused));
    }
}

// Whether a snapshot of this handle is of a generation that it replaced.
bool Database::Impl::serves_old() {
    std::erase_if(old_pins_, [](const auto& pin) { return pin.expired(); });
    return !old_pins_.empty();
}

Status Database::Impl::finish_purge(OptimizeInfo& info) {
    const TraceSpan span(context_.trace, "storage", "purge");
    ABI_TRY(auto entries, context_.fs->list(path_));
    if (has(entries, FileRole::kPurgeMark)) {
        ABI_CHECK(set_aside(entries, true));
        ABI_CHECK(context_.fs->sync_directory(path_));
        ABI_CHECK(context_.fs->remove(join_path(path_, kPurgeMarkName)));
        ABI_TRY(entries, context_.fs->list(path_));
    }
    std::erase_if(entries, [](const DirectoryEntry& entry) {
        return parse_file_name(entry.name).role != FileRole::kPurge;
    });
    info.pending_files = entries.size();
    if (entries.empty() || serves_old()) {
        return {};
    }
    ABI_TRY(const auto lock, hold_readers_off(*context_.fs, path_, manifest_->generation));
    if (lock == nullptr) {
        return {};
    }
    for (const DirectoryEntry& entry : entries) {
        const std::string path = join_path(path_, entry.name);
        ABI_TRY(const std::uint64_t bytes, overwrite(context_, path));
        ABI_CHECK(context_.fs->remove(path));
        ++info.purged_files;
        info.purged_bytes += bytes;
        --info.pending_files;
    }
    return context_.fs->sync_directory(path_);
}

// How many files only named snapshots refer to.
std::uint64_t Database::Impl::files_of_snapshots() const {
    Manifest present = *manifest_;
    present.snapshots.clear();
    return files_of(*manifest_).size() - files_of(present).size();
}

}  // namespace abikit::storage
