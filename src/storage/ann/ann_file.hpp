// The bytes of an index: a header, then sections that start at pages. docs/formats/wdbx.md tells
// the fields.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/storage/ann_index.hpp>

#include "ann/aligned.hpp"
#include "ann/projection.hpp"

namespace abikit::storage::ann {

// What an index is made of. Codes, edges and entries point into its bytes.
struct AnnParts {
    AnnInfo info;
    MetricSpace space{Metric::kL2, 0, 0.0F};
    ProjectionData projection;
    std::span<const std::int8_t> codes;
    std::span<const std::uint32_t> edges;
    std::span<const std::uint32_t> entries;
};

AlignedVector<std::byte> encode_index(const AnnParts& parts);
// Checks every checksum and that every edge leads to a row.
Result<AnnParts> decode_index(std::span<const std::byte> bytes);

}  // namespace abikit::storage::ann
