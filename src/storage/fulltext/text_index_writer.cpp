// Where parts begin and end, and the directory behind them.
#include "text_index_writer.hpp"

#include "../format.hpp"
#include "text_index_format.hpp"

namespace abikit::storage::fulltext {

std::string encode_directory(const std::vector<PartEntry>& parts, std::uint64_t offset,
                             std::uint64_t rows) {
    Encoder out;
    for (const PartEntry& part : parts) {
        out.put(part.first_row);
        out.put(part.rows);
        out.put(part.documents);
        out.put(part.words);
        out.put(part.data_offset);
        out.put(part.lengths_offset);
        out.put(part.terms_offset);
        out.put(part.blocks_offset);
        out.put(part.terms);
        out.put(part.length_bytes);
        out.put(part.end);
    }
    out.put_bytes(kTextIndexMagic);
    out.put(kTextIndexVersion);
    out.put(text::kSearchWordScheme);
    out.put(offset);
    out.put(static_cast<std::uint32_t>(parts.size()));
    out.put(std::uint32_t{0});
    out.put(rows);
    return out.take();
}

TextIndexWriter::TextIndexWriter(ByteSink sink)
    : sink_([this, sink = std::move(sink)](std::span<const std::byte> bytes) {
          offset_ += bytes.size();
          return sink(bytes);
      }) {}

Status TextIndexWriter::add(std::optional<std::string_view> text) {
    const std::uint64_t bytes = text ? text->size() : 0;
    const bool full =
        row_ - part_row_ == kMaxPartRows || (bytes != 0 && builder_.text_bytes() != 0 &&
                                             builder_.text_bytes() + bytes > kMaxPartTextBytes);
    if (full) {
        ABI_CHECK(end_part());
    }
    if (text) {
        builder_.add(static_cast<std::uint32_t>(row_ - part_row_), *text);
    }
    ++row_;
    return {};
}

Status TextIndexWriter::end_part() {
    const std::uint64_t offset = offset_;
    ABI_TRY(const PartEntry part,
            builder_.write(part_row_, static_cast<std::uint32_t>(row_ - part_row_), offset, sink_));
    parts_.push_back(part);
    part_row_ = row_;
    return {};
}

Status TextIndexWriter::finish() {
    if (row_ != part_row_) {
        ABI_CHECK(end_part());
    }
    return sink_(as_bytes(encode_directory(parts_, offset_, row_)));
}

}  // namespace abikit::storage::fulltext
