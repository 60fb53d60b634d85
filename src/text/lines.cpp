// Line splitting and white space by Unicode's rules. The chunker in chunk.cpp builds on it.
#include "lines.hpp"

#include "utf8_decode.hpp"

namespace abikit::text {
namespace {

std::string_view trim_left(std::string_view text) noexcept {
    while (!text.empty()) {
        const Utf8Step step = decode_utf8(text, 0);
        if (!step.valid || !is_white_space(step.code_point)) {
            break;
        }
        text.remove_prefix(step.bytes);
    }
    return text;
}

std::string_view trim_right(std::string_view text) noexcept {
    while (!text.empty()) {
        std::size_t start = text.size() - 1;
        while (start > 0 && text.size() - start < 4 && !starts_code_point(text[start])) {
            --start;
        }
        const Utf8Step step = decode_utf8(text, start);
        if (!step.valid || start + step.bytes != text.size() || !is_white_space(step.code_point)) {
            break;
        }
        text.remove_suffix(step.bytes);
    }
    return text;
}

}  // namespace

bool is_white_space(char32_t code_point) noexcept {
    if (code_point < 0x80) {
        return code_point == 0x20 || (code_point >= 0x09 && code_point <= 0x0D);
    }
    return code_point == 0x85 || code_point == 0xA0 || code_point == 0x1680 ||
           (code_point >= 0x2000 && code_point <= 0x200A) || code_point == 0x2028 ||
           code_point == 0x2029 || code_point == 0x202F || code_point == 0x205F ||
           code_point == 0x3000;
}

std::string_view trim(std::string_view text) noexcept {
    return trim_right(trim_left(text));
}

std::vector<Line> split_lines(std::string_view document) {
    std::vector<Line> lines;
    for (std::size_t at = 0; at < document.size();) {
        const std::size_t found = document.find_first_of("\r\n", at);
        Line line{.begin = at, .end = document.size(), .next = document.size()};
        if (found != std::string_view::npos) {
            const bool crlf = document.substr(found, 2) == "\r\n";
            line.end = found;
            line.next = found + (crlf ? 2 : 1);
        }
        line.blank = trim_left(document.substr(line.begin, line.end - line.begin)).empty();
        lines.push_back(line);
        at = line.next;
    }
    return lines;
}

}  // namespace abikit::text
