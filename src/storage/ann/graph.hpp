// Codes and edges as a walk sees them, and distances between codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include <abi/simd/distance_bytes.hpp>

#include "ann/aligned.hpp"
#include "ann/projection.hpp"

namespace abikit::storage::ann {

inline constexpr std::uint32_t kNoEdge = 0xFFFFFFFF;

inline std::int32_t norm_of(const std::int8_t* code, std::size_t stride) noexcept {
    std::int32_t norm = 0;
    std::memcpy(&norm, code + stride - kNormBytes, kNormBytes);
    return norm;
}

// A code to measure from: without its norm, which would count as coordinates.
struct CodeQuery {
    AlignedVector<std::int8_t> code;
    std::int32_t norm = 0;

    void assign(const std::int8_t* from, std::size_t stride) {
        code.assign(from, from + stride);
        norm = norm_of(from, stride);
        std::memset(code.data() + stride - kNormBytes, 0, kNormBytes);
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
        simd::dot_gather(query.code.data(), codes, stride, stride, rows_of, count, out);
        for (std::size_t i = 0; i < count; ++i) {
            out[i] = query.norm + norm_of(code(rows_of[i]), stride) - 2 * out[i];
        }
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
