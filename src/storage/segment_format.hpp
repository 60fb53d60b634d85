// The layout of a segment file, shared by its writer, its reader and verify. Bytes in
// docs/formats/wdbx.md.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/storage/metric.hpp>

#include "format.hpp"
#include "vector_codec.hpp"

namespace abikit::storage {

inline constexpr std::size_t kSegmentHeaderBytes = 4096;
inline constexpr std::size_t kSectionAlign = 4096;

enum class SectionKind : std::uint32_t {
    kVectors = 1,       // rows x the bytes of one vector, gap-free
    kInverseNorms = 2,  // rows x float32, cosine only; derived from the vectors
    kIds = 3,
    kIdIndex = 4,  // rows sorted hashes (u64), then the row of each (u32); absent when ids are an
                   // integer range
    kTexts = 5,
    kMetadata = 6,
    kColumns = 7,   // derived from the metadata
    kFullText = 8,  // derived from the texts
};
enum class ColumnEncoding : std::uint32_t {
    kFixed = 0,         // an array of numbers
    kStrings = 1,       // rows end offsets (u64, bit 63: absent), then the bytes
    kIntegerRange = 2,  // one u64: the id of row 0; row i has that plus i
};
inline constexpr std::uint64_t kAbsentBit = std::uint64_t{1} << 63;

struct Section {
    SectionKind kind = SectionKind::kVectors;
    ColumnEncoding encoding = ColumnEncoding::kFixed;
    std::uint32_t block_shift = 0;  // checksums cover blocks of 1 << block_shift bytes
    std::uint64_t offset = 0;       // in the file, a multiple of kSectionAlign
    std::uint64_t length = 0;
    std::uint64_t first_checksum = 0;  // index into the checksum table

    std::uint64_t blocks() const noexcept {
        return (length + (std::uint64_t{1} << block_shift) - 1) >> block_shift;
    }
};

struct SegmentHeader {
    Uuid uuid{};
    std::uint64_t number = 0;
    std::uint64_t rows = 0;
    VectorShape shape;
    Metric metric = Metric::kCosine;
    std::uint64_t first_lsn = 0, last_lsn = 0;
    std::int64_t created_ns = 0;
    std::uint64_t checksums_offset = 0;  // table of CRC-32C, one u32 a block
    std::uint64_t checksums_count = 0;
    std::uint32_t checksums_crc = 0;  // of the table
    std::vector<Section> sections;
};

// Vectors are read in long runs, the rest by single rows.
std::uint32_t block_shift_of(SectionKind kind) noexcept;

// Where the copy of the header stands: behind the table of checksums, to the end of the file. Older
// files end there without one.
inline std::uint64_t header_copy_offset(const SegmentHeader& header) noexcept {
    return header.checksums_offset + header.checksums_count * sizeof(std::uint32_t);
}

std::string encode_segment_header(const SegmentHeader& header);  // kSegmentHeaderBytes
// Checks magic, version, checksum, and that every section lies inside a file of `file_bytes`, in
// order, with a possible length. What it returns can be indexed without further checks.
Result<SegmentHeader> decode_segment_header(std::string_view bytes, std::uint64_t file_bytes,
                                            std::string_view path);
// The checksum that the manifest stores of an encoded header.
std::uint32_t segment_header_crc(std::string_view header_bytes) noexcept;

}  // namespace abikit::storage
