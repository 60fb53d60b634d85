// CommonMark's line rules for headings and fences. How they shape chunks is in chunk.cpp.
#include "markdown.hpp"

#include <algorithm>

#include "lines.hpp"

namespace abikit::text {
namespace {

constexpr std::size_t kCodeIndent = 4;  // from this column on a line is indented code
constexpr std::string_view kBlanks = " \t";

// Columns of white space before the line's content; a tab reaches to the next multiple of four.
std::size_t indent_of(std::string_view line) noexcept {
    std::size_t column = 0;
    for (const char byte : line) {
        if (byte == ' ') {
            ++column;
        } else if (byte == '\t') {
            column += kCodeIndent - column % kCodeIndent;
        } else {
            break;
        }
    }
    return column;
}

std::string_view skip_blanks(std::string_view line) noexcept {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    return line;
}

std::size_t run_length(std::string_view text, char mark) noexcept {
    return std::min(text.find_first_not_of(mark), text.size());
}

bool only_blanks(std::string_view text) noexcept {
    return text.find_first_not_of(kBlanks) == std::string_view::npos;
}

bool is_digit(char byte) noexcept {
    return byte >= '0' && byte <= '9';
}

bool is_list_marker(std::string_view text) noexcept {
    std::size_t marker = 0;
    if (text.starts_with('-') || text.starts_with('*') || text.starts_with('+')) {
        marker = 1;
    } else {
        while (marker < text.size() && is_digit(text[marker])) {
            ++marker;
        }
        if (marker == 0 || marker == text.size() || (text[marker] != '.' && text[marker] != ')')) {
            return false;
        }
        ++marker;
    }
    return marker == text.size() || kBlanks.contains(text[marker]);
}

}  // namespace

AtxHeading atx_heading(std::string_view line) noexcept {
    if (indent_of(line) >= kCodeIndent) {
        return {};
    }
    std::string_view text = skip_blanks(line);
    const std::size_t level = run_length(text, '#');
    if (level == 0 || level > 6 || (level < text.size() && !kBlanks.contains(text[level]))) {
        return {};
    }
    text = trim(text.substr(level));
    // A closing run of number signs counts only behind a blank, or alone.
    std::string_view without = text.substr(0, text.find_last_not_of('#') + 1);
    if (without.empty() || kBlanks.contains(without.back())) {
        text = trim(without);
    }
    return {.level = level, .text = text};
}

std::size_t setext_level(std::string_view line) noexcept {
    if (indent_of(line) >= kCodeIndent) {
        return 0;
    }
    const std::string_view text = skip_blanks(line);
    if (!text.starts_with('=') && !text.starts_with('-')) {
        return 0;
    }
    if (!only_blanks(text.substr(run_length(text, text.front())))) {
        return 0;
    }
    return text.front() == '=' ? 1 : 2;
}

bool may_be_setext_text(std::string_view line) noexcept {
    const std::string_view text = skip_blanks(line);
    return indent_of(line) < kCodeIndent && !text.starts_with('>') && !text.starts_with('|') &&
           !is_list_marker(text);
}

Fence opening_fence(std::string_view line) noexcept {
    const std::string_view text = skip_blanks(line);
    if (!text.starts_with('`') && !text.starts_with('~')) {
        return {};
    }
    const char mark = text.front();
    const std::size_t length = run_length(text, mark);
    // An info string with a backtick makes it inline code.
    if (length < 3 || (mark == '`' && text.substr(length).contains('`'))) {
        return {};
    }
    return {.mark = mark, .length = length, .indent = indent_of(line)};
}

bool closes_fence(std::string_view line, const Fence& fence) noexcept {
    const std::string_view text = skip_blanks(line);
    const std::size_t length = run_length(text, fence.mark);
    return length >= fence.length && only_blanks(text.substr(length));
}

}  // namespace abikit::text
