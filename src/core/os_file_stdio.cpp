// Standard input and standard output as byte streams.
#include <sys/stat.h>
#include <unistd.h>

#include <abi/core/io.hpp>

#include "io_buffer.hpp"
#include "os_file.hpp"

namespace abikit {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

class StdinSource final : public ByteSource {
public:
    Result<std::size_t> read(std::span<std::byte> out) override {
        return buffer_.read(out, [](std::span<std::byte> into) {
            return os::read_stream(STDIN_FILENO, into, "cannot read standard input");
        });
    }
    std::optional<std::uint64_t> size() const override { return size_; }
    std::optional<std::span<const std::byte>> mapped() const override { return std::nullopt; }

private:
    // A redirected file may have been read in part by whoever had it before.
    static std::optional<std::uint64_t> remaining() {
        struct stat info = {};
        const off_t position = ::lseek(STDIN_FILENO, 0, SEEK_CUR);
        if (position < 0 || ::fstat(STDIN_FILENO, &info) != 0 || !S_ISREG(info.st_mode) ||
            info.st_size < position) {
            return std::nullopt;
        }
        return static_cast<std::uint64_t>(info.st_size - position);
    }

    std::optional<std::uint64_t> size_ = remaining();
    ReadBuffer buffer_{kBufferBytes};
};

class StdoutSink final : public ByteSink {
public:
    using ByteSink::write;

    Status write(std::span<const std::byte> bytes) override { return buffer_.write(bytes, drain); }
    Status flush() override { return buffer_.flush(drain); }

private:
    static Status drain(std::span<const std::byte> bytes) {
        return os::write_stream(STDOUT_FILENO, bytes, "cannot write standard output");
    }

    WriteBuffer buffer_{kBufferBytes};
};

}  // namespace

std::unique_ptr<ByteSource> stdin_source() {
    return std::make_unique<StdinSource>();
}
std::unique_ptr<ByteSink> stdout_sink() {
    return std::make_unique<StdoutSink>();
}

}  // namespace abikit
