// Coding and checking of segment headers.
#include "segment_format.hpp"

#include <algorithm>
#include <limits>

#include <abi/core/crc32c.hpp>

namespace abikit::storage {

namespace {
constexpr std::string_view kMagic = "WDBXSEG1";
constexpr std::size_t kCrcOffset = kSegmentHeaderBytes - 4;
constexpr std::uint32_t kMaxSections = 64;
constexpr std::uint32_t kVectorBlockShift = 16, kRowBlockShift = 12;

// The shortest length a section of these rows can have; the exact one where `exact` says so.
bool length_is_possible(const Section& section, const SegmentHeader& header) {
    const std::uint64_t rows = header.rows;
    switch (section.kind) {
        case SectionKind::kVectors:
            return section.length == rows * header.shape.row_bytes();
        case SectionKind::kInverseNorms:
            return section.length == rows * sizeof(float);
        case SectionKind::kIdIndex:
            return section.length == rows * 12;
        case SectionKind::kIds:
            if (section.encoding == ColumnEncoding::kIntegerRange) {
                return section.length == 8;
            }
            [[fallthrough]];
        case SectionKind::kTexts:
        case SectionKind::kMetadata:
            return section.encoding == ColumnEncoding::kStrings && section.length >= rows * 8;
        case SectionKind::kColumns:
        case SectionKind::kFullText:
            return true;  // read only by what looks whether it makes sense
    }
    return true;  // an optional section of a later version: skipped
}

bool sections_fit(const SegmentHeader& header, std::uint64_t file_bytes) {
    if (header.rows > std::numeric_limits<std::uint32_t>::max() || header.shape.dimension == 0 ||
        header.shape.dimension > 65536 || header.rows > file_bytes ||
        static_cast<std::uint32_t>(header.shape.element) >= kElementTypes) {
        return false;
    }
    std::uint64_t checksums = 0;
    for (const Section& section : header.sections) {
        const bool inside = section.offset >= kSegmentHeaderBytes &&
                            section.offset % kSectionAlign == 0 && section.offset <= file_bytes &&
                            section.length <= file_bytes - section.offset;
        if (!inside || section.block_shift < 9 || section.block_shift > 30 ||
            section.first_checksum != checksums || !length_is_possible(section, header)) {
            return false;
        }
        checksums += section.blocks();
    }
    return checksums == header.checksums_count && header.checksums_offset % 8 == 0 &&
           header.checksums_offset <= file_bytes &&
           header.checksums_count * sizeof(std::uint32_t) <= file_bytes - header.checksums_offset;
}

void decode_fields(Decoder& in, SegmentHeader& header) {
    header.uuid = in.get<Uuid>();
    header.number = in.get<std::uint64_t>();
    header.rows = in.get<std::uint64_t>();
    header.shape.dimension = in.get<std::uint32_t>();
    const auto metric = in.get<std::uint16_t>();
    const auto element = in.get<std::uint16_t>();
    header.metric = metric <= kMetrics ? static_cast<Metric>(metric) : Metric{};
    header.shape.element = static_cast<ElementType>(std::min<std::uint16_t>(element, 255));
    header.first_lsn = in.get<std::uint64_t>();
    header.last_lsn = in.get<std::uint64_t>();
    header.created_ns = in.get<std::int64_t>();
    header.checksums_offset = in.get<std::uint64_t>();
    header.checksums_count = in.get<std::uint64_t>();
    header.checksums_crc = in.get<std::uint32_t>();
    const auto count = in.get<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && i < kMaxSections; ++i) {
        Section section;
        section.kind = static_cast<SectionKind>(in.get<std::uint32_t>());
        section.encoding = static_cast<ColumnEncoding>(in.get<std::uint32_t>());
        section.block_shift = in.get<std::uint32_t>();
        in.get<std::uint32_t>();
        section.offset = in.get<std::uint64_t>();
        section.length = in.get<std::uint64_t>();
        section.first_checksum = in.get<std::uint64_t>();
        header.sections.push_back(section);
    }
}
}  // namespace

std::uint32_t block_shift_of(SectionKind kind) noexcept {
    return kind == SectionKind::kVectors ? kVectorBlockShift : kRowBlockShift;
}

std::string encode_segment_header(const SegmentHeader& header) {
    Encoder out;
    out.put_bytes(kMagic);
    out.put(kFormatVersion);
    out.put(std::uint32_t{0x01020304});
    out.put(std::uint64_t{0});  // required features
    out.put(header.uuid);
    out.put(header.number);
    out.put(header.rows);
    out.put(header.shape.dimension);
    out.put(static_cast<std::uint16_t>(header.metric));
    out.put(static_cast<std::uint16_t>(header.shape.element));
    out.put(header.first_lsn);
    out.put(header.last_lsn);
    out.put(header.created_ns);
    out.put(header.checksums_offset);
    out.put(header.checksums_count);
    out.put(header.checksums_crc);
    out.put(static_cast<std::uint32_t>(header.sections.size()));
    for (const Section& section : header.sections) {
        out.put(section.kind);
        out.put(section.encoding);
        out.put(section.block_shift);
        out.put(std::uint32_t{0});
        out.put(section.offset);
        out.put(section.length);
        out.put(section.first_checksum);
    }
    std::string bytes = out.take();
    bytes.resize(kCrcOffset);
    const std::uint32_t crc = crc32c(as_bytes(bytes));
    bytes.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    return bytes;
}

std::uint32_t segment_header_crc(std::string_view header_bytes) noexcept {
    std::uint32_t crc = 0;
    if (header_bytes.size() >= kSegmentHeaderBytes) {
        std::memcpy(&crc, header_bytes.data() + kCrcOffset, sizeof crc);
    }
    return crc;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes, std::uint64_t file_bytes,
                                            std::string_view path) {
    if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kMagic)) {
        return fail(corruption(
            path, 0,
            bytes.size() < kSegmentHeaderBytes ? "it is cut short" : "it is no wdbx segment"));
    }
    Decoder in(bytes.substr(kMagic.size()));
    const auto version = in.get<std::uint32_t>();
    in.get<std::uint32_t>();
    const auto features = in.get<std::uint64_t>();
    if (crc32c(as_bytes(bytes.substr(0, kCrcOffset))) != segment_header_crc(bytes)) {
        return fail(corruption(path, 0, "the header does not match its checksum"));
    }
    if (version > kFormatVersion || (features & ~kKnownRequiredFeatures) != 0) {
        return fail(newer_format(path, version));
    }
    SegmentHeader header;
    decode_fields(in, header);
    if (!in.ok() || !sections_fit(header, file_bytes)) {
        return fail(corruption(path, 0, "a section does not fit into the file"));
    }
    return header;
}

}  // namespace abikit::storage
