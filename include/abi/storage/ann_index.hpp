// An approximate nearest-neighbour index over rows that do not change: a graph of fixed degree that
// is walked on 8-bit codes; what the walk finds is then compared by its exact vectors. The database
// keeps one beside each large segment; this interface is the index alone.
//
// Rows are first mapped to a space where nearer means a smaller Euclidean distance (cosine: unit
// length; dot: one more coordinate, Bachrach et al., RecSys 2014), then projected on their
// principal axes, as many as hold nearly all of the variance, turned at random among themselves so
// that every coordinate matters alike, and rounded to 8 bits with one step for all. The graph is
// built by inserting rows in batches that double (Manohar et al., "ParlayANN", PPoPP 2024), its
// edges chosen as in Vamana (Subramanya et al., "DiskANN", NeurIPS 2019): the same for any number
// of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>
#include <abi/storage/metric.hpp>
#include <abi/storage/snapshot.hpp>

namespace abikit::storage {

// Rows to index: `rows()` of `dimension()` finite float32 each. read() is thread-safe.
class ABI_API VectorSource {
public:
    virtual ~VectorSource();
    virtual std::uint64_t rows() const noexcept = 0;
    virtual std::uint32_t dimension() const noexcept = 0;
    // Rows [first, first + count), row-major: a view of them as they lie, or `buffer` filled.
    virtual Result<const float*> read(std::uint64_t first, std::size_t count,
                                      std::vector<float>& buffer) const = 0;
    // Asks for a row's memory ahead of read(), where that is a view. A hint.
    virtual void fetch(std::uint64_t row) const noexcept;
};

// Rows that lie one behind the other in memory. The span outlives the source.
class ABI_API MemoryVectors final : public VectorSource {
public:
    MemoryVectors(std::span<const float> values, std::uint32_t dimension) noexcept
        : values_(values), dimension_(dimension) {}
    std::uint64_t rows() const noexcept override { return values_.size() / dimension_; }
    std::uint32_t dimension() const noexcept override { return dimension_; }
    Result<const float*> read(std::uint64_t first, std::size_t count,
                              std::vector<float>& buffer) const override;
    void fetch(std::uint64_t row) const noexcept override;

private:
    std::span<const float> values_;
    std::uint32_t dimension_;
};

struct AnnOptions {
    Metric metric = Metric::kL2;  // l2, cosine or dot
    std::uint32_t degree = 32;    // edges of a row, 8 to 64 in steps of 8
    // Candidates that an insertion keeps while it looks for neighbours: more builds slower and
    // finds better.
    std::uint32_t build_effort = 96;
    std::uint64_t seed = 1;
};

// A point of the curve that was measured while building: mean recall@10 over rows that were kept
// out of the graph until then.
struct AnnEffort {
    std::uint32_t effort = 0;
    float recall = 0.0F;
};

struct AnnInfo {
    std::uint64_t rows = 0;
    std::uint32_t dimension = 0, code_dimension = 0, degree = 0, build_effort = 0;
    Metric metric = Metric::kL2;
    std::uint64_t size_bytes = 0;  // of the index as a file
    // What a walk touches: codes and edges.
    std::uint64_t hot_bytes_per_row = 0;
    std::vector<AnnEffort> curve;  // ascending
};

// Whether walks can come to every row.
struct AnnAudit {
    std::uint64_t rows = 0, edges = 0;
    std::uint64_t unreachable = 0;       // rows that no path from the entries leads to
    std::uint64_t without_edges_in = 0;  // rows that no edge leads to
    std::uint32_t most_edges_in = 0;     // of one row
};

// A row that a walk found, with its distance between codes: comparable within one query only.
struct AnnCandidate {
    std::int32_t distance = 0;
    std::uint32_t row = 0;
};

// What one thread needs to walk, kept between queries so that they allocate nothing. Single thread.
class ABI_API AnnScratch {
public:
    AnnScratch();
    ~AnnScratch();
    AnnScratch(AnnScratch&&) noexcept;
    AnnScratch& operator=(AnnScratch&&) noexcept;

    // How many distances between codes the last AnnIndex::candidates() took.
    std::uint64_t walked_distances() const noexcept;

    struct Parts;

private:
    friend class AnnIndex;
    std::unique_ptr<Parts> parts_;
};

// Immutable and thread-safe once made; cheap to copy.
class ABI_API AnnIndex {
public:
    // Fewest and most rows of an index.
    static constexpr std::uint64_t kFewestRows = 256;
    static constexpr std::uint64_t kMostRows = std::uint64_t{1} << 30;
    // In the origins of derive().
    static constexpr std::uint32_t kNewRow = 0xFFFFFFFF;

    // kInvalidArgument: a metric or an option that build() does not know.
    static Status check(const AnnOptions& options);
    // Builds on all threads of the context's pool. kInvalidArgument: a metric or an option that it
    // does not know, or too few or too many rows. kCancelled when the token is set. Progress is in
    // rows. Complexity: about rows * build_effort * degree / 3 code distances.
    static Result<AnnIndex> build(const Context& context, const VectorSource& rows,
                                  const AnnOptions& options = {});

    // An index of `rows` out of one of rows that mostly are the same: what is gone is left out and
    // the graph mended around it, what is new is inserted. origins: of each row the row of `base`
    // whose vector it has, each at most once, or kNewRow. Builds anew, with base's options and
    // `seed`, where less than half stayed, or where the axes of base do not fit the new rows.
    // Errors as of build(). Complexity: about that of building for the new rows, and O(rows).
    static Result<AnnIndex> derive(const Context& context, const AnnIndex& base,
                                   const VectorSource& rows, std::span<const std::uint32_t> origins,
                                   std::uint64_t seed = 1);

    // What bytes() gave, mapped or in memory; `owner` keeps it alive. Every byte is checked;
    // bytes that are not aligned to 64 are copied.
    // kCorrupt names the offset.
    static Result<AnnIndex> parse(std::shared_ptr<const void> owner,
                                  std::span<const std::byte> bytes);
    // The index as a file; parse() takes it back. Valid as long as a copy of the index.
    std::span<const std::byte> bytes() const noexcept;

    const AnnInfo& info() const noexcept;
    // Looks at every edge. Complexity: O(rows * degree).
    AnnAudit audit() const;
    // The smallest effort that reached this recall@k while building, scaled from k = 10. 0 where
    // none did: then only an exact search will.
    std::uint32_t effort_for(double recall, std::size_t k) const noexcept;

    // The nearest rows to a query by their codes, nearest first; a view into the scratch. query:
    // dimension values, finite. effort >= 1: how many candidates the walk keeps; more finds better.
    std::span<const AnnCandidate> candidates(const float* query, std::uint32_t effort,
                                             AnnScratch& scratch) const;
    // The nearest `most` of the rows given, by their codes, nearest first: for few rows, where a
    // walk would meet too many others. Complexity: O(rows).
    std::span<const AnnCandidate> nearest_of(const float* query,
                                             std::span<const std::uint32_t> rows, std::size_t most,
                                             AnnScratch& scratch) const;
    // What candidates() finds, compared by exact vectors: at most k hits, ascending by (distance,
    // row). `rows` is what the index was built from.
    Status search(const VectorSource& rows, const float* query, std::size_t k, std::uint32_t effort,
                  AnnScratch& scratch, std::vector<Hit>& hits) const;

    struct Parts;

private:
    explicit AnnIndex(std::shared_ptr<const Parts> parts);
    // Leaves the query's code in the scratch.
    void encode(const float* query, AnnScratch& scratch) const;
    std::shared_ptr<const Parts> parts_;
};

}  // namespace abikit::storage
