// Sections are streamed through one buffer; each block's checksum is taken on the way; the header
// comes last.
#include "segment_writer.hpp"

#include <algorithm>
#include <vector>

#include <abi/core/crc32c.hpp>
#include <abi/core/time.hpp>

#include "filter/columns_writer.hpp"
#include "fulltext/text_index_writer.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr std::uint64_t kCancelEvery = 1024;  // rows between looks at the token

class Writer {
public:
    Writer(const Context& context, File& file, SegmentHeader header)
        : context_(context), file_(file), header_(std::move(header)) {
        buffer_.reserve(kBufferBytes);
    }

    Result<SegmentEntry> run(RowSource& source) {
        header_.rows = source.rows();
        ABI_CHECK(write_vectors(source));
        ABI_CHECK(write_ids(source));
        ABI_CHECK(write_strings(SectionKind::kTexts,
                                [&](std::uint64_t row) { return source.text(row); }));
        ABI_CHECK(write_strings(SectionKind::kMetadata,
                                [&](std::uint64_t row) { return source.metadata(row); }));
        ABI_CHECK(write_columns(source));
        ABI_CHECK(write_full_text(source));
        return finish();
    }

private:
    void begin(SectionKind kind, ColumnEncoding encoding) {
        offset_ = (offset_ + kSectionAlign - 1) / kSectionAlign * kSectionAlign;
        header_.sections.push_back(
            {kind, encoding, block_shift_of(kind), offset_, 0, checksums_.size()});
    }
    Status put(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            // Whole buffers go straight to the file: no copy for long runs of vectors.
            if (buffer_.empty() && bytes.size() >= kBufferBytes) {
                const std::size_t whole = bytes.size() / kBufferBytes * kBufferBytes;
                ABI_CHECK(emit(bytes.first(whole)));
                bytes = bytes.subspan(whole);
                continue;
            }
            const std::size_t take = std::min(kBufferBytes - buffer_.size(), bytes.size());
            buffer_.insert(buffer_.end(), bytes.begin(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(take));
            bytes = bytes.subspan(take);
            if (buffer_.size() == kBufferBytes) {
                ABI_CHECK(flush());
            }
        }
        return {};
    }
    template <class T>
    Status put_number(T value) {
        return put(std::as_bytes(std::span(&value, 1)));
    }
    // Only the last emission of a section may be no multiple of the block size.
    Status emit(std::span<const std::byte> bytes) {
        ABI_CHECK(context_.cancel.check());
        const std::size_t block = std::size_t{1} << header_.sections.back().block_shift;
        for (std::size_t at = 0; at < bytes.size(); at += block) {
            checksums_.push_back(crc32c(bytes.subspan(at, std::min(block, bytes.size() - at))));
        }
        ABI_CHECK(file_.write_at(offset_, bytes));
        file_.start_writeback(offset_, bytes.size());
        offset_ += bytes.size();
        header_.sections.back().length += bytes.size();
        return {};
    }
    Status flush() {
        if (buffer_.empty()) {
            return {};
        }
        Status status = emit(buffer_);
        buffer_.clear();
        return status;
    }

    Status write_vectors(RowSource& source) {
        const bool cosine = header_.metric == Metric::kCosine;
        const std::size_t row_bytes = header_.shape.row_bytes();
        std::vector<float> norms, scratch;
        begin(SectionKind::kVectors, ColumnEncoding::kFixed);
        ABI_CHECK(source.vectors([&](std::span<const std::byte> run) -> Status {
            if (cosine) {
                const std::size_t rows = run.size() / row_bytes;
                norms.resize(norms.size() + rows);
                inverse_norms(header_.shape, run.data(), rows, scratch,
                              norms.data() + (norms.size() - rows));
            }
            return put(run);
        }));
        ABI_CHECK(flush());
        if (!cosine) {
            return {};
        }
        begin(SectionKind::kInverseNorms, ColumnEncoding::kFixed);
        ABI_CHECK(put(std::as_bytes(std::span<const float>(norms))));
        return flush();
    }

    // The first id when all of them count up from it.
    Result<std::optional<std::uint64_t>> integer_range(RowSource& source) {
        std::optional<std::uint64_t> first;
        for (std::uint64_t row = 0; row < header_.rows; ++row) {
            ABI_TRY(const std::string id, source.id(row));
            const auto number = canonical_integer(id);
            if (row == 0) {
                first = number;
            }
            if (!number || !first || *number != *first + row) {
                return std::nullopt;
            }
        }
        return first;
    }
    Status write_ids(RowSource& source) {
        ABI_TRY(const auto range, integer_range(source));
        if (range) {
            begin(SectionKind::kIds, ColumnEncoding::kIntegerRange);
            ABI_CHECK(put_number(*range));
            return flush();
        }
        std::vector<std::pair<std::uint64_t, std::uint32_t>> index;
        index.reserve(header_.rows);
        std::string id;
        ABI_CHECK(write_strings(
            SectionKind::kIds, [&](std::uint64_t row) -> Result<std::optional<std::string_view>> {
                ABI_TRY(id, source.id(row));
                if (index.size() == row) {
                    index.emplace_back(hash_id(id), static_cast<std::uint32_t>(row));
                }
                return id;
            }));
        std::sort(index.begin(), index.end());
        begin(SectionKind::kIdIndex, ColumnEncoding::kFixed);
        for (const auto& [hash, row] : index) {
            ABI_CHECK(put_number(hash));
        }
        for (const auto& [hash, row] : index) {
            ABI_CHECK(put_number(row));
        }
        return flush();
    }

