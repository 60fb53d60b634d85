// The write-ahead log: salted, checksummed records, each one atomic commit. When a record is
// acknowledged is the matter of the sync mode (sync.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <abi/core/fs.hpp>
#include <abi/storage/sync.hpp>

#include "format.hpp"

namespace abikit::storage {

inline constexpr std::uint64_t kLogHeaderBytes = 64;
inline constexpr std::uint64_t kRecordHeaderBytes = 40;
inline constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{4} << 30;

enum class RecordType : std::uint32_t {
    kBatch = 1,  // format version 1: one batch for the only collection
    kParts = 2,  // batches for any collections, one commit
};

// What binds a log file to its database and its place in time.
struct LogIdentity {
    Uuid uuid{};
    std::uint64_t number = 0;
    std::uint64_t salt =
        0;  // random; every checksum of the file starts from it, so stale bytes never look valid
};

struct LogRecord {
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;
    std::uint32_t type = 0;
    std::uint64_t offset = 0;  // of the record in the file
    std::string_view payload;  // valid until the next call; aligned to 8 bytes
};

// Writes an empty log (header alone) and syncs it. The directory is synced by the caller.
Status create_log(FileSystem& fs, const std::string& path, const LogIdentity& identity);

// Tells whether a log goes on behind the place where a reader stopped. Any thread.
class LogProbe {
public:
    LogProbe(std::shared_ptr<const File> file, std::uint64_t position, std::uint64_t salt)
        : file_(std::move(file)), position_(position), salt_(salt) {}
    // One system call. A record that is still being written does not count.
    Result<bool> has_more() const;
    const std::string& path() const noexcept { return file_->path(); }

private:
    std::shared_ptr<const File> file_;
    std::uint64_t position_;
    std::uint64_t salt_;
};

// Reads records in order. Single thread.
class LogReader {
public:
    // kCorrupt when the header is damaged or belongs to another database or log. What the mark
    // beside it (log_mark.hpp) calls durable must be whole.
    static Result<LogReader> open(FileSystem& fs, const std::string& path,
                                  const LogIdentity& identity);
    // The next whole record of the log as long as it was on opening; nullopt at the end. A damaged
    // or missing record is kCorrupt when a valid one behind it, or the mark, says that it was
    // durable; otherwise it is a commit that was cut off before, and it and what is behind it is
    // left out.
    Result<std::optional<LogRecord>> next();
    // The next whole record of the log as long as it is now: for following a writer. nullopt when
    // there is none yet; what is damaged looks like not yet written. Two system calls.
    Result<std::optional<LogRecord>> poll();
    // Where the next record is to be written once next() returned nullopt.
    std::uint64_t end() const noexcept { return position_; }
    LogProbe probe() const { return {file_, position_, identity_.salt}; }
    // The number of the last record that was read; 0 before the first.
    std::uint64_t last_lsn() const noexcept { return last_lsn_; }
    // Bytes after end() that were cut off, or were laid out in advance and never used.
    std::uint64_t torn_bytes() const noexcept { return size_ > position_ ? size_ - position_ : 0; }

private:
    LogReader(std::shared_ptr<const File> file, const LogIdentity& identity, std::uint64_t size,
              std::uint64_t marked_end)
        : file_(std::move(file)), identity_(identity), size_(size), marked_end_(marked_end) {}
    struct Header;
    Result<std::optional<Header>> read_header(std::uint64_t offset) const;
    Result<std::optional<LogRecord>> take_whole();
    Result<bool> was_durable(std::uint64_t offset);
    Result<std::optional<Header>> candidate(std::uint64_t offset, std::span<const std::byte> raw);
    Result<bool> load_payload(std::uint64_t offset, const Header& header);

    std::shared_ptr<const File> file_;
    LogIdentity identity_;
    std::uint64_t size_ = 0;
    std::uint64_t marked_end_ = 0;  // everything before it was durable
    std::uint64_t position_ = kLogHeaderBytes;
    std::uint64_t last_lsn_ = 0;
    std::vector<std::uint64_t> buffer_;  // of words, for the alignment
};

// One record to be written.
struct LogEntry {
    RecordType type = RecordType::kBatch;
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;
    std::span<const std::span<const std::byte>> pieces;  // the payload
};

// When written records are synced.
struct SyncPolicy {
    SyncMode mode = SyncMode::kFull;
    // kNormal: after this much since the last sync, by the append that passes it.
    std::uint64_t bytes = std::uint64_t{8} << 20;
    std::uint64_t interval_ns = 1'000'000'000;
};

// Appends records. Single thread.
class LogWriter {
public:
    // Continues at `end`, cutting off what a crash left behind it, or adding the padding that it
    // took.
    static Result<std::unique_ptr<LogWriter>> open(FileSystem& fs, const std::string& path,
                                                   const LogIdentity& identity, std::uint64_t end,
                                                   const SyncPolicy& policy = {});
    // Writes the records behind each other and syncs once, if the policy wants it now. On a failed
    // write the log is as before, durably, and the next append may try again; on a failed sync
    // every later call fails, for what is on disk is unknown. Another process sees none of the
    // records before all are written.
    Status append(std::span<const LogEntry> entries);
    Status append(RecordType type, std::uint64_t lsn, std::int64_t time_ns,
                  std::span<const std::span<const std::byte>> pieces);
    // Syncs what no sync has covered yet, whatever the policy.
    Status sync();
    std::uint64_t end() const noexcept { return end_; }
    // Everything before it is durable.
    std::uint64_t durable_end() const noexcept { return durable_end_; }
    // A sync failed: what is on disk is unknown.
    bool broken() const noexcept { return broken_; }

private:
    LogWriter(std::unique_ptr<File> file, std::unique_ptr<File> mark, const LogIdentity& identity,
              std::uint64_t end, const SyncPolicy& policy)
        : file_(std::move(file)),
          mark_(std::move(mark)),
          identity_(identity),
          policy_(policy),
          end_(end),
          durable_end_(end),
          laid_out_end_(end) {}
    struct Plan;
    Status check_usable() const;
    Result<Plan> plan(std::span<const LogEntry> entries) const;
    std::string record_header(const LogEntry& entry, std::uint64_t offset, std::uint64_t length,
                              std::uint32_t payload_crc) const;
    Status write_records(std::span<const LogEntry> entries, Plan& plan);
    void lay_out(std::uint64_t from, std::span<const std::byte> zeros);
    std::size_t room_to_lay_out(std::uint64_t from) const;
    bool sync_is_due(std::uint64_t end) const;
    void note_durable(std::uint64_t end) noexcept;

    std::unique_ptr<File> file_;
    std::unique_ptr<File> mark_;  // null: there is none to write
    LogIdentity identity_;
    SyncPolicy policy_;
    std::uint64_t end_ = 0;
    std::uint64_t durable_end_ = 0;
    std::uint64_t laid_out_end_ = 0;    // zeros were written up to here
    std::uint64_t unsynced_since_ = 0;  // monotonic time of the first append that no sync covers
    bool lays_out_ = true;              // until the disk had no room for it
    bool broken_ = false;
};

}  // namespace abikit::storage
