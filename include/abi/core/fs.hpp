// The one way to the file system. Every file that a library of ours opens goes through
// `FileSystem`, so that tests can put an in-memory double or a fault injector beneath it. Paths are
// UTF-8. Read `fs_memory.hpp` and `fs_fault.hpp` next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/core/io.hpp>

namespace abikit {

// The operations of the interface, as the test doubles log, count and fail them.
enum class FsCall : std::uint8_t {
    kOpen,
    kRead,
    kWrite,
    kSync,
    kTruncate,
    kSize,
    kMap,
    kLock,
    kStat,
    kRename,
    kRemove,
    kRemoveDirectory,
    kCreateDirectory,
    kList,
    kSyncDirectory,
    kMark,  // not a call: a note that a test put into a log (MemoryFileSystem::mark)
};
// The snake_case name, such as "sync_directory".
ABI_API std::string_view fs_call_name(FsCall call) noexcept;

enum class OpenMode {
    kRead,       // must exist; read only
    kReadWrite,  // must exist
    kCreateNew,  // must not exist (O_EXCL); read and write
    kCreate,     // created when missing, kept as it is when present; read and write
    kTruncate,   // created when missing, emptied when present; read and write
};

enum class LockKind { kShared, kExclusive };

// The bytes that a lock is about; they need not exist. A length of 0 reaches to the end, however
// the file grows, so the default is the whole file.
struct LockRange {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

enum class FileKind { kFile, kDirectory, kOther };

struct FileInfo {
    FileKind kind = FileKind::kOther;
    std::uint64_t size_bytes = 0;
    std::int64_t modified_ns = 0;  // since the Unix epoch
    bool writable = false;         // by this process, as far as permissions tell
};

struct DirectoryEntry {
    std::string name;                  // without the directory
    FileKind kind = FileKind::kOther;  // of what a symbolic link leads to
    bool is_link = false;              // a symbolic link
};

// How a mapping will be used; a hint only.
enum class MapAdvice { kNormal, kSequential, kRandom, kWillNeed };

// A read-only view of a file's bytes, page-aligned, counted as mapped memory (memory.hpp). Unmaps
// itself. Reading past a truncation made by another process raises SIGBUS: files that are mapped
// are never truncated by us.
class ABI_API MappedRegion {
public:
    virtual ~MappedRegion() = default;
    virtual std::span<const std::byte> bytes() const noexcept = 0;
    virtual void advise(MapAdvice advice) const noexcept = 0;
};

// An open file. Positions are explicit; there is no cursor. read_at is thread-safe, the rest is
// single-writer. Closing happens in the destructor and releases the lock. Errors name the path.
//
// Pipes, terminals and other devices open too (`/dev/stdin`, a named pipe, `/dev/null`). They have
// no positions: offsets are ignored, read_at gives what one read gives (0 at the end), sync
// succeeds, size is 0, and a signal that interrupts a wait (for bytes, or in open for the other end
// of a pipe) makes the call fail as kCancelled.
class ABI_API File {
public:
    virtual ~File() = default;
    // Fills `out` from `offset`; returns the bytes read, fewer than asked only at the end of the
    // file.
    virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
    // Writes all of `bytes` at `offset` (the file grows as needed) or fails; short writes and EINTR
    // are handled inside.
    virtual Status write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
    // Makes written bytes and the size durable (fdatasync). After a failure nothing about the file
    // can be trusted and the call must not be retried: the kernel may have dropped the dirty pages
    // (Rebello et al., ATC'20). The real file therefore fails every later sync of this handle too.
    virtual Status sync() = 0;
    // Starts writing back [offset, offset + length) without waiting; a hint, never durable by
    // itself.
    virtual void start_writeback(std::uint64_t offset, std::uint64_t length) noexcept = 0;
    virtual Status truncate(std::uint64_t size_bytes) = 0;
    virtual Result<std::uint64_t> size() const = 0;
    // Maps [0, size) read-only. A size of 0 gives an empty region.
    virtual Result<std::unique_ptr<MappedRegion>> map() const = 0;
    // Takes an open-file-description lock on a range without waiting; kLocked when another holder
    // conflicts. What this file holds of the range already is converted. The lock is gone when the
    // file is closed or the process dies, however it dies. Systems that lock whole files only
    // refuse ranges that do not begin at 0 (kIo).
    virtual Status try_lock(LockKind kind, LockRange range) = 0;
    Status try_lock(LockKind kind) { return try_lock(kind, LockRange()); }
    virtual const std::string& path() const noexcept = 0;
};

// Operations on names. Thread-safe.
class ABI_API FileSystem {
public:
    virtual ~FileSystem() = default;
    virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
    // nullopt when nothing has that name; an error for anything else that prevents looking.
    virtual Result<std::optional<FileInfo>> stat(const std::string& path) = 0;
    virtual Status rename(const std::string& from, const std::string& to) = 0;
    virtual Status remove(const std::string& path) = 0;            // a file
    virtual Status remove_directory(const std::string& path) = 0;  // an empty directory
    virtual Status create_directory(const std::string& path) = 0;  // kAlreadyExists when present
    // Entries in byte order of their names, without "." and "..".
    virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;
    // Makes creations, renames and removals in the directory durable (fsync of the directory).
    virtual Status sync_directory(const std::string& path) = 0;
    // Gives `to` the permissions (and, where allowed, the owner) that `from` has; does nothing when
    // `from` does not exist. File systems without permissions keep this default, which succeeds.
    virtual Status copy_permissions(const std::string& from, const std::string& to);

    // Convenience on top of the above; not virtual on purpose: they show in the operation log as
    // what they are.
    //
    // The whole content; kLimit when the file is larger than `max_bytes` or than free memory.
    Result<std::string> read_file(const std::string& path,
                                  std::uint64_t max_bytes = std::uint64_t{1} << 32);
    // Atomic replace: write `path` + ".tmp", sync, rename over `path`, sync the directory. Keeps
    // the permissions of a file that is there; a symbolic link is replaced, not followed. On
    // failure the old file is whole and the temporary is removed where possible; only a failure
    // that says "cannot sync directory" leaves the new content in place, perhaps not durable.
    // One writer per path at a time.
    Status replace_file(const std::string& path, std::span<const std::byte> bytes);
    // A buffered source over a file. A regular file of more than 64 KiB is mapped, so that
    // mapped() gives its bytes; where mapping fails, and for anything smaller or without a size
    // (pipes, /dev/stdin), it is read.
    Result<std::unique_ptr<ByteSource>> open_source(const std::string& path);
    // A buffered sink that creates or truncates `path`; flush() writes and syncs. Bytes that were
    // not flushed when the sink is destroyed are dropped. After a failure every later call fails.
    Result<std::unique_ptr<ByteSink>> open_sink(const std::string& path);
};

// The operating system's files. One instance is enough for a process; it has no state of its own.
ABI_API std::unique_ptr<FileSystem> real_file_system();

// Joins with exactly one '/'; an empty side gives the other one. The parent of "a" is ".", of "/a"
// is "/". The file name of "a/b/" is "b", of "/" it is empty.
ABI_API std::string join_path(std::string_view directory, std::string_view name);
ABI_API std::string parent_path(std::string_view path);
ABI_API std::string_view file_name(std::string_view path);

}  // namespace abikit
