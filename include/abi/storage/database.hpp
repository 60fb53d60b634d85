// WDBX, the embedded vector database: one writer, many readers, every commit durable before it is
// acknowledged. The file format is docs/formats/wdbx.md. Read `import.hpp` for bulk loading and
// `snapshot.hpp` for reading next.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/core/io.hpp>
#include <abi/data/record.hpp>
#include <abi/storage/ann_index.hpp>
#include <abi/storage/element.hpp>
#include <abi/storage/embedder.hpp>
#include <abi/storage/metric.hpp>
#include <abi/storage/snapshot.hpp>
#include <abi/storage/sync.hpp>

namespace abikit::storage {

// Limits of one row. A row beyond them is kInvalidData.
inline constexpr std::uint32_t kMaxDimension = 65536;
inline constexpr std::size_t kMaxIdBytes = 1024;
inline constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
inline constexpr std::size_t kMaxMetadataBytes = std::size_t{1} << 20;

inline constexpr std::size_t kMaxNameBytes = 255;  // of a collection or a named snapshot
inline constexpr std::size_t kMaxCollections = 65536;

// The collection that is meant where none is named.
inline constexpr std::string_view kDefaultCollection = "default";

// What a collection is for its whole life.
struct CollectionOptions {
    std::uint32_t dimension = 0;  // 1 to kMaxDimension; 0 with an embedder takes the embedder's
    Metric metric = Metric::kCosine;
    std::optional<EmbedderChoice> embedder;  // unset: rows bring their own vectors
    ElementType element = ElementType::kFloat32;
    // 1 to kMaxNameBytes bytes of UTF-8 without control characters or '/'.
    std::string name = std::string(kDefaultCollection);
};
using CreateOptions = CollectionOptions;

struct CollectionInfo {
    std::string name;
    std::uint32_t dimension = 0;
    Metric metric = Metric::kCosine;
    ElementType element = ElementType::kFloat32;
    std::string embedder;  // its kind; "" : rows bring their vectors
    std::uint64_t rows = 0;
};

// A moment of the whole database that was given a name.
struct SnapshotInfo {
    std::string name;
    std::int64_t time_ns = 0;  // since 1970 UTC
    std::uint64_t lsn = 0;
    std::uint64_t rows = 0;  // of all collections
};

struct ArchiveInfo;  // archive.hpp
struct IndexHeir;    // what merged segments leave of their indexes

enum class AccessMode { kRead, kReadWrite };

struct OpenOptions {
    // The collection that the handle is on; kNotFound when there is none of that name. "" is the
    // oldest there is.
    std::string collection = std::string(kDefaultCollection);
    // Reads this named snapshot instead of what is there now; only for kRead.
    std::string snapshot = {};
    SyncMode sync = SyncMode::kFull;  // of commits; only for kReadWrite
    // Whether a checkpoint may write small segments again, merged into one with its new rows.
    // False: segments stay as they are until optimize(). Only for kReadWrite.
    bool auto_merge = true;
};

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
    std::string collection = {};  // "" : the handle's
};

struct CommitInfo {
    std::uint64_t lsn = 0;  // log sequence number of the commit; 0 when there was nothing to do
    std::uint64_t added = 0;
    std::uint64_t replaced = 0;
    std::uint64_t deleted = 0;  // by `deletes`
    std::uint64_t missing = 0;  // ids in `deletes` that were not there
    std::string first_id;       // id of the first row, also when it was assigned
};

struct OptimizeOptions {
    // Overwrites the files that are replaced, and those that an earlier purge had to leave, with
    // zeros on the disk before it removes them: with them go the deleted rows. Files that a reader
    // may serve from (a Snapshot of before, a handle of any process that has not looked since) are
    // left, as *.purge; a later purge, checkpoint or open goes on with them. What named snapshots
    // hold stays. Backups, and what was removed before, are out of its reach.
    bool purge = false;
};
struct OptimizeInfo {
    std::uint64_t rows = 0;
    std::uint64_t segments_before = 0, segments_after = 0;
    std::uint64_t size_bytes_before = 0, size_bytes_after = 0;
    std::uint64_t dropped_rows = 0;  // deleted rows whose space was freed
    bool reembedded = false;  // document frequencies were relearned and every text embedded again
    // With purge:
    std::uint64_t purged_files = 0, purged_bytes = 0;  // overwritten and removed
    std::uint64_t pending_files = 0;   // still to be overwritten: a reader may serve from them
    std::uint64_t snapshot_files = 0;  // that only named snapshots hold, with their deleted rows
};

// How an index is built; see ann_index.hpp.
struct IndexOptions {
    std::uint32_t degree = 32;
    std::uint32_t build_effort = 96;
    std::uint64_t seed = 1;
    bool rebuild = false;  // also where there is one
};
struct IndexInfo {
    std::uint64_t segments = 0;                  // that have an index now
    std::uint64_t built = 0;                     // of them, by this call
    std::uint64_t rows = 0, unindexed_rows = 0;  // live; the second are scanned
    std::uint64_t size_bytes = 0;
    std::uint64_t hot_bytes = 0;   // codes and edges: what walks touch
    std::vector<AnnEffort> curve;  // of the largest segment
};

// Versions of the format; equal when there is nothing to do.
struct UpgradeInfo {
    std::uint32_t from = 0, to = 0;
};
enum class UpgradeMode { kUpgrade, kLook };

