// Cuts a stream into blocks of whole lines, so that blocks can be parsed apart from each other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/io.hpp>

namespace abikit::data {

// Whole lines in one buffer that may be read kPadding bytes past its text.
struct TextBlock {
    static constexpr std::size_t kPadding = 64;
    std::vector<char> bytes;  // at least size + kPadding; line feeds after the text
    std::size_t size = 0;
    bool too_long = false;  // stands for one line over the limit, which is not kept; size is 0
    std::size_t consumed_bytes = 0;  // of the input, too long lines included

    std::string_view text() const noexcept { return {bytes.data(), size}; }
};

// Single thread. What a line is never depends on how the source hands out its bytes. The source
// must outlive it.
class LineCutter {
public:
    explicit LineCutter(ByteSource& source) : source_(source) {}
    // The next block of about a mebibyte, more where one line is longer; false at the end.
    Result<bool> next(TextBlock& block);

private:
    Status fill(TextBlock& block, std::size_t goal);
    Status skip_line(TextBlock& block);

    ByteSource& source_;
    std::string carry_;     // read already, behind the last block's final line feed
    bool started_ = false;  // a block was given; before, a byte order mark is skipped
    bool ended_ = false;
};

}  // namespace abikit::data
