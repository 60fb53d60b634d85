// The machinery of an import: one place that embeds, filters and commits rows, whatever they were
// read from.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <abi/data/reader.hpp>
#include <abi/storage/import.hpp>
#include <abi/text/chunk.hpp>

namespace abikit::storage {

// Takes batches of rows and commits them. Single thread. finish() must be called; what was not
// finished was not committed.
class RowIntake {
public:
    RowIntake(const Context& context, Database& database, const ImportOptions& options,
              ImportInfo& info)
        : context_(context), database_(database), options_(options), info_(info) {}

    // Rows of one reader batch. Rows that cannot be stored are rejected under `name`.
    Status take(data::RecordBatch&& batch, const std::string& name);
    // One chunk of a document, with its id; committed together with its neighbours.
    Status take_chunk(std::string_view id, std::string_view text, std::string_view metadata,
                      std::uint64_t line);
    // Deletes rows, after what came before.
    Status drop(std::vector<std::string> ids);
    // Commits what is waiting. Must be called at the end, and before looking at the database for
    // earlier rows.
    Status finish();
    // Hands chunks that wait for a full commit on.
    Status flush();
    // What the numbers of bad rows count in what comes now: "line" or "row".
    void set_unit(std::string_view unit) noexcept { unit_ = unit; }
    // Records a bad row; an error when the options say that the import fails on it.
    Status reject(const std::string& name, std::uint64_t line, std::string reason);

private:
    Status remove_bad_rows(data::RecordBatch& batch, const std::string& name);
    Status store(data::RecordBatch&& batch);
    Status commit(const WriteBatch& batch);
    Status end_learning();
    bool must_learn() const;

    const Context& context_;
    Database& database_;
    const ImportOptions& options_;
    ImportInfo& info_;
    std::string_view unit_ = "line";
    data::RecordBatch pending_;  // chunks waiting for a full commit
    std::vector<data::RecordBatch>
        unlearned_;  // batches waiting for the embedder to learn from them
    std::size_t unlearned_bytes_ = 0;
    bool learned_ = false;
};

// Imports text documents: files and directories of them. Single thread.
class DocumentImporter {
public:
    DocumentImporter(const Context& context, Database& database, const ImportOptions& options,
                     ImportInfo& info, RowIntake& intake)
        : context_(context),
          database_(database),
          options_(options),
          info_(info),
          intake_(intake),
          had_rows_(database.snapshot().rows() != 0) {}

    Status import_directory(const std::string& directory);
    Status import_file(const std::string& path);
    // A document without a name: its rows get ordinals.
    Status import_stream(ByteSource& source);
    // Drops the rows that earlier imports made of what is no longer there. After the last input.
    Status drop_stale();

private:
    Status collect(const std::string& directory, int depth, std::vector<std::string>& files);
    Result<bool> is_database(const std::string& directory);
    Status import_found(const std::string& path);
    Status import_document(const std::string& path, std::string_view content);
    Status take_if_changed(const Snapshot& before, const std::string& id, const text::Chunk& chunk,
                           const std::string& metadata);
    std::string chunk_metadata(const std::string& path, const text::Chunk& chunk) const;
    Result<bool> is_stale(const Snapshot& before, RowNumber row, std::string_view id) const;
    void skip(const std::string& path, std::string reason);

    const Context& context_;
    Database& database_;
    const ImportOptions& options_;
    ImportInfo& info_;
    RowIntake& intake_;
    bool had_rows_;
    std::vector<std::string> directories_;               // that were imported whole
    std::unordered_map<std::string, std::size_t> seen_;  // path of each document -> its chunks
    std::unordered_set<std::string> unread_;             // there, but not to be read: rows stay
};

}  // namespace abikit::storage
