// The bytes of a full-text index: a section of a segment, whose checksums are tested on the way, or
// memory.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <abi/core/error.hpp>

namespace abikit::storage {
class Segment;
}

namespace abikit::storage::fulltext {

// Cheap to copy. What it refers to must outlive it.
class IndexBytes {
public:
    // The section of a segment. size() is 0 when it has none.
    explicit IndexBytes(const Segment& segment);
    explicit IndexBytes(std::span<const std::byte> memory)
        : memory_(memory), size_(memory.size()) {}

    std::uint64_t size() const noexcept { return size_; }
    // kCorrupt when a checksum does not match, or the range lies outside.
    Result<std::span<const std::byte>> range(std::uint64_t offset, std::uint64_t length) const;
    // The error of an index that makes no sense at this byte.
    Error damage(std::uint64_t offset, std::string_view what) const;

private:
    const Segment* segment_ = nullptr;
    std::span<const std::byte> memory_;
    std::uint64_t size_ = 0;
};

}  // namespace abikit::storage::fulltext
