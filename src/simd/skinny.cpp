// Cuts a product with a narrow matrix into tasks by its shape, and finishes what they summed. Read
// skinny.hpp for the contract, kernels/skinny_rows_f32.cpp and
// kernels/skinny_columns_f32.cpp for what a task does.
#include "skinny.hpp"

#include <algorithm>
#include <cstdint>

#include <abi/core/error.hpp>

#include "skinny_kernels.hpp"
#include "tasks.hpp"

namespace abikit::simd::skinny {
namespace {

constexpr std::size_t kLine = 16;                          // floats of a cache line
constexpr std::size_t kTaskFloats = std::size_t{1} << 16;  // of W: 256 KiB pay for handing over
// Of W, more for more columns: less is done before another thread has woken up.
constexpr std::size_t kThreadedFloats = 3'000'000;
constexpr std::size_t kMaxTasks = 64;
constexpr std::size_t kWantedTasks = 8;  // enough for the threads of a desktop machine

// How a product is cut: row blocks by ranges of depth. A function of the shape alone.
struct Plan {
    std::size_t row_block = 0;
    std::size_t depth_block = 0;
    std::size_t depth_blocks = 0;
    std::size_t sums_row_stride = 1;
    std::size_t sums_column_stride = 1;
    std::size_t sums_floats = 0;  // of one range of depth
    std::size_t x_row_stride = 1;
    std::size_t x_column_stride = 1;
    std::size_t x_floats = 0;  // packed; 0: X is used where it is

