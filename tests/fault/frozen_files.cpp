// Files in memory without a log: opening one costs an allocation, mapping it none.
#include "frozen_files.hpp"

#include <algorithm>
#include <cstring>

namespace abikit::storage::test {

namespace {

std::unexpected<Error> read_only(const std::string& path) {
    return fail(Code::kIo, "cannot change '" + path + "': read-only file system");
}

class Region final : public MappedRegion {
public:
    explicit Region(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::span<const std::byte> bytes() const noexcept override { return bytes_; }
    void advise(MapAdvice) const noexcept override {}

private:
    std::span<const std::byte> bytes_;
};

class FrozenFile final : public File {
public:
    FrozenFile(std::span<const std::byte> bytes, std::string path)
        : bytes_(bytes), path_(std::move(path)) {}

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
        if (offset >= bytes_.size() || out.empty()) {
            return std::size_t{0};
        }
        const std::size_t count = std::min<std::size_t>(out.size(), bytes_.size() - offset);
        std::memcpy(out.data(), bytes_.data() + offset, count);
        return count;
    }
    Status write_at(std::uint64_t, std::span<const std::byte>) override { return read_only(path_); }
    Status sync() override { return {}; }
    void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}
    Status truncate(std::uint64_t) override { return read_only(path_); }
    Result<std::uint64_t> size() const override { return bytes_.size(); }
    Result<std::unique_ptr<MappedRegion>> map() const override {
        return std::make_unique<Region>(bytes_);
    }
    Status try_lock(LockKind, LockRange) override { return {}; }
    const std::string& path() const noexcept override { return path_; }

private:
    std::span<const std::byte> bytes_;
    std::string path_;
};

}  // namespace

FrozenFiles::FrozenFiles(FileSystem& source, const std::string& directory) : directory_(directory) {
    const auto entries = source.list(directory);
    for (const DirectoryEntry& entry : *entries) {
        const std::string bytes = source.read_file(join_path(directory, entry.name)).value_or("");
        Bytes& file = files_[entry.name];
        file.resize(bytes.size());
        std::transform(bytes.begin(), bytes.end(), file.begin(),
                       [](char c) { return static_cast<std::byte>(c); });
    }
}

const FrozenFiles::Bytes* FrozenFiles::find(const std::string& path) const {
    if (parent_path(path) != directory_) {
        return nullptr;
    }
    const auto found = files_.find(std::string(file_name(path)));
    return found == files_.end() ? nullptr : &found->second;
}

Result<std::unique_ptr<File>> FrozenFiles::open(const std::string& path, OpenMode mode) {
    if (mode != OpenMode::kRead) {
        return read_only(path);
    }
    const Bytes* const bytes = find(path);
    if (bytes == nullptr) {
        return fail(Code::kInputMissing, "cannot open '" + path + "': no such file or directory");
    }
    return std::make_unique<FrozenFile>(*bytes, path);
}

Result<std::optional<FileInfo>> FrozenFiles::stat(const std::string& path) {
    if (path == directory_) {
        return FileInfo{.kind = FileKind::kDirectory};
    }
    const Bytes* const bytes = find(path);
    if (bytes == nullptr) {
        return std::optional<FileInfo>();
    }
    return FileInfo{.kind = FileKind::kFile, .size_bytes = bytes->size()};
}

Status FrozenFiles::rename(const std::string& from, const std::string&) {
    return read_only(from);
}
Status FrozenFiles::remove(const std::string& path) {
    return read_only(path);
}
Status FrozenFiles::remove_directory(const std::string& path) {
    return read_only(path);
}
Status FrozenFiles::create_directory(const std::string& path) {
    return read_only(path);
}
Status FrozenFiles::sync_directory(const std::string&) {
    return {};
}

Result<std::vector<DirectoryEntry>> FrozenFiles::list(const std::string&) {
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, bytes] : files_) {
        entries.push_back({name, FileKind::kFile});
    }
    return entries;
}

}  // namespace abikit::storage::test
