// Products of a big matrix with a narrow one: what sgemv is, and what sgemm calls when one side of
// the result is at most kMaxColumns. Bound by reading the big matrix once, so it is never packed.
// Read abi/simd/gemv.hpp for the public form, kernels/skinny_rows_f32.cpp for the loops.
#pragma once

#include <cstddef>
#include <span>

#include <abi/core/thread_pool.hpp>

namespace abikit::simd::skinny {

inline constexpr std::size_t kMaxColumns = 16;

// How the big matrix W (rows x depth) lies in memory.
enum class Storage {
    kRows,     // W[r][k] at w[r * ldw + k]: each result is a dot product of a row
    kColumns,  // W[r][k] at w[k * ldw + r]: rows of memory are scaled and added
};

// Y[rows x columns] = alpha * W[rows x depth] * X[depth x columns] + beta * Y.
// X[k][c] stands at x[k * x_row_stride + c * x_column_stride], Y[r][c] at y[r * y_row_stride + c *
// y_column_stride]. Y overlaps neither W nor X. With beta 0, Y is written only; with alpha 0, W and
// X are not read.
struct Problem {
    std::size_t rows = 0;
    std::size_t depth = 0;
    std::size_t columns = 1;  // 1 to kMaxColumns
    const float* w = nullptr;
    std::size_t ldw = 0;
    Storage storage = Storage::kRows;
    const float* x = nullptr;
    std::size_t x_row_stride = 1;
    std::size_t x_column_stride = 1;
    float* y = nullptr;
    std::size_t y_row_stride = 1;
    std::size_t y_column_stride = 1;
    float alpha = 1.0F;
    float beta = 0.0F;
};

// What multiply() needs of these sizes, storage and strides. Never depends on threads or target.
std::size_t workspace_bytes(const Problem& problem) noexcept;

// Runs on the calling thread and, where it pays, on those of `pool` (may be null). The bits of the
// result depend on sizes, strides and target alone: one order of summation for each result, an
// error of at most (depth + 4) * 2^-23 * (|alpha| * sum |terms| + |beta * y|). `workspace` needs
// workspace_bytes() bytes; any alignment. Throws only what the pool throws (bad_alloc).
void multiply(const Problem& problem, std::span<std::byte> workspace, ThreadPool* pool);

}  // namespace abikit::simd::skinny
