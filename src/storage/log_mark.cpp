// Coding of the mark. It fits into one sector, so a torn write leaves the old one or the new one.
#include "log_mark.hpp"

#include <algorithm>
#include <cstring>

#include <abi/core/crc32c.hpp>

namespace abikit::storage {

namespace {
constexpr std::string_view kMagic = "WDBXEND1";
constexpr std::size_t kCrcOffset = kLogMarkBytes - sizeof(std::uint32_t);
}  // namespace

std::array<std::byte, kLogMarkBytes> encode_log_mark(const LogIdentity& identity,
                                                     std::uint64_t durable_end) noexcept {
    std::array<std::byte, kLogMarkBytes> mark{};
    std::memcpy(mark.data(), kMagic.data(), kMagic.size());
    std::memcpy(mark.data() + 8, &identity.number, sizeof identity.number);
    std::memcpy(mark.data() + 16, &identity.salt, sizeof identity.salt);
    std::memcpy(mark.data() + 24, &durable_end, sizeof durable_end);
    const std::uint32_t crc = crc32c(std::span(mark).first(kCrcOffset));
    std::memcpy(mark.data() + kCrcOffset, &crc, sizeof crc);
    return mark;
}

std::uint64_t read_log_mark(FileSystem& fs, const std::string& log_path,
                            const LogIdentity& identity) {
    // Whatever is wrong with it, the log can be read without: nothing here is an error.
    const auto file = fs.open(join_path(parent_path(log_path), kLockName), OpenMode::kRead);
    if (!file) {
        return 0;
    }
    std::array<std::byte, kLogMarkBytes> mark{};
    const auto got = (*file)->read_at(0, mark);
    std::uint64_t durable_end = 0;
    std::memcpy(&durable_end, mark.data() + 24, sizeof durable_end);
    const bool sound =
        got && *got == kLogMarkBytes && mark == encode_log_mark(identity, durable_end);
    return sound ? durable_end : 0;
}

}  // namespace abikit::storage
