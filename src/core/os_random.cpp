// Linux: getrandom(2), which needs no file descriptor and works in a chroot.
#include <cerrno>

#include <sys/random.h>

#include <abi/core/random.hpp>

namespace abikit {

Status fill_secure(std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t got = ::getrandom(out.data(), out.size(), 0);
        if (got < 0) {
            if (errno == EINTR) {
                continue;
            }
            if (errno == ENOSYS) {
                return fail(Code::kUnavailable, "the system has no getrandom",
                            "run on Linux 3.17 or newer");
            }
            return fail(error_from_errno(errno, "cannot get random bytes"));
        }
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
}

}  // namespace abikit
