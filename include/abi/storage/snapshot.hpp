// A consistent, immutable view of a collection: rows, texts, metadata and search, all of the same
// moment.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/data/record.hpp>
#include <abi/storage/element.hpp>
#include <abi/storage/filter.hpp>
#include <abi/storage/metric.hpp>
#include <abi/storage/row_set.hpp>
#include <abi/storage/search_explain.hpp>

namespace abikit::storage {

struct DatabaseState;
struct State;
class TextQuery;
struct TextSearchOptions;
struct TextSearchResult;

// Where a row stands in one snapshot: an ordinal over all units, deleted rows included. Meaningless
// in another snapshot.
using RowNumber = std::uint64_t;

// One row. The views live as long as the snapshot, `vector` also as long as the RowView itself: it
// points into `decoded` where the collection does not store float32. Move-only use. Absent text or
// metadata are nullopt.
struct RowView {
    std::string id;
    std::span<const float> vector;
    std::vector<float> decoded;
    std::optional<std::string_view> text;
    std::optional<std::string_view> metadata;  // a JSON object in compact form
};

// Live rows that lie behind each other, no deleted one among them.
struct RowRun {
    RowNumber first = 0;
    std::uint64_t count = 0;
};

struct Hit {
    RowNumber row = 0;
    float distance = 0.0F;
};

enum class SearchMode {
    kAuto,   // through indexes where there are any
    kExact,  // every row
};

// What a search looks for, how hard, and where. `filter` and `rows` are borrowed for the call; with
// both a hit has to be in both.
struct SearchOptions {
    std::size_t k = 10;  // at least 1
    // The share of the true k nearest that the hits should hold on average, above 0; 1 is exact.
    // Unset: 0.98. Without an index every search is exact.
    std::optional<double> recall = {};
    // Candidates that a walk keeps, instead of `recall`; for experts.
    std::optional<std::uint32_t> effort = {};
    SearchMode mode = SearchMode::kAuto;
    const Filter* filter = nullptr;    // only rows that match
    const RowSet* rows = nullptr;      // only these rows, of the same snapshot
    SearchExplain* explain = nullptr;  // borrowed too; what the search does is added to it
};

// How far a search by distance goes. `filter` and `rows` as in SearchOptions.
struct RangeOptions {
    float distance = 0;     // of a hit, at most; not NaN
    std::size_t limit = 0;  // only the nearest so many; 0: all
    const Filter* filter = nullptr;
    const RowSet* rows = nullptr;
    SearchExplain* explain = nullptr;
};

struct SnapshotStats {
    std::string collection;
    std::uint32_t dimension = 0;
    Metric metric = Metric::kCosine;
    ElementType element = ElementType::kFloat32;
    std::uint64_t rows = 0;          // live
    std::uint64_t deleted_rows = 0;  // still taking space
    std::uint64_t segments = 0;
    std::uint64_t log_rows = 0;   // live rows not yet in a segment
    std::uint64_t log_bytes = 0;  // of all collections
    std::uint64_t vector_bytes = 0, id_bytes = 0, text_bytes = 0, metadata_bytes = 0;
    std::uint64_t generation = 0;  // of the manifest
    std::uint64_t lsn = 0;         // of the last commit in it
    std::int64_t created_ns = 0, checkpoint_ns = 0;
    std::string uuid;
    std::uint64_t learned_documents = 0;
    // How far the embedder is from the texts: the share of the rows beyond those that it has
    // learned from, 0 to 1; 0 without an embedder. All vectors made of texts are the present
    // embedder's own: it changes only together with them.
    double embedder_drift = 0;
    // How often a thread that took a snapshot of this handle waited: only for another thread of it
    // that was reading what another process had written. Always 0 on a handle that writes.
    std::uint64_t read_waits = 0;
};

// Cheap to copy. Thread-safe. Reading a block of a file for the first time checks its checksum:
// kCorrupt names file and offset. Outlives neither the file system nor the pool of the context it
// was opened with.
class ABI_API Snapshot {
public:
    // `state` belongs to `database`.
    Snapshot(std::shared_ptr<const DatabaseState> database, std::shared_ptr<const State> state);
    ~Snapshot();
    Snapshot(const Snapshot&);
    Snapshot& operator=(const Snapshot&);