    std::size_t floats() const { return depth_blocks * sums_floats + x_floats; }
};

void plan_rows(const Problem& p, Plan& plan) {
    const std::size_t least = std::max(divide_up(kTaskFloats, std::max<std::size_t>(1, p.depth)),
                                       divide_up(p.rows, kMaxTasks));
    plan.row_block = round_up(std::max<std::size_t>(1, least), 24);  // a multiple of any tile
    const std::size_t width = x_width(p.columns);
    if (width > 1) {
        plan.x_row_stride = width;  // on average: groups of 16 / width rows take 16 floats
        plan.x_floats = width * round_up(p.depth, kMaxColumns / width);
        plan.sums_row_stride = width;
    } else {
        plan.sums_row_stride = p.columns;
        plan.x_column_stride = p.x_column_stride;
        if (p.x_row_stride != 1 && p.depth > 1) {
            // One line more, or columns a power of two apart would share sets of the cache.
            plan.x_column_stride = round_up(p.depth, kLine) + kLine;
            plan.x_floats = plan.x_column_stride * p.columns;
        }
    }
    plan.sums_floats = round_up(p.rows * plan.sums_row_stride, kLine);
}

// Blocks of depth of W and sums stay in the second-level cache. Longer pieces of memory are read
// faster: a page of each of several rows costs as many walks through the page tables.
std::size_t columns_row_block(const Problem& p) {
    constexpr std::size_t kWide = 6144;
    if (p.columns > 4) {
        return p.columns > 8 ? 2048 : 1024;
    }
    if (p.depth < 2048) {  // too few ranges of depth for the threads
        return p.columns <= 2 ? 4096 : 1024;
    }
    const std::size_t blocks = std::max<std::size_t>(1, divide_up(p.rows, kWide));
    return round_up(std::max<std::size_t>(1, divide_up(p.rows, blocks)), 64);
}

void plan_columns(const Problem& p, Plan& plan) {
    plan.row_block = columns_row_block(p);
    plan.x_row_stride = p.x_row_stride;
    plan.x_column_stride = p.x_column_stride;
    plan.sums_column_stride = round_up(p.rows, kLine) + kLine;
    plan.sums_floats = plan.sums_column_stride * p.columns;
}

Plan make_plan(const Problem& p) {
    Plan plan;
    if (p.storage == Storage::kRows) {
        plan_rows(p, plan);
    } else {
        plan_columns(p, plan);
    }
    const std::size_t blocks = std::max<std::size_t>(1, divide_up(p.rows, plan.row_block));
    const std::size_t affordable = std::max<std::size_t>(1, p.rows * p.depth / kTaskFloats);
    const std::size_t wanted = divide_up(std::min(kWantedTasks, affordable), blocks);
    // A range of depth is long enough that adding up the ranges costs next to nothing.
    const std::size_t splits = std::clamp<std::size_t>(p.depth / 512, 1, wanted);
    plan.depth_block = round_up(std::max<std::size_t>(1, divide_up(p.depth, splits)), 64);
    plan.depth_blocks = std::max<std::size_t>(1, divide_up(p.depth, plan.depth_block));
    return plan;
}

// Y = beta * Y, which is also what alpha 0 and depth 0 leave.
void scale(const Problem& p) {
    for (std::size_t c = 0; c < p.columns; ++c) {
        float* column = p.y + c * p.y_column_stride;
        for (std::size_t r = 0; r < p.rows; ++r) {
            float& y = column[r * p.y_row_stride];
            y = p.beta == 0.0F ? 0.0F : p.beta * y;
        }
    }
}

void pack_x(const Problem& p, const Plan& plan, float* packed) {
    Task layout;
    layout.columns = p.columns;
    layout.x_column_stride = plan.x_column_stride;
    if (x_width(p.columns) > 1) {
        std::fill_n(packed, plan.x_floats, 0.0F);
    }
    for (std::size_t k = 0; k < p.depth; ++k) {
        for (std::size_t c = 0; c < p.columns; ++c) {
            packed[x_at(layout, k, c)] = p.x[k * p.x_row_stride + c * p.x_column_stride];
        }
    }
}

// Writes the rows [first, last) of Y from the sums of all ranges of depth, added in order.
void finish(const Problem& p, const Plan& plan, const float* sums, std::size_t first,
            std::size_t last) {
    for (std::size_t r = first; r < last; ++r) {
        for (std::size_t c = 0; c < p.columns; ++c) {
            const float* from = sums + r * plan.sums_row_stride + c * plan.sums_column_stride;
            float sum = *from;
            for (std::size_t split = 1; split < plan.depth_blocks; ++split) {
                sum += from[split * plan.sums_floats];
            }
            float& y = p.y[r * p.y_row_stride + c * p.y_column_stride];
            y = p.beta == 0.0F ? p.alpha * sum : p.alpha * sum + p.beta * y;
        }
    }
}

// How far W is past the start of a cache line, in floats, when all its columns agree on that.
// Blocks of rows end that much earlier and sums are moved along, so that tiles meet whole lines of
// both. Where blocks end does not matter to the bits of a sum.
std::size_t rows_shift(const Problem& p) {
    if (p.storage == Storage::kRows || p.ldw % kLine != 0) {
        return 0;
    }
    return reinterpret_cast<std::uintptr_t>(p.w) / sizeof(float) % kLine;
}

std::size_t row_blocks(const Problem& p, const Plan& plan) {
    return divide_up(p.rows + rows_shift(p), plan.row_block);
}

// The workspace as floats, moved up to a cache line.
float* aligned_floats(std::span<std::byte> workspace) {
    const auto address = reinterpret_cast<std::uintptr_t>(workspace.data());
    const std::uintptr_t aligned = round_up(address, kLine * sizeof(float));
    return reinterpret_cast<float*>(workspace.data() + (aligned - address));
}

void run_task(const Problem& p, const Plan& plan, const float* x, float* sums, std::size_t index) {
    const std::size_t shift = rows_shift(p);
    const std::size_t blocks = row_blocks(p, plan);
    const std::size_t block = index % blocks;
    const std::size_t row = block == 0 ? 0 : block * plan.row_block - shift;
    const std::size_t row_end = std::min(p.rows, (block + 1) * plan.row_block - shift);
    const std::size_t split = index / blocks;
    const std::size_t k = split * plan.depth_block;
    Task task;
    task.ldw = p.ldw;
    task.rows = row_end - row;
    task.depth = std::min(plan.depth_block, p.depth - k);
    task.columns = p.columns;
    task.x_row_stride = plan.x_row_stride;
    task.x_column_stride = plan.x_column_stride;
    task.x = x + k * task.x_row_stride;
    task.sums_row_stride = plan.sums_row_stride;
    task.sums_column_stride = plan.sums_column_stride;
    task.sums = sums + split * plan.sums_floats + row * plan.sums_row_stride;
    if (p.storage == Storage::kRows) {
        task.w = p.w + row * p.ldw + k;
        rows_task(task);
    } else {
        task.w = p.w + k * p.ldw + row;
        columns_task(task);
    }
    if (plan.depth_blocks == 1) {
        finish(p, plan, sums, row, row + task.rows);
    }
}

}  // namespace

std::size_t workspace_bytes(const Problem& problem) noexcept {
    const Plan plan = make_plan(problem);
    return (plan.floats() + 2 * kLine) * sizeof(float);
}

void multiply(const Problem& problem, std::span<std::byte> workspace, ThreadPool* pool) {
    ABI_ASSERT(problem.columns >= 1 && problem.columns <= kMaxColumns);
    ABI_ASSERT(workspace.size() >= workspace_bytes(problem));
    if (problem.alpha == 0.0F || problem.depth == 0 || problem.rows == 0) {
        scale(problem);
        return;
    }
    const Plan plan = make_plan(problem);
    if (problem.rows * problem.depth / 4 * (problem.columns + 3) < kThreadedFloats) {
        pool = nullptr;
    }
    float* sums = aligned_floats(workspace) + rows_shift(problem);
    const float* x = problem.x;
    if (plan.x_floats != 0) {
        float* packed = sums + plan.depth_blocks * plan.sums_floats;
        pack_x(problem, plan, packed);
        x = packed;
    }
    for_each_task(row_blocks(problem, plan) * plan.depth_blocks, pool,
                  [&](std::size_t index) { run_task(problem, plan, x, sums, index); });
    if (plan.depth_blocks > 1) {
        const std::size_t blocks = divide_up(problem.rows, kTaskFloats / 16);
        for_each_task(blocks, pool, [&](std::size_t index) {
            const std::size_t first = index * (kTaskFloats / 16);
            finish(problem, plan, sums, first, std::min(problem.rows, first + kTaskFloats / 16));
        });
    }
}

}  // namespace abikit::simd::skinny
