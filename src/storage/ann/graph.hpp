// Codes and edges as a walk sees them, and distances between codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <abi/simd/distance_walk.hpp>

#include "ann/aligned.hpp"
#include "ann/projection.hpp"

namespace abikit::storage::ann {

inline constexpr std::uint32_t kNoEdge = 0xFFFFFFFF;

// A code to measure from.
struct CodeQuery {
    AlignedVector<std::int8_t> code;
    simd::WalkQuery walk;  // borrows `code`

    CodeQuery() = default;
    ~CodeQuery() = default;
    CodeQuery(CodeQuery&&) noexcept = default;
    CodeQuery& operator=(CodeQuery&&) noexcept = default;

    // Any address.
    void assign(const std::int8_t* from, std::size_t stride) {
        code.assign(from, from + stride);
        walk = simd::make_walk_query(code.data(), stride, code.data());
    }
};

// Borrowed arrays. Row r has its code at codes + r * stride and its edges at edges + r * degree;
// unused edges are kNoEdge and come last.
struct GraphView {
    const std::int8_t* codes = nullptr;
    const std::uint32_t* edges = nullptr;
    std::size_t stride = 0;
    std::uint32_t degree = 0;
    std::uint32_t rows = 0;
    std::span<const std::uint32_t> entries;

    const std::int8_t* code(std::uint32_t row) const noexcept { return codes + row * stride; }
    const std::uint32_t* edges_of(std::uint32_t row) const noexcept {
        return edges + std::size_t{row} * degree;
    }
    // Squared Euclidean distances between codes, exact. out: count.
    void distances(const CodeQuery& query, const std::uint32_t* rows_of, std::size_t count,
                   std::int32_t* out) const noexcept {
        simd::walk_distances(query.walk, codes, stride, rows_of, count, out);
    }
    void fetch_edges(std::uint32_t row) const noexcept {
        const char* const first = reinterpret_cast<const char*>(edges_of(row));
        for (std::size_t at = 0; at < std::size_t{degree} * sizeof(std::uint32_t); at += 64) {
            __builtin_prefetch(first + at);
        }
    }
    void fetch_code(std::uint32_t row) const noexcept {
        const std::int8_t* const first = code(row);
        for (std::size_t at = 0; at < stride; at += 64) {
            __builtin_prefetch(first + at);
        }
    }
};

}  // namespace abikit::storage::ann
