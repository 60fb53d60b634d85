// Finds paragraphs, fenced code and headings. The line rules are in markdown.cpp.
#include "blocks.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "markdown.hpp"

namespace abikit::text {
namespace {

constexpr std::size_t kSafeFenceIndent = 4;

class BlockSplitter {
public:
    BlockSplitter(std::string_view document, const std::vector<Line>& lines)
        : document_(document), lines_(lines) {}

    std::vector<Block> plain() {
        for (std::size_t at = 0; at < lines_.size();) {
            at = lines_[at].blank ? at + 1 : paragraph(at);
        }
        return std::move(blocks_);
    }

    std::vector<Block> markdown() {
        for (std::size_t at = front_matter(); at < lines_.size();) {
            at = lines_[at].blank ? at + 1 : markdown_block(at);
        }
        return std::move(blocks_);
    }

private:
    std::string_view content(std::size_t line) const {
        return document_.substr(lines_[line].begin, lines_[line].end - lines_[line].begin);
    }

    void add(std::size_t first, std::size_t end, std::size_t level = 0,
             std::string_view heading = {}) {
        blocks_.push_back({.begin = lines_[first].begin,
                           .end = lines_[end - 1].end,
                           .level = level,
                           .heading = heading});
    }

    std::size_t paragraph(std::size_t first) {
        std::size_t end = first;
        while (end < lines_.size() && !lines_[end].blank) {
            ++end;
        }
        add(first, end);
        return end;
    }

    // YAML between --- lines at the very start, where --- would otherwise underline a heading.
    std::size_t front_matter() {
        if (lines_.empty() || trim(content(0)) != "---") {
            return 0;
        }
        for (std::size_t at = 1; at < lines_.size() && !lines_[at].blank; ++at) {
            const std::string_view text = trim(content(at));
            if (text == "---" || text == "...") {
                add(0, at + 1);
                return at + 1;
            }
        }
        return 0;
    }

    std::size_t markdown_block(std::size_t first) {
        if (const std::size_t end = fenced_code(first); end != first) {
            add(first, end);
            return end;
        }
        if (const AtxHeading heading = atx_heading(content(first)); heading.level != 0) {
            add(first, first + 1, heading.level, heading.text);
            return first + 1;
        }
        return markdown_paragraph(first);
    }

    // A paragraph ends at a blank line, a fence or a heading, or is itself a heading when it is
    // underlined.
    std::size_t markdown_paragraph(std::size_t first) {
        const bool may_be_heading = may_be_setext_text(content(first));
        std::size_t end = first + 1;
        for (; end < lines_.size() && !lines_[end].blank; ++end) {
            const std::string_view line = content(end);
            if (const std::size_t level = setext_level(line); level != 0 && may_be_heading) {
                const Line& above = lines_[end - 1];
                const std::size_t begin = lines_[first].begin;
                add(first, end + 1, level, trim(document_.substr(begin, above.end - begin)));
                return end + 1;
            }
            if (atx_heading(line).level != 0 || fenced_code(end) != end) {
                break;
            }
        }
        add(first, end);
        return end;
    }

    // The line behind the fenced code that opens at `first`; `first` itself when none opens there.
    // An unclosed fence reaches to the end of the document, but one that is indented like code
    // must be closed to count: list items indent their fences, and so does code about fences.
    std::size_t fenced_code(std::size_t first) {
        const Fence fence = opening_fence(content(first));
        if (fence.mark == 0) {
            return first;
        }
        std::size_t& unclosed = unclosed_[fence.mark == '`' ? 0 : 1];
        for (std::size_t at = first + 1; at < lines_.size() && fence.length < unclosed; ++at) {
            if (closes_fence(content(at), fence)) {
                return at + 1;
            }
        }
        unclosed = std::min(unclosed, fence.length);
        return fence.indent < kSafeFenceIndent ? lines_.size() : first;
    }

    std::string_view document_;
    const std::vector<Line>& lines_;
    std::vector<Block> blocks_;
    // Per mark, the shortest fence known to have no closing line from here on, so that text full of
    // unclosed fences is not searched again and again.
    std::array<std::size_t, 2> unclosed_{SIZE_MAX, SIZE_MAX};
};

}  // namespace

std::vector<Block> split_blocks(std::string_view document, const std::vector<Line>& lines,
                                DocumentKind kind) {
    BlockSplitter splitter(document, lines);
    return kind == DocumentKind::kMarkdown ? splitter.markdown() : splitter.plain();
}

}  // namespace abikit::text
