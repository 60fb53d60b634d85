// The live side of MemoryFileSystem: the tree that callers see, and the log. fs_memory.cpp works on
// names, fs_memory_file.cpp on open files, fs_memory_model.cpp says what survives a power cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/fs_memory.hpp>

#include "fs_memory_model.hpp"

namespace abikit {
namespace memfs {

struct HeldLock {
    const void* holder = nullptr;  // an open file, by its address
    LockKind kind = LockKind::kShared;
    std::uint64_t begin = 0, end = 0;  // bytes
};

struct Node {
    NodeId id = 0;
    FileKind kind = FileKind::kFile;
    Bytes bytes;                                            // of a file
    std::map<std::string, std::shared_ptr<Node>> children;  // of a directory
    std::int64_t modified_ns = 0;
    std::vector<HeldLock> locks;
};
using NodePtr = std::shared_ptr<Node>;

}  // namespace memfs

// Everything is guarded by `mutex`; open files share the state with the file system.
struct MemoryFileSystem::State {
    explicit State(const memfs::Image& image);

    // Appends to the log and gives the number. A record of a failed call must have no effect.
    std::uint64_t append(memfs::Record record);
    std::uint64_t append(FsCall call, const std::string& path, bool ok);

    mutable std::mutex mutex;
    memfs::NodePtr root;
    memfs::NodeId next_id;
    std::vector<memfs::Record> records;  // records[i] has the number i + 1
    memfs::DiskModel at_start;
    mutable memfs::DiskModel replayed;  // where the last crash_at stopped; it only goes forward
};

// An open file. Its path is the one it was opened with, whatever happens to the name.
class MemoryFile final : public File {
public:
    MemoryFile(std::shared_ptr<MemoryFileSystem::State> state, memfs::NodePtr node,
               std::string path, OpenMode mode);
    ~MemoryFile() override;
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override;
    Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) override;
    Status sync() override;
    void start_writeback(std::uint64_t, std::uint64_t) noexcept override {}
    Status truncate(std::uint64_t size_bytes) override;
    Result<std::uint64_t> size() const override;
    Result<std::unique_ptr<MappedRegion>> map() const override;
    Status try_lock(LockKind kind, LockRange range) override;
    const std::string& path() const noexcept override { return path_; }

private:
    memfs::Record record(FsCall call, std::uint64_t offset, std::uint64_t length) const;
    void release(std::uint64_t begin, std::uint64_t end);

    std::shared_ptr<MemoryFileSystem::State> state_;
    memfs::NodePtr node_;
    std::string path_;
    bool writable_;
};

}  // namespace abikit
