// A file system whose syncs of files stop at a gate: commits pile up behind the one that syncs.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <abi/core/fs.hpp>

namespace abikit::storage::test {

class GateFileSystem final : public FileSystem {
public:
    explicit GateFileSystem(FileSystem& base) : base_(base) {}

    void close() {
        const std::scoped_lock lock(mutex_);
        open_ = false;
    }
    void open() {
        const std::scoped_lock lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    // Returns once a sync stands at the closed gate.
    void wait_for_one() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return waiting_ != 0; });
    }

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
        ABI_TRY(auto file, base_.open(path, mode));
        return std::make_unique<GateFile>(*this, std::move(file));
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
    Status sync_directory(const std::string& path) override { return base_.sync_directory(path); }

private:
    class GateFile final : public File {
    public:
        GateFile(GateFileSystem& gate, std::unique_ptr<File> base)
            : gate_(gate), base_(std::move(base)) {}
        Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
            return base_->read_at(offset, out);
        }
        Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
            return base_->write_at(offset, bytes);
        }
        Status sync() override {
            gate_.pass();
            return base_->sync();
        }
        void start_writeback(std::uint64_t offset, std::uint64_t length) noexcept override {
            base_->start_writeback(offset, length);
        }
        Status truncate(std::uint64_t size_bytes) override { return base_->truncate(size_bytes); }
        Result<std::uint64_t> size() const override { return base_->size(); }
        Result<std::unique_ptr<MappedRegion>> map() const override { return base_->map(); }
        Status try_lock(LockKind kind, LockRange range) override {
            return base_->try_lock(kind, range);
        }
        const std::string& path() const noexcept override { return base_->path(); }

    private:
        GateFileSystem& gate_;
        std::unique_ptr<File> base_;
    };

    void pass() {
        std::unique_lock lock(mutex_);
        ++waiting_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
        --waiting_;
    }

    FileSystem& base_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = true;
    int waiting_ = 0;
};

}  // namespace abikit::storage::test