    // Two passes over the column: end offsets, then bytes. A column that no row has is left out.
    template <class Get>
    Status write_strings(SectionKind kind, Get get) {
        bool any = false;
        std::vector<std::uint64_t> ends(header_.rows);
        std::uint64_t end = 0;
        for (std::uint64_t row = 0; row < header_.rows; ++row) {
            if (row % kCancelEvery == 0) {
                ABI_CHECK(context_.cancel.check());
            }
            ABI_TRY(const std::optional<std::string_view> value, get(row));
            end += value ? value->size() : 0;
            any = any || value;
            ends[row] = value ? end : end | kAbsentBit;
        }
        if (!any) {
            return {};
        }
        begin(kind, ColumnEncoding::kStrings);
        ABI_CHECK(put(std::as_bytes(std::span<const std::uint64_t>(ends))));
        for (std::uint64_t row = 0; row < header_.rows; ++row) {
            ABI_TRY(const std::optional<std::string_view> value, get(row));
            if (value) {
                ABI_CHECK(put(as_bytes(*value)));
            }
        }
        return flush();
    }

    Status write_columns(RowSource& source) {
        const bool any = std::any_of(
            header_.sections.begin(), header_.sections.end(),
            [](const Section& section) { return section.kind == SectionKind::kMetadata; });
        if (!any) {
            return {};
        }
        const TraceSpan span(context_.trace, "storage", "write_columns");
        ColumnsWriter columns;
        for (std::uint64_t row = 0; row < header_.rows; ++row) {
            if (row % kCancelEvery == 0) {
                ABI_CHECK(context_.cancel.check());
            }
            ABI_TRY(const std::optional<std::string_view> value, source.metadata(row));
            if (value) {
                ABI_CHECK(columns.add(static_cast<std::uint32_t>(row), *value));
            }
        }
        if (columns.empty()) {
            return {};
        }
        begin(SectionKind::kColumns, ColumnEncoding::kFixed);
        ABI_CHECK(put(as_bytes(columns.finish(header_.rows))));
        return flush();
    }

    Status write_full_text(RowSource& source) {
        const bool texts =
            std::any_of(header_.sections.begin(), header_.sections.end(),
                        [](const Section& section) { return section.kind == SectionKind::kTexts; });
        if (!texts) {
            return {};
        }
        const TraceSpan span(context_.trace, "storage", "index_texts");
        begin(SectionKind::kFullText, ColumnEncoding::kFixed);
        fulltext::TextIndexWriter index(
            [this](std::span<const std::byte> bytes) { return put(bytes); });
        for (std::uint64_t row = 0; row < header_.rows; ++row) {
            if (row % kCancelEvery == 0) {
                ABI_CHECK(context_.cancel.check());
            }
            ABI_TRY(const std::optional<std::string_view> text, source.text(row));
            ABI_CHECK(index.add(text));
        }
        ABI_CHECK(index.finish());
        return flush();
    }

    Result<SegmentEntry> finish() {
        const auto table = std::as_bytes(std::span<const std::uint32_t>(checksums_));
        header_.checksums_offset = (offset_ + kSectionAlign - 1) / kSectionAlign * kSectionAlign;
        header_.checksums_count = checksums_.size();
        header_.checksums_crc = crc32c(table);
        if (header_.created_ns == 0) {
            header_.created_ns = wall_clock_ns();
        }
        ABI_CHECK(file_.write_at(header_.checksums_offset, table));
        const std::string head = encode_segment_header(header_);
        ABI_CHECK(file_.write_at(header_copy_offset(header_), as_bytes(head)));
        ABI_CHECK(file_.write_at(0, as_bytes(head)));
        ABI_CHECK(file_.sync());
        SegmentEntry entry;
        entry.number = header_.number;
        entry.rows = header_.rows;
        entry.size_bytes = header_copy_offset(header_) + head.size();
        entry.header_crc = segment_header_crc(head);
        return entry;
    }

    const Context& context_;
    File& file_;
    SegmentHeader header_;
    std::vector<std::uint32_t> checksums_;
    std::vector<std::byte> buffer_;
    std::uint64_t offset_ = kSegmentHeaderBytes;
};
}  // namespace

Result<SegmentEntry> write_segment(const Context& context, const std::string& directory,
                                   SegmentHeader identity, RowSource& source) {
    const TraceSpan span(context.trace, "storage", "write_segment");
    const std::string path = join_path(directory, segment_name(identity.number));
    ABI_TRY(auto file, context.fs->open(path, OpenMode::kTruncate));
    Result<SegmentEntry> entry = Writer(context, *file, std::move(identity)).run(source);
    if (!entry) {
        file.reset();
        // Where this fails too, the orphan does no harm: the next writer removes it.
        static_cast<void>(context.fs->remove(path));
    }
    return entry;
}

Result<SegmentEntry> write_segment(const Context& context, File& file, SegmentHeader identity,
                                   RowSource& source) {
    return Writer(context, file, std::move(identity)).run(source);
}

}  // namespace abikit::storage
