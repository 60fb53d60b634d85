// Writing the log: the records of a group in one pass with one sync, the first header last, and
// zeros laid out ahead of small records, which makes their syncs cheaper. Reading is in log.cpp.
#include <algorithm>
#include <array>
#include <new>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>
#include <abi/core/time.hpp>

#include "log_format.hpp"
#include "log_mark.hpp"

namespace abikit::storage {

namespace {
// Pieces of this size are written from where they lie; smaller ones are gathered first.
constexpr std::size_t kDirectBytes = std::size_t{64} << 10;
constexpr std::size_t kGatherBytes = std::size_t{1} << 20;
// Only a log that lives on small commits is laid out ahead: about as far again as it is long.
constexpr std::uint64_t kLayOutFrom = std::uint64_t{32} << 10;
constexpr std::uint64_t kLayOutMost = std::uint64_t{1} << 20;

Status rewrite_in_place(File& file, std::uint64_t end) {
    std::vector<std::byte> block(std::min<std::uint64_t>(end, std::uint64_t{1} << 20));
    for (std::uint64_t at = 0; at < end; at += block.size()) {
        const auto part = std::span(block).first(std::min<std::uint64_t>(block.size(), end - at));
        ABI_TRY(const std::size_t got, file.read_at(at, part));
        ABI_CHECK(file.write_at(at, part.first(got)));
    }
    return {};
}

// Brings pieces to the file in order, in few large writes. Its memory is there before the first.
class Gatherer {
public:
    Gatherer(File& file, std::uint64_t at, std::uint64_t most) : file_(file), at_(at) {
        gathered_.reserve(
            static_cast<std::size_t>(std::min<std::uint64_t>(most, kGatherBytes + kDirectBytes)));
    }
    Status put(std::span<const std::byte> piece) {
        if (piece.size() >= kDirectBytes) {
            ABI_CHECK(flush());
            return write(piece);
        }
        gathered_.insert(gathered_.end(), piece.begin(), piece.end());
        return gathered_.size() < kGatherBytes ? Status() : flush();
    }
    Status flush() {
        if (gathered_.empty()) {
            return {};
        }
        Status status = write(gathered_);
        gathered_.clear();
        return status;
    }

private:
    Status write(std::span<const std::byte> bytes) {
        ABI_CHECK(file_.write_at(at_, bytes));
        at_ += bytes.size();
        return {};
    }
    File& file_;
    std::uint64_t at_;
    std::vector<std::byte> gathered_;
};
}  // namespace

// Everything about a group that is known before anything of it is written.
struct LogWriter::Plan {
    std::vector<std::string> headers;
    std::vector<std::uint64_t> lengths;  // of the payloads
    std::uint64_t end = 0;               // of the log behind the group
    std::vector<std::byte> zeros;        // to be laid out behind it
};

Result<std::unique_ptr<LogWriter>> LogWriter::open(FileSystem& fs, const std::string& path,
                                                   const LogIdentity& identity, std::uint64_t end,
                                                   const SyncPolicy& policy) {
    ABI_TRY(auto file, fs.open(path, OpenMode::kReadWrite));
    ABI_TRY(const std::uint64_t size, file->size());
    if (size != end) {
        ABI_CHECK(file->truncate(end));
    }
    if (size != kLogHeaderBytes || end != kLogHeaderBytes) {
        // What was read back may live in the page cache alone, left there by a sync that failed:
        // writing the same bytes again makes sure that later records have whole ones before them.
        ABI_CHECK(rewrite_in_place(*file, end));
        ABI_CHECK(file->sync());
    }
    auto mark = fs.open(join_path(parent_path(path), kLockName), OpenMode::kReadWrite);
    std::unique_ptr<LogWriter> writer(
        new LogWriter(std::move(file), mark ? *std::move(mark) : nullptr, identity, end, policy));
    writer->note_durable(end);
    return writer;
}

// Behind every sync that succeeded. A mark that cannot be written is as good as an old one.
void LogWriter::note_durable(std::uint64_t end) noexcept {
    durable_end_ = end;
    if (mark_ == nullptr || end == kLogHeaderBytes) {
        return;
    }
    try {
        static_cast<void>(mark_->write_at(0, encode_log_mark(identity_, end)));
    } catch (const std::bad_alloc&) {
        return;  // an error that could not be told
    }
}

Status LogWriter::check_usable() const {
    if (broken_) {
        return fail(Code::kIo,
                    fmt::format("'{}' takes no more writes: an earlier sync failed", file_->path()),
                    "open the database again; what was acknowledged is safe");
    }
    return {};
}

std::string LogWriter::record_header(const LogEntry& entry, std::uint64_t offset,
                                     std::uint64_t length, std::uint32_t payload_crc) const {
    const std::uint64_t behind = (offset - durable_end_) / kLogAlign;
    Encoder body;
    body.put(payload_crc);
    body.put(length);
    body.put(entry.lsn);
    body.put(entry.time_ns);
    body.put(static_cast<std::uint32_t>(entry.type));
    body.put(static_cast<std::uint32_t>(std::min<std::uint64_t>(behind, kNothingDurable)));
    Encoder header;
    header.put(crc32c(as_bytes(body.bytes()), header_seed(identity_.salt)));
    header.put_bytes(body.bytes());
    return header.take();
}

Result<LogWriter::Plan> LogWriter::plan(std::span<const LogEntry> entries) const {
    Plan plan;
    plan.end = end_;
    plan.headers.reserve(entries.size());
    plan.lengths.reserve(entries.size());
    for (const LogEntry& entry : entries) {
        std::uint64_t length = 0;
        std::uint32_t payload_crc = payload_seed(identity_.salt);
        for (const auto piece : entry.pieces) {
            payload_crc = crc32c(piece, payload_crc);
            length += piece.size();
        }
        if (length > kMaxRecordBytes) {
            return fail(Code::kInvalidArgument, "one commit may hold at most 4 GiB",
                        "commit fewer rows at a time");
        }
        plan.headers.push_back(record_header(entry, plan.end, length, payload_crc));
        plan.lengths.push_back(length);
        plan.end += kRecordHeaderBytes + padded(length);
    }
    plan.zeros.resize(room_to_lay_out(plan.end));
    return plan;
}

// How many zeros to write behind `from`, where the log will end. A sync after a write behind the
// file's end also commits the new size, which costs the file system a second write; within the end
// it does not.
std::size_t LogWriter::room_to_lay_out(std::uint64_t from) const {
    const std::uint64_t length = end_ - kLogHeaderBytes;
    const bool wanted = lays_out_ && policy_.mode == SyncMode::kFull && from > laid_out_end_ &&
                        from - end_ < kDirectBytes && length >= kLayOutFrom;
    return wanted ? static_cast<std::size_t>(std::min(length, kLayOutMost)) : 0;
}

// Never a failure of the commit: without room the log grows as it goes.
void LogWriter::lay_out(std::uint64_t from, std::span<const std::byte> zeros) {
    if (file_->write_at(from, zeros)) {
        laid_out_end_ = from + zeros.size();
        return;
    }
    lays_out_ = false;
    static_cast<void>(file_->truncate(end_));
    laid_out_end_ = end_;
}

Status LogWriter::write_records(std::span<const LogEntry> entries, Plan& plan) {
    if (!plan.zeros.empty()) {
        lay_out(plan.end, plan.zeros);
    }
    const std::array<std::byte, kLogAlign> padding{};
    Gatherer out(*file_, end_ + kRecordHeaderBytes, plan.end - end_);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (i != 0) {
            ABI_CHECK(out.put(as_bytes(plan.headers[i])));
        }
        for (const auto piece : entries[i].pieces) {
            ABI_CHECK(out.put(piece));
        }
        ABI_CHECK(out.put(std::span(padding).first(padded(plan.lengths[i]) - plan.lengths[i])));
    }
    ABI_CHECK(out.flush());
    // Until this is there no reader sees any of the group: a group that fails half-way was never
    // seen by anybody.
    return file_->write_at(end_, as_bytes(plan.headers[0]));
}

