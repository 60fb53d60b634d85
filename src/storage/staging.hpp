// A database in the making beside its destination: it becomes one by a single rename. For restore
// and repair.
#pragma once

#include <memory>
#include <string>

#include <abi/core/context.hpp>

namespace abikit::storage {

// kAlreadyExists when `destination` is anything but missing or an empty directory;
// kInvalidArgument when it has no name of its own or lies inside a database.
Status check_destination(FileSystem& fs, const std::string& destination);

// The directory "<destination>.partial", locked like a database by its writer, and marked: what an
// interrupted attempt left there is told from a database of that name by the mark, and removed by
// the next attempt. Removed with all files when it goes without publish(). Single thread.
class Staging {
public:
    // As check_destination; kLocked when another process builds there; kAlreadyExists when
    // something else has the name.
    static Result<Staging> begin(FileSystem& fs, const std::string& destination);
    Staging(Staging&&) noexcept = default;
    Staging& operator=(Staging&&) = delete;
    ~Staging();

    const std::string& path() const noexcept { return path_; }
    // Writes a file there and syncs it.
    Status write_file(std::string_view name, std::span<const std::byte> bytes);
    // The content is whole and synced: from now on it is what `destination` holds.
    Status publish();

private:
    Staging(FileSystem& fs, std::string destination, std::string path)
        : fs_(&fs), destination_(std::move(destination)), path_(std::move(path)) {}
    Status claim();
    Status clear();

    FileSystem* fs_;
    std::string destination_, path_;
    std::unique_ptr<File> lock_;  // null: nothing of ours is there
};

}  // namespace abikit::storage
