// Products of float32 matrices, once per instruction set: tiles of C in registers, blocks of A and
// panels of B in the caches (Goto and van de Geijn, "Anatomy of high-performance matrix
// multiplication", 2008). Read gemm_f32_kernels.hpp for the tasks, gemm_f32_tiles-inl.h for what
// runs inside.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "epilogue.hpp"
#include "gemm_f32_kernels.hpp"
#include "tasks.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gemm_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {

#include "kernels/gemm_f32_tiles-inl.h"

using f32::kPanel;
using f32::Task;

// How the loops are cut: a pass of kDepth, of which a tile of A stays in the first-level cache, a
// block of kBlockRows of A in the second, kBlockColumns of packed B in the third.
constexpr std::size_t kBlockColumns = 2048;
#if HWY_CAP_GE512
constexpr std::size_t kDepth = 512;
constexpr std::size_t kBlockRows = 10 * kTileRows;
// B that is not transposed is read where it lies when its vectors can be whole cache lines:
// fourteen rows share each load of it, so that the second-level cache keeps up, and copying cost 2
// to 25 % more than it gained. A vector that straddles two lines costs twice as much.
constexpr bool kReadsAnyBInPlace = true;
#else
constexpr std::size_t kDepth = 256;
constexpr std::size_t kBlockRows = 24 * kTileRows;
constexpr bool kReadsAnyBInPlace = false;
#endif
// A row stride of this many bytes or a multiple maps the rows of a tile to the same few sets of the
// first-level cache.
constexpr std::size_t kConflictBytes = 2048;

// The depth of one pass; all passes have about the same. A function of the depth alone, because
// every pass rounds C once.
std::size_t pass_depth(std::size_t depth) {
    return divide_up(depth, divide_up(depth, kDepth));
}

// What a task packs, and what it reads where it lies.
struct Plan {
    bool pack_a = false;
    bool pack_b = false;
    bool shift_to_lines = false;    // tiles start on the cache lines of B where it lies
    std::size_t pass = 0;           // depth
    std::size_t block_rows = 0;     // of A at a time
    std::size_t block_columns = 0;  // of B at a time
    std::size_t a_floats = 0;       // workspace for a block of A, then one for B
    std::size_t b_floats = 0;
};

// From one row of a packed block to the next: an odd number of cache lines, so that the rows of a
// tile fall into different sets of the cache.
std::size_t packed_stride(std::size_t depth) {
    return (divide_up(depth, kPanel) | 1) * kPanel;
}

bool conflicts(std::size_t stride) {
    return stride * sizeof(float) % kConflictBytes == 0;
}

Plan make_plan(const Task& t) {
    constexpr std::size_t kSmallFloats = std::size_t{64} << 10;  // of B in the second-level cache
    Plan plan;
    plan.pass = pass_depth(t.depth);
    plan.block_rows = divide_up(t.rows, divide_up(t.rows, kBlockRows));
    plan.block_columns = std::min(round_up(t.columns, kPanel), kBlockColumns);
    plan.pack_a = t.a_depth_stride != 1 || conflicts(t.a_row_stride);
    if (t.panels == nullptr) {
        const bool small = t.depth * t.columns <= kSmallFloats;
        const bool in_lines = kReadsAnyBInPlace && t.b_depth_stride % kPanel == 0;
        plan.pack_b = t.b_column_stride != 1 || !(in_lines || small || t.rows <= kTileRows);
        plan.shift_to_lines = in_lines && !small;
        plan.b_floats = plan.pack_b ? plan.pass * plan.block_columns : (plan.pass + 1) * 2 * kPanel;
    }
    plan.a_floats = plan.pack_a ? plan.block_rows * packed_stride(plan.pass) : 0;
    return plan;
}

// The rows of a block in tiles of nearly the same height: the i-th starts at this row.
std::size_t tile_start(std::size_t rows, std::size_t tiles, std::size_t i) {
    return i * (rows / tiles) + std::min(i, rows % tiles);
}

// One pass of a block: where its parts lie.
struct Pass {
    std::size_t row = 0, rows = 0;
    std::size_t column = 0, columns = 0;
    std::size_t k = 0, depth = 0;
    float beta = 0.0F;
};

// A block of A: plain rows copied, columns as tiles that have the rows of one k side by side.
void pack_block(const Task& t, const Pass& pass, float* out) {
    const float* from = t.a + pass.row * t.a_row_stride + pass.k * t.a_depth_stride;
    if (t.a_depth_stride == 1) {
        const std::size_t stride = packed_stride(pass.depth);
        for (std::size_t r = 0; r < pass.rows; ++r) {
            std::memcpy(out + r * stride, from + r * t.a_row_stride, pass.depth * sizeof(float));
        }
        return;
    }
    const std::size_t tiles = divide_up(pass.rows, kTileRows);
    for (std::size_t i = 0; i < tiles; ++i) {
        const std::size_t first = tile_start(pass.rows, tiles, i);
        const std::size_t height = tile_start(pass.rows, tiles, i + 1) - first;
        copy_columns(from + first, t.a_depth_stride, height, pass.depth, out + first * pass.depth);
    }
}

