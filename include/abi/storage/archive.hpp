// One-file archives: a consistent moment of all collections of a database, to be kept, sent and
// imported. The format is docs/formats/wdbx-archive.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/core/io.hpp>
#include <abi/storage/database.hpp>
#include <abi/storage/import.hpp>

namespace abikit::storage {

struct ArchiveInfo {
    std::uint64_t collections = 0, rows = 0;
    std::uint64_t bytes = 0;  // of the archive
};

// Whether a path has the extension of an archive, ".wda".
ABI_API bool is_archive_path(std::string_view path) noexcept;

// Writes the live rows of all collections, with ids, vectors as they are stored, texts, metadata
// and embedder states, as a stream: nothing is written twice. Named snapshots stay out. Not while
// another thread writes to the database.
ABI_API Result<ArchiveInfo> export_archive(const Context& context, const Database& database,
                                           ByteSink& sink);

// Makes a database of an archive at `destination`, which must not exist or be an empty directory
// (kAlreadyExists). Every byte is checked first (kCorrupt with the offset in the archive); the
// database is built beside its place, verified and renamed, so there is all of it or nothing.
// Databases made of one archive share its UUID, which is not that of the database it was made of.
ABI_API Result<ArchiveInfo> create_from_archive(const Context& context, const std::string& archive,
                                                const std::string& destination);

// Imports an archive into a database that is there, each collection into the one of its name.
// Collections that are missing, or have no rows and the same settings, become those of the archive
// in one atomic step; into others rows go in batches as import_files does it. Before anything is
// written every byte is checked (kCorrupt), and dimension, metric, element type and embedder of
// each collection compared (kIncompatible; an embedder must have learned the same).
ABI_API Status import_archive(const Context& context, Database& database,
                              const std::string& archive, const ImportOptions& options,
                              ImportInfo& info);

}  // namespace abikit::storage
