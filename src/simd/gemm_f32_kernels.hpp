// What gemm_f32.cpp hands to kernels/gemm_f32.cpp, and the packed form that both know: panels of
// kPanel columns, one after the other; in a panel kPanel neighbouring values for each k, zeros
// beyond the last column. Read gemm_f32.cpp for how a product is cut into tasks.
#pragma once

#include <cstddef>

#include <abi/simd/gemm.hpp>

namespace abikit::simd::f32 {

inline constexpr std::size_t kPanel = 16;
// Workspace is carved into pieces that start on cache lines.
inline constexpr std::size_t kAlignment = 64;

// A rectangle of C = alpha * A * B + beta * C, computed by one thread. Element (r, k) of A stands
// at a[r * a_row_stride + k * a_depth_stride], one of the strides is 1; element (k, c) of B at b[k
// * b_depth_stride + c * b_column_stride], likewise.
struct Task {
    std::size_t rows = 0;
    std::size_t depth = 0;
    std::size_t columns = 0;
    const float* a = nullptr;
    std::size_t a_row_stride = 0;
    std::size_t a_depth_stride = 0;
    const float* b = nullptr;  // null where `panels` is set
    std::size_t b_depth_stride = 0;
    std::size_t b_column_stride = 0;
    const float* panels = nullptr;  // packed B from the first column on, `depth` deep
    float* c = nullptr;
    std::size_t ldc = 0;
    float alpha = 1.0F;
    float beta = 0.0F;
    const float* bias = nullptr;  // of the first column on; null: none
    Activation activation = Activation::kNone;
};

// Floats of workspace that multiply() uses for this task, a multiple of a cache line.
std::size_t workspace_floats(const Task& task) noexcept;
// Which operands multiply() copies into another order first.
struct Copies {
    bool a = false;
    bool b = false;
};
Copies copies(const Task& task) noexcept;
// depth, rows and columns at least 1. `workspace` starts on a cache line. Each element of C has one
// order of operations that depends on the depth alone, wherever the borders of tasks are.
void multiply(const Task& task, float* workspace) noexcept;

// Packs `columns` (at most kPanel) columns of B into one panel.
struct PanelTask {
    const float* b = nullptr;
    std::size_t depth_stride = 0;
    std::size_t column_stride = 0;  // this or the other is 1
    std::size_t depth = 0;
    std::size_t columns = 0;
    float* out = nullptr;
};
void pack_panel(const PanelTask& task) noexcept;

}  // namespace abikit::simd::f32
