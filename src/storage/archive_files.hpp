// An archive that lies in memory, seen as the directory of a database: read only, each file a part
// of the mapping. So everything that reads databases reads archives.
#pragma once

#include <memory>
#include <string>

#include <abi/core/fs.hpp>

#include "archive_format.hpp"

namespace abikit::storage {

// The one directory that an ArchiveFiles has.
inline constexpr const char* kArchiveDirectory = "/archive";

// Thread-safe. Files and mappings that it gave live no longer than it does.
class ArchiveFiles final : public FileSystem {
public:
    // Maps the file. Errors of decode_archive and check_archive; kInputMissing.
    static Result<std::unique_ptr<ArchiveFiles>> open(FileSystem& fs, const std::string& path);
    const ArchiveContents& contents() const noexcept { return contents_; }
    std::span<const std::byte> bytes_of(const ArchiveFile& file) const noexcept;
    const std::string& path() const noexcept { return path_; }

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<std::optional<FileInfo>> stat(const std::string& path) override;
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
    Status rename(const std::string& from, const std::string& to) override;
    Status remove(const std::string& path) override;
    Status remove_directory(const std::string& path) override;
    Status create_directory(const std::string& path) override;
    Status sync_directory(const std::string& path) override;

private:
    ArchiveFiles() = default;
    Status load(std::span<const std::byte> bytes);
    const ArchiveFile* find(const std::string& path) const noexcept;

    std::string path_;
    std::unique_ptr<MappedRegion> map_;
    ArchiveContents contents_;
};

}  // namespace abikit::storage
