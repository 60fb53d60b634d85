// LineCutter: reads up to a goal, cuts at the last line feed, carries the rest over.
#include "jsonl_lines.hpp"

#include <algorithm>
#include <cstring>
#include <span>

#include "reader_base.hpp"

namespace abikit::data {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

// Reads until the block holds `goal` bytes or the source ends.
Status LineCutter::fill(TextBlock& block, std::size_t goal) {
    if (block.bytes.size() < goal + TextBlock::kPadding) {
        block.bytes.resize(goal + TextBlock::kPadding);
    }
    while (block.size < goal && !ended_) {
        const auto room = std::span(block.bytes).subspan(block.size, goal - block.size);
        ABI_TRY(const std::size_t read, source_.read(std::as_writable_bytes(room)));
        ended_ = read == 0;
        block.size += read;
    }
    return {};
}

// Drops everything up to and including the next line feed; the buffer serves as scratch.
Status LineCutter::skip_line(TextBlock& block) {
    block.too_long = true;
    block.consumed_bytes = block.size;
    while (true) {
        block.size = 0;
        ABI_CHECK(fill(block, kBlockBytes));
        const std::size_t feed = block.text().find('\n');
        if (feed != std::string_view::npos) {
            carry_ = block.text().substr(feed + 1);
            block.consumed_bytes += feed + 1;
            break;
        }
        block.consumed_bytes += block.size;
        if (ended_) {
            break;
        }
    }
    block.size = 0;
    return {};
}

Result<bool> LineCutter::next(TextBlock& block) {
    block.too_long = false;
    block.size = carry_.size();
    if (block.bytes.size() < carry_.size()) {
        block.bytes.resize(carry_.size());
    }
    std::copy(carry_.begin(), carry_.end(), block.bytes.begin());
    carry_.clear();
    std::size_t scanned = 0;  // no line feed before here
    for (std::size_t goal = std::max(kBlockBytes, block.size);;) {
        ABI_CHECK(fill(block, goal));
        const std::size_t feed = block.text().substr(scanned).rfind('\n');
        if (feed != std::string_view::npos && !ended_) {
            const std::size_t cut = scanned + feed + 1;
            carry_ = block.text().substr(cut);
            block.size = cut;
            break;
        }
        if (feed == std::string_view::npos && block.size > kMaxRecordBytes) {
            started_ = true;
            ABI_CHECK(skip_line(block));
            return true;
        }
        if (ended_) {
            break;
        }
        scanned = block.size;
        goal = std::min(2 * block.size, kMaxRecordBytes + 1);
    }
    if (!started_ && block.text().starts_with(kByteOrderMark)) {
        // White space instead, so that byte offsets in messages stay those of the file.
        std::fill_n(block.bytes.begin(), kByteOrderMark.size(), ' ');
    }
    started_ = true;
    // Line feeds behind the text end a number or word that the text breaks off in.
    block.bytes.resize(std::max(block.bytes.size(), block.size + TextBlock::kPadding));
    std::memset(block.bytes.data() + block.size, '\n', TextBlock::kPadding);
    block.consumed_bytes = block.size;
    return block.size > 0;
}

}  // namespace abikit::data
