// Behind a gap the next record is looked for at every multiple of eight: the salt makes it unlikely
// beyond measure that anything else looks like one.
#include "repair_log.hpp"

#include <algorithm>

#include <abi/core/crc32c.hpp>

#include "log_format.hpp"
#include "log_mark.hpp"
#include "repair_read.hpp"

namespace abikit::storage {

namespace {
struct Found {
    LogRecord record;
    std::uint64_t end = 0;      // where the next one begins
    std::uint64_t durable = 0;  // bytes before this offset were durable when it was written
};

class Scanner {
public:
    Scanner(std::span<const std::byte> bytes, std::uint64_t salt) : bytes_(bytes), salt_(salt) {}

    std::optional<Found> record_at(std::uint64_t offset, std::uint64_t after) const {
        if (offset + kRecordHeaderBytes > bytes_.size()) {
            return std::nullopt;
        }
        const auto header = bytes_.subspan(offset, kRecordHeaderBytes);
        Decoder in(as_text(header));
        if (in.get<std::uint32_t>() != crc32c(header.subspan(4), header_seed(salt_))) {
            return std::nullopt;
        }
        const auto payload_crc = in.get<std::uint32_t>();
        const auto length = in.get<std::uint64_t>();
        Found found;
        found.record.lsn = in.get<std::uint64_t>();
        found.record.time_ns = in.get<std::int64_t>();
        found.record.type = in.get<std::uint32_t>();
        found.record.offset = offset;
        const auto undurable = in.get<std::uint32_t>();
        if (length > bytes_.size() - offset - kRecordHeaderBytes || found.record.lsn <= after) {
            return std::nullopt;
        }
        const auto payload = bytes_.subspan(offset + kRecordHeaderBytes, length);
        if (crc32c(payload, payload_seed(salt_)) != payload_crc) {
            return std::nullopt;
        }
        found.record.payload = as_text(payload);
        found.end = offset + kRecordHeaderBytes + padded(length);
        const std::uint64_t back = std::uint64_t{undurable} * kLogAlign;
        found.durable = undurable == kNothingDurable || back > offset ? 0 : offset - back;
        return found;
    }

    bool zeros(std::uint64_t begin, std::uint64_t end) const {
        const auto part = bytes_.subspan(begin, end - begin);
        return std::all_of(part.begin(), part.end(),
                           [](std::byte byte) { return byte == std::byte{0}; });
    }

private:
    std::span<const std::byte> bytes_;
    std::uint64_t salt_;
};
}  // namespace

Result<ScannedLog> scan_log(const Context& context, const std::string& path,
                            const LogIdentity& identity, std::uint64_t after) {
    constexpr std::uint64_t kCancelEvery = std::uint64_t{1} << 20;
    ScannedLog log;
    ABI_TRY(const auto file, context.fs->open(path, OpenMode::kRead));
    log.header_intact = LogReader::open(*context.fs, path, identity).has_value();
    ABI_TRY(const std::uint64_t size, file->size());
    log.bytes.resize(padded(size) / kLogAlign);
    const auto bytes = std::as_writable_bytes(std::span(log.bytes)).first(size);
    // What the device refuses is zeros here, and so a gap.
    ABI_TRY(const auto unreadable, read_what_can_be(context, *file, size, bytes.data()));
    const Scanner scanner(bytes, identity.salt);
    std::uint64_t last = after, gap = kLogHeaderBytes;
    std::uint64_t durable = read_log_mark(*context.fs, path, identity);
    for (std::uint64_t at = kLogHeaderBytes; at < bytes.size();) {
        if (at % kCancelEvery == 0) {
            ABI_CHECK(context.cancel.check());
        }
        const auto found = scanner.record_at(at, last);
        if (!found) {
            at += kLogAlign;
            continue;
        }
        if (at != gap) {
            log.gaps.push_back({gap, at, last, found->record.lsn, false});
        }
        durable = std::max(durable, found->durable);
        last = found->record.lsn;
        log.records.push_back(found->record);
        at = gap = found->end;
    }
    // Zeros at the end are space that was laid out ahead, unless the mark says otherwise.
    if (durable > gap || (gap < bytes.size() && (touches(unreadable, gap, bytes.size()) ||
                                                 !scanner.zeros(gap, bytes.size())))) {
        log.gaps.push_back({gap, std::max<std::uint64_t>(bytes.size(), durable), last, 0, false});
    }
    for (LogGap& each : log.gaps) {
        each.was_durable = durable > each.begin;
    }
    return log;
}

}  // namespace abikit::storage
