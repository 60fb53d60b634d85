// The liar, and its files.
#include "lying_files.hpp"

namespace abikit::storage::test {

namespace {

class LyingFile final : public File {
public:
    LyingFile(std::unique_ptr<File> base, bool lies) : base_(std::move(base)), lies_(lies) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
        return base_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        return base_->write_at(offset, bytes);
    }
    Status sync() override { return lies_ ? Status() : base_->sync(); }
    void start_writeback(std::uint64_t offset, std::uint64_t length) noexcept override {
        base_->start_writeback(offset, length);
    }
    Status truncate(std::uint64_t size) override { return base_->truncate(size); }
    Result<std::uint64_t> size() const override { return base_->size(); }
    Result<std::unique_ptr<MappedRegion>> map() const override { return base_->map(); }
    Status try_lock(LockKind kind) override { return base_->try_lock(kind); }
    const std::string& path() const noexcept override { return base_->path(); }

private:
    std::unique_ptr<File> base_;
    bool lies_;
};

class LyingFileSystem final : public FileSystem {
public:
    LyingFileSystem(FileSystem& base, std::string liar) : base_(base), liar_(std::move(liar)) {}
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        ABI_TRY(auto file, base_.open(path, mode));
        return std::make_unique<LyingFile>(std::move(file), lies(path));
    }
    Result<std::optional<FileInfo>> stat(const std::string& path) override {
        return base_.stat(path);
    }
    Status rename(const std::string& from, const std::string& to) override {
        return base_.rename(from, to);
    }
    Status remove(const std::string& path) override { return base_.remove(path); }
    Status remove_directory(const std::string& path) override {
        return base_.remove_directory(path);
    }
    Status create_directory(const std::string& path) override {
        return base_.create_directory(path);
    }
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override {
        return base_.list(path);
    }
    Status sync_directory(const std::string& path) override {
        return lies(path + "/.") ? Status() : base_.sync_directory(path);
    }

private:
    bool lies(const std::string& path) const { return path.find(liar_) != std::string::npos; }

    FileSystem& base_;
    std::string liar_;
};

}  // namespace

std::unique_ptr<FileSystem> lying(FileSystem& base, std::string liar) {
    return std::make_unique<LyingFileSystem>(base, std::move(liar));
}

}  // namespace abikit::storage::test
