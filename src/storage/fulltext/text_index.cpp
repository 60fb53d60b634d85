// Footer, directory and dictionaries, all checked as they are read.
#include "text_index.hpp"

#include <algorithm>
#include <cstring>

#include "../../text/search_words.hpp"
#include "../format.hpp"
#include "../segment.hpp"
#include "posting_cursor.hpp"

namespace abikit::storage::fulltext {

IndexBytes::IndexBytes(const Segment& segment)
    : segment_(&segment), size_(segment.section_bytes(SectionKind::kFullText)) {}

Result<std::span<const std::byte>> IndexBytes::range(std::uint64_t offset,
                                                     std::uint64_t length) const {
    if (offset > size_ || length > size_ - offset) {
        return fail(damage(offset, "the full-text index points outside itself"));
    }
    if (segment_ != nullptr) {
        return segment_->read_section(SectionKind::kFullText, offset, length);
    }
    return memory_.subspan(offset, length);
}

Error IndexBytes::damage(std::uint64_t offset, std::string_view what) const {
    if (segment_ == nullptr) {
        return corruption("an index in memory", offset, what);
    }
    return corruption(segment_->path(), segment_->section_offset(SectionKind::kFullText) + offset,
                      what);
}

namespace {
PartEntry decode_part(Decoder& in) {
    PartEntry part;
    part.first_row = in.get<std::uint64_t>();
    part.rows = in.get<std::uint32_t>();
    part.documents = in.get<std::uint32_t>();
    part.words = in.get<std::uint64_t>();
    part.data_offset = in.get<std::uint64_t>();
    part.lengths_offset = in.get<std::uint64_t>();
    part.terms_offset = in.get<std::uint64_t>();
    part.blocks_offset = in.get<std::uint64_t>();
    part.terms = in.get<std::uint32_t>();
    part.length_bytes = in.get<std::uint32_t>();
    part.end = in.get<std::uint64_t>();
    return part;
}

// Whether the areas follow each other without a gap, and have the sizes they must have.
bool areas_fit(const PartEntry& part, std::uint64_t offset, std::uint64_t limit) {
    const bool width = part.length_bytes == 1 || part.length_bytes == 2 || part.length_bytes == 4;
    return width && part.rows <= kMaxPartRows && part.documents <= part.rows &&
           part.data_offset == offset && part.lengths_offset >= offset &&
           part.lengths_offset <= limit && part.terms_offset <= limit &&
           part.terms_offset - part.lengths_offset ==
               std::uint64_t{part.rows} * part.length_bytes &&
           part.blocks_offset >= part.terms_offset && part.blocks_offset <= limit &&
           part.end <= limit && part.end >= part.blocks_offset &&
           part.end - part.blocks_offset == std::uint64_t{part.term_blocks()} * 4;
}

// Goes through the terms of one block.
class TermReader {
public:
    TermReader(std::span<const std::byte> block, const PartEntry& part)
        : in_(block.subspan(std::min<std::size_t>(8, block.size()))), part_(part) {
        if (block.size() >= 8) {
            std::memcpy(&next_, block.data(), sizeof next_);
        }
    }
    // False at the end, and when the block makes no sense: then ok() is false.
    bool next() {
        if (in_.empty() || !ok_) {
            return false;
        }
        const std::uint64_t shared = in_.get(), rest = in_.get();
        const auto suffix = in_.bytes(static_cast<std::size_t>(rest));
        if (!in_.ok() || shared > name_.size()) {
            return ok_ = false;
        }
        name_.resize(static_cast<std::size_t>(shared));
        name_ += as_text(suffix);
        entry_.documents = in_.get32();
        entry_.postings_bytes = in_.get32();
        entry_.positions_bytes = in_.get32();
        entry_.offset = next_;
        const std::uint64_t bytes = std::uint64_t{entry_.postings_bytes} + entry_.positions_bytes;
        ok_ = in_.ok() && entry_.documents != 0 && entry_.documents <= part_.documents &&
              next_ >= part_.data_offset && next_ <= part_.lengths_offset &&
              bytes <= part_.lengths_offset - next_;
        next_ += bytes;
        return ok_;
    }
    bool ok() const noexcept { return ok_; }
    const std::string& name() const noexcept { return name_; }
    const TermEntry& entry() const noexcept { return entry_; }
    std::uint64_t behind() const noexcept { return next_; }

private:
    VarintReader in_;
    const PartEntry& part_;
    std::uint64_t next_ = 0;
    std::string name_;
    TermEntry entry_;
    bool ok_ = true;
};
}  // namespace

Result<std::span<const std::byte>> TextPart::block(std::uint32_t block) const {
    const std::uint64_t at = entry_.blocks_offset + std::uint64_t{block} * 4;
    const bool last = block + 1 == entry_.term_blocks();
    ABI_TRY(const auto table, bytes_.range(at, last ? 4 : 8));
    const std::uint64_t size = entry_.blocks_offset - entry_.terms_offset;
    std::uint32_t begin = 0, end = 0;
    std::memcpy(&begin, table.data(), sizeof begin);
    if (!last) {
        std::memcpy(&end, table.data() + 4, sizeof end);
    }
    const std::uint64_t stop = last ? size : end;
    if (begin > stop || stop > size || stop - begin < 10) {
        return fail(bytes_.damage(at, "a block of the full-text index's words is out of place"));
    }
    return bytes_.range(entry_.terms_offset + begin, stop - begin);
}

Result<std::string_view> TextPart::first_term(std::uint32_t number) const {
    ABI_TRY(const auto bytes, block(number));
    VarintReader in(bytes.subspan(8));
    const std::uint64_t shared = in.get(), size = in.get();
    const auto name = in.bytes(static_cast<std::size_t>(size));
    if (!in.ok() || shared != 0) {
        return fail(
            bytes_.damage(entry_.terms_offset, "a word of the full-text index cannot be read"));
    }
    return as_text(name);
}

Result<std::uint32_t> TextPart::block_of(std::string_view term) const {
    std::uint32_t low = 0, high = entry_.term_blocks();
    while (high - low > 1) {
        const std::uint32_t middle = low + (high - low) / 2;
        ABI_TRY(const std::string_view first, first_term(middle));
        (first <= term ? low : high) = middle;
    }
    return low;
}

Result<std::optional<TermEntry>> TextPart::find(std::string_view term) const {
    if (entry_.terms == 0) {
        return std::nullopt;
    }
    ABI_TRY(const std::uint32_t number, block_of(term));
    ABI_TRY(const auto bytes, block(number));
    TermReader reader(bytes, entry_);
    while (reader.next()) {
        if (reader.name() >= term) {
            return reader.name() == term ? std::optional(reader.entry()) : std::nullopt;
        }
    }
    if (!reader.ok()) {
        return fail(
            bytes_.damage(entry_.terms_offset, "a word of the full-text index cannot be read"));
    }
    return std::nullopt;
}

Status TextPart::visit_prefix(std::string_view prefix, const TermVisitor& visit) const {
    if (entry_.terms == 0) {
        return {};
    }
    ABI_TRY(std::uint32_t number, block_of(prefix));
    for (; number < entry_.term_blocks(); ++number) {
        ABI_TRY(const auto bytes, block(number));
        TermReader reader(bytes, entry_);
        while (reader.next()) {
            if (std::string_view(reader.name()).starts_with(prefix)) {
                ABI_CHECK(visit(reader.name(), reader.entry()));
            } else if (reader.name() > prefix) {
                return {};
            }
        }
        if (!reader.ok()) {
            return fail(
                bytes_.damage(entry_.terms_offset, "a word of the full-text index cannot be read"));
        }
    }
    return {};
}

Status TextIndex::add_part(IndexBytes bytes, const PartEntry& entry, std::uint64_t row,
                           std::uint64_t offset) {
    if (entry.first_row != row || !areas_fit(entry, offset, bytes.size())) {
        return fail(bytes.damage(offset, "a part of the full-text index is out of place"));
    }
    ABI_TRY(const auto lengths,
            bytes.range(entry.lengths_offset, entry.terms_offset - entry.lengths_offset));
    parts_.emplace_back(bytes, entry, lengths);
    documents_ += entry.documents;
    words_ += entry.words;
    return {};
}

Status TextIndex::load(IndexBytes bytes, std::uint64_t rows) {
    size_bytes_ = bytes.size();
    if (bytes.size() < kFooterBytes) {
        return fail(bytes.damage(0, "the full-text index is cut short"));
    }
    const std::uint64_t footer_at = bytes.size() - kFooterBytes;
    ABI_TRY(const auto footer, bytes.range(footer_at, kFooterBytes));
    Decoder in(as_text(footer));
    const std::string_view magic = in.get_bytes(kTextIndexMagic.size());
    const auto version = in.get<std::uint32_t>();
    const auto scheme = in.get<std::uint32_t>();
    const auto directory_at = in.get<std::uint64_t>();
    const auto count = in.get<std::uint32_t>();
    in.get<std::uint32_t>();
    const auto indexed = in.get<std::uint64_t>();
    if (magic != kTextIndexMagic) {
        return fail(bytes.damage(footer_at, "it is no full-text index"));
    }
    if (version != kTextIndexVersion || scheme != text::kSearchWordScheme) {
        return fail(Code::kIncompatible, "another version of abi made the full-text index");
    }
    if (indexed != rows || directory_at > footer_at ||
        footer_at - directory_at != std::uint64_t{count} * kPartEntryBytes) {
        return fail(bytes.damage(footer_at, "the full-text index does not fit its segment"));
    }
    ABI_TRY(const auto directory, bytes.range(directory_at, footer_at - directory_at));
    Decoder entries(as_text(directory));
    std::uint64_t row = 0, offset = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const PartEntry entry = decode_part(entries);
        ABI_CHECK(add_part(bytes, entry, row, offset));
        row += entry.rows;
        offset = entry.end;
    }
    if (row != rows || offset != directory_at) {
        return fail(bytes.damage(directory_at, "the full-text index does not fit its segment"));
    }
    return {};
}

