// Text documents as rows: found, chunked, compared with what is stored, and dropped when they are
// gone.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include <abi/data/value.hpp>
#include <abi/text/utf8.hpp>

#include "format.hpp"
#include "importer.hpp"

namespace abikit::storage {

namespace {
constexpr std::uint64_t kMaxDocumentBytes = std::uint64_t{1} << 30;
constexpr int kMaxDepth = 64;

struct ChunkId {
    std::string_view path;
    std::uint64_t ordinal = 0;  // from 1
};

std::string chunk_id(const std::string& path, std::size_t ordinal) {
    return fmt::format("{}#{}", path, ordinal);
}

bool parse_chunk_id(std::string_view id, ChunkId& out) {
    const std::size_t hash = id.rfind('#');
    if (hash == std::string_view::npos) {
        return false;
    }
    const std::string_view digits = id.substr(hash + 1);
    out.path = id.substr(0, hash);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.ordinal);
    return error == std::errc() && end == digits.data() + digits.size();
}

std::string chunk_metadata(const std::string& path, const std::string& source,
                           const text::Chunk& chunk) {
    data::Object object;
    if (!path.empty()) {
        object.emplace_back("path", path);
    }
    object.emplace_back("line", std::uint64_t{chunk.line});
    if (!chunk.heading.empty()) {
        object.emplace_back("heading", chunk.heading);
    }
    if (!source.empty()) {
        object.emplace_back("source", source);
    }
    return data::to_json(data::Value(std::move(object)));
}

// "docs/", "./docs" and "docs" are the same place.
std::string normalized(std::string path) {
    while (path.starts_with("./") && path.size() > 2) {
        path.erase(0, 2);
    }
    while (path.size() > 1 && path.ends_with('/')) {
        path.pop_back();
    }
    return path;
}

std::string why_not_text(std::string_view bytes) {
    const std::size_t valid = text::utf8_valid_prefix(bytes);
    return valid == bytes.size() ? "it is binary, not text"
                                 : fmt::format("it is not valid UTF-8 (at byte {})", valid);
}
}  // namespace

struct DocumentImporter::Document {
    std::string path;    // "" for a stream
    std::string source;  // the directory it was found under; "" when named itself
    std::string_view content;
};

void DocumentImporter::skip(const std::string& path, std::string reason) {
    ++info_.files_skipped;
    if (info_.skipped.size() < kMaxRejections) {
        info_.skipped.push_back({path, 0, std::move(reason)});
    }
}

Result<bool> DocumentImporter::is_database(const std::string& directory) {
    ABI_TRY(const auto manifest, context_.fs->stat(join_path(directory, kManifestName)));
    ABI_TRY(const auto lock, context_.fs->stat(join_path(directory, kLockName)));
    return manifest && lock;
}

Status DocumentImporter::collect(const std::string& directory, int depth,
                                 std::vector<std::string>& files) {
    if (depth > kMaxDepth) {
        return fail(Code::kInvalidArgument,
                    fmt::format("'{}' lies more than {} directories deep", directory, kMaxDepth));
    }
    ABI_CHECK(context_.cancel.check());
    ABI_TRY(const auto entries, context_.fs->list(directory));
    for (const DirectoryEntry& entry : entries) {
        if (entry.name.starts_with('.')) {
            continue;
        }
        const std::string path = directory == "." ? entry.name : join_path(directory, entry.name);
        if (entry.kind == FileKind::kDirectory) {
            ABI_TRY(const bool database, is_database(path));
            if (!database) {
                ABI_CHECK(collect(path, depth + 1, files));
            }
            continue;
        }
        ABI_TRY(const auto info,
                context_.fs->stat(path));  // follows links to files, not to directories
        if (info && info->kind == FileKind::kFile) {
            files.push_back(path);
        }
    }
    return {};
}

Status DocumentImporter::import_directory(const std::string& given) {
    const std::string directory = normalized(given);
    const Snapshot before = database_.snapshot();
    std::vector<std::string> files;
    ABI_CHECK(collect(directory, 0, files));
    if (context_.progress != nullptr) {
        context_.progress->begin("import", "files", files.size());
    }
    std::unordered_set<std::string> seen;
    std::uint64_t done = 0;
    for (const std::string& path : files) {
        ABI_CHECK(context_.cancel.check());
        if (data::Format format; options_.from.empty() && data::format_from_path(path, format)) {
            skip(path, "it is a data file: import it by its name");
            continue;
        }
        ABI_TRY(const std::string content, context_.fs->read_file(path, kMaxDocumentBytes));
        info_.bytes_read += content.size();
        if (text::looks_like_text(content)) {
            ++info_.files;
            seen.insert(path);
            ABI_CHECK(import_document({path, directory, content}));
        } else {
            skip(path, why_not_text(content));
        }
        if (context_.progress != nullptr) {
            context_.progress->update(++done);
        }
    }
    ABI_CHECK(drop_vanished(before, directory, seen));
    if (context_.progress != nullptr) {
        context_.progress->end();
    }
    return {};
}

