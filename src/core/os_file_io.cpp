// Opening descriptors, the wording of failures, and reading and writing streams to the end.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>

#include "os_file.hpp"

namespace abikit::os {
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

// Waits until a non-blocking stream is ready. False with errno set when interrupted.
bool wait_ready(int fd, short events) noexcept {
    struct pollfd request = {fd, events, 0};
    return ::poll(&request, 1, -1) >= 0;
}

bool would_block(int errno_value) noexcept {
    return errno_value == EAGAIN || errno_value == EWOULDBLOCK;
}

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) {
        // Not retried on EINTR: Linux has closed it by then, and the number may be in use again.
        ::close(fd_);
    }
}

Error stream_error(int errno_value, std::string_view what) {
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

Error file_error(int errno_value, std::string_view doing, const std::string& path) {
    auto error = stream_error(errno_value, fmt::format("cannot {} '{}'", doing, path));
    auto hint = hint_for(errno_value, path);
    return hint.empty() ? std::move(error) : std::move(error).with_hint(std::move(hint));
}

Result<std::size_t> read_stream(int fd, std::span<std::byte> out, std::string_view what) {
    while (true) {
        const auto count = ::read(fd, out.data(), out.size());
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        // Another program may have made a shared terminal non-blocking.
        if (!would_block(errno) || !wait_ready(fd, POLLIN)) {
            return fail(stream_error(errno, what));
        }
    }
}

Status write_stream(int fd, std::span<const std::byte> bytes, std::string_view what) {
    while (!bytes.empty()) {
        const auto count = ::write(fd, bytes.data(), bytes.size());
        if (count > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (count == 0 || !would_block(errno) || !wait_ready(fd, POLLOUT)) {
            return fail(stream_error(count == 0 ? ENOSPC : errno, what));
        }
    }
    return {};
}

int open_descriptor(const std::string& path, int flags) noexcept {
    constexpr int kFirstFree = 3;
    const int all_flags = flags | O_CLOEXEC | O_NOCTTY;
    const int fd = retry([&] { return ::open(path.c_str(), all_flags, 0666); });
    if (fd < 0 || fd >= kFirstFree) {
        return fd;
    }
    const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstFree);
    const int reason = errno;
    ::close(fd);
    errno = reason;
    return moved;
}

}  // namespace abikit::os
