// From an errno value to what the user reads.
#include "fs_error.hpp"

#include <cerrno>

#include <fmt/format.h>

#include <abi/core/fs.hpp>

namespace abikit {
namespace {

// What to do about it, where there is something to do. None for a missing file: callers know
// better what should have been there, and the innermost hint wins.
std::string hint_for(int errno_value, const std::string& path) {
    switch (errno_value) {
        case EACCES:
        case EPERM:
            return fmt::format("check the permissions with 'ls -ld {}'", path);
        case EROFS:
            return "the file system is mounted read-only: choose another place";
        case ENOSPC:
            return fmt::format("free space on the disk of '{}', or choose another place",
                               parent_path(path));
        case EDQUOT:
            return "the disk quota is used up: delete files, or choose another place";
        case ENAMETOOLONG:
            return "shorten it: most file systems allow 255 bytes for one name";
        case ENOTDIR:
            return "a part of the path is a file, not a directory";
        case EISDIR:
            return "give a file instead";
        case ELOOP:
            return "the symbolic links in the path form a loop";
        case EMFILE:
            return "raise the limit on open files with 'ulimit -n'";
        case ENFILE:
            return "the whole system has too many files open: close some programs";
        case EIO:
            return "the storage device reports a failure: check it, and keep a copy";
        case EXDEV:
            return "both names must lie on the same file system";
        case ENOTEMPTY:
            return "remove what is in the directory first";
        case EFBIG:
            return "the file system or 'ulimit -f' does not allow files of this size";
        case ETXTBSY:
            return "a running program uses the file: stop it first";
        default:
            return {};
    }
}

}  // namespace

Error fs_error(int errno_value, std::string_view what) {
    switch (errno_value) {
        case EINTR:
            return Error(Code::kCancelled, fmt::format("{}: interrupted", what));
        // Not the system's text, which may be translated: is_broken_pipe() looks for it.
        case EPIPE:
            return Error(Code::kIo, fmt::format("{}: broken pipe", what));
        case EISDIR:
            return Error(Code::kInvalidArgument, fmt::format("{}: is a directory", what));
        case ENOTEMPTY:
            return Error(Code::kInvalidArgument, fmt::format("{}: directory not empty", what));
        default:
            return error_from_errno(errno_value, what);
    }
}

Error fs_error(int errno_value, std::string_view doing, const std::string& path) {
    auto error = fs_error(errno_value, fmt::format("cannot {} '{}'", doing, path));
    auto hint = hint_for(errno_value, path);
    return hint.empty() ? std::move(error) : std::move(error).with_hint(std::move(hint));
}

Error fs_create_error(int errno_value, std::string_view doing, const std::string& path) {
    auto error = fs_error(errno_value, doing, path);
    if (errno_value == ENOENT) {
        return std::move(error).with_hint(
            fmt::format("create the directory '{}' first", parent_path(path)));
    }
    return error;
}

Error fs_lock_error(const std::string& path) {
    return Error(Code::kLocked, fmt::format("cannot lock '{}': it is in use", path))
        .with_hint("wait until the other process has finished, or stop it");
}

}  // namespace abikit
