// The inside of an open database: what it holds, and the steps that commit, checkpoint, optimize
// and open are made of.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <abi/storage/archive.hpp>
#include <abi/storage/database.hpp>

#include "batch_codec.hpp"
#include "commit_queue.hpp"
#include "generation_pin.hpp"
#include "index_heir.hpp"
#include "log.hpp"
#include "published.hpp"
#include "segment_writer.hpp"
#include "state.hpp"
#include "watch_notes.hpp"

namespace abikit::storage {

// Commits are gathered up to this much for one write and sync.
inline constexpr std::uint64_t kMaxGroupBytes = std::uint64_t{64} << 20;

struct ImplOptions : OpenOptions {
    bool upgrade = false;  // an older format may be written to: the next generation is of this one
    // Takes down the changes of commits above this number, or of those from now on when there are
    // no such ones yet. Only for kRead.
    std::optional<std::uint64_t> watch_from = {};
};

class Database::Impl {
public:
    Impl(const Context& context, std::string path, AccessMode mode, ImplOptions options)
        : context_(context), path_(std::move(path)), mode_(mode), options_(std::move(options)) {
        if (options_.watch_from) {
            watched_ = std::make_unique<WatchNotes>(*options_.watch_from);
        }
    }

    // open.cpp
    static Result<std::shared_ptr<Impl>> open(const Context& context, const std::string& path,
                                              AccessMode mode, const ImplOptions& options);
    Status lock();
    Status load();

    // purge.cpp
    void remove_orphans();

    // group_commit.cpp. Any thread. `collection` is what a batch without a name is for.
    Result<CommitInfo> commit(std::uint32_t collection, std::span<const WriteBatch> batches);
    // Checkpoints, releases the lock.
    Status close();
    // Runs `body` while no other thread writes; every writing call but commit() goes through here.
    template <class Body>
    auto alone(Body body) {
        return commits_.alone(std::move(body));
    }

    // From here to the private part: only while no other thread writes.
    Status check_writable() const;

    // checkpoint.cpp
    Status checkpoint();

    // also checkpoint.cpp
    Status create_collection(const CollectionOptions& options);
    Status drop_collection(std::string_view name);
    Status create_snapshot(std::string_view name);
    Status drop_snapshot(std::string_view name);
    Status upgrade();

    // Makes these collections those of `source`, in one step: new ones, or ones without rows.
    Status adopt(const Impl& source, std::span<const std::string> names);

    // archive.cpp
    Result<ArchiveInfo> write_archive(const Context& context, ByteSink& sink) const;

    // optimize.cpp
    // heir: of the merged segment; without a base where vectors changed or nothing was merged.
    Result<OptimizeInfo> optimize(std::uint32_t collection, const OptimizeOptions& options,
                                  IndexHeir& heir);
    // All rows in one segment, as they are.
    Result<IndexHeir> merge(std::uint32_t collection);
    Result<bool> learn_if_new(std::uint32_t collection, std::span<const std::string_view> texts);

    // What is published. Any thread, without waiting.
    std::shared_ptr<const DatabaseState> state() const { return state_.load(); }

    // follow.cpp. Any thread.
    // A reading handle catches up with the newest commit of any process; nothing to do for others.
    Status refresh();
    // The state after that; the one before where it fails (with a warning).
    std::shared_ptr<const DatabaseState> newest();
    // Null unless this handle watches; for one thread.
    WatchNotes* watched() const noexcept { return watched_.get(); }
    const Context& context() const noexcept { return context_; }
    const std::string& path() const noexcept { return path_; }
    bool writable() const noexcept { return mode_ == AccessMode::kReadWrite && lock_ != nullptr; }
    // Whether what is on disk is known.
    bool intact() const noexcept { return !broken_ && (log_ == nullptr || !log_->broken()); }

private:
    // What the writer holds of one collection; in the order of the manifest.
    struct Core {
        std::shared_ptr<const CollectionEntry> entry;  // of the manifest
        std::vector<SegmentUnit> segments;
        std::unique_ptr<MemTable> mem;
        std::shared_ptr<const Embedder> embedder;
        std::uint64_t next_ordinal = 0;
        bool deletes_changed = false;  // a segment has deleted rows that no deletes file knows
        bool changed = false;          // since `state` was made
        std::shared_ptr<const State> state;  // as last published
    };
    // kNotFound when there is none.
    Result<std::size_t> core_of(std::uint32_t collection) const;
    Result<std::size_t> core_of(std::string_view name) const;

