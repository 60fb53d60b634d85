// Reading the log: recovery stops at the first record that is not whole, and tells what a crash cut
// off from what was damaged later. Records are written in log_writer.cpp.
#include "log.hpp"

#include <algorithm>
#include <cstring>

#include <abi/core/crc32c.hpp>

#include "log_format.hpp"
#include "log_mark.hpp"

namespace abikit::storage {

namespace {
constexpr std::string_view kMagic = "WDBXLOG1";

std::string encode_file_header(const LogIdentity& identity, std::uint32_t version) {
    Encoder out;
    out.put_bytes(kMagic);
    out.put(version);
    out.put(std::uint32_t{0x01020304});
    out.put(identity.uuid);
    out.put(identity.number);
    out.put(identity.salt);
    out.put(std::uint64_t{0});  // required features
    out.put(std::uint32_t{0});
    out.put(crc32c(as_bytes(out.bytes())));
    return out.take();
}

// Whether what it says can be believed: damage must not look like a newer version.
bool header_is_intact(std::string_view bytes) {
    std::uint32_t crc = 0;
    std::memcpy(&crc, bytes.data() + kLogHeaderBytes - sizeof crc, sizeof crc);
    return crc == crc32c(as_bytes(bytes.substr(0, kLogHeaderBytes - sizeof crc)));
}
}  // namespace

struct LogReader::Header {
    std::uint32_t payload_crc = 0;
    std::uint64_t length = 0;
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;
    std::uint32_t type = 0;
    std::uint64_t durable = 0;  // everything before this offset was when the record was written
};

Status create_log(FileSystem& fs, const std::string& path, const LogIdentity& identity) {
    ABI_TRY(auto file, fs.open(path, OpenMode::kTruncate));
    ABI_CHECK(file->write_at(0, as_bytes(encode_file_header(identity, kFormatVersion))));
    return file->sync();
}

Result<bool> LogProbe::has_more() const {
    std::array<std::byte, kRecordHeaderBytes> raw{};
    ABI_TRY(const std::size_t got, file_->read_at(position_, raw));
    std::uint32_t crc = 0;
    std::memcpy(&crc, raw.data(), sizeof crc);
    return got == raw.size() && crc == crc32c(std::span(raw).subspan(4), header_seed(salt_));
}

Result<LogReader> LogReader::open(FileSystem& fs, const std::string& path,
                                  const LogIdentity& identity) {
    ABI_TRY(auto file, fs.open(path, OpenMode::kRead));
    // Before the size: a writer at work makes the log longer before it says so.
    const std::uint64_t marked_end = read_log_mark(fs, path, identity);
    ABI_TRY(const std::uint64_t size, file->size());
    std::array<std::byte, kLogHeaderBytes> raw{};
    ABI_TRY(const std::size_t got, file->read_at(0, raw));
    const std::string_view bytes = as_text(raw);
    if (got < kLogHeaderBytes || !bytes.starts_with(kMagic)) {
        return fail(
            corruption(path, 0, got < kLogHeaderBytes ? "it is cut short" : "it is no wdbx log"));
    }
    Decoder header(bytes.substr(kMagic.size()));
    const auto version = header.get<std::uint32_t>();
    if (version > kFormatVersion && header_is_intact(bytes)) {
        return fail(newer_format(path, version));
    }
    if (bytes != encode_file_header(identity, version)) {
        return fail(corruption(path, kMagic.size(),
                               "the header is damaged or belongs to another database"));
    }
    return LogReader(std::move(file), identity, size, marked_end);
}

Result<std::optional<LogReader::Header>> LogReader::read_header(std::uint64_t offset) const {
    std::array<std::byte, kRecordHeaderBytes> raw{};
    if (offset + kRecordHeaderBytes > size_) {
        return std::nullopt;
    }
    ABI_TRY(const std::size_t got, file_->read_at(offset, raw));
    if (got < kRecordHeaderBytes) {
        return std::nullopt;
    }
    Decoder decoder(as_text(raw));
    const auto header_crc = decoder.get<std::uint32_t>();
    if (header_crc != crc32c(std::span(raw).subspan(4), header_seed(identity_.salt))) {
        return std::nullopt;
    }
    Header header;
    header.payload_crc = decoder.get<std::uint32_t>();
    header.length = decoder.get<std::uint64_t>();
    header.lsn = decoder.get<std::uint64_t>();
    header.time_ns = decoder.get<std::int64_t>();
    header.type = decoder.get<std::uint32_t>();
    const auto behind = decoder.get<std::uint32_t>();
    const std::uint64_t distance = behind * kLogAlign;
    header.durable = behind == kNothingDurable || distance > offset ? 0 : offset - distance;
    const std::uint64_t room = size_ - offset - kRecordHeaderBytes;
    if (header.length > kMaxRecordBytes || header.length > room || header.lsn <= last_lsn_) {
        return std::nullopt;
    }
    return header;
}

Result<bool> LogReader::load_payload(std::uint64_t offset, const Header& header) {
    buffer_.resize(padded(header.length) / kLogAlign);
    const auto bytes = std::as_writable_bytes(std::span(buffer_)).first(header.length);
    ABI_TRY(const std::size_t got, file_->read_at(offset + kRecordHeaderBytes, bytes));
    return got == header.length &&
           crc32c(bytes, payload_seed(identity_.salt)) == header.payload_crc;
}

Result<std::optional<LogRecord>> LogReader::take_whole() {
    ABI_TRY(const auto header, read_header(position_));
    if (!header) {
        return std::nullopt;
    }
    ABI_TRY(const bool whole, load_payload(position_, *header));
    if (!whole) {
        return std::nullopt;
    }
    LogRecord record{header->lsn, header->time_ns, header->type, position_, {}};
    record.payload = as_text(std::as_bytes(std::span(buffer_)).first(header->length));
    // Past the end of the file where a crash cut the padding off: the writer puts it back.
    position_ += kRecordHeaderBytes + padded(header->length);
    last_lsn_ = header->lsn;
    return record;
}

Result<std::optional<LogRecord>> LogReader::next() {
    if (position_ >= size_ && position_ >= marked_end_) {
        return std::nullopt;
    }
    ABI_TRY(auto record, take_whole());
    if (record) {
        return record;
    }
    if (position_ < marked_end_) {
        return fail(corruption(file_->path(), position_,
                               "a log record that was durable is damaged or cut off"));
    }
    ABI_TRY(const bool damaged, was_durable(position_));
    if (!damaged) {
        return std::nullopt;
    }
    // Or a writer is at work and wrote this record, and later ones, while we looked: it would be
    // whole by now.
    ABI_TRY(record, take_whole());
    if (!record) {
        return fail(
            corruption(file_->path(), position_, "a log record does not match its checksum"));
    }
    return record;
}

Result<std::optional<LogRecord>> LogReader::poll() {
    ABI_TRY(size_, file_->size());
    return take_whole();
}

// Whether a whole record anywhere behind `offset` says that what is at `offset` was durable before:
// then it is not what a crash cut off. Records of one sync reach the disk in any order, so that
// whole ones behind a torn one prove nothing by themselves.
Result<bool> LogReader::was_durable(std::uint64_t offset) {
    constexpr std::uint64_t kWindow = std::uint64_t{1} << 20;
    std::vector<std::byte> window;
    std::uint64_t at = offset + kLogAlign;
    while (at + kRecordHeaderBytes <= size_) {
        window.resize(std::min(kWindow + kRecordHeaderBytes, size_ - at));
        ABI_TRY(const std::size_t got, file_->read_at(at, window));
        std::uint64_t step = 0;
        while (step + kRecordHeaderBytes <= got && step < kWindow) {
            ABI_TRY(const auto header,
                    candidate(at + step, std::span(window).subspan(step, kRecordHeaderBytes)));
            if (!header) {
                step += kLogAlign;
                continue;
            }
            if (header->durable > offset) {
                return true;
            }
            step += kRecordHeaderBytes + padded(header->length);
        }
        if (step == 0) {
            break;
        }
        at += step;
    }
    return false;
}

// The header of the record at `offset` when a whole one stands there; `raw` is what was read.
Result<std::optional<LogReader::Header>> LogReader::candidate(std::uint64_t offset,
                                                              std::span<const std::byte> raw) {
    std::uint32_t crc = 0;
    std::uint64_t lsn = 0;
    std::memcpy(&crc, raw.data(), sizeof crc);
    std::memcpy(&lsn, raw.data() + 16, sizeof lsn);
    // The number first: zeros, of which there may be many, cost no checksum.
    if (lsn <= last_lsn_ || crc != crc32c(raw.subspan(4), header_seed(identity_.salt))) {
        return std::nullopt;
    }
    ABI_TRY(auto header, read_header(offset));
    if (header) {
        ABI_TRY(const bool whole, load_payload(offset, *header));
        if (whole) {
            return header;
        }
    }
    return std::nullopt;
}

}  // namespace abikit::storage