// What a tile reads of B: the first column it needs, and the way to the others.
struct Columns {
    const float* b = nullptr;
    std::size_t depth_stride = 0;
    std::size_t panel_stride = 0;
    const float* next = nullptr;  // the columns that are read after these, the same way; null: none
};

Columns packed_columns(const Task& t, const Pass& pass, std::size_t column, const float* packed) {
    Columns columns;
    columns.depth_stride = kPanel;
    columns.panel_stride = kPanel * (t.panels != nullptr ? t.depth : pass.depth);
    columns.b = t.panels != nullptr
                    ? t.panels + pass.column / kPanel * columns.panel_stride + pass.k * kPanel
                    : packed;
    const auto at = [&](std::size_t c) {
        return columns.b + c / kPanel * columns.panel_stride + c % kPanel;
    };
    const bool ready = t.panels != nullptr || pass.row != 0;  // the first block packs as it goes
    columns.next =
        ready && column + kTileColumns < pass.columns ? at(column + kTileColumns) : nullptr;
    columns.b = at(column);
    return columns;
}

const float* b_at(const Task& t, const Pass& pass, std::size_t column) {
    return t.b + pass.k * t.b_depth_stride + (pass.column + column) * t.b_column_stride;
}

void pack_columns(const Task& t, const Pass& pass, std::size_t column, std::size_t columns,
                  float* out) {
    pack_one_panel({.b = b_at(t, pass, column),
                    .depth_stride = t.b_depth_stride,
                    .column_stride = t.b_column_stride,
                    .depth = pass.depth,
                    .columns = columns,
                    .out = out});
}

// All tiles of a block of rows in one step of columns.
void tiles_of_step(const Task& t, const Plan& plan, const Pass& pass, const Columns& columns,
                   std::size_t column, const Parts& parts, const float* block) {
    const std::size_t tiles = divide_up(pass.rows, kTileRows);
    for (std::size_t i = 0; i < tiles; ++i) {
        const std::size_t first = tile_start(pass.rows, tiles, i);
        const std::size_t height = tile_start(pass.rows, tiles, i + 1) - first;
        TileTask tile{.depth = pass.depth,
                      .b = columns.b,
                      .b_depth_stride = columns.depth_stride,
                      .b_panel_stride = columns.panel_stride,
                      .alpha = t.alpha,
                      .beta = pass.beta,
                      .c = t.c + (pass.row + first) * t.ldc + pass.column + column,
                      .ldc = t.ldc};
        if (t.a_depth_stride != 1) {
            tile.a = block + first * pass.depth;
            tile.a_packed = true;
        } else if (plan.pack_a) {
            tile.a_stride = packed_stride(pass.depth);
            tile.a = block + first * tile.a_stride;
        } else {
            tile.a = t.a + (pass.row + first) * t.a_row_stride + pass.k;
            tile.a_stride = t.a_row_stride;
        }
        tile.ahead = tile.b;
        const std::size_t fetched = i * (pass.depth / 4);
        if (columns.next != nullptr && fetched < pass.depth) {
            tile.ahead = columns.next + fetched * columns.depth_stride;
            tile.ahead_stride = columns.depth_stride;
        }
        run_tile(tile, height, parts);
    }
}

bool has_epilogue(const Task& t) {
    return t.bias != nullptr || t.activation != Activation::kNone;
}

void run_epilogue(const Task& t, const Pass& pass, std::size_t column, std::size_t columns) {
    if (columns != 0) {
        apply({.c = t.c + pass.row * t.ldc + pass.column + column,
               .ldc = t.ldc,
               .rows = pass.rows,
               .columns = columns,
               .bias = t.bias == nullptr ? nullptr : t.bias + pass.column + column,
               .activation = t.activation});
    }
}

// One step of columns, and what follows the product while it is in the cache.
void run_step(const Task& t, const Plan& plan, const Pass& pass, const Columns& columns,
              std::size_t column, const Parts& parts, const float* block) {
    tiles_of_step(t, plan, pass, columns, column, parts, block);
    if (pass.k + pass.depth == t.depth && has_epilogue(t)) {
        run_epilogue(t, pass, column, parts.first);
        run_epilogue(t, pass, column + parts.rest_at, parts.rest);
    }
}

