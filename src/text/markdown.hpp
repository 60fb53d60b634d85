// What single Markdown lines mean, by CommonMark 0.31 as far as chunking needs it: headings, their
// underlines, code fences.
#pragma once

#include <cstddef>
#include <string_view>

namespace abikit::text {

struct AtxHeading {
    std::size_t level = 0;  // 1 to 6; 0: the line is no heading
    std::string_view text;  // without the number signs
};
AtxHeading atx_heading(std::string_view line) noexcept;

// 1 for a line of ===, 2 for a line of ---, 0 otherwise. It is a heading's underline only below a
// paragraph.
std::size_t setext_level(std::string_view line) noexcept;

// Whether a paragraph that opens with this line can be a setext heading: it is no list item, quote,
// table row or indented code.
bool may_be_setext_text(std::string_view line) noexcept;

struct Fence {
    char mark = 0;           // '`' or '~'; 0: the line is no fence
    std::size_t length = 0;  // at least 3
    std::size_t indent = 0;  // columns before it
};
Fence opening_fence(std::string_view line) noexcept;
bool closes_fence(std::string_view line, const Fence& fence) noexcept;

}  // namespace abikit::text
