// Writes a segment from any source of rows, in one pass a column, holding one buffer in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <abi/core/context.hpp>
#include <abi/storage/metric.hpp>

#include "manifest.hpp"
#include "segment_format.hpp"

namespace abikit::storage {

// Rows to be written, in order. Texts and ids are asked for by position; views live until the next
// call of the same function.
class RowSource {
public:
    virtual ~RowSource() = default;
    virtual std::uint64_t rows() const = 0;
    // Hands over all vectors in order, as they are stored, in runs of whole rows.
    virtual Status vectors(const std::function<Status(std::span<const std::byte>)>& sink) = 0;
    virtual Result<std::string> id(std::uint64_t row) = 0;
    virtual Result<std::optional<std::string_view>> text(std::uint64_t row) = 0;
    virtual Result<std::optional<std::string_view>> metadata(std::uint64_t row) = 0;
};

// `identity` gives uuid, number, shape, metric and LSNs, and the time unless it is now. Creates the
// file, writes it whole and syncs it; the directory is synced by the caller's manifest swap. On
// failure the file is removed.
Result<SegmentEntry> write_segment(const Context& context, const std::string& directory,
                                   SegmentHeader identity, RowSource& source);
// The same into a file that is there. Bytes come in ascending order, the header at 0 last; between
// the sections are holes.
Result<SegmentEntry> write_segment(const Context& context, File& file, SegmentHeader identity,
                                   RowSource& source);

}  // namespace abikit::storage
