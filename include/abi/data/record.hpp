// Records in columns: what the readers produce, the store takes and the writers write. Read
// `reader.hpp` next.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace abikit::data {

// A column of optional strings: one byte buffer, one offset per row. Thread-compatible. Views live
// until the next append.
class StringColumn {
public:
    void append(std::string_view text) {
        bytes_.append(text);
        ends_.push_back(bytes_.size());
        present_.push_back(1);
    }
    void append_null() {
        ends_.push_back(bytes_.size());
        present_.push_back(0);
    }
    std::size_t size() const noexcept { return ends_.size(); }
    bool empty() const noexcept { return ends_.empty(); }
    bool has(std::size_t row) const noexcept { return row < present_.size() && present_[row] != 0; }
    // The text, or "" where there is none (also for rows past the end: an absent column).
    std::string_view operator[](std::size_t row) const noexcept {
        if (row >= ends_.size()) {
            return {};
        }
        const std::size_t begin = row == 0 ? 0 : ends_[row - 1];
        return std::string_view(bytes_).substr(begin, ends_[row] - begin);
    }
    std::size_t size_bytes() const noexcept { return bytes_.size(); }
    void clear() noexcept {
        bytes_.clear();
        ends_.clear();
        present_.clear();
    }
    void reserve(std::size_t rows, std::size_t bytes) {
        bytes_.reserve(bytes);
        ends_.reserve(rows);
        present_.reserve(rows);
    }

private:
    std::string bytes_;
    std::vector<std::size_t> ends_;
    std::vector<std::uint8_t> present_;
};

// Some rows. A column is either empty (no row has it) or has `rows` entries, some of them null. The
// same holds for vectors, but these cannot be null: all rows have one or none has. Move-only use:
// a copy's `vectors` still points into the original.
struct RecordBatch {
    std::size_t rows = 0;
    std::uint32_t dimension = 0;  // 0: no vectors in this batch
    std::span<const float>
        vectors;  // rows x dimension, row-major; points into owned_vectors or a mapped source
    std::vector<float> owned_vectors;
    StringColumn ids;
    StringColumn texts;
    StringColumn metadata;  // each a JSON object in compact form
    std::vector<std::uint64_t>
        lines;  // 1-based line (text formats) or row ordinal from 0 (binary formats) in the input

    void clear() {
        rows = 0;
        dimension = 0;
        vectors = {};
        owned_vectors.clear();
        ids.clear();
        texts.clear();
        metadata.clear();
        lines.clear();
    }
};

}  // namespace abikit::data
