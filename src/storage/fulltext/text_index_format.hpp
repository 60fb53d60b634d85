// The layout of a full-text index, shared by what writes it and what reads it. Bytes in
// docs/formats/wdbx.md. Read text_part_builder.hpp or text_index.hpp next.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace abikit::storage::fulltext {

inline constexpr std::uint32_t kTextIndexVersion = 1;
inline constexpr std::string_view kTextIndexMagic = "WDBXTXT1";
inline constexpr std::size_t kFooterBytes = 40;
inline constexpr std::size_t kPartEntryBytes = 72;
inline constexpr std::size_t kTermsPerBlock = 32;
inline constexpr std::size_t kBlockEntryBytes = 24;
inline constexpr std::size_t kImpactsPerBlock = 4;
// Limits of one part, so that building it takes bounded memory. The first keeps row numbers so
// small that sums of a block cannot overflow.
inline constexpr std::uint32_t kMaxPartRows = 1U << 22;
inline constexpr unsigned kMaxRowBits = 22;
inline constexpr std::uint64_t kMaxPartTextBytes = std::uint64_t{64} << 20;

// A part indexes a run of rows by itself. Offsets are into the section.
struct PartEntry {
    std::uint64_t first_row = 0;
    std::uint32_t rows = 0;
    std::uint32_t documents = 0;    // rows with a text
    std::uint64_t words = 0;        // of all of them: the sum of the lengths
    std::uint64_t data_offset = 0;  // what belongs to the terms, in their order
    std::uint64_t lengths_offset = 0;
    std::uint64_t terms_offset = 0;   // blocks of terms
    std::uint64_t blocks_offset = 0;  // u32 for each block of terms: where it starts in them
    std::uint32_t terms = 0;
    std::uint32_t length_bytes = 1;  // each length takes this many: 1, 2 or 4
    std::uint64_t end = 0;

    std::uint32_t term_blocks() const noexcept {
        return static_cast<std::uint32_t>((std::uint64_t{terms} + kTermsPerBlock - 1) /
                                          kTermsPerBlock);
    }
};

// Directory and footer: what stands at the end of a section, from byte `offset` on. `rows` are
// those of the segment.
std::string encode_directory(const std::vector<PartEntry>& parts, std::uint64_t offset,
                             std::uint64_t rows);

struct Impact {
    std::uint8_t frequency = 0;  // rounded up; 0: none
    std::uint8_t length = 0;     // rounded down
};

// One block of a term's postings, as its table of blocks tells it.
struct BlockEntry {
    std::uint32_t last_row = 0;
    std::uint32_t data = 0;       // where its bytes start, behind the table of blocks
    std::uint32_t positions = 0;  // where its positions start in the term's positions
    std::uint8_t row_bits = 0, frequency_bits = 0;
    std::array<Impact, kImpactsPerBlock> impacts{};
};

// A term of a part as its dictionary tells it.
struct TermEntry {
    std::uint32_t documents = 0;
    std::uint64_t offset = 0;  // of its postings in the section
    std::uint32_t postings_bytes = 0;
    std::uint32_t positions_bytes = 0;  // they follow the postings
};

}  // namespace abikit::storage::fulltext
