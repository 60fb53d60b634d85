// A file system that fails on request: wraps any other one and breaks chosen calls, fills the disk,
// or flips bits in what is read. Fail call 1, then 2, then 3, ... until a run succeeds, and every
// error path has been taken. Put it over `MemoryFileSystem` to cut the power as well.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/fs.hpp>

namespace abikit {

enum class FaultRepeat { kOnce, kForEver };

// Which call fails, and how. Calls are counted from the moment the rule is added, each rule by
// itself, and only those that match it.
struct FaultRule {
    std::optional<FsCall> call = {};  // none: calls of every kind
    std::string path_contains = {};   // only calls on such paths (of a rename: either); empty: all
    std::uint64_t nth = 1;            // the first one that fails
    FaultRepeat repeat = FaultRepeat::kOnce;
    int errno_value = EIO;          // ENOSPC, EROFS, EACCES, EMFILE, ...
    std::size_t partial_bytes = 0;  // of a write: how many bytes reach the file all the same
};

// Counts and fails calls on `base`, which must outlive it and every file opened from it. A call
// that fails does not reach `base`, except for the part of a write that `partial_bytes` or the
// quota let through. Errors have the codes and texts of real ones. start_writeback, advise and
// copy_permissions pass through uncounted: they cannot fail in a way that matters. Thread-safe.
class ABI_API FaultFileSystem final : public FileSystem {
public:
    explicit FaultFileSystem(FileSystem& base);
    ~FaultFileSystem() override;
    FaultFileSystem(const FaultFileSystem&) = delete;
    FaultFileSystem& operator=(const FaultFileSystem&) = delete;

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<std::optional<FileInfo>> stat(const std::string& path) override;
    Status rename(const std::string& from, const std::string& to) override;
    Status remove(const std::string& path) override;
    Status remove_directory(const std::string& path) override;
    Status create_directory(const std::string& path) override;
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
    Status sync_directory(const std::string& path) override;
    Status copy_permissions(const std::string& from, const std::string& to) override;

    // Adds a rule; several may be in force, the first that fires decides. With ENOSPC and
    // partial_bytes a write is short and then the disk is full.
    void fail(FaultRule rule);
    // Removes all rules, the quota and the flipped bits; counts stay.
    void clear();

    // The disk is full after `bytes` more bytes written: the write that passes the limit writes
    // what fits and fails with ENOSPC. Overwriting counts like appending.
    void set_quota(std::uint64_t bytes);
    // Gives space back, as if another program had deleted something.
    void release(std::uint64_t bytes);

    // Every later read or mapping of `path` (as given to open) sees bit `bit` (0-7) of the byte at
    // `offset` inverted. The file beneath is not changed.
    void flip_bit_on_read(std::string path, std::uint64_t offset, unsigned bit);

    // Calls so far, failed ones included: the bound for a loop over `nth`.
    std::uint64_t calls() const;
    std::uint64_t calls(FsCall call) const;
    // How many calls were made to fail.
    std::uint64_t faults() const;

private:
    struct State;
    friend class FaultFile;
    Status enter(FsCall call, std::string_view doing, const std::string& path) const;

    FileSystem& base_;
    std::shared_ptr<State> state_;
};

}  // namespace abikit
