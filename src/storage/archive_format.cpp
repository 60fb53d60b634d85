// Coding of archives. Found from the end: the footer, the table, then the files; the header says
// the same as the footer about the version, so that a stream is told from its first bytes.
#include "archive_format.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>

namespace abikit::storage {

namespace {
constexpr std::string_view kMagic = "WDBXARC1";
constexpr std::string_view kEndMagic = "WDBXARCE";
constexpr std::size_t kFooterBytes = 48;
constexpr std::size_t kLeastEntryBytes = 24;  // two lengths, an offset and a checksum
constexpr std::size_t kHeaderCrcAt = kArchiveHeaderBytes - 4;

std::uint64_t aligned(std::uint64_t offset) {
    return (offset + kArchiveAlign - 1) / kArchiveAlign * kArchiveAlign;
}

std::string_view text_at(std::span<const std::byte> bytes, std::uint64_t offset,
                         std::uint64_t length) {
    return as_text(
        bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length)));
}

bool is_database_file(std::string_view name) {
    const FileRole role = parse_file_name(name).role;
    return role == FileRole::kManifest || role == FileRole::kLog || role == FileRole::kSegment ||
           role == FileRole::kEmbedder;
}

Result<ArchiveHeader> decode_header(std::span<const std::byte> bytes, std::string_view path) {
    if (bytes.size() < kArchiveHeaderBytes + kFooterBytes || !as_text(bytes).starts_with(kMagic)) {
        const bool is_short = as_text(bytes).starts_with(kMagic);
        return fail(corruption(path, is_short ? bytes.size() : 0,
                               is_short ? "it is cut short" : "it is no wdbx archive"));
    }
    const std::string_view head = text_at(bytes, 0, kArchiveHeaderBytes);
    Decoder in(head.substr(kMagic.size()));
    const auto version = in.get<std::uint32_t>();
    in.get<std::uint32_t>();
    const auto features = in.get<std::uint64_t>();
    Decoder end(head.substr(kHeaderCrcAt));
    if (crc32c(as_bytes(head.substr(0, kHeaderCrcAt))) != end.get<std::uint32_t>()) {
        return fail(corruption(path, 0, "the header does not match its checksum"));
    }
    if (version > kArchiveVersion || features != 0) {
        return fail(Code::kIncompatible,
                    fmt::format("'{}' has archive format {}, newer than this abi reads ({})", path,
                                version, kArchiveVersion),
                    "use a newer abi");
    }
    ArchiveHeader header;
    header.uuid = in.get<Uuid>();
    header.lsn = in.get<std::uint64_t>();
    header.time_ns = in.get<std::int64_t>();
    return header;
}

// Where the table is.
struct Footer {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint32_t crc = 0;
};

Result<Footer> decode_footer(std::span<const std::byte> bytes, std::string_view path) {
    const std::uint64_t at = bytes.size() - kFooterBytes;
    const std::string_view raw = text_at(bytes, at, kFooterBytes);
    if (!raw.starts_with(kEndMagic)) {
        return fail(corruption(path, bytes.size(), "it is cut short: its footer is missing"));
    }
    Decoder in(raw.substr(kEndMagic.size()));
    const auto total = in.get<std::uint64_t>();
    Footer footer;
    footer.offset = in.get<std::uint64_t>();
    footer.length = in.get<std::uint64_t>();
    footer.crc = in.get<std::uint32_t>();
    const auto reserved = in.get<std::uint64_t>();
    const std::uint32_t expected = crc32c(as_bytes(raw.substr(0, kFooterBytes - 4)));
    if (in.get<std::uint32_t>() != expected || reserved != 0) {
        return fail(corruption(path, at, "the footer does not match its checksum"));
    }
    if (total != bytes.size() || footer.offset > at || footer.length != at - footer.offset) {
        return fail(corruption(path, at, "the footer does not fit the file"));
    }
    return footer;
}

