// Bulk import and export: files, directories and streams in and out of a database.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/core/io.hpp>
#include <abi/storage/database.hpp>

namespace abikit::storage {

enum class OnError { kFail, kSkip };

struct ImportOptions {
    // "" tells by the extension; else a data::Format by name, "tsv", "text", "markdown", or "wdbx"
    // for archives (archive.hpp).
    std::string from;
    std::size_t commit_every = 8192;  // rows in one atomic commit
    OnError on_error = OnError::kFail;
    // What relative paths of documents are relative to, stored with their rows (metadata "base"),
    // so that importing "docs" of one project never drops rows of another's. "" stores nothing.
    std::string base;
    std::string id_column, text_column;       // CSV
    std::vector<std::string> vector_columns;  // CSV
    // Called after each durable commit with the rows of this import that are durable so far. An
    // error stops the import.
    std::function<Status(std::uint64_t durable_rows)> on_durable;
};

struct ImportRejection {
    std::string file;
    std::uint64_t line = 0;  // 1-based line, or row from 0 in binary formats
    std::string reason;
};

struct ImportInfo {
    std::uint64_t files = 0, files_skipped = 0, bytes_read = 0;
    std::uint64_t rows_read = 0, rows_added = 0, rows_replaced = 0, rows_unchanged = 0;
    std::uint64_t rows_dropped = 0;  // of documents, or parts of them, that are no longer there
    std::uint64_t rows_rejected = 0, commits = 0;
    bool embedder_learned = false;
    std::vector<ImportRejection> rejections;  // rows that were bad; the first kMaxRejections
    std::vector<ImportRejection> skipped;  // files of directories that are no documents; likewise
};
inline constexpr std::size_t kMaxRejections = 100;

// Imports inputs in order; "-" is `standard_input`. Directories are walked in byte order, hidden
// names and data files skipped; their text files, and text files named directly, are chunked into
// rows "<path>#<n>" with path and line as metadata, replace what changed, and drop rows of files
// (or parts of files) that vanished. With OnError::kFail the first bad row stops the import;
// commits made before stay. `info` holds what was done, also on failure.
ABI_API Status import_files(const Context& context, Database& database,
                            const std::vector<std::string>& inputs, ByteSource* standard_input,
                            const ImportOptions& options, ImportInfo& info);

struct ExportInfo {
    std::uint64_t rows = 0;
};
struct ExportOptions {
    std::string to = "jsonl";        // or "npy", "npz", "fvecs", "bvecs", "fbin", "csv"
    const Filter* filter = nullptr;  // only rows that match; borrowed for the call
};
// Writes the live rows in order of insertion.
ABI_API Result<ExportInfo> export_rows(const Context& context, const Database& database,
                                       ByteSink& sink, const ExportOptions& options);

}  // namespace abikit::storage
