// What a snapshot holds: segments with their deleted rows, and the rows of the log. Immutable once
// published.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <abi/storage/embedder.hpp>
#include <abi/storage/snapshot.hpp>

#include "bitmap.hpp"
#include "generation_pin.hpp"
#include "log.hpp"
#include "manifest.hpp"
#include "mem_table.hpp"
#include "segment.hpp"

namespace abikit::storage {

struct SegmentUnit {
    std::shared_ptr<const Segment> segment;
    BitmapPtr deleted;

    bool dead(std::uint64_t row) const noexcept { return deleted != nullptr && deleted->test(row); }
    std::uint64_t live() const noexcept {
        return segment->rows() - (deleted == nullptr ? 0 : deleted->count());
    }
};

// One collection at one moment. Row numbers run through the segments in order, then through the
// log's rows.
struct State {
    std::shared_ptr<const CollectionEntry> collection;  // as the manifest describes it
    std::vector<SegmentUnit> segments;
    MemView log_rows;
    std::shared_ptr<const Embedder> embedder;  // null: rows bring their vectors

    std::vector<RowNumber> first_rows;  // of each segment, then of the log

    VectorShape shape() const noexcept { return collection->shape; }
    // Fills first_rows; called once before the state is shared.
    void index_units();
    std::uint64_t rows() const noexcept;
    std::uint64_t total_rows() const noexcept;  // deleted ones included

    // Where a row number stands: unit < segments.size() is a segment, else the log.
    struct Place {
        std::size_t unit = 0;
        std::uint64_t row = 0;
    };
    Place place(RowNumber row) const noexcept;
    RowNumber first_row(std::size_t unit) const noexcept { return first_rows[unit]; }
    bool dead(Place place) const noexcept;

    Result<std::optional<RowNumber>> find(std::string_view id) const;
    Result<std::string> id(RowNumber row) const;
    // As it is stored: shape().row_bytes().
    Result<std::span<const std::byte>> vector(RowNumber row) const { return vectors(row, 1); }
    // The same for rows that lie behind each other within one segment or chunk.
    Result<std::span<const std::byte>> vectors(RowNumber first, std::uint64_t count) const;
    Result<std::optional<std::string_view>> text(RowNumber row) const;
    Result<std::optional<std::string_view>> metadata(RowNumber row) const;
};

// From where a reading handle sees that a writer went on.
struct FollowPoint {
    LogProbe log;
    std::optional<FileInfo> manifest;  // its file, looked at before it was read
    // How often a thread that wanted to read waited for another that was catching up; of the
    // handle.
    std::shared_ptr<std::atomic<std::uint64_t>> waits;
};

// All collections at one moment.
struct DatabaseState {
    std::shared_ptr<const Manifest> manifest;
    std::uint64_t lsn = 0;
    std::uint64_t log_bytes = 0;
    std::vector<std::shared_ptr<const State>> collections;  // as in the manifest
    GenerationPin pin;  // keeps the files that the segments are mapped from; may be null
    std::shared_ptr<const FollowPoint> follow;  // null: nobody else writes what is seen here

    // Null when there is none of that id.
    const State* find(std::uint32_t collection) const noexcept;
};

// Vectors from the texts of a batch; `embedder` may be null, which is an error.
Status embed_texts(const Context& context, std::string_view collection, const Embedder* embedder,
                   data::RecordBatch& batch);

// Rows of one unit that lie behind each other: what a scan walks over.
struct Run {
    const Segment* segment = nullptr;  // null: `chunk`
    const MemChunk* chunk = nullptr;
    std::uint64_t first = 0;  // row within the segment or slot within the chunk
    std::uint64_t count = 0;
    const Bitmap* deleted = nullptr;  // null: none
    std::uint64_t deleted_bit = 0;    // bit of `first` in it
    RowNumber number = 0;             // of the first row
};
// All rows, deleted ones included, in order, cut into runs of at most `max_rows`.
std::vector<Run> runs_of(const State& state, std::uint64_t max_rows);

}  // namespace abikit::storage
