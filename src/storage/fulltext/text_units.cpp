// Gathers the indexes of a state.
#include "text_units.hpp"

#include <algorithm>

#include "shared_text_index.hpp"

namespace abikit::storage::fulltext {

Status TextUnit::rebuild(const Context& context, const Error& why) {
    ABI_TRY(SharedTextIndex::Use use, segment->text_index().rebuild(context, *segment, why));
    index = std::move(use.index);
    note = std::move(use.note);
    return {};
}

Result<std::vector<TextUnit>> text_units(const Context& context, const State& state) {
    std::vector<TextUnit> units;
    RowNumber first = 0;
    for (const SegmentUnit& unit : state.segments) {
        const Segment& segment = *unit.segment;
        if (segment.section_bytes(SectionKind::kTexts) != 0) {
            ABI_CHECK(context.cancel.check());
            ABI_TRY(SharedTextIndex::Use use, segment.text_index().get(context, segment));
            units.push_back({std::move(use.index), first, &segment, unit.deleted.get(), 0,
                             std::move(use.note)});
        }
        first += segment.rows();
    }
    const MemView& log = state.log_rows;
    constexpr std::uint64_t kSpanRows = SharedSpanIndexes::kSpanRows;
    for (std::uint64_t row = 0; row < log.rows;) {
        ABI_CHECK(context.cancel.check());
        const std::uint64_t slot = row % log.chunk_rows;
        const std::uint64_t span = slot / kSpanRows;
        const std::uint64_t rows =
            std::min({kSpanRows, log.chunk_rows - span * kSpanRows, log.rows - row});
        const MemChunk& chunk = *log.chunks[row / log.chunk_rows];
        ABI_TRY(auto index, chunk.text_spans().get(chunk, static_cast<std::uint32_t>(span),
                                                   static_cast<std::uint32_t>(rows)));
        if (index->documents() != 0) {
            units.push_back({std::move(index), first + row, nullptr, log.deleted.get(), row, {}});
        }
        row += rows;
    }
    return units;
}

bool text_indexes_sound(const State& state) {
    return std::all_of(state.segments.begin(), state.segments.end(), [](const SegmentUnit& unit) {
        const Segment& segment = *unit.segment;
        const IndexBytes bytes(segment);
        if (segment.section_bytes(SectionKind::kTexts) == 0) {
            return true;
        }
        const auto index = TextIndex::open(bytes, segment.rows());
        return index && bytes.range(0, bytes.size()) && (*index)->audit();
    });
}

}  // namespace abikit::storage::fulltext
