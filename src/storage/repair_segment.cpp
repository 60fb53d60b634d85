// Like segment.cpp, but a bad block costs its rows only, also where the table itself is damaged or
// the file is cut short.
#include "repair_segment.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include <abi/core/crc32c.hpp>
#include <abi/text/utf8.hpp>

#include "row_check.hpp"

namespace abikit::storage {

namespace {
constexpr std::uint64_t kAnyLength = std::uint64_t{1} << 62;
constexpr char kGood = 1, kBad = 2;

std::unexpected<RowDamage> damage(std::uint64_t offset, const char* what) {
    return std::unexpected(RowDamage{offset, what});
}

const char* describe_block(SectionKind kind) {
    switch (kind) {
        case SectionKind::kVectors:
            return "vectors do not match their checksum";
        case SectionKind::kIds:
            return "ids do not match their checksum";
        case SectionKind::kTexts:
            return "texts do not match their checksum";
        case SectionKind::kMetadata:
            return "metadata do not match their checksum";
        default:
            return "data do not match their checksum";
    }
}
}  // namespace

Result<std::unique_ptr<DamagedSegment>> DamagedSegment::open(const Context& context,
                                                             const std::string& directory,
                                                             const SegmentOwner& owner,
                                                             const SegmentEntry& entry) {
    std::unique_ptr<DamagedSegment> segment(new DamagedSegment());
    segment->path_ = join_path(directory, segment_name(entry.number));
    ABI_TRY(const auto file, context.fs->open(segment->path_, OpenMode::kRead));
    ABI_TRY(const std::uint64_t size, file->size());
    ABI_TRY(segment->unreadable_, read_what_can_be(context, *file, size, nullptr));
    ABI_TRY(segment->map_, file->map());
    segment->bytes_ = segment->map_->bytes();
    if (Status status = segment->read_header(0, owner, entry); !status) {
        const std::uint64_t end = entry.size_bytes;
        segment->header_damaged_ =
            status.error().code() == Code::kCorrupt && end >= 2 * kSegmentHeaderBytes &&
            segment->bytes_.size() >= end &&
            segment->read_header(end - kSegmentHeaderBytes, owner, entry).has_value();
        if (!segment->header_damaged_) {
            return fail(std::move(status).error());
        }
    }
    const SegmentHeader& header = segment->header_;
    if (segment->section(SectionKind::kVectors) == nullptr ||
        segment->section(SectionKind::kIds) == nullptr) {
        return fail(corruption(segment->path_, 0, "a section is missing"));
    }
    segment->tested_.resize(header.checksums_count);
    return segment;
}

Status DamagedSegment::read_header(std::uint64_t offset, const SegmentOwner& owner,
                                   const SegmentEntry& entry) {
    if (touches(unreadable_, offset, offset + kSegmentHeaderBytes)) {
        return fail(corruption(path_, offset, "the device does not give its header"));
    }
    const auto rest = bytes_.subspan(std::min<std::uint64_t>(offset, bytes_.size()));
    const std::string_view head = as_text(rest.first(std::min(kSegmentHeaderBytes, rest.size())));
    ABI_TRY(header_, decode_segment_header(head, kAnyLength, path_));
    if (segment_header_crc(head) != entry.header_crc || header_.uuid != owner.uuid ||
        header_.number != entry.number || header_.rows != entry.rows ||
        header_.shape != owner.shape || header_.metric != owner.metric) {
        return fail(corruption(path_, 0, "it is not the segment that the manifest names"));
    }
    return {};
}

const Section* DamagedSegment::section(SectionKind kind) const noexcept {
    const auto found =
        std::find_if(header_.sections.begin(), header_.sections.end(),
                     [kind](const Section& section) { return section.kind == kind; });
    return found == header_.sections.end() ? nullptr : &*found;
}

bool DamagedSegment::intact(const Section& section, std::uint64_t block) {
    char& tested = tested_[section.first_checksum + block];
    if (tested == 0) {
        const std::uint64_t begin = block << section.block_shift;
        const std::uint64_t end = std::min(section.length, (block + 1) << section.block_shift);
        const std::uint64_t entry =
            header_.checksums_offset + (section.first_checksum + block) * sizeof(std::uint32_t);
        tested = kBad;
        const bool readable = section.offset + end <= bytes_.size() &&
                              entry + sizeof(std::uint32_t) <= bytes_.size() &&
                              !touches(unreadable_, section.offset + begin, section.offset + end) &&
                              !touches(unreadable_, entry, entry + sizeof(std::uint32_t));
        if (readable) {
            std::uint32_t crc = 0;
            std::memcpy(&crc, bytes_.data() + entry, sizeof crc);
            const auto data = bytes_.subspan(section.offset + begin, end - begin);
            tested = crc32c(data) == crc ? kGood : kBad;
        }
    }
    return tested == kGood;
}

DamagedSegment::Check DamagedSegment::check(const Section& section, std::uint64_t offset,
                                            std::uint64_t length) {
    if (length == 0) {
        return {};
    }
    const std::uint64_t last = (offset + length - 1) >> section.block_shift;
    for (std::uint64_t block = offset >> section.block_shift; block <= last; ++block) {
        if (!intact(section, block)) {
            return damage(section.offset + (block << section.block_shift),
                          describe_block(section.kind));
        }
    }
    return {};
}

DamagedSegment::String DamagedSegment::string_at(const Section& section, std::uint64_t row) {
    const std::uint64_t first = row == 0 ? 0 : row - 1;
    if (auto ends = check(section, first * 8, (row - first + 1) * 8); !ends) {
        return std::unexpected(ends.error());
    }
    const auto end_at = [&](std::uint64_t at) {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes_.data() + section.offset + at * 8, sizeof value);
        return value;
    };
    const std::uint64_t begin = row == 0 ? 0 : end_at(row - 1) & ~kAbsentBit;
    const std::uint64_t end = end_at(row);
    if ((end & kAbsentBit) != 0) {
        return std::nullopt;
    }
    const std::uint64_t table = header_.rows * 8;
    if (begin > end || end > section.length - table) {
        return damage(section.offset + row * 8, "a string ends outside its column");
    }
    if (auto content = check(section, table + begin, end - begin); !content) {
        return std::unexpected(content.error());
    }
    return as_text(bytes_.subspan(section.offset + table + begin, end - begin));
}

