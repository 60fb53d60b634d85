// The operating system's files: an owned descriptor, and the loops that finish what a system call
// leaves undone. Private to core; read os_file.cpp (an open file),
// os_file_system.cpp (names) and os_file_stdio.cpp (standard input and output) next.
#pragma once

#include <cerrno>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <abi/core/fs.hpp>

#include "fs_error.hpp"

namespace abikit::os {

// Owns a file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    int get() const noexcept { return fd_; }
    bool valid() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

// Repeats a system call that a signal interrupted.
template <class Call>
auto retry(Call&& call) {
    while (true) {
        const auto result = call();
        if (result != -1 || errno != EINTR) {
            return result;
        }
    }
}

// One read of a pipe, terminal or other stream: waits for something, returns what there is; 0 is
// the end. `what` begins the message of an error.
Result<std::size_t> read_stream(int fd, std::span<std::byte> out, std::string_view what);
// Writes all of it.
Status write_stream(int fd, std::span<const std::byte> bytes, std::string_view what);

// Opens with close-on-exec, never as descriptor 0, 1 or 2: were one of those closed at the start,
// printing would write into a database. -1 with errno set on failure, EINTR among them.
int open_descriptor(const std::string& path, int flags) noexcept;

// Wraps an open descriptor; fails when it is a directory.
Result<std::unique_ptr<File>> make_file(Descriptor fd, const std::string& path,
                                        std::string_view opening);

}  // namespace abikit::os
