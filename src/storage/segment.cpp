// Mapped access with first-touch checks. A bit per block remembers what was tested; tests may run
// twice, never wrongly.
#include "segment.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>

namespace abikit::storage {

Result<std::shared_ptr<const Segment>> Segment::open(FileSystem& fs, const std::string& directory,
                                                     const SegmentOwner& owner,
                                                     const SegmentEntry& entry) {
    const std::shared_ptr<Segment> segment(new Segment());
    segment->path_ = join_path(directory, segment_name(entry.number));
    ABI_TRY(const auto file, fs.open(segment->path_, OpenMode::kRead));
    ABI_TRY(const std::uint64_t size, file->size());
    if (size != entry.size_bytes) {
        return fail(
            corruption(segment->path_, std::min(size, entry.size_bytes),
                       fmt::format("it has {} bytes instead of {}", size, entry.size_bytes)));
    }
    ABI_TRY(segment->map_, file->map());
    segment->bytes_ = segment->map_->bytes();
    if (segment->bytes_.size() != size) {
        return fail(corruption(segment->path_, segment->bytes_.size(),
                               "its size changed while it was opened"));
    }
    ABI_CHECK(segment->read_header(owner, entry));
    const SegmentHeader& header = segment->header_;
    ABI_CHECK(segment->load_checksums());
    if (segment->section(SectionKind::kVectors) == nullptr ||
        segment->section(SectionKind::kIds) == nullptr ||
        (header.metric == Metric::kCosine &&
         segment->section(SectionKind::kInverseNorms) == nullptr)) {
        return fail(corruption(segment->path_, 0, "a section is missing"));
    }
    segment->index_ = std::make_unique<SegmentIndex>(
        fs, join_path(directory, index_name(entry.number)),
        SegmentIdentity{owner.uuid, entry.number, entry.rows, entry.header_crc});
    return segment;
}

Status Segment::read_header_at(std::uint64_t offset, const SegmentOwner& owner,
                               const SegmentEntry& entry) {
    const auto rest = bytes_.subspan(offset);
    const std::string_view head = as_text(rest.first(std::min(kSegmentHeaderBytes, rest.size())));
    ABI_TRY(header_, decode_segment_header(head, bytes_.size(), path_));
    if (segment_header_crc(head) != entry.header_crc || header_.uuid != owner.uuid ||
        header_.number != entry.number || header_.rows != entry.rows ||
        header_.shape != owner.shape || header_.metric != owner.metric) {
        return fail(corruption(path_, 0, "it is not the segment that the manifest names"));
    }
    return {};
}

Status Segment::read_header(const SegmentOwner& owner, const SegmentEntry& entry) {
    Status status = read_header_at(0, owner, entry);
    if (status || status.error().code() != Code::kCorrupt ||
        bytes_.size() < 2 * kSegmentHeaderBytes) {
        return status;
    }
    const std::uint64_t copy = bytes_.size() - kSegmentHeaderBytes;
    if (!read_header_at(copy, owner, entry) || header_copy_offset(header_) != copy) {
        return status;
    }
    header_damaged_ = true;
    return {};
}

Status Segment::check_headers() const {
    const std::uint64_t copy = header_copy_offset(header_);
    if (header_damaged_) {
        return fail(corruption(
            path_, 0,
            fmt::format("the header does not match its checksum; its copy at byte {} is whole",
                        copy)));
    }
    if (bytes_.size() < copy + kSegmentHeaderBytes) {
        return {};  // an older one, without a copy
    }
    const auto head = bytes_.first(kSegmentHeaderBytes);
    const auto [differs, same] =
        std::mismatch(head.begin(), head.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(copy));
    if (differs == head.end()) {
        return {};
    }
    const auto at = static_cast<std::uint64_t>(differs - head.begin());
    return fail(corruption(path_, copy + at, "the copy of the header differs from it"));
}

Status Segment::load_checksums() {
    const auto table =
        bytes_.subspan(header_.checksums_offset, header_.checksums_count * sizeof(std::uint32_t));
    if (crc32c(table) != header_.checksums_crc) {
        return fail(corruption(path_, header_.checksums_offset,
                               "the table of checksums does not match its own"));
    }
    checksums_ = reinterpret_cast<const std::uint32_t*>(table.data());
    checked_ = std::vector<std::atomic<std::uint64_t>>((header_.checksums_count + 63) / 64);
    return {};
}

const Section* Segment::section(SectionKind kind) const noexcept {
    const auto found =
        std::find_if(header_.sections.begin(), header_.sections.end(),
                     [kind](const Section& section) { return section.kind == kind; });
    return found == header_.sections.end() ? nullptr : &*found;
}

std::uint64_t Segment::section_bytes(SectionKind kind) const noexcept {
    const Section* const found = section(kind);
    return found == nullptr ? 0 : found->length;
}

std::uint64_t Segment::section_offset(SectionKind kind) const noexcept {
    const Section* const found = section(kind);
    return found == nullptr ? 0 : found->offset;
}

Result<std::span<const std::byte>> Segment::read_section(SectionKind kind, std::uint64_t offset,
                                                         std::uint64_t length) const {
    const Section* const found = section(kind);
    if (found == nullptr || offset > found->length || length > found->length - offset) {
        return fail(corruption(path_, 0, "a section is missing or cut short"));
    }
    ABI_CHECK(check(*found, offset, length));
    return bytes_.subspan(found->offset + offset, length);
}

bool Segment::block_intact(const Section& section, std::uint64_t block) const noexcept {
    const std::uint64_t begin = block << section.block_shift;
    const std::uint64_t end = std::min(section.length, (block + 1) << section.block_shift);
    return crc32c(bytes_.subspan(section.offset + begin, end - begin)) ==
           checksums_[section.first_checksum + block];
}

Status Segment::check(const Section& section, std::uint64_t offset, std::uint64_t length) const {
    if (length == 0) {
        return {};
    }
    const std::uint64_t last = (offset + length - 1) >> section.block_shift;
    for (std::uint64_t block = offset >> section.block_shift; block <= last; ++block) {
        const std::uint64_t bit = section.first_checksum + block;
        std::atomic<std::uint64_t>& word = checked_[bit / 64];
        const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
        if ((word.load(std::memory_order_relaxed) & mask) != 0) {
            continue;
        }
        if (!block_intact(section, block)) {
            return fail(corruption(path_, section.offset + (block << section.block_shift),
                                   "the data do not match their checksum"));
        }
        word.fetch_or(mask, std::memory_order_relaxed);
    }
    return {};
}

Result<const std::byte*> Segment::vectors(std::uint64_t first, std::uint64_t count) const {
    const Section& column = *section(SectionKind::kVectors);
    const std::uint64_t stride = header_.shape.row_bytes();
    ABI_CHECK(check(column, first * stride, count * stride));
    return bytes_.data() + column.offset + first * stride;
}

Result<const float*> Segment::inverse_norms(std::uint64_t first, std::uint64_t count) const {
    const Section& column = *section(SectionKind::kInverseNorms);
    ABI_CHECK(check(column, first * sizeof(float), count * sizeof(float)));
    return reinterpret_cast<const float*>(bytes_.data() + column.offset + first * sizeof(float));
}

template <class T>
Result<T> Segment::number_at(const Section& section, std::uint64_t offset) const {
    ABI_CHECK(check(section, offset, sizeof(T)));
    T value{};
    std::memcpy(&value, bytes_.data() + section.offset + offset, sizeof value);
    return value;
}

Result<std::optional<std::string_view>> Segment::string_at(SectionKind kind,
                                                           std::uint64_t row) const {
    const Section* const column = section(kind);
    if (column == nullptr) {
        return std::nullopt;
    }
    const std::uint64_t table = header_.rows * sizeof(std::uint64_t);
    std::uint64_t begin = 0;
    if (row != 0) {
        ABI_TRY(begin, number_at<std::uint64_t>(*column, (row - 1) * sizeof(std::uint64_t)));
        begin &= ~kAbsentBit;
    }
    ABI_TRY(const std::uint64_t end,
            number_at<std::uint64_t>(*column, row * sizeof(std::uint64_t)));
    if ((end & kAbsentBit) != 0) {
        return std::nullopt;
    }
    if (begin > end || end > column->length - table) {
        return fail(corruption(path_, column->offset + row * sizeof(std::uint64_t),
                               "a string ends outside its column"));
    }
    ABI_CHECK(check(*column, table + begin, end - begin));
    return as_text(bytes_.subspan(column->offset + table + begin, end - begin));
}

Result<std::string> Segment::id(std::uint64_t row) const {
    const Section& column = *section(SectionKind::kIds);
    if (column.encoding == ColumnEncoding::kIntegerRange) {
        ABI_TRY(const std::uint64_t first, number_at<std::uint64_t>(column, 0));
        return std::to_string(first + row);
    }
    ABI_TRY(const auto text, string_at(SectionKind::kIds, row));
    return std::string(text.value_or(std::string_view()));
}

Result<std::optional<std::string_view>> Segment::text(std::uint64_t row) const {
    return string_at(SectionKind::kTexts, row);
}

Result<std::optional<std::string_view>> Segment::metadata(std::uint64_t row) const {
    return string_at(SectionKind::kMetadata, row);
}

// First position whose hash is not below `hash`: hashes are uniform, so the search starts where it
// should be and gallops.
Result<std::uint64_t> Segment::lower_bound(const Section& index, std::uint64_t hash) const {
    const std::uint64_t rows = header_.rows;
    std::uint64_t low = 0, high = rows;
    // hash / 2^64 * rows without 128-bit arithmetic: rows is below 2^32.
    std::uint64_t at = ((hash >> 32) * rows) >> 32;
    for (std::uint64_t step = 8; low < high; step *= 2) {
        ABI_TRY(const std::uint64_t value,
                number_at<std::uint64_t>(index, at * sizeof(std::uint64_t)));
        if (value < hash) {
            low = at + 1;
            at = std::min(high - (low < high ? 1 : 0), at + step);
        } else {
            high = at;
            at = at - std::min(step, at - low);
        }
        if (step > 4096) {
            at = low + (high - low) / 2;  // galloping found nothing: bisect
        }
    }
    return low;
}

Result<std::optional<std::uint64_t>> Segment::find(std::string_view wanted) const {
    const Section& column = *section(SectionKind::kIds);
    if (column.encoding == ColumnEncoding::kIntegerRange) {
        ABI_TRY(const std::uint64_t first, number_at<std::uint64_t>(column, 0));
        const auto number = canonical_integer(wanted);
        const bool inside = number && *number >= first && *number - first < header_.rows;
        return inside ? std::optional(*number - first) : std::nullopt;
    }
    const Section* const index = section(SectionKind::kIdIndex);
    if (index == nullptr) {
        return fail(corruption(path_, 0, "the index of ids is missing"));
    }
    const std::uint64_t hash = hash_id(wanted);
    ABI_TRY(std::uint64_t at, lower_bound(*index, hash));
    for (; at < header_.rows; ++at) {
        ABI_TRY(const std::uint64_t found,
                number_at<std::uint64_t>(*index, at * sizeof(std::uint64_t)));
        if (found != hash) {
            break;
        }
        ABI_TRY(const std::uint32_t row,
                number_at<std::uint32_t>(
                    *index, header_.rows * sizeof(std::uint64_t) + at * sizeof(std::uint32_t)));
        if (row >= header_.rows) {
            return fail(
                corruption(path_, index->offset, "the index of ids points outside the segment"));
        }
        ABI_TRY(const auto text, string_at(SectionKind::kIds, row));
        if (text == wanted) {
            return row;
        }
    }
    return std::nullopt;
}

}  // namespace abikit::storage
