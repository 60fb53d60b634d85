// A file system in memory that can lose its power: a double for tests of crash safety. It keeps
// every operation with its payload, so that a test can run a program once and then look at what a
// power cut after each single operation may have left on the disk (the method of SQLite's crash
// tests and of ALICE: Pillai et al., OSDI'14). Read `fs_fault.hpp` next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/core/fs.hpp>

namespace abikit {

// One call, as it stands in the log. Numbers begin with 1 and have no gaps.
struct FsOperation {
    std::uint64_t sequence = 0;
    FsCall call = FsCall::kOpen;
    bool ok = false;
    std::string path;                 // as the caller gave it; of a mark: its text
    std::string to;                   // of a rename: the new name
    OpenMode mode = OpenMode::kRead;  // of an open
    std::uint64_t file = 0;    // the same for one file under all its names; 0 when there is none
    std::uint64_t offset = 0;  // of a read or write
    std::uint64_t length = 0;  // bytes asked for or written; of a truncate: the new size
};

// What has become of the operations that no sync covered. In every case:
//  - bytes and size as of the last successful sync of a file are there, except where an operation
//    after that sync changed them: there, old or new;
//  - a creation, rename or removal is there for certain once its directory was synced after it (a
//    rename from one directory to another: both); before that it may or may not have happened, but
//    never by half, and never without an earlier one about the same name or the same file;
//  - syncing a file does not make its name durable.
enum class CrashKind {
    kLoseUnsynced,  // none survived: a disk that writes only when it must
    kKeepAll,       // all survived: the disk was just quick enough
    kPrefix,        // they survived up to a moment, in their order over all files (by the seed)
    kSubset,        // each one survived or not, by itself (seed)
    kReordered,     // as many as the seed says survived, no matter which; where two overlap, the
                    // later one is seen
    kTorn,          // each block of `tear_bytes` of a file has the content of some moment since the
                    // last sync, by itself; names as in kSubset (seed)
    kSizesOnly,     // names and sizes survived, bytes did not: zeros stand in their place
};
// In kSubset, kReordered and kTorn the size of a file may be ahead of its data, with zeros between.

struct CrashPlan {
    CrashKind kind = CrashKind::kLoseUnsynced;
    std::uint64_t seed = 1;
    std::size_t tear_bytes = 512;  // a power of two: 512 is a sector, 4096 a page
};
// "subset, seed 3", for a test's message.
ABI_API std::string describe(const CrashPlan& plan);
// One plan of every kind without a choice, and `seeds` of each other kind with the seeds from
// `first_seed` on; torn ones with 512 and with 4096 bytes.
ABI_API std::vector<CrashPlan> crash_plans(std::uint64_t first_seed, std::size_t seeds);

// Behaves as the real one does, error codes and texts included, except that relative paths begin at
// the root, there are neither links nor permissions, times are made of operation numbers, and map()
// gives a copy that later writes do not touch. Begins with an empty root directory. Thread-safe.
// Files opened from it may outlive it.
class ABI_API MemoryFileSystem final : public FileSystem {
public:
    MemoryFileSystem();
    ~MemoryFileSystem() override;
    MemoryFileSystem(const MemoryFileSystem&) = delete;
    MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<std::optional<FileInfo>> stat(const std::string& path) override;
    Status rename(const std::string& from, const std::string& to) override;
    Status remove(const std::string& path) override;
    Status remove_directory(const std::string& path) override;
    Status create_directory(const std::string& path) override;
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
    Status sync_directory(const std::string& path) override;

    // Everything that was called since construction, in order. Failed calls are there too, with ok
    // = false; start_writeback, copy_permissions and closing are not.
    std::vector<FsOperation> log() const;
    // The number of the last operation; 0 at the start.
    std::uint64_t sequence() const;
    // Notes in the log that something was acknowledged (or anything else) at this point.
    void mark(std::string text);

    // What a power cut now, or right after operation `sequence`, leaves behind under `plan`: a file
    // system of its own with an empty log, everything in it durable, no locks held. The same plan
    // and log give the same result. crash_at(0) is the state at construction; to cut an operation
    // in half, tear the state after it. Going through all sequence numbers upwards is linear.
    std::unique_ptr<MemoryFileSystem> crash(const CrashPlan& plan) const;
    std::unique_ptr<MemoryFileSystem> crash_at(std::uint64_t sequence, const CrashPlan& plan) const;

    // What a failed sync does to a file on Linux: its unsynced bytes are still read back, but they
    // count as written, so that a later sync succeeds without making them durable. Use it with a
    // sync that FaultFileSystem fails, to catch code that tries again.
    Status forget_unsynced(const std::string& path);

private:
    struct State;
    friend class MemoryFile;
    explicit MemoryFileSystem(std::shared_ptr<State> state);
    Status remove_as(const std::string& path, FileKind kind);

    std::shared_ptr<State> state_;
};

}  // namespace abikit
