// Row numbers to places, and reading single rows wherever they are.
#include "state.hpp"

#include <algorithm>

namespace abikit::storage {

std::uint64_t State::rows() const noexcept {
    std::uint64_t rows = log_rows.live();
    for (const SegmentUnit& unit : segments) {
        rows += unit.live();
    }
    return rows;
}

std::uint64_t State::total_rows() const noexcept {
    return first_row(segments.size()) + log_rows.rows;
}

void State::index_units() {
    first_rows.assign(1, 0);
    for (const SegmentUnit& unit : segments) {
        first_rows.push_back(first_rows.back() + unit.segment->rows());
    }
}

State::Place State::place(RowNumber row) const noexcept {
    const auto after = std::upper_bound(first_rows.begin() + 1, first_rows.end(), row);
    const auto unit = static_cast<std::size_t>(after - first_rows.begin()) - 1;
    return {unit, row - first_rows[unit]};
}

bool State::dead(Place place) const noexcept {
    return place.unit < segments.size() ? segments[place.unit].dead(place.row)
                                        : log_rows.dead(static_cast<MemRow>(place.row));
}

Result<std::optional<RowNumber>> State::find(std::string_view id) const {
    if (const auto row = log_rows.find(id)) {
        return first_row(segments.size()) + *row;
    }
    for (std::size_t unit = segments.size(); unit-- > 0;) {
        ABI_TRY(const auto row, segments[unit].segment->find(id));
        if (row && !segments[unit].dead(*row)) {
            return first_row(unit) + *row;
        }
    }
    return std::nullopt;
}

Result<std::string> State::id(RowNumber row) const {
    const Place at = place(row);
    if (at.unit < segments.size()) {
        return segments[at.unit].segment->id(at.row);
    }
    return std::string(log_rows.id(static_cast<MemRow>(at.row)));
}

Result<std::span<const std::byte>> State::vectors(RowNumber first, std::uint64_t count) const {
    const Place at = place(first);
    const std::size_t row_bytes = shape().row_bytes();
    if (at.unit < segments.size()) {
        ABI_TRY(const std::byte* const bytes, segments[at.unit].segment->vectors(at.row, count));
        return std::span(bytes, count * row_bytes);
    }
    const auto mem = static_cast<MemRow>(at.row);
    return std::span(log_rows.chunk_of(mem).vectors() + log_rows.slot_of(mem) * row_bytes,
                     count * row_bytes);
}

Result<std::optional<std::string_view>> State::text(RowNumber row) const {
    const Place at = place(row);
    if (at.unit < segments.size()) {
        return segments[at.unit].segment->text(at.row);
    }
    const auto mem = static_cast<MemRow>(at.row);
    return log_rows.chunk_of(mem).text(log_rows.slot_of(mem));
}

Result<std::optional<std::string_view>> State::metadata(RowNumber row) const {
    const Place at = place(row);
    if (at.unit < segments.size()) {
        return segments[at.unit].segment->metadata(at.row);
    }
    const auto mem = static_cast<MemRow>(at.row);
    return log_rows.chunk_of(mem).metadata(log_rows.slot_of(mem));
}

const State* DatabaseState::find(std::uint32_t collection) const noexcept {
    for (const auto& state : collections) {
        if (state->collection->id == collection) {
            return state.get();
        }
    }
    return nullptr;
}

std::vector<Run> runs_of(const State& state, std::uint64_t max_rows) {
    std::vector<Run> runs;
    RowNumber number = 0;
    for (const SegmentUnit& unit : state.segments) {
        const std::uint64_t rows = unit.segment->rows();
        for (std::uint64_t at = 0; at < rows; at += max_rows) {
            const std::uint64_t count = std::min(max_rows, rows - at);
            runs.push_back(
                {unit.segment.get(), nullptr, at, count, unit.deleted.get(), at, number + at});
        }
        number += rows;
    }
    const MemView& log = state.log_rows;
    for (std::uint64_t at = 0; at < log.rows;) {
        const std::uint64_t slot = at % log.chunk_rows;
        const std::uint64_t count = std::min({max_rows, log.chunk_rows - slot, log.rows - at});
        runs.push_back({nullptr, log.chunks[at / log.chunk_rows].get(), slot, count,
                        log.deleted.get(), at, number + at});
        at += count;
    }
    return runs;
}

}  // namespace abikit::storage
