// A directory of files that nobody writes to, in buffers of exactly their size, so that a test can
// damage them in place a hundred thousand times a second and AddressSanitizer sees a read too far.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <abi/core/fs.hpp>

namespace abikit::storage::test {

// Opens for reading only; everything that would change something fails as on a read-only medium.
class FrozenFiles final : public FileSystem {
public:
    using Bytes = std::vector<std::byte>;

    // Takes over the files of one directory.
    FrozenFiles(FileSystem& source, const std::string& directory);

    const std::map<std::string, Bytes>& files() const { return files_; }
    const std::string& directory() const { return directory_; }
    // For damage; not while a database is open on it.
    Bytes& file(const std::string& name) { return files_.at(name); }
    void put(const std::string& name, Bytes bytes) { files_[name] = std::move(bytes); }
    void take_away(const std::string& name) { files_.erase(name); }

    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<std::optional<FileInfo>> stat(const std::string& path) override;
    Status rename(const std::string& from, const std::string& to) override;
    Status remove(const std::string& path) override;
    Status remove_directory(const std::string& path) override;
    Status create_directory(const std::string& path) override;
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
    Status sync_directory(const std::string& path) override;

private:
    const Bytes* find(const std::string& path) const;

    std::string directory_;
    std::map<std::string, Bytes> files_;
};

}  // namespace abikit::storage::test
