// The file that describes one backup, and the names in a repository (docs/formats/wdbx-backup.md).
// Read backup_repository.hpp next.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest.hpp"

namespace abikit::storage {

inline constexpr std::uint32_t kBackupVersion = 1;
inline constexpr std::string_view kStoreName = "files";  // the directory of a repository

// One immutable file of a database.
struct BackupFile {
    std::string name;           // in the database
    std::uint64_t length = 0;   // of a log: up to the end of its last whole record
    std::uint32_t crc = 0;      // CRC-32C of these bytes
    std::uint32_t binding = 0;  // of a segment: its header's checksum, as in the manifest
    friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

struct BackupRecord {
    std::uint64_t number = 0;
    Uuid uuid{};
    std::uint64_t lsn = 0;
    std::int64_t time_ns = 0;
    std::string manifest;           // its bytes as they were
    std::vector<BackupFile> files;  // all that the manifest names, in order of their names

    std::uint64_t bytes() const noexcept;
};

std::string encode_backup(const BackupRecord& record);
// Whatever it returns has a manifest that can be decoded, and exactly the files that this names.
// `path` is for messages. kCorrupt, or kIncompatible for a newer format.
Result<BackupRecord> decode_backup(std::string_view bytes, std::string_view path);

// Files that make up a database of this manifest besides it: names, in byte order.
std::vector<std::string> backup_file_names(const Manifest& manifest);

std::string backup_name(std::uint64_t number);
std::optional<std::uint64_t> parse_backup_name(std::string_view name);
// What a file is called in the store: "seg-0000000003.wds.8192.0a1b2c3d".
std::string stored_name(const BackupFile& file);
bool is_stored_name(std::string_view name);

}  // namespace abikit::storage
