// Chunks sized by bytes, strings bumped into blocks, norms computed once on arrival.
#include "mem_table.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "format.hpp"

namespace abikit::storage {

namespace {
constexpr std::align_val_t kVectorAlign{64};
constexpr std::size_t kStringBlock = std::size_t{64} << 10;

std::byte* allocate_vectors(std::size_t bytes) {
    return static_cast<std::byte*>(::operator new[](std::max<std::size_t>(bytes, 1), kVectorAlign));
}

// Rows of one chunk: about 4 MiB of vectors, a multiple of 64 so that bitmap words never straddle
// chunks.
std::uint32_t rows_per_chunk(std::size_t row_bytes) {
    const std::size_t rows = (std::size_t{4} << 20) / row_bytes;
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(rows / 64 * 64, 64, 8192));
}
}  // namespace

void MemChunk::FreeDeleter::operator()(std::byte* memory) const noexcept {
    ::operator delete[](memory, kVectorAlign);
}

MemChunk::MemChunk(std::size_t row_bytes, std::uint32_t capacity, bool with_norms)
    : capacity_(capacity),
      vectors_(allocate_vectors(row_bytes * capacity)),
      inverse_norms_(with_norms ? capacity : 0),
      ids_(capacity),
      texts_(capacity),
      metadata_(capacity) {}

std::string_view MemChunk::keep(std::string_view text) {
    if (text.size() > block_left_ || block_at_ == nullptr) {
        const std::size_t size = std::max(kStringBlock, text.size());
        blocks_.push_back(std::make_unique_for_overwrite<char[]>(size));
        block_at_ = blocks_.back().get();
        block_left_ = size;
    }
    char* const at = block_at_;
    if (!text.empty()) {
        std::memcpy(at, text.data(), text.size());
    }
    block_at_ += text.size();
    block_left_ -= text.size();
    return {at, text.size()};
}

std::optional<MemRow> MemView::find(std::string_view wanted) const {
    std::optional<MemRow> found;
    if (index == nullptr) {
        return found;
    }
    index->for_each(hash_id(wanted), [&](MemRow row) {
        if (row >= rows || id(row) != wanted) {
            return false;  // younger than this view, or another id of the same hash
        }
        if (!dead(row)) {
            found = row;
        }
        return true;
    });
    return found;
}

MemTable::MemTable(VectorShape shape, Metric metric)
    : shape_(shape),
      with_norms_(metric == Metric::kCosine),
      chunk_rows_(rows_per_chunk(shape.row_bytes())) {}

void MemTable::reserve(MemRow rows) {
    const std::size_t all = std::size_t{rows_} + rows;
    if (index_ == nullptr) {
        index_ = std::make_shared<IdIndex>(all);
    } else if (all > index_->capacity()) {
        index_ = std::make_shared<IdIndex>(*index_, rows_, all);  // views keep the one they have
    }
    deleted_.grow(std::uint64_t{rows_} + rows);
}

void MemTable::stage(MemRow offset, const MemRowParts& parts) {
    const MemRow row = rows_ + offset;
    const std::uint32_t slot = row % chunk_rows_;
    if (row / chunk_rows_ == chunks_.size()) {
        chunks_.push_back(std::make_shared<MemChunk>(shape_.row_bytes(), chunk_rows_, with_norms_));
    }
    MemChunk& chunk = *chunks_[row / chunk_rows_];
    std::byte* const vector = chunk.vectors_.get() + slot * shape_.row_bytes();
    std::memcpy(vector, parts.vector.data(), parts.vector.size());
    if (with_norms_) {
        inverse_norms(shape_, vector, 1, scratch_, chunk.inverse_norms_.data() + slot);
    }
    chunk.ids_[slot] = chunk.keep(parts.id);
    chunk.texts_[slot] = parts.text ? chunk.keep(*parts.text) : std::string_view();
    chunk.metadata_[slot] = parts.metadata ? chunk.keep(*parts.metadata) : std::string_view();
}

MemRow MemTable::admit() {
    const MemRow row = rows_;
    const MemChunk& chunk = *chunks_[row / chunk_rows_];
    const std::uint32_t slot = row % chunk_rows_;
    index_->insert(hash_id(chunk.ids_[slot]), row);
    size_bytes_ += shape_.row_bytes() + chunk.ids_[slot].size() + chunk.texts_[slot].size() +
                   chunk.metadata_[slot].size();
    ++rows_;
    return row;
}

std::optional<MemRow> MemTable::find(std::string_view id) const {
    std::optional<MemRow> found;
    if (index_ == nullptr) {
        return found;
    }
    index_->for_each(hash_id(id), [&](MemRow row) {
        if (chunks_[row / chunk_rows_]->id(row % chunk_rows_) != id) {
            return false;
        }
        if (!deleted_.test(row)) {
            found = row;
        }
        return true;
    });
    return found;
}

MemView MemTable::view() const {
    MemView view;
    view.chunks.assign(chunks_.begin(), chunks_.end());
    view.rows = rows_;
    view.index = index_;
    view.size_bytes = size_bytes_;
    view.chunk_rows = chunk_rows_;
    if (deleted_.count() != 0) {
        Bitmap copy = deleted_;
        copy.grow(rows_);
        view.deleted = std::make_shared<const Bitmap>(std::move(copy));
    }
    return view;
}

void MemTable::roll_back(const MemView& view) {
    auto index = std::make_shared<IdIndex>(view.rows);
    for (MemRow row = 0; row < view.rows; ++row) {
        index->insert(hash_id(view.id(row)), row);
    }
    Bitmap deleted = view.deleted == nullptr ? Bitmap() : *view.deleted;
    deleted.grow(view.rows);
    index_ = std::move(index);
    deleted_ = std::move(deleted);
    rows_ = view.rows;
    size_bytes_ = view.size_bytes;
}

}  // namespace abikit::storage
