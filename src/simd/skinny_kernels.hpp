// What skinny.cpp hands to the kernels of kernels/skinny_{rows,columns}_f32.cpp: a block of W that
// no other task of the same depth range writes sums for.
#pragma once

#include <cstddef>

namespace abikit::simd::skinny {

// How X is packed for rows_task: with width 1 each column is contiguous (few columns, whose
// products are summed across lanes); else the columns are rounded up to this width, and 16 / width
// neighbours of each column stand side by side, so that every group takes sixteen floats.
constexpr std::size_t x_width(std::size_t columns) noexcept {
    return columns <= 2 ? 1 : columns <= 4 ? 4 : columns <= 8 ? 8 : 16;
}

// The sums over the depth of the task, of row r and column c at sums[r * sums_row_stride + c *
// sums_column_stride]. Pointers stand at the task's first row and first k.
struct Task {
    const float* w = nullptr;
    std::size_t ldw = 0;
    std::size_t rows = 0;
    std::size_t depth = 0;
    std::size_t columns = 0;  // 1 to kMaxColumns
    const float* x = nullptr;
    std::size_t x_row_stride = 1;
    std::size_t x_column_stride = 1;
    float* sums = nullptr;
    std::size_t sums_row_stride = 0;
    std::size_t sums_column_stride = 0;
};

// Where X[k][c] stands from the task's x on, for rows_task.
constexpr std::size_t x_at(const Task& task, std::size_t k, std::size_t c) noexcept {
    const std::size_t width = x_width(task.columns);
    if (width == 1) {
        return c * task.x_column_stride + k;
    }
    const std::size_t group = 16 / width;
    return k / group * 16 + c * group + k % group;
}

// W[r][k] at w[r * ldw + k]. X is packed as x_width() says, groups aligned to 64 bytes, zero beyond
// the columns and the depth. Rows of sums have room for x_width() floats, all of which are written.
void rows_task(const Task& task) noexcept;
// W[r][k] at w[k * ldw + r]; X has any strides, and rows of sums are next to one another.
void columns_task(const Task& task) noexcept;

}  // namespace abikit::simd::skinny