Result<std::shared_ptr<const TextIndex>> TextIndex::open(IndexBytes bytes, std::uint64_t rows) {
    const std::shared_ptr<TextIndex> index(new TextIndex());
    ABI_CHECK(index->load(bytes, rows));
    return index;
}

Result<std::shared_ptr<const TextIndex>> TextIndex::adopt(std::string memory, std::uint64_t rows) {
    const std::shared_ptr<TextIndex> index(new TextIndex());
    index->memory_ = std::move(memory);
    ABI_CHECK(index->load(IndexBytes(as_bytes(index->memory_)), rows));
    return index;
}

namespace {
// The words of a part, one after the other, with all their postings.
class PartAudit {
public:
    explicit PartAudit(const TextPart& part) : part_(part) {}

    Status run() {
        std::string previous;
        ABI_CHECK(part_.visit_prefix("", [&](std::string_view name, const TermEntry& term) {
            return check_term(name, term, previous);
        }));
        const PartEntry& entry = part_.entry();
        if (terms_ != entry.terms || next_ != entry.lengths_offset) {
            return wrong(entry.terms_offset, "words are missing from the full-text index");
        }
        std::uint64_t words = 0;
        for (std::uint32_t row = 0; row < entry.rows; ++row) {
            words += part_.length(row);
        }
        return words == entry.words
                   ? Status()
                   : wrong(entry.lengths_offset, "the full-text index counts its words wrong");
    }

private:
    Status wrong(std::uint64_t offset, std::string_view what) const {
        return fail(part_.bytes().damage(offset, what));
    }
    Status check_term(std::string_view name, const TermEntry& term, std::string& previous) {
        if (terms_ == 0) {
            next_ = part_.entry().data_offset;
        }
        if (term.offset != next_ || (terms_ != 0 && name <= previous)) {
            return wrong(term.offset, "the words of the full-text index are out of order");
        }
        next_ += std::uint64_t{term.postings_bytes} + term.positions_bytes;
        ++terms_;
        previous = name;
        PostingCursor cursor;
        ABI_CHECK(cursor.open(part_, term, Bm25(), 1.0F, PostingCursor::Positions::kYes));
        for (; cursor.row() != PostingCursor::kEnd; cursor.next()) {
            if (!cursor.positions(positions_)) {
                break;
            }
            if (positions_.back() >= part_.length(cursor.row())) {
                return wrong(term.offset, "a word of the full-text index lies behind its text");
            }
        }
        return cursor.ok() ? Status() : wrong(term.offset, "postings of a word cannot be read");
    }

    const TextPart& part_;
    std::uint64_t terms_ = 0;
    std::uint64_t next_ = part_.entry().data_offset;
    std::vector<std::uint32_t> positions_;
};
}  // namespace

Status TextIndex::audit() const {
    for (const TextPart& part : parts_) {
        ABI_CHECK(PartAudit(part).run());
    }
    return {};
}

}  // namespace abikit::storage::fulltext
