// The operating system's names: opening, renaming, removing, listing, directory sync. Open files
// are in os_file.cpp.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "os_file.hpp"

namespace abikit {
namespace {

using os::retry;

struct OpenPlan {
    int flags;
    std::string_view doing;
};

OpenPlan plan_for(OpenMode mode) {
    switch (mode) {
        case OpenMode::kRead:
            return {O_RDONLY, "open"};
        case OpenMode::kReadWrite:
            return {O_RDWR, "open"};
        case OpenMode::kCreateNew:
            return {O_RDWR | O_CREAT | O_EXCL, "create"};
        case OpenMode::kCreate:
            return {O_RDWR | O_CREAT, "open"};
        case OpenMode::kTruncate:
            return {O_RDWR | O_CREAT | O_TRUNC, "create"};
    }
    return {O_RDONLY, "open"};
}

FileKind kind_of(mode_t mode) {
    if (S_ISREG(mode)) {
        return FileKind::kFile;
    }
    return S_ISDIR(mode) ? FileKind::kDirectory : FileKind::kOther;
}

std::int64_t modified_ns(const struct stat& info) {
#if defined(__APPLE__)
    const struct timespec& time = info.st_mtimespec;
#else
    const struct timespec& time = info.st_mtim;
#endif
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// The kernel would stop at the zero byte and work on another file.
Status check_path(std::string_view doing, const std::string& path) {
    if (path.find('\0') != std::string::npos) {
        return fail(Code::kInvalidArgument,
                    fmt::format("cannot {} '{}': the path has a zero byte in it", doing,
                                path.substr(0, path.find('\0'))));
    }
    return {};
}

bool entry_is_link(DIR* directory, const struct dirent& entry) {
#if defined(DT_UNKNOWN) && defined(DT_LNK)
    if (entry.d_type != DT_UNKNOWN) {
        return entry.d_type == DT_LNK;
    }
#endif
    struct stat info = {};
    return ::fstatat(::dirfd(directory), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISLNK(info.st_mode);
}

FileKind entry_kind(DIR* directory, const struct dirent& entry) {
#if defined(DT_UNKNOWN) && defined(DT_LNK)
    switch (entry.d_type) {
        case DT_REG:
            return FileKind::kFile;
        case DT_DIR:
            return FileKind::kDirectory;
        case DT_LNK:
        case DT_UNKNOWN:
            break;  // the target decides, or the file system does not say
        default:
            return FileKind::kOther;
    }
#endif
    struct stat info = {};
    const bool seen = ::fstatat(::dirfd(directory), entry.d_name, &info, 0) == 0;
    return seen ? kind_of(info.st_mode) : FileKind::kOther;
}

struct CloseDirectory {
    void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

class RealFileSystem final : public FileSystem {
public:
    Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
    Result<std::optional<FileInfo>> stat(const std::string& path) override;
    Status rename(const std::string& from, const std::string& to) override;
    Status remove(const std::string& path) override;
    Status remove_directory(const std::string& path) override;
    Status create_directory(const std::string& path) override;
    Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
    Status sync_directory(const std::string& path) override;
    Status copy_permissions(const std::string& from, const std::string& to) override;
};

// A pipe or device that is opened for both would be its own reader: no end, no broken pipe.
int flags_for_stream(const std::string& path, int flags) {
    struct stat info = {};
    if ((flags & O_ACCMODE) != O_RDWR || ::stat(path.c_str(), &info) != 0 ||
        !(S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))) {
        return flags;
    }
    return (flags & ~(O_ACCMODE | O_TRUNC)) | O_WRONLY;
}

Result<std::unique_ptr<File>> RealFileSystem::open(const std::string& path, OpenMode mode) {
    const OpenPlan plan = plan_for(mode);
    ABI_CHECK(check_path(plan.doing, path));
    const int flags =
        mode == OpenMode::kCreateNew ? plan.flags : flags_for_stream(path, plan.flags);
    os::Descriptor fd(os::open_descriptor(path, flags));
    if (!fd.valid()) {
        const bool creates = (plan.flags & O_CREAT) != 0;
        return fail(creates ? fs_create_error(errno, plan.doing, path)
                            : fs_error(errno, plan.doing, path));
    }
    return os::make_file(std::move(fd), path, plan.doing);
}

Result<std::optional<FileInfo>> RealFileSystem::stat(const std::string& path) {
    ABI_CHECK(check_path("look at", path));
    struct stat info = {};
    if (::stat(path.c_str(), &info) != 0) {
        // Below a file there is nothing either.
        if (errno == ENOENT || errno == ENOTDIR) {
            return std::optional<FileInfo>();
        }
        return fail(fs_error(errno, "look at", path));
    }
    return std::optional(FileInfo{
        .kind = kind_of(info.st_mode),
        .size_bytes = static_cast<std::uint64_t>(info.st_size),
        .modified_ns = modified_ns(info),
        // Not the mode bits: they know neither read-only mounts nor access lists.
        .writable = ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0,
    });
}

Status RealFileSystem::rename(const std::string& from, const std::string& to) {
    ABI_CHECK(check_path("rename", from));
    ABI_CHECK(check_path("rename to", to));
    if (::rename(from.c_str(), to.c_str()) != 0) {
        const int reason = errno;
        return fail(fs_error(reason, fmt::format("rename '{}' to", from), to));
    }
    return {};
}

Status RealFileSystem::remove(const std::string& path) {
    ABI_CHECK(check_path("remove", path));
    if (::unlink(path.c_str()) != 0) {
        const int reason = errno;
        // POSIX has EPERM for a directory, Linux EISDIR: one wording for both.
        struct stat info = {};
        const bool directory =
            reason == EPERM && ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
        return fail(fs_error(directory ? EISDIR : reason, "remove", path));
    }
    return {};
}

Status RealFileSystem::remove_directory(const std::string& path) {
    ABI_CHECK(check_path("remove directory", path));
    if (::rmdir(path.c_str()) != 0) {
        return fail(fs_error(errno == EEXIST ? ENOTEMPTY : errno, "remove directory", path));
    }
    return {};
}

Status RealFileSystem::create_directory(const std::string& path) {
    ABI_CHECK(check_path("create directory", path));
    if (::mkdir(path.c_str(), 0777) != 0) {
        return fail(fs_create_error(errno, "create directory", path));
    }
    return {};
}

Result<std::vector<DirectoryEntry>> RealFileSystem::list(const std::string& path) {
    ABI_CHECK(check_path("list", path));
    const std::unique_ptr<DIR, CloseDirectory> directory(::opendir(path.c_str()));
    if (!directory) {
        return fail(fs_error(errno, "list", path));
    }
    std::vector<DirectoryEntry> entries;
    while (true) {
        errno = 0;
        const struct dirent* entry = ::readdir(directory.get());
        if (entry == nullptr) {
            if (errno != 0) {
                return fail(fs_error(errno, "list", path));
            }
            break;
        }
        std::string name = entry->d_name;
        if (name != "." && name != "..") {
            const FileKind kind = entry_kind(directory.get(), *entry);
            const bool is_link = entry_is_link(directory.get(), *entry);
            entries.push_back({std::move(name), kind, is_link});
        }
    }
    // The order on disk is a hash's; results must not depend on it.
    std::sort(entries.begin(), entries.end(),
              [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
    return entries;
}

Status RealFileSystem::sync_directory(const std::string& path) {
    ABI_CHECK(check_path("sync directory", path));
    const os::Descriptor fd(os::open_descriptor(path, O_RDONLY | O_DIRECTORY));
    if (!fd.valid()) {
        return fail(fs_error(errno, "sync directory", path));
    }
    // Some network file systems do not know how and need not: their names are durable at once.
    if (retry([&] { return ::fsync(fd.get()); }) != 0 && errno != EINVAL && errno != ENOTSUP) {
        return fail(fs_error(errno, "sync directory", path));
    }
    return {};
}

Status RealFileSystem::copy_permissions(const std::string& from, const std::string& to) {
    ABI_CHECK(check_path("copy the permissions of", from));
    ABI_CHECK(check_path("set the permissions of", to));
    struct stat info = {};
    if (::stat(from.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return {};
        }
        return fail(fs_error(errno, "look at", from));
    }
    // Only the superuser may give files away; whoever may not keeps the new file. Rights for the
    // group must not go to another group than they were given to.
    const bool same_group = ::chown(to.c_str(), info.st_uid, info.st_gid) == 0 ||
                            ::chown(to.c_str(), static_cast<uid_t>(-1), info.st_gid) == 0;
    const mode_t mask = same_group ? 0777 : 0707;
    if (::chmod(to.c_str(), info.st_mode & mask) != 0) {
        return fail(fs_error(errno, "set the permissions of", to));
    }
    return {};
}

}  // namespace

std::unique_ptr<FileSystem> real_file_system() {
    return std::make_unique<RealFileSystem>();
}

}  // namespace abikit
