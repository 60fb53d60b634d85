// What gemm_bf16.cpp hands to kernels/gemm_bf16.cpp, and the packed form that both know: blocks of
// 64 columns (the last one of 16, 32, 48 or 64), one after the other; in a block, for each two
// values of depth, two neighbouring values for each column.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemm_plan.hpp"

namespace abikit::simd::bf16 {

inline constexpr std::size_t kPanel = kGemmPanel;
inline constexpr std::size_t kBlock = kGemmBlock;
inline constexpr std::size_t kGroup = 2;  // values of depth side by side
inline constexpr std::size_t kPanelGroup = kPanel * kGroup;

// A rectangle of C: `rows` rows of A against consecutive blocks of packed B, over the whole depth.
// Values are the bits of bfloat16; B may be unaligned.
struct Task {
    const std::uint16_t* a = nullptr;  // rows x depth
    std::size_t lda = 0;
    std::size_t rows = 0;
    std::size_t depth = 0;
    std::size_t columns = 0;       // of C; the packed form has them rounded up
    const std::byte* b = nullptr;  // first block
    float* c = nullptr;
    std::size_t ldc = 0;
    bool accumulate = false;
};
void multiply(const Task& task) noexcept;

// Packs `columns` (at most kBlock) columns of op(B).
struct PackTask {
    const std::uint16_t* b = nullptr;  // first column
    std::size_t row_stride = 0;        // from one k to the next
    std::size_t column_stride = 0;
    std::size_t depth = 0;
    std::size_t columns = 0;
    std::byte* out = nullptr;
};
void pack(const PackTask& task) noexcept;

}  // namespace abikit::simd::bf16