// A block of rows against packed columns; the first block packs them as it goes, so that each is
// used while it is hot.
void block_by_packed_columns(const Task& t, const Plan& plan, const Pass& pass, const float* block,
                             float* packed) {
    constexpr std::size_t kAtOnce = 4 * kPanel;
    for (std::size_t column = 0; column < pass.columns; column += kTileColumns) {
        if (t.panels == nullptr && pass.row == 0 && column % kAtOnce == 0) {
            const std::size_t columns = std::min(kAtOnce, pass.columns - column);
            if (columns == kAtOnce && t.b_column_stride == 1) {
                pack_panels<kAtOnce / kPanel>(b_at(t, pass, column), t.b_depth_stride, pass.depth,
                                              packed + column * pass.depth);
            } else {
                for (std::size_t i = 0; i < columns; i += kPanel) {
                    pack_columns(t, pass, column + i, std::min(kPanel, columns - i),
                                 packed + (column + i) * pass.depth);
                }
            }
        }
        run_step(t, plan, pass, packed_columns(t, pass, column, packed), column,
                 {.first = std::min(kTileColumns, pass.columns - column)}, block);
    }
}

// The columns before B's first whole cache line, where all its rows start alike.
std::size_t columns_before_line(const Task& t, const Pass& pass) {
    const auto address = reinterpret_cast<std::uintptr_t>(t.b + pass.column);
    const std::size_t beyond = address / sizeof(float) % kPanel;
    return std::min(pass.columns, beyond == 0 ? 0 : kPanel - beyond);
}

// The columns before `first` and those from `end` on, fewer than a panel each, by way of a packed
// copy that has them side by side: two borders cost one step then, not two.
void borders(const Task& t, const Plan& plan, const Pass& pass, std::size_t first, std::size_t end,
             const float* block, float* packed) {
    const std::size_t columns = first + pass.columns - end;
    const std::size_t stride = round_up(columns, kPanel);
    if (pass.row == 0) {
        pack_borders(b_at(t, pass, 0), t.b_depth_stride, pass.depth,
                     {.first = first, .rest = pass.columns - end, .rest_at = end}, packed, stride);
    }
    for (std::size_t i = 0; i < columns; i += kTileColumns) {
        const std::size_t width = std::min(kTileColumns, columns - i);
        const std::size_t at = i < first ? i : end + i - first;
        Parts parts = {.first = i < first ? std::min(first - i, width) : width};
        parts.rest = width - parts.first;
        parts.rest_at = end - i;
        run_step(t, plan, pass, {packed + i, stride, kPanel}, at, parts, block);
    }
}

// A block of rows against columns where they lie, but for those at the borders.
void block_in_place(const Task& t, const Plan& plan, const Pass& pass, const float* block,
                    float* packed) {
    const std::size_t first = plan.shift_to_lines ? columns_before_line(t, pass) : 0;
    const std::size_t end = first + (pass.columns - first) / kPanel * kPanel;
    borders(t, plan, pass, first, end, block, packed);
    for (std::size_t column = first; column < end; column += kTileColumns) {
        run_step(
            t, plan, pass,
            {b_at(t, pass, column), t.b_depth_stride, kPanel, b_at(t, pass, column + kTileColumns)},
            column, {.first = std::min(kTileColumns, end - column)}, block);
    }
}

void multiply_task(const Task& t, float* workspace) {
    const Plan plan = make_plan(t);
    float* block = workspace;
    float* packed = workspace + plan.a_floats;
    Pass pass;
    for (pass.column = 0; pass.column < t.columns; pass.column += plan.block_columns) {
        pass.columns = std::min(plan.block_columns, t.columns - pass.column);
        for (pass.k = 0; pass.k < t.depth; pass.k += plan.pass) {
            pass.depth = std::min(plan.pass, t.depth - pass.k);
            pass.beta = pass.k == 0 ? t.beta : 1.0F;
            for (pass.row = 0; pass.row < t.rows; pass.row += plan.block_rows) {
                pass.rows = std::min(plan.block_rows, t.rows - pass.row);
                if (plan.pack_a) {
                    pack_block(t, pass, block);
                }
                if (t.panels != nullptr || plan.pack_b) {
                    block_by_packed_columns(t, plan, pass, block, packed);
                } else {
                    block_in_place(t, plan, pass, block, packed);
                }
            }
        }
    }
}

std::size_t floats_for(const Task& t) {
    const Plan plan = make_plan(t);
    return plan.a_floats + round_up(plan.b_floats, kPanel);
}

f32::Copies copies_for(const Task& t) {
    const Plan plan = make_plan(t);
    return {.a = plan.pack_a, .b = plan.pack_b};
}

void pack_columns_of(const f32::PanelTask& task) {
    pack_one_panel(task);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd::f32 {
namespace {
HWY_EXPORT(multiply_task);
HWY_EXPORT(floats_for);
HWY_EXPORT(copies_for);
HWY_EXPORT(pack_columns_of);
}  // namespace

std::size_t workspace_floats(const Task& task) noexcept {
    return HWY_DYNAMIC_DISPATCH(floats_for)(task);
}

Copies copies(const Task& task) noexcept {
    return HWY_DYNAMIC_DISPATCH(copies_for)(task);
}

void multiply(const Task& task, float* workspace) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_task)(task, workspace);
}

void pack_panel(const PanelTask& task) noexcept {
    HWY_DYNAMIC_DISPATCH(pack_columns_of)(task);
}

}  // namespace abikit::simd::f32
#endif  // HWY_ONCE