Result<std::vector<ArchiveFile>> decode_table(std::string_view table, const Footer& footer,
                                              std::string_view path) {
    const auto impossible = [&] {
        return fail(corruption(path, footer.offset, "the table of contents is impossible"));
    };
    if (crc32c(as_bytes(table)) != footer.crc) {
        return fail(
            corruption(path, footer.offset, "the table of contents does not match its checksum"));
    }
    Decoder in(table);
    const auto count = in.get<std::uint32_t>();
    if (count > in.remaining() / kLeastEntryBytes) {
        return impossible();
    }
    std::vector<ArchiveFile> files;
    std::set<std::string, std::less<>> names;
    std::uint64_t end = kArchiveHeaderBytes;
    for (std::uint32_t i = 0; i < count; ++i) {
        ArchiveFile file;
        file.name = in.get_string();
        file.offset = in.get<std::uint64_t>();
        file.length = in.get<std::uint64_t>();
        file.crc = in.get<std::uint32_t>();
        const bool fits = in.ok() && file.offset == aligned(end) && file.offset <= footer.offset &&
                          file.length <= footer.offset - file.offset;
        if (!fits || !is_database_file(file.name) || !names.insert(file.name).second) {
            return impossible();
        }
        end = file.offset + file.length;
        files.push_back(std::move(file));
    }
    if (in.remaining() != 0 || footer.offset != aligned(end)) {
        return impossible();
    }
    return files;
}
}  // namespace

std::string encode_archive_header(const ArchiveHeader& header) {
    Encoder out;
    out.put_bytes(kMagic);
    out.put(kArchiveVersion);
    out.put(std::uint32_t{0x01020304});
    out.put(std::uint64_t{0});  // required features
    out.put(header.uuid);
    out.put(header.lsn);
    out.put(header.time_ns);
    std::string bytes = out.take();
    bytes.resize(kHeaderCrcAt);
    const std::uint32_t crc = crc32c(as_bytes(bytes));
    bytes.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    return bytes;
}

std::string encode_archive_tail(const std::vector<ArchiveFile>& files, std::uint64_t offset) {
    Encoder out;
    out.put(static_cast<std::uint32_t>(files.size()));
    for (const ArchiveFile& file : files) {
        out.put_string(file.name);
        out.put(file.offset);
        out.put(file.length);
        out.put(file.crc);
    }
    const std::uint64_t length = out.size();
    const std::uint32_t crc = crc32c(as_bytes(out.bytes()));
    Encoder footer;
    footer.put_bytes(kEndMagic);
    footer.put(offset + length + kFooterBytes);
    footer.put(offset);
    footer.put(length);
    footer.put(crc);
    footer.put(std::uint64_t{0});
    footer.put(crc32c(as_bytes(footer.bytes())));
    out.put_bytes(footer.bytes());
    return out.take();
}

Result<ArchiveContents> decode_archive(std::span<const std::byte> bytes, std::string_view path) {
    ArchiveContents contents;
    ABI_TRY(contents.header, decode_header(bytes, path));
    ABI_TRY(const Footer footer, decode_footer(bytes, path));
    ABI_TRY(contents.files,
            decode_table(text_at(bytes, footer.offset, footer.length), footer, path));
    return contents;
}

Status check_archive(std::span<const std::byte> bytes, const ArchiveContents& contents,
                     std::string_view path) {
    for (const ArchiveFile& file : contents.files) {
        if (crc32c(as_bytes(text_at(bytes, file.offset, file.length))) != file.crc) {
            return fail(corruption(path, file.offset,
                                   fmt::format("'{}' does not match its checksum", file.name)));
        }
        const std::uint64_t end = file.offset + file.length;
        const std::string_view padding = text_at(bytes, end, aligned(end) - end);
        const std::size_t odd = padding.find_first_not_of('\0');
        if (odd != std::string_view::npos) {
            return fail(corruption(path, end + odd, "the padding is not zero"));
        }
    }
    return {};
}

}  // namespace abikit::storage
