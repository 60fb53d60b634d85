// The inside of an open database: what it holds, and the steps that commit, checkpoint, optimize
// and open are made of.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <abi/storage/database.hpp>

#include "batch_codec.hpp"
#include "log.hpp"
#include "segment_writer.hpp"
#include "state.hpp"

namespace abikit::storage {

class Database::Impl {
public:
    Impl(const Context& context, std::string path, AccessMode mode)
        : context_(context), path_(std::move(path)), mode_(mode) {}

    // open.cpp
    Status lock();
    Status load();
    void remove_orphans();

    // database.cpp
    Result<CommitInfo> commit(const WriteBatch& batch);
    Status embed(data::RecordBatch& batch) const;
    std::shared_ptr<const State> state() const;
    Status check_writable() const;

    // checkpoint.cpp
    Status checkpoint();
    // Writes `source`'s rows as the only segment, with `embedder` as the embedder from then on.
    Status rewrite(RowSource& source, std::shared_ptr<const Embedder> embedder);

    // optimize.cpp
    Result<OptimizeInfo> optimize();
    Result<bool> learn_if_new(std::span<const std::string_view> texts);

    const Context& context() const noexcept { return context_; }
    const std::string& path() const noexcept { return path_; }
    const Manifest& manifest() const noexcept { return manifest_; }
    const std::shared_ptr<const Embedder>& embedder() const noexcept { return embedder_; }
    bool writable() const noexcept { return mode_ == AccessMode::kReadWrite && lock_ != nullptr; }
    // Whether what is on disk is known.
    bool intact() const noexcept { return !broken_ && (log_ == nullptr || !log_->broken()); }
    void release() { lock_.reset(); }

private:
    // open.cpp
    Status load_segments();
    Status load_embedder();
    Status replay_log();

    // database.cpp
    // A checked batch with its ids, and where its old rows stand: by place for segments. Rows of
    // the log are found again when the batch is applied, since the batch may replace its own.
    struct Prepared {
        BatchView view;
        data::StringColumn assigned_ids;
        data::StringColumn deletes;
        std::vector<std::optional<State::Place>> old_of_rows, old_of_deletes;
        std::vector<std::shared_ptr<Bitmap>> changed;  // per segment: its deleted rows to be
        CommitInfo info;
    };
    Status prepare(const WriteBatch& batch, Prepared& out) const;
    Status check_rows(const data::RecordBatch& rows) const;
    Status assign_ids(const data::RecordBatch& rows, Prepared& out) const;
    Status locate(WriteMode mode, Prepared& out) const;
    Status check_mode(WriteMode mode, std::string_view id, bool present) const;
    Result<std::optional<State::Place>> find_in_segments(std::string_view id) const;
    void stage(Prepared& batch);
    void apply(Prepared& batch);
    void fold_log_if_large();
    // Applies a batch that the log already holds.
    Status replay(const BatchView& view);
    void publish(std::shared_ptr<const State> state);
    std::shared_ptr<const State> make_state(const Manifest& manifest,
                                            const std::vector<SegmentUnit>& segments,
                                            const MemTable& mem, std::uint64_t log_end,
                                            const Embedder* embedder) const;

    // checkpoint.cpp
    struct NextGeneration;
    Status write_files(NextGeneration& next, RowSource* source);
    Status write_deletes(NextGeneration& next);
    Status install(NextGeneration&& next);
    Status advance(NextGeneration&& next, RowSource& source);
    std::size_t segments_to_keep() const;
    std::uint64_t new_file(NextGeneration& next) const;

    Context context_;
    std::string path_;
    AccessMode mode_;
    std::unique_ptr<File> lock_;
    Manifest manifest_;
    std::vector<SegmentUnit> segments_;
    std::unique_ptr<MemTable> mem_;
    std::unique_ptr<LogWriter> log_;
    std::shared_ptr<const Embedder> embedder_;
    std::uint64_t lsn_ = 0;
    std::uint64_t next_ordinal_ = 0;
    std::uint64_t log_end_ = kLogHeaderBytes;
    bool deletes_changed_ = false;        // a segment has deleted rows that no deletes file knows
    std::uint64_t fold_retry_bytes_ = 0;  // size of the log's rows when folding them failed last
    bool broken_ = false;                 // what is on disk is unknown: no more writes

    mutable std::mutex state_mutex_;
    std::shared_ptr<const State> state_;
};

// Reads a deletes file; `rows` is the segment's.
Result<Bitmap> read_deletes(FileSystem& fs, const std::string& directory, const Manifest& manifest,
                            const SegmentEntry& entry);
std::string encode_deletes(const Uuid& uuid, std::uint64_t segment, std::uint64_t rows,
                           const Bitmap& deleted);

// The embedder that the manifest names; null when it names none.
Result<std::shared_ptr<const Embedder>> read_embedder(FileSystem& fs, const std::string& directory,
                                                      const Manifest& manifest);

// The live rows of a state, or of its younger part, as a source for a segment.
class StateRows : public RowSource {
public:
    // From the given segment on; the number of segments gives the log's rows alone.
    StateRows(const State& state, std::size_t from_unit);
    std::uint64_t rows() const override { return numbers_.size(); }
    Status vectors(const std::function<Status(std::span<const float>)>& sink) override;
    Result<std::string> id(std::uint64_t row) override { return state_.id(numbers_[row]); }
    Result<std::optional<std::string_view>> text(std::uint64_t row) override {
        return state_.text(numbers_[row]);
    }
    Result<std::optional<std::string_view>> metadata(std::uint64_t row) override {
        return state_.metadata(numbers_[row]);
    }
    const std::vector<RowNumber>& numbers() const noexcept { return numbers_; }

protected:
    const State& state_;

private:
    std::vector<RowNumber> numbers_;
};

}  // namespace abikit::storage