std::expected<std::string, RowDamage> DamagedSegment::read_id(std::uint64_t row) {
    const Section& column = *section(SectionKind::kIds);
    if (column.encoding == ColumnEncoding::kIntegerRange) {
        if (auto range = check(column, 0, 8); !range) {
            return std::unexpected(range.error());
        }
        std::uint64_t first = 0;
        std::memcpy(&first, bytes_.data() + column.offset, sizeof first);
        return std::to_string(first + row);
    }
    const String text = string_at(column, row);
    if (!text) {
        return std::unexpected(text.error());
    }
    return std::string(text->value_or(std::string_view()));
}

std::optional<std::string> DamagedSegment::id(std::uint64_t row) {
    auto id = read_id(row);
    return id ? std::optional(*std::move(id)) : std::nullopt;
}

std::expected<SalvagedRow, RowDamage> DamagedSegment::read(std::uint64_t row) {
    SalvagedRow out;
    const Section& vectors = *section(SectionKind::kVectors);
    const std::uint64_t stride = header_.shape.row_bytes();
    if (auto held = check(vectors, row * stride, stride); !held) {
        return std::unexpected(held.error());
    }
    out.vector = bytes_.subspan(vectors.offset + row * stride, stride);
    auto id = read_id(row);
    if (!id) {
        return std::unexpected(id.error());
    }
    out.id = *std::move(id);
    for (const auto& [kind, cell] : {std::pair{SectionKind::kTexts, &out.text},
                                     std::pair{SectionKind::kMetadata, &out.metadata}}) {
        const Section* const column = section(kind);
        if (column == nullptr) {
            continue;
        }
        const String text = string_at(*column, row);
        if (!text) {
            return std::unexpected(text.error());
        }
        *cell = *text;
    }
    if (!row_is_allowed(header_.shape, out, scratch_)) {
        return damage(vectors.offset + row * stride, "a row has content that is not allowed");
    }
    return out;
}

std::uint64_t DamagedSegment::bad_derived_blocks() {
    std::uint64_t bad = 0;
    for (const Section& section : header_.sections) {
        if (section.kind != SectionKind::kInverseNorms && section.kind != SectionKind::kIdIndex &&
            section.kind != SectionKind::kColumns && section.kind != SectionKind::kFullText) {
            continue;
        }
        for (std::uint64_t block = 0; block < section.blocks(); ++block) {
            bad += intact(section, block) ? 0u : 1u;
        }
    }
    return bad;
}

bool row_is_allowed(VectorShape shape, const SalvagedRow& row, std::vector<float>& scratch) {
    return check_id(row.id) && text::utf8_valid(row.text.value_or("")) &&
           text::utf8_valid(row.metadata.value_or("")) &&
           !first_non_finite(shape, row.vector.data(), 1, scratch);
}

}  // namespace abikit::storage
