// Log records: header, payload in pieces, padding to eight bytes; recovery stops at the first one
// that is not whole.
#include "log.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>

namespace abikit::storage {

namespace {
constexpr std::string_view kMagic = "WDBXLOG1";
constexpr std::uint64_t kAlign = 8;

std::uint64_t padded(std::uint64_t bytes) {
    return (bytes + kAlign - 1) / kAlign * kAlign;
}
std::uint32_t payload_seed(std::uint64_t salt) {
    return static_cast<std::uint32_t>(salt);
}
std::uint32_t header_seed(std::uint64_t salt) {
    return static_cast<std::uint32_t>(salt >> 32);
}

std::string encode_file_header(const LogIdentity& identity) {
    Encoder out;
    out.put_bytes(kMagic);
    out.put(kFormatVersion);
    out.put(std::uint32_t{0x01020304});
    out.put(identity.uuid);
    out.put(identity.number);
    out.put(identity.salt);
    out.put(std::uint64_t{0});  // required features
    out.put(std::uint32_t{0});
    out.put(crc32c(as_bytes(out.bytes())));
    return out.take();
}
}  // namespace

struct LogReader::Header {
    std::uint32_t payload_crc = 0;
    std::uint64_t length = 0;
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;
    std::uint32_t type = 0;
};

Status create_log(FileSystem& fs, const std::string& path, const LogIdentity& identity) {
    ABI_TRY(auto file, fs.open(path, OpenMode::kTruncate));
    ABI_CHECK(file->write_at(0, as_bytes(encode_file_header(identity))));
    return file->sync();
}

Result<LogReader> LogReader::open(FileSystem& fs, const std::string& path,
                                  const LogIdentity& identity) {
    ABI_TRY(auto file, fs.open(path, OpenMode::kRead));
    ABI_TRY(const std::uint64_t size, file->size());
    std::array<std::byte, kLogHeaderBytes> raw{};
    ABI_TRY(const std::size_t got, file->read_at(0, raw));
    const std::string_view bytes = as_text(raw);
    if (got < kLogHeaderBytes || !bytes.starts_with(kMagic)) {
        return fail(
            corruption(path, 0, got < kLogHeaderBytes ? "it is cut short" : "it is no wdbx log"));
    }
    Decoder header(bytes.substr(kMagic.size()));
    if (const auto version = header.get<std::uint32_t>(); version > kFormatVersion) {
        return fail(newer_format(path, version));
    }
    if (bytes != encode_file_header(identity)) {
        return fail(corruption(path, kMagic.size(),
                               "the header is damaged or belongs to another database"));
    }
    return LogReader(std::move(file), identity, size);
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
    const std::uint64_t room = size_ - offset - kRecordHeaderBytes;
    if (header.length > kMaxRecordBytes || header.length > room || header.lsn <= last_lsn_) {
        return std::nullopt;
    }
    return header;
}

Result<bool> LogReader::load_payload(std::uint64_t offset, const Header& header) {
    buffer_.resize(padded(header.length) / kAlign);
    const auto bytes = std::as_writable_bytes(std::span(buffer_)).first(header.length);
    ABI_TRY(const std::size_t got, file_->read_at(offset + kRecordHeaderBytes, bytes));
    return got == header.length &&
           crc32c(bytes, payload_seed(identity_.salt)) == header.payload_crc;
}

Result<std::optional<LogRecord>> LogReader::next() {
    if (position_ >= size_) {
        return std::nullopt;
    }
    ABI_TRY(const auto header, read_header(position_));
    bool whole = false;
    if (header) {
        ABI_TRY(whole, load_payload(position_, *header));
    }
    if (!whole) {
        ABI_TRY(const bool later, valid_record_after(position_ + kAlign));
        if (later) {
            return fail(
                corruption(file_->path(), position_, "a log record does not match its checksum"));
        }
        return std::nullopt;
    }
    LogRecord record{header->lsn, header->time_ns, header->type, position_, {}};
    record.payload = as_text(std::as_bytes(std::span(buffer_)).first(header->length));
    // Past the end of the file where a crash cut the padding off: the writer puts it back.
    position_ += kRecordHeaderBytes + padded(header->length);
    last_lsn_ = header->lsn;
    return record;
}

// Whether a whole record starts anywhere at or after `offset`: then what lies before it was
// acknowledged, not cut off.
Result<bool> LogReader::valid_record_after(std::uint64_t offset) {
    constexpr std::uint64_t kWindow = std::uint64_t{1} << 20;
    std::vector<std::byte> window;
    while (offset + kRecordHeaderBytes <= size_) {
        window.resize(std::min(kWindow + kRecordHeaderBytes, size_ - offset));
        ABI_TRY(const std::size_t got, file_->read_at(offset, window));
        std::uint64_t step = 0;
        for (; step + kRecordHeaderBytes <= got && step < kWindow; step += kAlign) {
            std::uint32_t crc = 0;
            std::memcpy(&crc, window.data() + step, sizeof crc);
            if (crc != crc32c(std::span(window).subspan(step + 4, kRecordHeaderBytes - 4),
                              header_seed(identity_.salt))) {
                continue;
            }
            ABI_TRY(const auto header, read_header(offset + step));
            if (header) {
                ABI_TRY(const bool whole, load_payload(offset + step, *header));
                if (whole) {
                    return true;
                }
            }
        }
        if (step == 0) {
            break;
        }
        offset += step;
    }
    return false;
}

namespace {
Status rewrite_in_place(File& file, std::uint64_t end) {
    std::vector<std::byte> block(std::min<std::uint64_t>(end, std::uint64_t{1} << 20));
    for (std::uint64_t at = 0; at < end; at += block.size()) {
        const auto part = std::span(block).first(std::min<std::uint64_t>(block.size(), end - at));
        ABI_TRY(const std::size_t got, file.read_at(at, part));
        ABI_CHECK(file.write_at(at, part.first(got)));
    }
    return {};
}
}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::open(FileSystem& fs, const std::string& path,
                                                   const LogIdentity& identity, std::uint64_t end) {
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
    return std::unique_ptr<LogWriter>(new LogWriter(std::move(file), identity, end));
}

Status LogWriter::append(RecordType type, std::uint64_t lsn, std::int64_t time_ns,
                         std::span<const std::span<const std::byte>> pieces) {
    if (broken_) {
        return fail(Code::kIo,
                    fmt::format("'{}' takes no more writes: an earlier sync failed", file_->path()),
                    "open the database again; what was acknowledged is safe");
    }
    std::uint64_t length = 0;
    std::uint32_t payload_crc = payload_seed(identity_.salt);
    for (const auto piece : pieces) {
        payload_crc = crc32c(piece, payload_crc);
        length += piece.size();
    }
    if (length > kMaxRecordBytes) {
        return fail(Code::kInvalidArgument, "one commit may hold at most 4 GiB",
                    "commit fewer rows at a time");
    }
    Encoder body;
    body.put(payload_crc);
    body.put(length);
    body.put(lsn);
    body.put(time_ns);
    body.put(static_cast<std::uint32_t>(type));
    body.put(std::uint32_t{0});
    Encoder header;
    header.put(crc32c(as_bytes(body.bytes()), header_seed(identity_.salt)));
    header.put_bytes(body.bytes());

    std::uint64_t at = end_ + kRecordHeaderBytes;
    Status written = file_->write_at(end_, as_bytes(header.bytes()));
    for (std::size_t i = 0; written && i < pieces.size(); ++i) {
        written = file_->write_at(at, pieces[i]);
        at += pieces[i].size();
    }
    if (const std::uint64_t tail = padded(length) - length; written && tail != 0) {
        const std::array<std::byte, kAlign> zeros{};
        written = file_->write_at(at, std::span(zeros).first(tail));
    }
    if (!written) {
        // Give the space back, durably: all but the padding may have been written, and a crash must
        // not bring back what was reported as failed.
        broken_ = !file_->truncate(end_) || !file_->sync();
        return written;
    }
    if (Status synced = file_->sync(); !synced) {
        broken_ = true;
        return synced;
    }
    end_ += kRecordHeaderBytes + padded(length);
    return {};
}

}  // namespace abikit::storage
