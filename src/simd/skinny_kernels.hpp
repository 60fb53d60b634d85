// What skinny.cpp hands to the kernels of kernels/skinny_f32.cpp: one task, a block of W that no
// other task of the same depth range writes sums for.
#pragma once

#include <cstddef>

namespace abikit::simd::skinny {

// sums[c * sums_stride + r] = sum_k W[r][k] * X[k][c] for the rows and the depth of the task.
// Pointers stand at the task's first row and first k.
struct Task {
    const float* w = nullptr;
    std::size_t ldw = 0;
    std::size_t rows = 0;
    std::size_t depth = 0;
    std::size_t columns = 0;  // 1 to kMaxColumns
    const float* x = nullptr;
    std::size_t x_row_stride = 1;  // 1 for dot_task
    std::size_t x_column_stride = 1;
    float* sums = nullptr;
    std::size_t sums_stride = 0;
};

// W[r][k] at w[r * ldw + k].
void dot_task(const Task& task) noexcept;
// W[r][k] at w[k * ldw + r].
void axpy_task(const Task& task) noexcept;

}  // namespace abikit::simd::skinny
