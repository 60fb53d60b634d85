// The blocks of a document: what the chunker joins and never takes apart unless it is too long.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <abi/text/chunk.hpp>

#include "lines.hpp"

namespace abikit::text {

// A run of whole lines: a paragraph, a fenced code block, front matter, or a heading.
struct Block {
    std::size_t begin = 0;  // byte offsets in the document
    std::size_t end = 0;
    std::size_t level = 0;     // of a heading; 0: no heading
    std::string_view heading;  // its text, a slice of the document
};

// Every non-blank line lies in exactly one block; blocks are in order.
std::vector<Block> split_blocks(std::string_view document, const std::vector<Line>& lines,
                                DocumentKind kind);

}  // namespace abikit::text
