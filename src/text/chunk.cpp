// Joins the blocks of a document into chunks and cuts what is too long. Blocks are found in
// blocks.cpp.
#include <abi/text/chunk.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "blocks.hpp"
#include "lines.hpp"
#include "utf8_decode.hpp"

namespace abikit::text {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kMinMaxBytes = 16;
constexpr std::size_t kMaxHeadingBytes = 200;
constexpr std::size_t kLevels = 6;

char lower_ascii(char byte) noexcept {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

bool ends_with_ignoring_case(std::string_view text, std::string_view suffix) noexcept {
    return text.size() >= suffix.size() &&
           std::equal(suffix.begin(), suffix.end(), text.end() - std::ssize(suffix),
                      [](char left, char right) { return left == lower_ascii(right); });
}

// `text` cut to at most `bytes` at a character border.
std::string_view truncated(std::string_view text, std::size_t bytes) noexcept {
    if (text.size() <= bytes) {
        return text;
    }
    while (bytes > 0 && !starts_code_point(text[bytes])) {
        --bytes;
    }
    return text.substr(0, bytes);
}

// A heading may span lines; its path entry does not.
std::string one_line(std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(), [](char byte) { return byte == '\n' || byte == '\r'; }, ' ');
    return line;
}

// The places where a long paragraph may be cut, best last. Whole lines come first: a line is taken
// apart only when it is long itself.
enum class Border : std::size_t { kCharacter, kWord, kSentence, kLine, kSentenceAtLine, kCount };

bool ends_sentence(char32_t code_point) noexcept {
    return code_point == U'.' || code_point == U'!' || code_point == U'?' || code_point == 0x3002 ||
           code_point == 0xFF01 || code_point == 0xFF1F || code_point == 0x0964 ||
           code_point == 0x06D4 || code_point == 0x061F;
}

// Which border lies between two characters, the second at `at`.
Border border_before(char32_t previous, char32_t before_space, char32_t next) noexcept {
    const bool after_line = previous == U'\n' || (previous == U'\r' && next != U'\n');
    if (after_line) {
        return ends_sentence(before_space) ? Border::kSentenceAtLine : Border::kLine;
    }
    if (is_white_space(previous) && !is_white_space(next)) {
        return ends_sentence(before_space) ? Border::kSentence : Border::kWord;
    }
    // Full-width sentence marks have no space behind them.
    if (previous == 0x3002 || previous == 0xFF01 || previous == 0xFF1F) {
        return Border::kSentence;
    }
    return Border::kCharacter;
}

// Where to cut `text`, which is longer than `limit`: the last border of the best kind in the second
// half of the limit. A limit of at least 16 always has a border there, as no character is longer
// than four bytes.
std::size_t cut_position(std::string_view text, std::size_t limit) noexcept {
    std::array<std::size_t, static_cast<std::size_t>(Border::kCount)> last{};
    char32_t previous = 0;
    char32_t before_space = 0;
    std::size_t at = 0;
    while (at < text.size() && at <= limit) {
        const Utf8Step step = decode_utf8(text, at);
        if (at > limit / 2) {
            const Border border = border_before(previous, before_space, step.code_point);
            last[static_cast<std::size_t>(border)] = at;
        }
        previous = step.code_point;
        before_space = is_white_space(previous) ? before_space : previous;
        at += step.bytes;
    }
    std::size_t cut = at;
    for (const std::size_t place : last) {  // better borders stand later
        cut = place != 0 ? place : cut;
    }
    return cut;
}

class Chunker {
public:
    Chunker(std::string_view document, const ChunkOptions& options)
        : document_(document),
          lines_(split_lines(document)),
          kind_(options.kind),
          max_bytes_(std::max(options.max_bytes, kMinMaxBytes)),
          target_bytes_(std::min(options.target_bytes, max_bytes_)),
          cut_bytes_(target_bytes_ < kMinMaxBytes ? max_bytes_ : target_bytes_) {}

    std::vector<Chunk> run() {
        for (const Block& block : split_blocks(document_, lines_, kind_)) {
            if (block.level != 0) {
                open_section(block);
            }
            add(block);
        }
        flush();
        return std::move(chunks_);
    }

private:
    // A heading starts a new chunk, except right below headings of a higher rank.
    void open_section(const Block& block) {
        if (!only_headings_ || block.level <= last_level_) {
            flush();
        }
        only_headings_ = true;
        last_level_ = block.level;
        headings_[block.level - 1] = one_line(truncated(block.heading, kMaxHeadingBytes));
        for (std::size_t below = block.level; below < kLevels; ++below) {
            headings_[below].clear();
        }
    }

    void add(const Block& block) {
        std::size_t begin = block.begin;
        if (block.end - begin > max_bytes_) {
            while (block.end - begin > cut_bytes_) {
                const std::string_view rest = document_.substr(begin, block.end - begin);
                const std::size_t cut = begin + cut_position(rest, cut_bytes_);
                append(begin, cut, block.level);
                begin = cut;
            }
        }
        append(begin, block.end, block.level);
    }

    // Joins the range to the open chunk where it fits. A heading stays with what follows it.
    void append(std::size_t begin, std::size_t end, std::size_t level) {
        const std::size_t limit = only_headings_ ? max_bytes_ : target_bytes_;
        if (begin_ != end_ && end - begin_ > limit) {
            flush();
        }
        if (begin_ == end_) {
            begin_ = begin;
        }
        end_ = end;
        only_headings_ = level != 0;
    }

    void flush() {
        const std::string_view text = trim(document_.substr(begin_, end_ - begin_));
        begin_ = end_;
        if (text.empty()) {
            return;
        }
        const auto offset = static_cast<std::size_t>(text.data() - document_.data());
        chunks_.push_back(
            {.text = std::string(text), .line = line_of(offset), .heading = heading_path()});
    }

    // Offsets only grow, so that the search goes on where it ended.
    std::uint32_t line_of(std::size_t offset) {
        while (line_ + 1 < lines_.size() && lines_[line_ + 1].begin <= offset) {
            ++line_;
        }
        return static_cast<std::uint32_t>(line_ + 1);
    }

    std::string heading_path() const {
        std::string path;
        for (const std::string& heading : headings_) {
            if (!path.empty() && !heading.empty()) {
                path += " > ";
            }
            path += heading;
        }
        return path;
    }

    std::string_view document_;
    std::vector<Line> lines_;
    DocumentKind kind_;
    std::size_t max_bytes_;
    std::size_t target_bytes_;
    std::size_t cut_bytes_;
    std::size_t begin_ = 0;  // the open chunk's bytes; empty when begin_ == end_
    std::size_t end_ = 0;
    bool only_headings_ = false;  // the open chunk holds nothing else yet
    std::size_t last_level_ = 0;
    std::size_t line_ = 0;
    std::array<std::string, kLevels> headings_;
    std::vector<Chunk> chunks_;
};

}  // namespace

DocumentKind document_kind(std::string_view path) noexcept {
    const bool markdown =
        ends_with_ignoring_case(path, ".md") || ends_with_ignoring_case(path, ".markdown");
    return markdown ? DocumentKind::kMarkdown : DocumentKind::kPlain;
}

std::vector<Chunk> chunk_document(std::string_view document, const ChunkOptions& options) {
    const bool marked = document.starts_with(kByteOrderMark);
    return Chunker(document.substr(marked ? kByteOrderMark.size() : 0), options).run();
}

}  // namespace abikit::text