    // open.cpp
    // load(), again as long as a writer swaps generations under it.
    Status load_settled();
    Status load_core(const std::shared_ptr<const CollectionEntry>& entry,
                     std::span<const SegmentUnit> known);
    Status replay_log();
    Status replay_record(const LogRecord& record, const std::string& path);

    // purge.cpp
    Status mark_purge();
    Status set_aside(const std::vector<DirectoryEntry>& entries, bool purge);
    bool serves_old();
    // Overwrites what waits for it, unless a reader is in the way; `info` tells.
    Status finish_purge(OptimizeInfo& info);
    std::uint64_t files_of_snapshots() const;

    // commit.cpp
    // A checked batch with its ids, and where its old rows stand: by place for segments. Rows of
    // the log are found again when the batch is applied, since the batch may replace its own.
    struct Prepared {
        std::size_t core = 0;
        BatchView view;
        std::vector<std::byte> encoded;  // the vectors, unless they are stored as they came
        data::StringColumn assigned_ids;
        data::StringColumn deletes;
        std::vector<std::optional<State::Place>> old_of_rows, old_of_deletes;
        std::vector<std::shared_ptr<Bitmap>> changed;  // per segment: its deleted rows to be
        CommitInfo info;
    };
    Status prepare(const WriteBatch& batch, Prepared& out) const;
    Status check_rows(const Core& core, const data::RecordBatch& rows) const;
    std::string label(const Core& core) const;  // for messages
    Status check_vectors(const Core& core, const data::RecordBatch& rows) const;
    Status assign_ids(const data::RecordBatch& rows, Prepared& out) const;
    Status locate(WriteMode mode, Prepared& out) const;
    Status check_mode(WriteMode mode, std::string_view id, bool present) const;
    static Result<std::optional<State::Place>> find_in_segments(const Core& core,
                                                                std::string_view id);
    void stage(Prepared& batch);
    void apply(Prepared& batch);
    void fold_log_if_large();
    // Applies a batch that the log already holds.
    Status replay(std::size_t core, const BatchView& view);

    // state of cores as readers see it
    void refresh_state(Core& core) const;
    std::shared_ptr<const DatabaseState> make_state() const;
    void publish(std::shared_ptr<const DatabaseState> state) { state_.store(std::move(state)); }

    // follow.cpp
    bool follows() const noexcept {
        return mode_ == AccessMode::kRead && options_.snapshot.empty();
    }
    Result<bool> has_changed(const DatabaseState& seen) const;
    Result<bool> generation_swapped(const FollowPoint& point) const;
    Status catch_up();
    Status follow_log(const FollowPoint& point);

    // watch.cpp
    Status watch_generation();

    // group_commit.cpp
    struct CommitRequest;
    class CommitGroup;
    void serve(std::span<CommitRequest* const> group) noexcept;

    // checkpoint.cpp
    struct NextCollection;
    struct NextGeneration;
    // Every collection with its log folded: what each step starts from.
    NextGeneration fold() const;
    Status write_collection(NextGeneration& next, std::size_t index);
    Status write_deletes(NextGeneration& next, std::size_t index);
    Status write_embedder(NextGeneration& next, std::size_t index);
    Status write_files(NextGeneration& next);
    Status install(NextGeneration&& next);
    // Writes the generation's files and makes it the database.
    Status advance(NextGeneration&& next);
    // Replaces one collection by these rows as its only segment.
    Status rewrite(std::size_t core, std::unique_ptr<RowSource> source,
                   std::shared_ptr<const Embedder> embedder);
    static std::size_t segments_to_keep(const Core& core);

