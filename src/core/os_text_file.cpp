// Plain read loop; files under /proc have no size to ask for.
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "os_text_file.hpp"

namespace abikit::os {
namespace {

struct Descriptor {
    int fd;
    explicit Descriptor(const char* path) : fd(::open(path, O_RDONLY | O_CLOEXEC)) {}
    ~Descriptor() {
        if (fd >= 0) {
            ::close(fd);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
};

}  // namespace

std::string read_text_file(const std::string& path) {
    constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
    const Descriptor file(path.c_str());
    std::string text;
    char buffer[4096];
    while (file.fd >= 0 && text.size() < kMaxBytes) {
        const ssize_t got = ::read(file.fd, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            break;
        }
        text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace abikit::os
