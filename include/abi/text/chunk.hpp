// Splits documents into chunks that are embedded and found on their own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace abikit::text {

enum class DocumentKind { kPlain, kMarkdown };
// By extension: .md .markdown are Markdown, everything else is plain.
DocumentKind document_kind(std::string_view path) noexcept;

struct Chunk {
    std::string text;        // trimmed, never empty
    std::uint32_t line = 1;  // 1-based line where it starts
    std::string heading;     // Markdown: the headings above it, "Guide > Install"; else empty
};

struct ChunkOptions {
    DocumentKind kind = DocumentKind::kPlain;
    std::size_t target_bytes = 1500;  // neighbouring paragraphs are joined up to this size
    std::size_t max_bytes =
        6000;  // longer paragraphs are cut at sentence, word, then character borders
};

// Plain text is cut at blank lines, Markdown at headings (fenced code is never cut at a '#').
// Deterministic; the chunks together hold every non-blank line of the document in order. `document`
// must be valid UTF-8.
std::vector<Chunk> chunk_document(std::string_view document, const ChunkOptions& options = {});

}  // namespace abikit::text
