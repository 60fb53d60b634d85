// Large pieces first: a sound device is read at its speed.
#include "repair_read.hpp"

#include <algorithm>
#include <cstring>

namespace abikit::storage {

namespace {
constexpr std::uint64_t kPiece = std::uint64_t{1} << 20, kPage = 4096;

// Whether all of it was read.
Result<bool> read_piece(const Context& context, const File& file, std::uint64_t at,
                        std::span<std::byte> out) {
    ABI_CHECK(context.cancel.check());
    const auto got = file.read_at(at, out);
    return got && *got == out.size();
}
}  // namespace

Result<std::vector<ByteRange>> read_what_can_be(const Context& context, const File& file,
                                                std::uint64_t size, std::byte* content) {
    std::vector<ByteRange> bad;
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(size, kPiece)));
    const auto part = [&](std::uint64_t at, std::uint64_t length) {
        const auto bytes = static_cast<std::size_t>(std::min(length, size - at));
        return content == nullptr ? std::span(buffer).first(bytes) : std::span(content + at, bytes);
    };
    for (std::uint64_t at = 0; at < size; at += kPiece) {
        ABI_TRY(const bool whole, read_piece(context, file, at, part(at, kPiece)));
        const std::uint64_t end = std::min(size, at + kPiece);
        for (std::uint64_t page = at; !whole && page < end; page += kPage) {
            const auto out = part(page, kPage);
            ABI_TRY(const bool held, read_piece(context, file, page, out));
            if (held) {
                continue;
            }
            std::memset(out.data(), 0, out.size());
            if (!bad.empty() && bad.back().end == page) {
                bad.back().end = page + out.size();
            } else {
                bad.push_back({page, page + out.size()});
            }
        }
    }
    return bad;
}

bool touches(const std::vector<ByteRange>& ranges, std::uint64_t begin,
             std::uint64_t end) noexcept {
    return std::any_of(ranges.begin(), ranges.end(), [=](const ByteRange& range) {
        return range.begin < end && begin < range.end;
    });
}

}  // namespace abikit::storage
