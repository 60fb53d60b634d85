// Opening descriptors, and reading and writing streams to the end.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "os_file.hpp"

namespace abikit::os {
namespace {

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

Result<std::size_t> read_stream(int fd, std::span<std::byte> out, std::string_view what) {
    while (true) {
        const auto count = ::read(fd, out.data(), out.size());
        if (count >= 0) {
            return static_cast<std::size_t>(count);
        }
        // Another program may have made a shared terminal non-blocking.
        if (!would_block(errno) || !wait_ready(fd, POLLIN)) {
            return fail(fs_error(errno, what));
        }
    }
}

Status write_stream(int fd, std::span<const std::byte> bytes, std::string_view what) {
    while (!bytes.empty()) {
        const auto count = ::write(fd, bytes.data(), bytes.size());
        if (count > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        } else if (count == 0 || !would_block(errno) || !wait_ready(fd, POLLOUT)) {
            return fail(fs_error(count == 0 ? ENOSPC : errno, what));
        }
    }
    return {};
}

int open_descriptor(const std::string& path, int flags) noexcept {
    constexpr int kFirstFree = 3;
    const int all_flags = flags | O_CLOEXEC | O_NOCTTY;
    // Not retried on EINTR: only opening a named pipe waits, for its other end, and a signal must
    // be able to end that.
    const int fd = ::open(path.c_str(), all_flags, 0666);
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
