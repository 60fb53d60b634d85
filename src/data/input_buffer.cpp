// InputBuffer: a sliding buffer, or the mapping itself.
#include "input_buffer.hpp"

#include <algorithm>
#include <cstring>

namespace abikit::data {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;

}  // namespace

InputBuffer::InputBuffer(ByteSource& source) : source_(source) {
    if (const auto bytes = source.mapped()) {
        window_ = *bytes;
        mapped_ = true;
        ended_ = true;
    }
}

Result<std::span<const std::byte>> InputBuffer::peek(std::size_t count) {
    if (window_.size() >= count || ended_) {
        return window_;
    }
    const std::size_t begin =
        static_cast<std::size_t>(buffer_.empty() ? 0 : window_.data() - buffer_.data());
    std::size_t filled = window_.size();
    if (filled > 0 && begin > 0) {
        std::memmove(buffer_.data(), window_.data(), filled);
    }
    const std::size_t wanted = std::max(count, kReadBytes);
    if (buffer_.size() < wanted) {
        buffer_.resize(wanted);
    }
    while (filled < count && !ended_) {
        auto read = source_.read(std::span(buffer_).subspan(filled));
        if (!read) {
            window_ = std::span(buffer_).first(filled);
            return fail(std::move(read).error());
        }
        ended_ = *read == 0;
        filled += *read;
    }
    window_ = std::span(buffer_).first(filled);
    return window_;
}

void InputBuffer::consume(std::size_t count) noexcept {
    window_ = window_.subspan(count);
    position_ += count;
}

Result<std::uint64_t> InputBuffer::drain() {
    std::uint64_t total = 0;
    while (true) {
        ABI_TRY(const auto bytes, peek(1));
        if (bytes.empty()) {
            return total;
        }
        total += bytes.size();
        consume(bytes.size());
    }
}

}  // namespace abikit::data
