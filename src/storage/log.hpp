// The write-ahead log: salted, checksummed records, each one atomic commit. A record is
// acknowledged after its sync.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <abi/core/fs.hpp>

#include "format.hpp"

namespace abikit::storage {

inline constexpr std::uint64_t kLogHeaderBytes = 64;
inline constexpr std::uint64_t kRecordHeaderBytes = 40;
inline constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{4} << 30;

enum class RecordType : std::uint32_t { kBatch = 1 };

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

// Reads records in order. Single thread.
class LogReader {
public:
    // kCorrupt when the header is damaged or belongs to another database or log.
    static Result<LogReader> open(FileSystem& fs, const std::string& path,
                                  const LogIdentity& identity);
    // The next whole record; nullopt at the end of what was durably written. A damaged record with
    // a valid one after it is kCorrupt; damage at the very end is a commit that was cut off before
    // its acknowledgement, and is left out.
    Result<std::optional<LogRecord>> next();
    // Where the next record is to be written once next() returned nullopt.
    std::uint64_t end() const noexcept { return position_; }
    // Bytes after end() that were cut off.
    std::uint64_t torn_bytes() const noexcept { return size_ > position_ ? size_ - position_ : 0; }

private:
    LogReader(std::unique_ptr<File> file, const LogIdentity& identity, std::uint64_t size)
        : file_(std::move(file)), identity_(identity), size_(size) {}
    struct Header;
    Result<std::optional<Header>> read_header(std::uint64_t offset) const;
    Result<bool> valid_record_after(std::uint64_t offset);
    Result<bool> load_payload(std::uint64_t offset, const Header& header);

    std::unique_ptr<File> file_;
    LogIdentity identity_;
    std::uint64_t size_ = 0;
    std::uint64_t position_ = kLogHeaderBytes;
    std::uint64_t last_lsn_ = 0;
    std::vector<std::uint64_t> buffer_;  // of words, for the alignment
};

// Appends records. Single thread.
class LogWriter {
public:
    // Continues at `end`, cutting off what a crash left behind it, or adding the padding that it
    // took.
    static Result<std::unique_ptr<LogWriter>> open(FileSystem& fs, const std::string& path,
                                                   const LogIdentity& identity, std::uint64_t end);
    // Writes one record made of `pieces` and syncs it. On a failed write the log is as before and
    // the next append may try again; on a failed sync every later call fails, for what is on disk
    // is unknown.
    Status append(RecordType type, std::uint64_t lsn, std::int64_t time_ns,
                  std::span<const std::span<const std::byte>> pieces);
    std::uint64_t end() const noexcept { return end_; }
    // A sync failed: what is on disk is unknown.
    bool broken() const noexcept { return broken_; }

private:
    LogWriter(std::unique_ptr<File> file, const LogIdentity& identity, std::uint64_t end)
        : file_(std::move(file)), identity_(identity), end_(end) {}
    std::unique_ptr<File> file_;
    LogIdentity identity_;
    std::uint64_t end_ = 0;
    bool broken_ = false;
};

}  // namespace abikit::storage
