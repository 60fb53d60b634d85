// Display width by utf8proc's tables; cutting and wrapping on top of it.
#include "text_width.hpp"

#include <utf8proc.h>

namespace abikit::report {
namespace {

struct Glyph {
    utf8proc_int32_t code = -1;  // -1: the byte is no UTF-8
    std::size_t bytes = 1;
    std::size_t width = 1;
};

Glyph next_glyph(std::string_view text) noexcept {
    Glyph glyph;
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
    utf8proc_int32_t code = -1;
    const utf8proc_ssize_t size =
        utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &code);
    if (size > 0) {
        glyph.code = code;
        glyph.bytes = static_cast<std::size_t>(size);
        glyph.width = static_cast<std::size_t>(utf8proc_charwidth(code));
    }
    return glyph;
}

// C0 and C1 controls, line and paragraph separators, and the marks that reorder text.
bool is_control(utf8proc_int32_t code) noexcept {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029 ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

std::string replace_controls(std::string_view text, bool keep_lines) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Glyph glyph = next_glyph(text);
        const bool space = glyph.code == '\n' || glyph.code == '\t';
        if (space) {
            out += keep_lines ? text.front() : ' ';
        } else if (glyph.code == '\r') {
            out += keep_lines ? "" : " ";
        } else if (glyph.code == -1 || is_control(glyph.code)) {
            out += "\xEF\xBF\xBD";  // U+FFFD, replacement character
        } else {
            out += text.substr(0, glyph.bytes);
        }
        text.remove_prefix(glyph.bytes);
    }
    return out;
}

}  // namespace

std::size_t display_width(std::string_view text) noexcept {
    std::size_t width = 0;
    while (!text.empty()) {
        const Glyph glyph = next_glyph(text);
        width += glyph.width;
        text.remove_prefix(glyph.bytes);
    }
    return width;
}

std::string printable(std::string_view text) {
    return replace_controls(text, false);
}

std::string printable_lines(std::string_view text) {
    return replace_controls(text, true);
}

std::string truncate(std::string_view text, std::size_t width) {
    if (display_width(text) <= width) {
        return std::string(text);
    }
    if (width == 0) {
        return {};
    }
    std::size_t used = 0;
    std::size_t bytes = 0;
    while (bytes < text.size()) {
        const Glyph glyph = next_glyph(text.substr(bytes));
        if (used + glyph.width > width - 1) {
            break;
        }
        used += glyph.width;
        bytes += glyph.bytes;
    }
    return std::string(text.substr(0, bytes)) + "…";
}

std::string wrap(std::string_view text, std::size_t width, std::size_t indent) {
    std::string out;
    const std::string margin(indent, ' ');
    std::size_t column = 0;
    while (!text.empty()) {
        if (text.front() == '\n') {
            out += '\n';
            column = 0;
            text.remove_prefix(1);
            continue;
        }
        const std::size_t spaces = std::min(text.find_first_not_of(' '), text.size());
        const std::size_t end = std::min(text.find_first_of(" \n", spaces), text.size());
        const std::string_view word = text.substr(spaces, end - spaces);
        const std::size_t word_width = display_width(word);
        if (column > 0 && width > 0 && indent + column + spaces + word_width > width) {
            out += '\n';
            column = 0;
        } else if (column > 0 || spaces < end) {
            // Spaces at the start of a line are the writer's own indentation and stay.
            if (column == 0) {
                out += margin;
            }
            out.append(spaces, ' ');
            column += spaces;
        }
        if (column == 0 && (out.empty() || out.back() == '\n')) {
            out += margin;
        }
        out += word;
        column += word_width;
        text.remove_prefix(end);
    }
    return out;
}

}  // namespace abikit::report
