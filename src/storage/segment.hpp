// Reads a segment: mapped, scanned as it lies, every block's checksum tested at first touch.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/fs.hpp>

#include "fulltext/shared_text_index.hpp"
#include "manifest.hpp"
#include "segment_format.hpp"
#include "segment_index.hpp"

namespace abikit::storage {

// What a segment must belong to.
struct SegmentOwner {
    Uuid uuid{};  // of the database
    VectorShape shape;
    Metric metric = Metric::kCosine;
};

// An immutable segment. Thread-safe. Rows are numbered from 0, deleted ones included (the deletes
// are kept beside it).
class Segment {
public:
    // kCorrupt when the file is not the one that the manifest describes. A damaged header costs
    // nothing where its copy at the end of the file is whole.
    static Result<std::shared_ptr<const Segment>> open(FileSystem& fs, const std::string& directory,
                                                       const SegmentOwner& owner,
                                                       const SegmentEntry& entry);

    std::uint64_t rows() const noexcept { return header_.rows; }
    const SegmentHeader& header() const noexcept { return header_; }
    const std::string& path() const noexcept { return path_; }
    std::uint64_t size_bytes() const noexcept { return bytes_.size(); }
    // Bytes of one section; 0 when the segment has none of that kind.
    std::uint64_t section_bytes(SectionKind kind) const noexcept;
    // Where it starts in the file; 0 when there is none.
    std::uint64_t section_offset(SectionKind kind) const noexcept;
    // Bytes of one section, checked. kCorrupt when the range is not inside it.
    Result<std::span<const std::byte>> read_section(SectionKind kind, std::uint64_t offset,
                                                    std::uint64_t length) const;

    // The vectors of rows [first, first + count) as they are stored, checked.
    Result<const std::byte*> vectors(std::uint64_t first, std::uint64_t count) const;
    // The same for 1 / length; only for cosine.
    Result<const float*> inverse_norms(std::uint64_t first, std::uint64_t count) const;
    Result<std::string> id(std::uint64_t row) const;
    Result<std::optional<std::string_view>> text(std::uint64_t row) const;
    Result<std::optional<std::string_view>> metadata(std::uint64_t row) const;
    // The row with this id, dead or alive.
    Result<std::optional<std::uint64_t>> find(std::string_view id) const;

    // The index that may lie beside it.
    SegmentIndex& index() const noexcept { return *index_; }
    // The full-text index in use for this segment, shared by all who search it.
    fulltext::SharedTextIndex& text_index() const noexcept { return text_index_; }

    // Whether the copy of the header took its place.
    bool header_damaged() const noexcept { return header_damaged_; }
    // Tests the header and its copy. For verify.
    Status check_headers() const;
    // Tests one block of one section, whether touched before or not. For verify.
    bool block_intact(const Section& section, std::uint64_t block) const noexcept;

private:
    Segment() = default;
    const Section* section(SectionKind kind) const noexcept;
    Status read_header(const SegmentOwner& owner, const SegmentEntry& entry);
    Status read_header_at(std::uint64_t offset, const SegmentOwner& owner,
                          const SegmentEntry& entry);
    Status load_checksums();
    Status check(const Section& section, std::uint64_t offset, std::uint64_t length) const;
    Result<std::optional<std::string_view>> string_at(SectionKind kind, std::uint64_t row) const;
    template <class T>
    Result<T> number_at(const Section& section, std::uint64_t offset) const;
    Result<std::uint64_t> lower_bound(const Section& index, std::uint64_t hash) const;

    std::string path_;
    std::unique_ptr<SegmentIndex> index_;
    std::unique_ptr<MappedRegion> map_;
    std::span<const std::byte> bytes_;
    SegmentHeader header_;
    bool header_damaged_ = false;
    const std::uint32_t* checksums_ = nullptr;
    mutable std::vector<std::atomic<std::uint64_t>> checked_;  // one bit a block
    mutable fulltext::SharedTextIndex text_index_;
};

}  // namespace abikit::storage
