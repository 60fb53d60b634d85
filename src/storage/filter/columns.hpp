// Answers a filter for a whole segment from its columns. What it cannot answer it leaves open: the
// rows that may match are then asked one by one (evaluate.hpp), which decides.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../bitmap.hpp"
#include "../segment.hpp"
#include "columns_format.hpp"

namespace abikit::storage {

// Rows of one segment, one bit each, and whether all of them match or only may.
struct SegmentMatches {
    std::vector<std::uint64_t> words;
    bool exact = true;
};

// The columns of one segment. Immutable, thread-safe; the segment outlives it. Whatever does not
// fit together is kCorrupt.
class SegmentColumns {
public:
    // nullopt when the segment has none.
    static Result<std::optional<SegmentColumns>> open(const Segment& segment);

    // Rows for which the program is true, deleted ones included.
    Result<SegmentMatches> match(const FilterProgram& program) const;
    // What the fields of the program hold in rows outside `deleted`; null: none is deleted.
    Result<std::vector<TypeMask>> types(const FilterProgram& program, const Bitmap* deleted) const;
    // Whether there may be fields that have no columns.
    bool some_fields_missing() const noexcept { return some_missing_; }
    // Reads all of it, for verify.
    Status check() const;

private:
    using Words = std::vector<std::uint64_t>;
    struct Range {
        std::uint64_t first = 0, last = 0;  // of values: first <= i < last
    };

    explicit SegmentColumns(const Segment& segment) : segment_(&segment) {}
    Status read_directory();
    Result<std::span<const std::byte>> data(std::uint64_t at, std::uint64_t count,
                                            std::uint64_t size) const;
    template <class T>
    Result<T> number(std::uint64_t at, std::uint64_t index) const;
    const ColumnEntry* find(const FieldPath& path, ColumnKind kind) const noexcept;
    Error damaged(std::string_view what) const;

    Result<SegmentMatches> match_node(const FilterProgram& program, const FilterNode& node) const;
    Result<SegmentMatches> match_condition(const FieldPath& path, const Condition& condition) const;
    Result<SegmentMatches> match_id(const Condition& condition) const;
    Result<SegmentMatches> match_null(const FieldPath& path, bool negated) const;
    Result<SegmentMatches> match_points(const ColumnEntry& entry, const Condition& condition) const;
    Result<SegmentMatches> match_values(const FieldPath& path, const ColumnEntry* entry,
                                        const Condition& condition) const;
    bool has_any(const FieldPath& path) const noexcept;

    Result<int> compare_value(const ColumnEntry& entry, std::uint64_t index,
                              const Literal& literal) const;
    Result<std::string_view> text(const ColumnEntry& entry, std::uint64_t index) const;
    template <class Before>
    Result<std::uint64_t> partition(const ColumnEntry& entry, Before before) const;
    Result<std::vector<Range>> ranges_of(const ColumnEntry& entry,
                                         const Condition& condition) const;
    Result<std::uint64_t> pairs_in(const ColumnEntry& entry,
                                   const std::vector<Range>& ranges) const;
    Status add_values(const ColumnEntry& entry, Range range, Words& words) const;
    Status add_posting(std::uint64_t place, std::uint64_t rows, Words& words) const;
    Words nothing() const { return Words((segment_->rows() + 63) / 64); }
    Words everything() const;

    const Segment* segment_;
    bool some_missing_ = false;
    std::uint64_t data_at_ = 0;
    std::vector<ColumnEntry> entries_;
};

}  // namespace abikit::storage
