// Fills a RecordBatch row by row, keeping its rule that a column is empty or has every row.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <abi/data/record.hpp>

namespace abikit::data {

// One row that is about to be appended. The views need to live until append() returns.
struct RowView {
    std::optional<std::string_view> id;
    std::optional<std::string_view> text;
    std::optional<std::string_view> metadata;
    std::span<const float> vector;  // empty: none
    std::uint64_t line = 0;
};

// Appends to a cleared batch. A batch holds either rows with vectors or rows without: fits() tells
// whether a row goes with those already there; if not, the batch ends before it.
class BatchBuilder {
public:
    explicit BatchBuilder(RecordBatch& out) : out_(out) {}

    bool fits(bool has_vector) const {
        return out_.rows == 0 || has_vector == (out_.dimension != 0);
    }
    void append(const RowView& row) {
        if (!row.vector.empty()) {
            out_.dimension = static_cast<std::uint32_t>(row.vector.size());
            out_.owned_vectors.insert(out_.owned_vectors.end(), row.vector.begin(),
                                      row.vector.end());
        }
        append_optional(out_.ids, row.id);
        append_optional(out_.texts, row.text);
        append_optional(out_.metadata, row.metadata);
        out_.lines.push_back(row.line);
        ++out_.rows;
    }
    // Points `vectors` at what was gathered. Call once, after the last append.
    void finish() { out_.vectors = out_.owned_vectors; }

private:
    // A column comes into being with its first value: the rows before it get none.
    void append_optional(StringColumn& column, const std::optional<std::string_view>& value) {
        if (!value) {
            if (!column.empty()) {
                column.append_null();
            }
            return;
        }
        while (column.size() < out_.rows) {
            column.append_null();
        }
        column.append(*value);
    }

    RecordBatch& out_;
};

}  // namespace abikit::data