    // optimize.cpp
    Status optimize_rows(std::size_t core, const OptimizeOptions& options, OptimizeInfo& info,
                         IndexHeir& heir);

    Context context_;
    std::string path_;
    AccessMode mode_;
    ImplOptions options_;
    std::unique_ptr<File> lock_;
    std::shared_ptr<const Manifest> manifest_;
    GenerationPin pin_;  // of its generation; every state of it shares it
    std::vector<std::weak_ptr<const void>> old_pins_;  // of generations that this handle replaced
    bool purging_ = false;  // what the next generation replaces is to be overwritten
    std::vector<Core> cores_;
    std::unique_ptr<LogWriter> log_;
    std::uint64_t lsn_ = 0;
    std::uint64_t log_end_ = kLogHeaderBytes;
    std::uint64_t fold_retry_bytes_ = 0;  // size of the log's rows when folding them failed last
    bool broken_ = false;                 // what is on disk is unknown: no more writes

    CommitQueue<CommitRequest> commits_{kMaxGroupBytes};

    // Of a reading handle: where it is in the log of another process. Under follow_mutex_, as is
    // all of the above then.
    std::mutex follow_mutex_;
    std::optional<LogReader> reader_;
    std::optional<FileInfo> manifest_info_;
    bool must_load_ = false;  // catching up failed half-way
    std::unique_ptr<WatchNotes> watched_;
    std::shared_ptr<std::atomic<std::uint64_t>> follow_waits_ =
        std::make_shared<std::atomic<std::uint64_t>>(0);

    Published<DatabaseState> state_;
};

// 1 to kMaxNameBytes bytes of UTF-8 without control characters or '/'; `what` is for the message.
Status check_name(std::string_view what, std::string_view name);
// A collection to be, without an id. kInvalidArgument when the options do not fit together.
Result<CollectionEntry> make_collection_entry(const CollectionOptions& options);
// kNotFound, naming the collection.
Error no_collection(const std::string& path, std::string_view name);

// Reads a deletes file of a segment.
Result<Bitmap> read_deletes(FileSystem& fs, const std::string& directory, const Uuid& uuid,
                            const SegmentEntry& entry);
std::string encode_deletes(const Uuid& uuid, std::uint64_t segment, std::uint64_t rows,
                           const Bitmap& deleted);

// The embedder that a collection names; null when it names none.
Result<std::shared_ptr<const Embedder>> read_embedder(FileSystem& fs, const std::string& directory,
                                                      const CollectionEntry& collection);

// What the segments of a collection must belong to.
inline SegmentOwner owner_of(const Manifest& manifest, const CollectionEntry& collection) {
    return {manifest.uuid, collection.shape, collection.metric};
}
// The segments of a collection with their deleted rows. Those that are `known`, of the same
// database, are taken from there.
Result<std::vector<SegmentUnit>> open_segments(FileSystem& fs, const std::string& directory,
                                               const Manifest& manifest,
                                               const CollectionEntry& collection,
                                               std::span<const SegmentUnit> known);

// The live rows of a state, or of its younger part, as a source for a segment.
class StateRows : public RowSource {
public:
    // From the given segment on; the number of segments gives the log's rows alone.
    StateRows(std::shared_ptr<const State> state, std::size_t from_unit);
    std::uint64_t rows() const override { return numbers_.size(); }
    Status vectors(const std::function<Status(std::span<const std::byte>)>& sink) override;
    Result<std::string> id(std::uint64_t row) override { return state_->id(numbers_[row]); }
    Result<std::optional<std::string_view>> text(std::uint64_t row) override {
        return state_->text(numbers_[row]);
    }
    Result<std::optional<std::string_view>> metadata(std::uint64_t row) override {
        return state_->metadata(numbers_[row]);
    }
    const std::vector<RowNumber>& numbers() const noexcept { return numbers_; }

protected:
    std::shared_ptr<const State> state_;

private:
    std::vector<RowNumber> numbers_;
};

}  // namespace abikit::storage