bool LogWriter::sync_is_due(std::uint64_t end) const {
    switch (policy_.mode) {
        case SyncMode::kFull:
            return true;
        case SyncMode::kNormal:
            return end - durable_end_ >= policy_.bytes ||
                   monotonic_ns() - unsynced_since_ >= policy_.interval_ns;
        case SyncMode::kOff:
            return false;
    }
    return true;
}

Status LogWriter::append(std::span<const LogEntry> entries) {
    ABI_CHECK(check_usable());
    if (entries.empty()) {
        return {};
    }
    ABI_TRY(Plan plan, this->plan(entries));
    if (durable_end_ == end_) {
        unsynced_since_ = monotonic_ns();
    }
    broken_ = true;  // until the outcome is known, also when an exception says it
    if (Status written = write_records(entries, plan); !written) {
        // Give the space back, durably: all but the padding may have been written, and a crash must
        // not bring back what was reported as failed.
        if (file_->truncate(end_) && file_->sync()) {
            note_durable(end_);
            laid_out_end_ = end_;
            broken_ = false;
        }
        return written;
    }
    if (sync_is_due(plan.end)) {
        ABI_CHECK(file_->sync());
        note_durable(plan.end);
    }
    end_ = plan.end;
    broken_ = false;
    return {};
}

Status LogWriter::append(RecordType type, std::uint64_t lsn, std::int64_t time_ns,
                         std::span<const std::span<const std::byte>> pieces) {
    const LogEntry entry{type, lsn, time_ns, pieces};
    return append(std::span(&entry, 1));
}

Status LogWriter::sync() {
    ABI_CHECK(check_usable());
    if (durable_end_ == end_) {
        return {};
    }
    broken_ = true;
    ABI_CHECK(file_->sync());
    note_durable(end_);
    broken_ = false;
    return {};
}

}  // namespace abikit::storage
