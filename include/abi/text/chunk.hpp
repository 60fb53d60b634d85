// Splits documents into chunks that are embedded and found on their own. The chunks' words become
// vectors in `hash_embedder.hpp`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace abikit::text {

enum class DocumentKind { kPlain, kMarkdown };
// By extension, whatever its case: .md .markdown are Markdown, everything else is plain.
DocumentKind document_kind(std::string_view path) noexcept;

// One piece of a document. Its text is a slice of the document as it stands there, line ends
// included, without blank lines around it.
struct Chunk {
    std::string text;        // trimmed, never empty
    std::uint32_t line = 1;  // 1-based line where it starts
    std::string heading;     // Markdown: the headings above it, "Guide > Install"; else empty
};

struct ChunkOptions {
    DocumentKind kind = DocumentKind::kPlain;
    // Neighbouring paragraphs are joined up to this size; 0 joins none.
    std::size_t target_bytes = 1500;
    // Longer paragraphs are cut at line, sentence, word, then character borders; less than 16 is
    // taken as 16.
    std::size_t max_bytes = 6000;
};

// Plain text is cut at blank lines, Markdown also at headings: a heading (ATX, `# Install`, or
// setext, underlined with === or ---) opens a new chunk, stands in it as its first line and is the
// last entry of its `heading`; a heading with nothing below it is joined with the section that
// follows when that lies deeper. Fenced code is never cut at a '#' or at a blank line, unless it is
// longer than max_bytes. Lines end with LF, CRLF or CR. A line is blank when it holds only white
// space (Unicode's White_Space), and a byte order mark at the start belongs to no chunk.
// Deterministic; the chunks together hold every non-blank line of the document in order.
// `document` must be valid UTF-8: invalid bytes do no harm, but may be cut anywhere. Linear time.
std::vector<Chunk> chunk_document(std::string_view document, const ChunkOptions& options = {});

}  // namespace abikit::text
