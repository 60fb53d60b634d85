// How wide UTF-8 text stands in a terminal, and making it fit.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace abikit::report {

// Columns that `text` takes in a terminal: wide East Asian characters and emoji 2, combining marks
// 0. Bytes that are no UTF-8 count 1 each.
std::size_t display_width(std::string_view text) noexcept;

// One line that is safe to print: control characters, among them escape sequences and line feeds,
// and invalid UTF-8 are replaced, so that data cannot steer the terminal.
std::string printable(std::string_view text);
// The same with line feeds and tabs kept.
std::string printable_lines(std::string_view text);

// `text` cut to at most `width` columns with an ellipsis where something was cut.
std::string truncate(std::string_view text, std::size_t width);

// `text` broken into lines of at most `width` columns at spaces; words that are longer stand alone.
// Line feeds in the text are kept. A width of 0 breaks nothing.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent = 0);

}  // namespace abikit::report