Status DocumentImporter::import_file(const std::string& given) {
    const std::string path = normalized(given);
    ABI_TRY(const std::string content, context_.fs->read_file(path, kMaxDocumentBytes));
    info_.bytes_read += content.size();
    if (!text::looks_like_text(content)) {
        return intake_.reject(path, 1, why_not_text(content));
    }
    ++info_.files;
    return import_document({path, {}, content});
}

Status DocumentImporter::import_stream(ByteSource& source) {
    std::string content;
    std::vector<std::byte> block(std::size_t{1} << 16);
    while (true) {
        ABI_CHECK(context_.cancel.check());
        ABI_TRY(const std::size_t got, source.read(block));
        if (got == 0) {
            break;
        }
        content.append(as_text(std::span(block).first(got)));
        if (content.size() > kMaxDocumentBytes) {
            return fail(Code::kInvalidData,
                        "standard input is longer than one document may be (1 GiB)");
        }
    }
    info_.bytes_read += content.size();
    if (!text::looks_like_text(content)) {
        return intake_.reject("standard input", 1, why_not_text(content));
    }
    ++info_.files;
    return import_document({{}, {}, content});
}

Status DocumentImporter::import_document(const Document& document) {
    const Snapshot before = database_.snapshot();
    text::ChunkOptions chunking;
    chunking.kind = text::document_kind(document.path);
    if (!options_.from.empty()) {
        chunking.kind = options_.from == "markdown" ? text::DocumentKind::kMarkdown
                                                    : text::DocumentKind::kPlain;
    }
    const std::vector<text::Chunk> chunks = text::chunk_document(document.content, chunking);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        const std::string metadata = chunk_metadata(document.path, document.source, chunks[i]);
        const std::string id =
            document.path.empty() ? std::string() : chunk_id(document.path, i + 1);
        if (id.size() > kMaxIdBytes) {
            return intake_.reject(document.path, 1, "its path is too long for an id");
        }
        ABI_CHECK(take_if_changed(before, id, chunks[i], metadata));
    }
    return document.path.empty() ? Status() : drop_rest(before, document.path, chunks.size());
}

Status DocumentImporter::take_if_changed(const Snapshot& before, const std::string& id,
                                         const text::Chunk& chunk, const std::string& metadata) {
    if (!id.empty()) {
        ABI_TRY(const auto row, before.find(id));
        if (row) {
            ABI_TRY(const RowView stored, before.read(*row));
            if (stored.text == chunk.text && stored.metadata == metadata) {
                ++info_.rows_read;
                ++info_.rows_unchanged;
                return {};
            }
        }
    }
    return intake_.take_chunk(id, chunk.text, metadata, chunk.line);
}

// Chunks behind the document's last one are left from a longer version of it.
Status DocumentImporter::drop_rest(const Snapshot& before, const std::string& path,
                                   std::size_t chunks) {
    std::vector<std::string> gone;
    for (std::size_t ordinal = chunks + 1;; ++ordinal) {
        std::string id = chunk_id(path, ordinal);
        ABI_TRY(const auto row, before.find(id));
        if (!row) {
            break;
        }
        gone.push_back(std::move(id));
    }
    return intake_.drop(std::move(gone));
}

// Rows that an earlier import of this directory made of files that are no longer there.
Status DocumentImporter::drop_vanished(const Snapshot& before, const std::string& source,
                                       const std::unordered_set<std::string>& seen) {
    std::vector<std::string> gone;
    ABI_CHECK(before.scan(0, [&](RowNumber row) -> Result<bool> {
        ABI_TRY(std::string id, before.read_id(row));
        ChunkId parts;
        if (!parse_chunk_id(id, parts) || seen.contains(std::string(parts.path))) {
            return true;
        }
        ABI_TRY(const RowView view, before.read(row));
        if (!view.metadata) {
            return true;
        }
        ABI_TRY(const data::Value metadata, data::parse_json(*view.metadata));
        const data::Value* const found = metadata.find("source");
        if (found != nullptr && *found == data::Value(source)) {
            gone.push_back(std::move(id));
        }
        return true;
    }));
    return intake_.drop(std::move(gone));
}

}  // namespace abikit::storage
