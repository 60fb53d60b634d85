// Text documents as rows: found, chunked, compared with what is stored, and dropped when they are
// gone.
#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include <abi/data/value.hpp>
#include <abi/storage/archive.hpp>
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
// Whether a path lies below a directory; "." holds every relative path that does not leave it.
bool lies_below(std::string_view path, std::string_view directory) {
    if (directory == ".") {
        return !path.starts_with('/') && !path.starts_with("../");
    }
    return path.size() > directory.size() && path.starts_with(directory) &&
           (directory == "/" || path[directory.size()] == '/');
}

// What no program can read as text: found early, so that large binaries are not read whole.
bool looks_binary(std::string_view head) {
    return head.find('\0') != std::string_view::npos;
}
}  // namespace

// Relative paths say what they are relative to, so that two projects in one database keep apart.
std::string DocumentImporter::chunk_metadata(const std::string& path,
                                             const text::Chunk& chunk) const {
    data::Object object;
    if (!path.empty()) {
        object.emplace_back("path", path);
    }
    object.emplace_back("line", std::uint64_t{chunk.line});
    if (!chunk.heading.empty()) {
        object.emplace_back("heading", chunk.heading);
    }
    if (!path.empty() && !path.starts_with('/') && !options_.base.empty()) {
        object.emplace_back("base", options_.base);
    }
    return data::to_json(data::Value(std::move(object)));
}

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
        if (!text::utf8_valid(path)) {
            skip(text::fold(path), "its name is not valid UTF-8");
        } else if (entry.kind == FileKind::kFile) {
            files.push_back(path);
        } else if (entry.kind == FileKind::kDirectory && !entry.is_link) {
            // A link to a directory could lead around in a circle; one to a file cannot.
            ABI_TRY(const bool database, is_database(path));
            if (!database) {
                ABI_CHECK(collect(path, depth + 1, files));
            }
        }
    }
    return {};
}

Status DocumentImporter::import_directory(const std::string& given) {
    const std::string directory = normalized(given);
    std::vector<std::string> files;
    ABI_CHECK(collect(directory, 0, files));
    directories_.push_back(directory);
    if (context_.progress != nullptr) {
        context_.progress->begin("import", "files", files.size());
    }
    std::uint64_t done = 0;
    for (const std::string& path : files) {
        ABI_CHECK(context_.cancel.check());
        data::Format format;
        if (options_.from.empty() &&
            (data::format_from_path(path, format) || is_archive_path(path))) {
            skip(path, "it is a data file: import it by its name");
        } else {
            ABI_CHECK(import_found(path));
        }
        if (context_.progress != nullptr) {
            context_.progress->update(++done);
        }
    }
    if (context_.progress != nullptr) {
        context_.progress->end();
    }
    return {};
}

// A file of a directory: what is no text is left out, and what cannot be read does not stop the
// rest.
Status DocumentImporter::import_found(const std::string& path) {
    const auto read = [&]() -> Result<std::optional<std::string>> {
        ABI_TRY(const auto file, context_.fs->open(path, OpenMode::kRead));
        std::array<std::byte, 8192> head;
        ABI_TRY(const std::size_t got, file->read_at(0, head));
        if (looks_binary(as_text(std::span(head).first(got)))) {
            return std::nullopt;
        }
        ABI_TRY(std::string content, context_.fs->read_file(path, kMaxDocumentBytes));
        return content;
    };
    const auto content = read();
    if (!content) {
        if (content.error().code() == Code::kCancelled) {
            return fail(content.error().clone());
        }
        unread_.insert(path);
        skip(path, content.error().describe());
        return {};
    }
    info_.bytes_read += content->has_value() ? (*content)->size() : 0;
    if (!content->has_value() || !text::looks_like_text(**content)) {
        skip(path, content->has_value() ? why_not_text(**content) : "it is binary, not text");
        return {};
    }
    ++info_.files;
    return import_document(path, **content);
}

Status DocumentImporter::import_file(const std::string& given) {
    const std::string path = normalized(given);
    ABI_TRY(const std::string content, context_.fs->read_file(path, kMaxDocumentBytes));
    info_.bytes_read += content.size();
    if (!text::looks_like_text(content)) {
        return intake_.reject(path, 1, why_not_text(content));
    }
    ++info_.files;
    return import_document(path, content);
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
    return import_document({}, content);
}

Status DocumentImporter::import_document(const std::string& path, std::string_view content) {
    const Snapshot before = database_.snapshot();
    text::ChunkOptions chunking;
    chunking.kind = text::document_kind(path);
    if (!options_.from.empty()) {
        chunking.kind = options_.from == "markdown" ? text::DocumentKind::kMarkdown
                                                    : text::DocumentKind::kPlain;
    }
    const std::vector<text::Chunk> chunks = text::chunk_document(content, chunking);
    if (chunk_id(path, chunks.size()).size() > kMaxIdBytes) {
        return intake_.reject(path, 1, "its path is too long for an id");
    }
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        const std::string id = path.empty() ? std::string() : chunk_id(path, i + 1);
        ABI_CHECK(take_if_changed(before, id, chunks[i], chunk_metadata(path, chunks[i])));
    }
    if (!path.empty()) {
        seen_[path] = chunks.size();
    }
    return {};
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

// A row of ours whose document was read and has no such chunk any more, or whose document is gone
// from a directory that was read whole.
Result<bool> DocumentImporter::is_stale(const Snapshot& before, RowNumber row,
                                        std::string_view id) const {
    ChunkId parts;
    if (!parse_chunk_id(id, parts)) {
        return false;
    }
    const std::string path(parts.path);
    const auto seen = seen_.find(path);
    const auto below = [&](const std::string& directory) { return lies_below(path, directory); };
    const bool gone = seen == seen_.end() && !unread_.contains(path) &&
                      std::any_of(directories_.begin(), directories_.end(), below);
    if (!gone && (seen == seen_.end() || parts.ordinal <= seen->second)) {
        return false;
    }
    ABI_TRY(const RowView view, before.read(row));
    const auto metadata = view.metadata ? data::parse_json(*view.metadata) : data::Value();
    if (!metadata) {
        return false;  // not written by an import of documents
    }
    const data::Value* const found = metadata->find("path");
    const data::Value* const base = metadata->find("base");
    const data::Value expected =
        path.starts_with('/') || options_.base.empty() ? data::Value() : options_.base;
    return found != nullptr && *found == data::Value(path) &&
           (base == nullptr ? data::Value() : *base) == expected;
}

Status DocumentImporter::drop_stale() {
    if (!had_rows_ || (seen_.empty() && directories_.empty())) {
        return {};
    }
    const Snapshot before = database_.snapshot();
    std::vector<std::string> stale;
    ABI_CHECK(before.scan(0, [&](RowNumber row) -> Result<bool> {
        ABI_TRY(std::string id, before.read_id(row));
        ABI_TRY(const bool drop, is_stale(before, row, id));
        if (drop) {
            stale.push_back(std::move(id));
        }
        return true;
    }));
    return intake_.drop(std::move(stale));
}

}  // namespace abikit::storage
