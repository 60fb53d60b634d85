// The layout of a one-file archive: a header, the files of a database, each at a multiple of 4,096
// bytes, a table of contents, a footer. Bytes in docs/formats/wdbx-archive.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>

#include "format.hpp"

namespace abikit::storage {

inline constexpr std::size_t kArchiveAlign = 4096;
inline constexpr std::size_t kArchiveHeaderBytes = kArchiveAlign;
inline constexpr std::uint32_t kArchiveVersion = 1;

struct ArchiveHeader {
    Uuid uuid{};  // of the database in it
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;  // when it was made
};

struct ArchiveFile {
    std::string name;  // as in a database directory
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint32_t crc = 0;
    bool operator==(const ArchiveFile&) const = default;
};

struct ArchiveContents {
    ArchiveHeader header;
    std::vector<ArchiveFile> files;  // in order of their offsets
};

std::string encode_archive_header(const ArchiveHeader& header);  // kArchiveHeaderBytes
// The table of contents and the footer, to be written at `offset`.
std::string encode_archive_tail(const std::vector<ArchiveFile>& files, std::uint64_t offset);
// Reads the header, the table and the footer of a whole archive. kCorrupt with the byte offset,
// kIncompatible for a newer format. What it returns lies inside `bytes`, without overlap and with
// names of a database's files; the content of the files is check_archive's.
Result<ArchiveContents> decode_archive(std::span<const std::byte> bytes, std::string_view path);
// Compares every byte that decode_archive left: the files with their checksums, the padding with
// zeros. kCorrupt with an offset.
Status check_archive(std::span<const std::byte> bytes, const ArchiveContents& contents,
                     std::string_view path);

}  // namespace abikit::storage
