// A segment that may be damaged: every row by itself, as far as checksums hold. Read repair_log.hpp
// next.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/context.hpp>

#include "bitmap.hpp"
#include "repair_read.hpp"
#include "segment.hpp"

namespace abikit::storage {

// A row whose blocks hold and whose content is allowed. Views live as long as what it is read from.
struct SalvagedRow {
    std::string id;
    std::span<const std::byte> vector;
    std::optional<std::string_view> text, metadata;
};

// Why a row cannot be had.
struct RowDamage {
    std::uint64_t offset = 0;  // of the first bad block in the file
    const char* what = "";
};

// Single thread. Nothing is believed but what a checksum of the header's table covers.
class DamagedSegment {
public:
    // An error when the header cannot be read or is another one than the entry says, or when the
    // file is not there; its message says which.
    static Result<std::unique_ptr<DamagedSegment>> open(const Context& context,
                                                        const std::string& directory,
                                                        const SegmentOwner& owner,
                                                        const SegmentEntry& entry);

    std::uint64_t rows() const noexcept { return header_.rows; }
    const SegmentHeader& header() const noexcept { return header_; }
    // Whether the copy of the header took its place.
    bool header_damaged() const noexcept { return header_damaged_; }
    // The row, or what is wrong with it.
    std::expected<SalvagedRow, RowDamage> read(std::uint64_t row);
    // The id alone, if that can be read.
    std::optional<std::string> id(std::uint64_t row);
    // Derived sections with damage: how many blocks.
    std::uint64_t bad_derived_blocks();

private:
    DamagedSegment() = default;
    using Check = std::expected<void, RowDamage>;
    using String = std::expected<std::optional<std::string_view>, RowDamage>;
    Status read_header(std::uint64_t offset, const SegmentOwner& owner, const SegmentEntry& entry);
    const Section* section(SectionKind kind) const noexcept;
    bool intact(const Section& section, std::uint64_t block);
    Check check(const Section& section, std::uint64_t offset, std::uint64_t length);
    String string_at(const Section& section, std::uint64_t row);
    std::expected<std::string, RowDamage> read_id(std::uint64_t row);

    std::string path_;
    std::unique_ptr<MappedRegion> map_;
    std::span<const std::byte> bytes_;
    SegmentHeader header_;
    bool header_damaged_ = false;
    std::vector<ByteRange> unreadable_;
    std::vector<char> tested_;  // per block: 0 not yet, 1 good, 2 bad
    std::vector<float> scratch_;
};

// Whether a row may stand in a database: a right id, UTF-8, finite numbers.
bool row_is_allowed(VectorShape shape, const SalvagedRow& row, std::vector<float>& scratch);

}  // namespace abikit::storage
