// Byte streams over memory, and the test for a broken pipe. The streams over files are in fs.cpp,
// those of the process in os_file_stdio.cpp.
#include <algorithm>
#include <cstring>

#include <abi/core/io.hpp>

namespace abikit {
namespace {

class MemorySource final : public ByteSource {
public:
    explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

    Result<std::size_t> read(std::span<std::byte> out) override {
        const std::size_t count = std::min(out.size(), bytes_.size() - position_);
        if (count != 0) {
            std::memcpy(out.data(), bytes_.data() + position_, count);
        }
        position_ += count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return bytes_.size(); }
    std::optional<std::span<const std::byte>> mapped() const override { return bytes_; }

private:
    std::span<const std::byte> bytes_;
    std::size_t position_ = 0;
};

class StringSink final : public ByteSink {
public:
    using ByteSink::write;
    explicit StringSink(std::string& out) : out_(out) {}

    Status write(std::span<const std::byte> bytes) override {
        // char may alias any object, so this is the bytes seen as text.
        out_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    }
    Status flush() override { return {}; }

private:
    std::string& out_;
};

}  // namespace

std::unique_ptr<ByteSource> memory_source(std::span<const std::byte> bytes) {
    return std::make_unique<MemorySource>(bytes);
}

std::unique_ptr<ByteSink> string_sink(std::string& out) {
    return std::make_unique<StringSink>(out);
}

bool is_broken_pipe(const Error& error) noexcept {
    return error.code() == Code::kIo && error.message().ends_with(": broken pipe");
}

}  // namespace abikit
