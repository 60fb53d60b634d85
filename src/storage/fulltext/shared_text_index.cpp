// Making indexes in memory, once for all who ask.
#include "shared_text_index.hpp"

#include <fmt/format.h>

#include "../format.hpp"
#include "../mem_table.hpp"
#include "../segment.hpp"
#include "text_index.hpp"
#include "text_index_writer.hpp"

namespace abikit::storage::fulltext {

namespace {
constexpr std::uint64_t kCancelEvery = 1024;

// `text_of(row)` gives a Result of a row's text.
template <class TextOf>
Result<std::shared_ptr<const TextIndex>> index_in_memory(const CancelToken& cancel,
                                                         std::uint64_t rows, TextOf text_of) {
    std::string bytes;
    TextIndexWriter writer([&bytes](std::span<const std::byte> more) {
        bytes += as_text(more);
        return Status();
    });
    for (std::uint64_t row = 0; row < rows; ++row) {
        if (row % kCancelEvery == 0) {
            ABI_CHECK(cancel.check());
        }
        ABI_TRY(const std::optional<std::string_view> text, text_of(row));
        ABI_CHECK(writer.add(text));
    }
    ABI_CHECK(writer.finish());
    bytes.shrink_to_fit();
    return TextIndex::adopt(std::move(bytes), rows);
}
}  // namespace

Status SharedTextIndex::make(const Context& context, const Segment& segment, std::string why) {
    const TraceSpan span(context.trace, "storage", "index_texts_again");
    ABI_TRY(use_.index, index_in_memory(context.cancel, segment.rows(),
                                        [&](std::uint64_t row) { return segment.text(row); }));
    use_.rebuilt = true;
    use_.note = fmt::format("{}: its texts were read instead, 'abi db optimize' makes it again",
                            std::move(why));
    return {};
}

Result<SharedTextIndex::Use> SharedTextIndex::get(const Context& context, const Segment& segment) {
    const std::scoped_lock lock(mutex_);
    if (use_.index != nullptr) {
        return use_;
    }
    if (segment.section_bytes(SectionKind::kFullText) == 0) {
        ABI_CHECK(
            make(context, segment, fmt::format("'{}' has no full-text index", segment.path())));
        return use_;
    }
    auto index = TextIndex::open(IndexBytes(segment), segment.rows());
    if (index) {
        use_.index = *std::move(index);
    } else if (index.error().code() == Code::kCorrupt ||
               index.error().code() == Code::kIncompatible) {
        ABI_CHECK(make(context, segment,
                       fmt::format("the full-text index of '{}' cannot be used ({})",
                                   segment.path(), index.error().describe())));
    } else {
        return fail(std::move(index).error());
    }
    return use_;
}

Result<SharedTextIndex::Use> SharedTextIndex::rebuild(const Context& context,
                                                      const Segment& segment, const Error& why) {
    const std::scoped_lock lock(mutex_);
    if (!use_.rebuilt) {
        ABI_CHECK(make(context, segment,
                       fmt::format("the full-text index of '{}' cannot be used ({})",
                                   segment.path(), why.describe())));
    }
    return use_;
}

Result<std::shared_ptr<const TextIndex>> SharedSpanIndexes::get(const MemChunk& chunk,
                                                                std::uint32_t span,
                                                                std::uint32_t rows) {
    const std::uint32_t first = span * kSpanRows;
    const bool whole = rows == std::min(kSpanRows, chunk.capacity() - first);
    const std::scoped_lock lock(mutex_);
    if (whole && span < spans_.size() && spans_[span] != nullptr) {
        return spans_[span];
    }
    ABI_TRY(auto index,
            index_in_memory(CancelToken(), rows,
                            [&](std::uint64_t row) -> Result<std::optional<std::string_view>> {
                                return chunk.text(first + static_cast<std::uint32_t>(row));
                            }));
    if (whole) {
        spans_.resize(std::max<std::size_t>(spans_.size(), std::size_t{span} + 1));
        spans_[span] = index;
    }
    return index;
}

}  // namespace abikit::storage::fulltext
