// WDBX, the embedded vector database: one writer, many readers, every commit durable before it is
// acknowledged. The file format is docs/formats/wdbx.md. Read `import.hpp` for bulk loading and
// `snapshot.hpp` for reading next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/data/record.hpp>
#include <abi/storage/embedder.hpp>
#include <abi/storage/metric.hpp>
#include <abi/storage/snapshot.hpp>

namespace abikit::storage {

// Limits of one row. A row beyond them is kInvalidData.
inline constexpr std::uint32_t kMaxDimension = 65536;
inline constexpr std::size_t kMaxIdBytes = 1024;
inline constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxMetadataBytes = std::size_t{1} << 20;

struct CreateOptions {
    std::uint32_t dimension = 0;  // 1 to kMaxDimension; 0 with an embedder takes the embedder's
    Metric metric = Metric::kCosine;
    std::optional<EmbedderChoice> embedder;  // unset: rows bring their own vectors
};

enum class AccessMode { kRead, kReadWrite };

// What happens to a row whose id is (or is not) in the database.
enum class WriteMode {
    kUpsert,  // replaces the old row
    kInsert,  // kAlreadyExists fails the whole batch
    kUpdate,  // kNotFound fails the whole batch when the id is absent
};

// One atomic change: deletes first, then rows. Ids that are absent get the next free ordinal. Every
// row needs a vector (Database::embed fills them from texts). Deleting an id that is not there is
// no error: it is counted.
struct WriteBatch {
    const data::RecordBatch* rows = nullptr;
    std::vector<std::string> deletes;
    WriteMode mode = WriteMode::kUpsert;
};

struct CommitInfo {
    std::uint64_t lsn = 0;  // log sequence number of the commit; 0 when there was nothing to do
    std::uint64_t added = 0;
    std::uint64_t replaced = 0;
    std::uint64_t deleted = 0;  // by `deletes`
    std::uint64_t missing = 0;  // ids in `deletes` that were not there
    std::string first_id;       // id of the first row, also when it was assigned
};

struct OptimizeInfo {
    std::uint64_t rows = 0;
    std::uint64_t segments_before = 0, segments_after = 0;
    std::uint64_t size_bytes_before = 0, size_bytes_after = 0;
    std::uint64_t dropped_rows = 0;  // deleted rows whose space was freed
    bool reembedded = false;  // document frequencies were relearned and every text embedded again
};

// An open database. Writing calls come from one thread at a time; snapshot() and everything on
// snapshots is thread-safe and never waits for the writer. Borrowed services of the Context outlive
// it. Errors name the database's path.
class ABI_API Database {
public:
    // Makes an empty database at `path`: a missing or empty directory. kAlreadyExists when there is
    // one already.
    static Result<Database> create(const Context& context, const std::string& path,
                                   const CreateOptions& options);
    // Opens for reading (any number of processes) or writing (one: kLocked otherwise). Replays the
    // log where the last writer did not close. kInputMissing: nothing there; kCorrupt: not a
    // database, or damaged, with file and offset; kIncompatible: written by a newer version.
    static Result<Database> open(const Context& context, const std::string& path, AccessMode mode);

    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    // Closes without a checkpoint when close() was not called: nothing acknowledged is lost, the
    // log is replayed next time.
    ~Database();

    const std::string& path() const noexcept;
    std::uint32_t dimension() const noexcept;
    Metric metric() const noexcept;
    // Null when rows bring their own vectors.
    const Embedder* embedder() const noexcept;

    // What is in the database now. Later commits do not change it.
    Snapshot snapshot() const;

    // Applies the batch and returns once it is on disk. On failure nothing of it is visible, now or
    // after a crash. After a failed sync the handle refuses every further write (kIo): what reached
    // the disk is unknown until a reopen.
    Result<CommitInfo> commit(const WriteBatch& batch);
    // Gives each row of a batch without vectors one from its text. kInvalidArgument without an
    // embedder.
    Status embed(data::RecordBatch& batch) const;
    // Learns the embedder's weights from these texts when it has none yet or the database has no
    // rows; durable on return. True when it did.
    Result<bool> learn_if_new(std::span<const std::string_view> texts);
    // Moves the log's rows into a segment.
    Status checkpoint();
    // Checkpoints and releases the lock; the handle is unusable afterwards. A checkpoint that the
    // disk has no room for is no failure: the log keeps what was acknowledged (a warning is
    // logged). kIo when it is unknown what reached the disk.
    Status close();
    // Merges all segments into one without deleted rows; with an embedder relearns it and re-embeds
    // every stored text.
    Result<OptimizeInfo> optimize();

    class Impl;

private:
    explicit Database(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// A fault that verify() found.
struct Fault {
    std::string file;          // within the database directory
    std::uint64_t offset = 0;  // bytes
    std::string what;
};
struct VerifyInfo {
    std::uint64_t files = 0, bytes = 0, rows = 0, checksums = 0;
    std::vector<Fault> faults;  // at most kMaxFaults are kept
    std::uint64_t faults_total = 0;
    std::vector<std::string> foreign;  // files that are not ours; left alone
    bool log_replayed = false;         // the last writer did not close; the log was checked too
};
inline constexpr std::size_t kMaxFaults = 1000;

// Checks every checksum and every cross-reference of the database at `path` without changing
// anything. Damage is in the result; an error means that the check itself could not run.
ABI_API Result<VerifyInfo> verify(const Context& context, const std::string& path);

}  // namespace abikit::storage
