// The rows that are in the log but in no segment yet: chunks of memory that never move, and an
// index from id to row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <abi/storage/metric.hpp>

#include "bitmap.hpp"
#include "fulltext/shared_text_index.hpp"
#include "id_index.hpp"
#include "vector_codec.hpp"

namespace abikit::storage {

struct MemRowParts {
    std::string_view id;
    std::span<const std::byte> vector;  // as it is stored
    std::optional<std::string_view> text, metadata;
};

// A fixed-capacity run of rows. The writer fills rows beyond what readers were told of; nothing a
// reader sees ever moves.
class MemChunk {
public:
    MemChunk(std::size_t row_bytes, std::uint32_t capacity, bool with_norms);
    std::uint32_t capacity() const noexcept { return capacity_; }
    const std::byte* vectors() const noexcept { return vectors_.get(); }
    const float* inverse_norms() const noexcept { return inverse_norms_.data(); }
    std::string_view id(std::uint32_t slot) const noexcept { return ids_[slot]; }
    std::optional<std::string_view> text(std::uint32_t slot) const noexcept {
        return cell(texts_[slot]);
    }
    std::optional<std::string_view> metadata(std::uint32_t slot) const noexcept {
        return cell(metadata_[slot]);
    }
    // The full-text indexes in use for rows of this chunk.
    fulltext::SharedSpanIndexes& text_spans() const noexcept { return text_spans_; }

private:
    friend class MemTable;
    static std::optional<std::string_view> cell(std::string_view view) noexcept {
        return view.data() == nullptr ? std::nullopt : std::optional(view);
    }
    std::string_view keep(std::string_view text);

    struct FreeDeleter {
        void operator()(std::byte* memory) const noexcept;
    };
    std::uint32_t capacity_;
    std::unique_ptr<std::byte[], FreeDeleter> vectors_;
    std::vector<float> inverse_norms_;  // empty without norms
    std::vector<std::string_view> ids_, texts_, metadata_;
    std::vector<std::unique_ptr<char[]>> blocks_;  // of the strings; writer only
    std::size_t block_left_ = 0;
    char* block_at_ = nullptr;
    mutable fulltext::SharedSpanIndexes text_spans_;
};

// What a snapshot keeps of the log's rows: the chunks there were, and how many rows of them it may
// see.
struct MemView {
    std::vector<std::shared_ptr<const MemChunk>> chunks;
    MemRow rows = 0;
    BitmapPtr deleted;
    std::shared_ptr<const IdIndex> index;  // null without rows
    std::uint64_t size_bytes = 0;          // of the rows
    std::uint32_t chunk_rows = 0;          // capacity of every chunk

    const MemChunk& chunk_of(MemRow row) const noexcept { return *chunks[row / chunk_rows]; }
    std::uint32_t slot_of(MemRow row) const noexcept { return row % chunk_rows; }
    std::string_view id(MemRow row) const noexcept { return chunk_of(row).id(slot_of(row)); }
    bool dead(MemRow row) const noexcept { return deleted != nullptr && deleted->test(row); }
    std::uint64_t live() const noexcept {
        return rows - (deleted == nullptr ? 0 : deleted->count());
    }
    // The live row with this id among the visible ones.
    std::optional<MemRow> find(std::string_view id) const;
};

// The writer's side. Single thread; views may be read by others meanwhile.
class MemTable {
public:
    MemTable(VectorShape shape, Metric metric);
    // Rows come in two steps, so that a commit can be logged in between: all that needs memory is
    // done first (reserve, then stage rows 0, 1, ... behind the last one, strings copied), and what
    // is left cannot fail (admit makes the next staged row one of the table's). Staging again
    // overwrites what was not admitted.
    void reserve(MemRow rows);
    void stage(MemRow offset, const MemRowParts& parts);
    MemRow admit();
    void set_deleted(MemRow row) { deleted_.set(row); }
    bool dead(MemRow row) const noexcept { return deleted_.test(row); }
    std::optional<MemRow> find(std::string_view id) const;
    MemRow rows() const noexcept { return rows_; }
    std::uint64_t size_bytes() const noexcept { return size_bytes_; }
    MemView view() const;
    // Makes the table what it was when it gave this view. Changes nothing when memory runs out.
    void roll_back(const MemView& view);

private:
    VectorShape shape_;
    bool with_norms_;
    std::uint32_t chunk_rows_;
    std::vector<std::shared_ptr<MemChunk>> chunks_;
    std::shared_ptr<IdIndex> index_;  // null until room was needed
    Bitmap deleted_;
    MemRow rows_ = 0;
    std::uint64_t size_bytes_ = 0;
    std::vector<float> scratch_;  // one vector, decoded
};

}  // namespace abikit::storage
