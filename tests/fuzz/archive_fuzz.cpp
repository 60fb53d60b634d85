// Archives: header, table and footer. The first byte says whether the checksums are made right
// before decoding, so that what lies behind them is reached as well.
#include <abi/core/crc32c.hpp>

#include "storage/archive_format.hpp"
#include "storage_fuzz.hpp"

using namespace abikit;
using namespace abikit::storage;
using abikit::storage::fuzz::require;

namespace {

constexpr std::size_t kFooterBytes = 48, kTotalAt = 8, kOffsetAt = 16, kLengthAt = 24,
                      kTableCrcAt = 32;

template <class T>
void put(std::string& bytes, std::size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

// Makes the footer fit the file, and every checksum.
void seal(std::string& bytes) {
    if (bytes.size() < kArchiveHeaderBytes + kFooterBytes) {
        return;
    }
    put(bytes, kArchiveHeaderBytes - 4,
        crc32c(as_bytes(std::string_view(bytes).substr(0, kArchiveHeaderBytes - 4))));
    const std::size_t footer = bytes.size() - kFooterBytes;
    std::uint64_t offset = 0;
    std::memcpy(&offset, bytes.data() + footer + kOffsetAt, sizeof offset);
    offset = offset > footer ? footer : offset;
    put(bytes, footer + kTotalAt, std::uint64_t{bytes.size()});
    put(bytes, footer + kOffsetAt, offset);
    put(bytes, footer + kLengthAt, std::uint64_t{footer - offset});
    put(bytes, footer + kTableCrcAt,
        crc32c(as_bytes(std::string_view(bytes).substr(offset, footer - offset))));
    put(bytes, bytes.size() - 4,
        crc32c(as_bytes(std::string_view(bytes).substr(footer, kFooterBytes - 4))));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    std::string bytes(fuzz::text_of(data + 1, size - 1));
    if ((data[0] & 1U) != 0) {
        seal(bytes);
    }
    const auto contents = decode_archive(as_bytes(bytes), "a");
    if (!contents) {
        const Code code = contents.error().code();
        require(code == Code::kCorrupt || code == Code::kIncompatible);
        return 0;
    }
    std::uint64_t end = kArchiveHeaderBytes;
    for (const ArchiveFile& file : contents->files) {
        require(file.offset % kArchiveAlign == 0 && file.offset >= end);
        end = file.offset + file.length;
        require(end <= bytes.size());
    }
    const std::uint64_t table = (end + kArchiveAlign - 1) / kArchiveAlign * kArchiveAlign;
    // Everything of the table and the footer is meaning: it comes back byte for byte.
    require(encode_archive_tail(contents->files, table) == bytes.substr(table));
    const Status status = check_archive(as_bytes(bytes), *contents, "a");
    require(status.has_value() || status.error().code() == Code::kCorrupt);
    return 0;
}
