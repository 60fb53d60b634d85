// Names to parts of the mapping. Whatever would change something is refused.
#include "archive_files.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace abikit::storage {

namespace {
Status read_only() {
    return fail(Code::kInvalidArgument, "an archive cannot be changed");
}

class PartMap final : public MappedRegion {
public:
    explicit PartMap(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::span<const std::byte> bytes() const noexcept override { return bytes_; }
    void advise(MapAdvice /*advice*/) const noexcept override {}

private:
    std::span<const std::byte> bytes_;
};

class PartFile final : public File {
public:
    PartFile(std::string path, std::span<const std::byte> bytes)
        : path_(std::move(path)), bytes_(bytes) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
        if (offset >= bytes_.size()) {
            return 0;
        }
        const auto rest = bytes_.subspan(static_cast<std::size_t>(offset));
        const std::size_t count = std::min(rest.size(), out.size());
        std::copy_n(rest.begin(), count, out.begin());
        return count;
    }
    Status write_at(std::uint64_t /*offset*/, std::span<const std::byte> /*bytes*/) override {
        return read_only();
    }
    Status sync() override { return {}; }
    void start_writeback(std::uint64_t /*offset*/, std::uint64_t /*length*/) noexcept override {}
    Status truncate(std::uint64_t /*size_bytes*/) override { return read_only(); }
    Result<std::uint64_t> size() const override { return bytes_.size(); }
    Result<std::unique_ptr<MappedRegion>> map() const override {
        return std::make_unique<PartMap>(bytes_);
    }
    Status try_lock(LockKind /*kind*/, LockRange /*range*/) override { return {}; }
    const std::string& path() const noexcept override { return path_; }

private:
    std::string path_;
    std::span<const std::byte> bytes_;
};
}  // namespace

Result<std::unique_ptr<ArchiveFiles>> ArchiveFiles::open(FileSystem& fs, const std::string& path) {
    std::unique_ptr<ArchiveFiles> archive(new ArchiveFiles());
    archive->path_ = path;
    ABI_TRY(const auto file, fs.open(path, OpenMode::kRead));
    ABI_TRY(archive->map_, file->map());
    const auto bytes = archive->map_->bytes();
    if (Status status = archive->load(bytes); !status) {
        Error error = std::move(status).error();
        return fail(error.code() == Code::kCorrupt
                        ? std::move(error).with_hint("copy the archive again, or make it again")
                        : std::move(error));
    }
    return archive;
}

Status ArchiveFiles::load(std::span<const std::byte> bytes) {
    ABI_TRY(contents_, decode_archive(bytes, path_));
    return check_archive(bytes, contents_, path_);
}

std::span<const std::byte> ArchiveFiles::bytes_of(const ArchiveFile& file) const noexcept {
    return map_->bytes().subspan(static_cast<std::size_t>(file.offset),
                                 static_cast<std::size_t>(file.length));
}

const ArchiveFile* ArchiveFiles::find(const std::string& path) const noexcept {
    const auto found = std::find_if(
        contents_.files.begin(), contents_.files.end(), [&path](const ArchiveFile& file) {
            return parent_path(path) == kArchiveDirectory && file_name(path) == file.name;
        });
    return found == contents_.files.end() ? nullptr : &*found;
}

Result<std::unique_ptr<File>> ArchiveFiles::open(const std::string& path, OpenMode mode) {
    if (mode != OpenMode::kRead) {
        return fail(read_only().error().clone());
    }
    const ArchiveFile* const file = find(path);
    if (file == nullptr) {
        return fail(Code::kInputMissing, fmt::format("'{}' has no file '{}'", path_, path));
    }
    return std::make_unique<PartFile>(path, bytes_of(*file));
}

Result<std::optional<FileInfo>> ArchiveFiles::stat(const std::string& path) {
    if (path == kArchiveDirectory) {
        return FileInfo{.kind = FileKind::kDirectory};
    }
    const ArchiveFile* const file = find(path);
    if (file == nullptr) {
        return std::nullopt;
    }
    return FileInfo{.kind = FileKind::kFile, .size_bytes = file->length};
}

Result<std::vector<DirectoryEntry>> ArchiveFiles::list(const std::string& path) {
    std::vector<DirectoryEntry> entries;
    for (const ArchiveFile& file : contents_.files) {
        if (path == kArchiveDirectory) {
            entries.push_back({file.name, FileKind::kFile, false});
        }
    }
    std::sort(entries.begin(), entries.end(),
              [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
    return entries;
}

Status ArchiveFiles::rename(const std::string& /*from*/, const std::string& /*to*/) {
    return read_only();
}
Status ArchiveFiles::remove(const std::string& /*path*/) {
    return read_only();
}
Status ArchiveFiles::remove_directory(const std::string& /*path*/) {
    return read_only();
}
Status ArchiveFiles::create_directory(const std::string& /*path*/) {
    return read_only();
}
Status ArchiveFiles::sync_directory(const std::string& /*path*/) {
    return {};
}

}  // namespace abikit::storage