    std::uint64_t rows() const noexcept;
    SnapshotStats stats() const;

    // The live row with this id.
    Result<std::optional<RowNumber>> find(std::string_view id) const;
    Result<RowView> read(RowNumber row) const;
    Result<std::string> read_id(RowNumber row) const;
    // Visits live rows in order of insertion, skipping the first `offset`; stops when the visitor
    // returns false or fails.
    Status scan(std::uint64_t offset, const std::function<Result<bool>(RowNumber)>& visit) const;
    // The same in runs of at most `max_rows`, each as long as it can be; stops when the visitor
    // fails.
    Status scan_runs(std::uint64_t max_rows, const std::function<Status(RowRun)>& visit) const;
    // The vectors of a run that scan_runs gave, row-major: as they lie where the collection stores
    // float32, which live as long as the snapshot; otherwise `decoded`, which is overwritten.
    Result<std::span<const float>> read_vectors(RowRun run, std::vector<float>& decoded) const;
    // One column of a row; absent is nullopt. Views live as long as the snapshot.
    Result<std::optional<std::string_view>> read_text(RowNumber row) const;
    Result<std::optional<std::string_view>> read_metadata(RowNumber row) const;

    // Gives each row of a batch without vectors one from its text, as the embedder of this moment
    // makes them: for queries, so that they fit the rows that are searched. kInvalidArgument
    // without an embedder.
    Status embed(const Context& context, data::RecordBatch& batch) const;

    // The live rows that match. kInvalidArgument, with the place in the filter, when a condition
    // asks for what no live row can answer: a field that none has, or a type that the field has
    // nowhere (not for IS NULL, nor when there are no rows). All threads of the context's pool work
    // on it. kCancelled when the context's token is set.
    Result<RowSet> match(const Context& context, const Filter& filter) const;

    // Nearest rows of each query. queries: count x dimension, row-major, all finite. Each result
    // ascends by distance (ties by insertion), distances are exact, and there are min(k, rows
    // that are allowed) of them, never fewer. Segments with an index are walked; where few of their
    // rows are allowed these are compared by their codes, or, being very few, by their vectors. The
    // rest and the rows of the log are scanned; a damaged index is as good as none, with a warning.
    // All threads of the context's
    // pool work on it. Complexity without an index: O(count * rows * dimension). kInvalidArgument:
    // a recall outside (0, 1], k or effort of 0. Errors of match() too. kCancelled when the
    // context's token is set.
    Result<std::vector<std::vector<Hit>>> search(const Context& context,
                                                 std::span<const float> queries, std::size_t count,
                                                 const SearchOptions& options) const;
    Result<std::vector<std::vector<Hit>>> search(const Context& context,
                                                 std::span<const float> queries, std::size_t count,
                                                 std::size_t k) const {
        return search(context, queries, count, SearchOptions{.k = k});
    }

    // Every row within a distance of each query, nearest first (ties by insertion). Exact: all rows
    // that are allowed are compared, by all threads of the context's pool. Memory: 16 bytes a hit.
    // Errors as of search().
    Result<std::vector<std::vector<Hit>>> search_within(const Context& context,
                                                        std::span<const float> queries,
                                                        std::size_t count,
                                                        const RangeOptions& options) const;

    // The rows whose texts answer a query best, by BM25 (text_search.hpp). Hits descend by score
    // (ties by insertion). One thread. kCancelled when the context's token is set.
    Result<TextSearchResult> search_text(const Context& context, const TextQuery& query,
                                         const TextSearchOptions& options) const;

private:
    std::shared_ptr<const DatabaseState> database_;
    std::shared_ptr<const State> state_;
};

}  // namespace abikit::storage
