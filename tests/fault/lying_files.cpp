// The liar, the slow one, and their files.
#include "lying_files.hpp"

#include <functional>
#include <thread>

namespace abikit::storage::test {

namespace {

// Called before each sync of a file or directory: whether it is to be done.
using SyncHook = std::function<bool(const std::string& path)>;

class HookedFile final : public File {
public:
    HookedFile(std::unique_ptr<File> base, SyncHook hook)
        : base_(std::move(base)), hook_(std::move(hook)) {}
    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
        return base_->read_at(offset, out);
    }
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
        return base_->write_at(offset, bytes);
    }
    Status sync() override { return hook_(base_->path()) ? base_->sync() : Status(); }
    void start_writeback(std::uint64_t offset, std::uint64_t length) noexcept override {
        base_->start_writeback(offset, length);
    }
    Status truncate(std::uint64_t size) override { return base_->truncate(size); }
    Result<std::uint64_t> size() const override { return base_->size(); }
    Result<std::unique_ptr<MappedRegion>> map() const override { return base_->map(); }
    Status try_lock(LockKind kind, LockRange range) override {
        return base_->try_lock(kind, range);
    }
    const std::string& path() const noexcept override { return base_->path(); }

private:
    std::unique_ptr<File> base_;
    SyncHook hook_;
};

class HookedFileSystem final : public FileSystem {
public:
    HookedFileSystem(FileSystem& base, SyncHook hook) : base_(base), hook_(std::move(hook)) {}
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        ABI_TRY(auto file, base_.open(path, mode));
        return std::make_unique<HookedFile>(std::move(file), hook_);
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
        return hook_(path + "/.") ? base_.sync_directory(path) : Status();
    }

private:
    FileSystem& base_;
    SyncHook hook_;
};

}  // namespace

std::unique_ptr<FileSystem> lying(FileSystem& base, std::string liar) {
    return std::make_unique<HookedFileSystem>(base, [liar = std::move(liar)](const auto& path) {
        return path.find(liar) == std::string::npos;
    });
}

std::unique_ptr<FileSystem> slow_syncs(FileSystem& base, std::chrono::microseconds time) {
    return std::make_unique<HookedFileSystem>(base, [time](const std::string&) {
        std::this_thread::sleep_for(time);
        return true;
    });
}

}  // namespace abikit::storage::test