// A handle on one collection of an open database; collection() gives handles on others that share
// everything with it. Thread-safe but for moving and destroying: writing calls wait for one
// another, and commits that wait share one sync; snapshot() and everything on snapshots never wait
// for a writer. Borrowed services of the Context outlive it. Errors name the database's path.
class ABI_API Database {
public:
    // Makes a database with one empty collection at `path`: a missing or empty directory.
    // kAlreadyExists when there is one already.
    static Result<Database> create(const Context& context, const std::string& path,
                                   const CreateOptions& options);
    // Opens for reading (any number of processes) or writing (one: kLocked otherwise). Replays the
    // log where the last writer did not close. kInputMissing: nothing there; kCorrupt: not a
    // database, or damaged, with file and offset; kIncompatible: written by a newer version.
    static Result<Database> open(const Context& context, const std::string& path, AccessMode mode,
                                 const OpenOptions& options = {});
    // Makes a database of an older format writable by this version: an atomic step that leaves the
    // rows where they are.
    static Result<UpgradeInfo> upgrade(const Context& context, const std::string& path,
                                       UpgradeMode mode = UpgradeMode::kUpgrade);

    // Another handle on the same open database. kNotFound when there is no such collection.
    Result<Database> collection(std::string_view name) const;

    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;
    // Closes without a checkpoint when close() was not called: nothing acknowledged is lost, the
    // log is replayed next time.
    ~Database();

    const std::string& path() const noexcept;
    const std::string& name() const noexcept;  // of the collection
    std::uint32_t dimension() const noexcept;
    Metric metric() const noexcept;
    ElementType element() const noexcept;
    // Null when rows bring their own vectors.
    std::shared_ptr<const Embedder> embedder() const;

    // What is in the collection now: with a reading handle the newest commit of whichever process
    // writes. Later commits do not change it. Empty after the collection was dropped. Should
    // catching up with the writer fail, it is what was there before (a warning is logged).
    Snapshot snapshot() const;
    // Catches up with the writer alone, and says why that fails: every call that looks at the
    // database does it by itself. A few system calls when nothing changed. Nothing to do on a
    // handle that writes, or one on a named snapshot.
    Status refresh();
    // The same moment of several collections, in the order of `names`. kNotFound names the missing
    // one.
    Result<std::vector<Snapshot>> snapshots_of(std::span<const std::string> names) const;

    // All collections, in order of creation.
    std::vector<CollectionInfo> collections() const;
    // kAlreadyExists when the name is taken. Durable on return, as everything below.
    Status create_collection(const CollectionOptions& options);
    // Drops it with all its rows; what named snapshots hold of it stays. kNotFound; the last
    // collection stays (kInvalidArgument).
    Status drop_collection(std::string_view name);
    // Keeps what all collections hold now under a name, until the name is dropped.
    Status create_snapshot(std::string_view name);
    Status drop_snapshot(std::string_view name);
    std::vector<SnapshotInfo> snapshots() const;

    // Applies the batch and returns once it is as safe as OpenOptions::sync says. On failure
    // nothing of it is visible, now or after a crash. After a failed sync the handle refuses every
    // further write (kIo): what reached the disk is unknown until a reopen.
    Result<CommitInfo> commit(const WriteBatch& batch);
    // The same for several collections at once, each at most once; counts are sums.
    Result<CommitInfo> commit_all(std::span<const WriteBatch> batches);
    // Parts of export_archive and import_archive (archive.hpp), which say what they do.
    Result<ArchiveInfo> write_archive(const Context& context, ByteSink& sink) const;
    Status adopt(const Database& source, std::span<const std::string> names);
    // Gives each row of a batch without vectors one from its text. kInvalidArgument without an
    // embedder.
    Status embed(data::RecordBatch& batch) const;
    // Learns the embedder's weights from these texts when it has none yet or the database has no
    // rows; durable on return. True when it did.
    Result<bool> learn_if_new(std::span<const std::string_view> texts);
    // Moves the log's rows into a segment.
    Status checkpoint();
    // Checkpoints and releases the lock; no handle on the database writes afterwards. A checkpoint
    // that the disk has no room for is no failure: the log keeps what was acknowledged (a warning
    // is logged). kIo when it is unknown what reached the disk.
    Status close();
    // Builds the approximate index of every segment that is large enough and has none, and makes
    // it durable. Commits and searches go on meanwhile; searches use each index from then on. An
    // interrupted call keeps what it finished. Where more than 2 % of the rows are outside the
    // largest index or 5 % of its rows are deleted, all are merged into one segment first, whose
    // index is derived from that one (AnnIndex::derive). Rows that come later are scanned until
    // the next call. kInvalidArgument for a metric that has no index.
    Result<IndexInfo> build_index(const Context& context, const IndexOptions& options = {});
    // Removes the index files. Open handles keep what they have found.
    Status drop_index();
    // What there is, without building.
    IndexInfo index_info() const;
    // Merges all segments of the collection into one without deleted rows; with an embedder
    // relearns it and re-embeds every stored text. An index is kept: derived, or built anew.
    Result<OptimizeInfo> optimize(const OptimizeOptions& options = {});

    class Impl;

private:
    bool wants_merge(const IndexOptions& options) const;
    Result<IndexInfo> index_segments(const Context& context, const IndexOptions& options,
                                     const IndexHeir& heir);
    Database(std::shared_ptr<Impl> impl, std::shared_ptr<const State> origin);
    std::shared_ptr<Impl> impl_;
    // The collection as it was when the handle was made: what it is called and what it is.
    std::shared_ptr<const State> origin_;
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
    // Rows of sound indexes, and those of them that no walk comes to: found by an exact search
    // only.
    std::uint64_t indexed_rows = 0, unreachable_rows = 0;
};
inline constexpr std::size_t kMaxFaults = 1000;

// Checks every checksum and every cross-reference of the database at `path` without changing
// anything. Damage is in the result; an error means that the check itself could not run.
ABI_API Result<VerifyInfo> verify(const Context& context, const std::string& path);

}  // namespace abikit::storage
