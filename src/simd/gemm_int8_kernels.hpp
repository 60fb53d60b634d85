// What gemm_int8.cpp hands to kernels/gemm_int8.cpp, and the packed form that both know: blocks of
// 64 columns (the last one of 16, 32, 48 or 64), one after the other; in a block, for each four
// values of depth, four neighbouring bytes for each column. Before the blocks, 128 times the sum of
// each column as 32-bit integers, which instructions that take one unsigned operand need.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemm_plan.hpp"

namespace abikit::simd::int8 {

inline constexpr std::size_t kPanel = kGemmPanel;
inline constexpr std::size_t kBlock = kGemmBlock;
inline constexpr std::size_t kGroup = 4;  // values of depth side by side
inline constexpr std::size_t kPanelGroupBytes = kPanel * kGroup;

// A rectangle of C: `rows` rows of A against consecutive blocks of packed B, over the whole depth.
struct Task {
    const std::uint8_t* a = nullptr;  // rows x depth; int8 in its bits unless a_unsigned
    std::size_t lda = 0;
    bool a_unsigned = false;
    std::size_t rows = 0;
    std::size_t depth = 0;
    std::size_t columns = 0;                 // of C; the packed form has them rounded up
    const std::byte* b = nullptr;            // first block
    const std::byte* corrections = nullptr;  // first of the block's corrections, 32-bit each
    std::int32_t* c = nullptr;
    std::size_t ldc = 0;
    bool accumulate = false;
};
void multiply(const Task& task) noexcept;

// Packs `columns` (at most kBlock) columns of op(B): their block, and their corrections.
struct PackTask {
    const std::int8_t* b = nullptr;  // first column
    std::size_t row_stride = 0;      // from one k to the next
    std::size_t column_stride = 0;
    std::size_t depth = 0;
    std::size_t columns = 0;
    std::byte* out = nullptr;
    std::byte* corrections = nullptr;
};
void pack(const PackTask& task) noexcept;

}  // namespace abikit::simd::int8
