// The lines of a document and the white space around them; the chunker's view of its input.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace abikit::text {

// One line: [begin, end) is its content, `next` is where the following line begins (behind LF, CRLF
// or CR).
struct Line {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t next = 0;
    bool blank = false;  // nothing but white space
};

std::vector<Line> split_lines(std::string_view document);

// Unicode's White_Space.
bool is_white_space(char32_t code_point) noexcept;
// Without White_Space at both ends.
std::string_view trim(std::string_view text) noexcept;

}  // namespace abikit::text
