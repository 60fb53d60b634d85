// How the products with a packed B are cut into tasks, and what they share on the way. Read
// gemm_int8.cpp and gemm_bf16.cpp for the users.
#pragma once

#include <algorithm>
#include <cstddef>

#include <abi/core/thread_pool.hpp>
#include <abi/simd/matrix.hpp>

#include "tasks.hpp"

namespace abikit::simd {

// Of both packed forms: a panel is a multiple of the columns of any vector; a block is contiguous
// for one group of depth.
inline constexpr std::size_t kGemmPanel = 16;
inline constexpr std::size_t kGemmBlock = 64;

// Blocks of rows and columns of C, one a task. A function of the shape alone.
struct GemmPlan {
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::size_t row_blocks = 0;
    std::size_t column_blocks = 0;

    void count(std::size_t m, std::size_t n) {
        row_blocks = divide_up(m, rows);
        column_blocks = divide_up(n, columns);
    }
};

// m, k and n at least 1. B's part of a task stays in the second-level cache; large products give
// enough tasks for the threads of a desktop machine, small ones only tasks that pay for a thread.
inline GemmPlan make_gemm_plan(std::size_t m, std::size_t k, std::size_t n) {
    constexpr std::size_t kMostRows = 192;
    constexpr std::size_t kRowStep = 12;  // a multiple of the rows of any tile
    constexpr std::size_t kWantedTasks = 16;
    constexpr std::size_t kLeastWork = std::size_t{1} << 20;  // multiply-adds
    GemmPlan plan;
    plan.rows = std::max(kRowStep, round_up(divide_up(m, divide_up(m, kMostRows)), kRowStep));
    plan.columns = 4 * kGemmBlock;
    plan.count(m, n);
    while (plan.row_blocks * plan.column_blocks < kWantedTasks &&
           plan.rows * plan.columns * k > 2 * kLeastWork) {
        if (plan.columns > kGemmBlock && n > kGemmBlock) {
            plan.columns /= 2;
        } else if (plan.rows > 2 * kRowStep) {
            plan.rows = round_up(plan.rows / 2, kRowStep);
        } else {
            break;
        }
        plan.count(m, n);
    }
    return plan;
}

// to[m x k] = the transpose of a[k x m], by squares that stay in the cache.
template <class T>
void transpose_matrix(const T* a, std::size_t stride, std::size_t m, std::size_t k, T* to,
                      ThreadPool* pool) {
    constexpr std::size_t kSquare = 64;
    for_each_task(divide_up(m, kSquare), pool, [=](std::size_t index) {
        const std::size_t first = index * kSquare;
        const std::size_t last = std::min(m, first + kSquare);
        for (std::size_t from = 0; from < k; from += kSquare) {
            const std::size_t end = std::min(k, from + kSquare);
            for (std::size_t row = first; row < last; ++row) {
                for (std::size_t i = from; i < end; ++i) {
                    to[row * k + i] = a[i * stride + row];
                }
            }
        }
    });
}

// What a product of depth 0 leaves in C.
template <class T>
void zero_unless(const MatrixView<T>& c, Accumulate accumulate) {
    if (accumulate == Accumulate::kYes) {
        return;
    }
    for (std::size_t r = 0; r < c.rows; ++r) {
        std::fill_n(c.values.data() + r * c.stride, c.columns, T{0});
    }
}

}  // namespace abikit::simd
