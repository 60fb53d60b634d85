// The chunker on arbitrary bytes. The first three choose the kind and the limits. Whatever the
// document, its chunks hold every byte that is no white space, in order, within the limits, and say
// the line where they start; chunks of valid text are valid.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <abi/text/chunk.hpp>
#include <abi/text/utf8.hpp>

#include "text/lines.hpp"
#include "text/utf8_decode.hpp"

namespace {

using namespace abikit::text;

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

std::string without_space(std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
        const Utf8Step step = decode_utf8(text, at);
        if (!step.valid || !is_white_space(step.code_point)) {
            result += text.substr(at, step.bytes);
        }
        at += step.bytes;
    }
    return result;
}

void check(std::string_view document, const ChunkOptions& options) {
    const std::size_t limit = std::max<std::size_t>(options.max_bytes, 16);
    const std::size_t lines = split_lines(document).size();
    const bool valid = utf8_valid(document);
    std::string joined;
    std::uint32_t line = 0;
    for (const Chunk& chunk : chunk_document(document, options)) {
        require(!chunk.text.empty() && chunk.text.size() <= limit);
        require(trim(chunk.text) == chunk.text);
        require(document.contains(chunk.text));
        require(chunk.line >= std::max<std::uint32_t>(line, 1) && chunk.line <= lines);
        require(options.kind == DocumentKind::kMarkdown || chunk.heading.empty());
        require(!valid || (utf8_valid(chunk.text) && utf8_valid(chunk.heading)));
        line = chunk.line;
        joined += chunk.text;
    }
    if (valid) {
        document.remove_prefix(document.starts_with("\xEF\xBB\xBF") ? 3 : 0);
        require(without_space(joined) == without_space(document));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) {
        return 0;
    }
    const std::string_view document(reinterpret_cast<const char*>(data) + 3, size - 3);
    check(document, {.kind = data[0] % 2 == 0 ? DocumentKind::kPlain : DocumentKind::kMarkdown,
                     .target_bytes = std::size_t{data[1]} * 8,
                     .max_bytes = std::size_t{data[2]} * 16});
    return 0;
}
