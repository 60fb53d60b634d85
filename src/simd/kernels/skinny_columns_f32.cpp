// A block of a big float32 matrix by columns, times up to sixteen columns, once per instruction
// set: rows of memory are scaled and added to sums, several side by side. Read skinny.cpp for how a
// product is cut into such blocks, skinny_rows_f32.cpp for the same by rows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "skinny.hpp"
#include "skinny_kernels.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/skinny_columns_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#undef ABI_TILE_ATTR
#define ABI_TILE_ATTR HWY_ATTR __attribute__((always_inline))

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using skinny::kMaxColumns;
using skinny::Task;

#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128

// Plain code, for targets whose vectors have no size at compile time, or none.
void add_columns(const Task& task) {
    for (std::size_t c = 0; c < task.columns; ++c) {
        float* sums = task.sums + c * task.sums_column_stride;
        std::fill_n(sums, task.rows, 0.0F);
        for (std::size_t k = 0; k < task.depth; ++k) {
            const float x = task.x[k * task.x_row_stride + c * task.x_column_stride];
            for (std::size_t r = 0; r < task.rows; ++r) {
                sums[r] += task.w[k * task.ldw + r] * x;
            }
        }
    }
}

#else

#include "kernels/repeat-inl.h"
#include "kernels/skinny-inl.h"

constexpr std::size_t kDeepest = 32;  // rows of memory that are added side by side, at most
constexpr std::size_t kLine = 16;     // floats of a cache line

// Rows of memory that are added side by side: more spare loads and stores of sums, which weigh the
// more the more columns there are; fewer are read faster, and longer pieces of each fit the cache.
constexpr std::size_t block_depth(std::size_t columns) {
    return columns <= 4 ? 8 : columns > 8 && kManyRegisters ? 16 : kDeepest;
}

// Vectors of rows in a tile with so many columns, as registers allow.
constexpr std::size_t tile_vectors(std::size_t columns) {
    if (kManyRegisters) {
        return columns <= 2 ? 4 : columns <= 12 ? 2 : 1;
    }
    return columns <= 3 ? 4 : columns <= 6 ? 2 : 1;
}
// More columns than this are taken in two passes, the second from a copy of the tile: rows of
// memory are often a power of two apart, and their lines drive one another out of the cache.
constexpr std::size_t kPassColumns = kManyRegisters ? 16 : 12;

// Asks for the block of memory that follows, eight rows side by side, while the tiles compute: the
// order in which memory is read fastest, whatever the order of the tiles. Asks for the second-level
// cache only: the few requests that a first-level cache can have open would be the limit.
class Ahead {
public:
    static constexpr std::size_t kLines = 8;  // abreast

    Ahead(const float* w, std::size_t ldw, std::size_t rows, std::size_t depth)
        : at_(w), row_end_(w + rows), ldw_(ldw), rows_(rows), groups_(depth / kLines) {}

    // Asks for one of the eight lines.
    HWY_INLINE void ask(std::size_t i) const { __builtin_prefetch(at_ + i * ldw_, 0, 2); }

    // Turns to the next eight. After the last, the same are asked for again, at no cost.
    HWY_INLINE void advance() {
        at_ += kLine;
        if (at_ >= row_end_) {
            at_ = row_end_ - rows_;
            if (groups_ > 1) {
                --groups_;
                at_ += kLines * ldw_;
                row_end_ += kLines * ldw_;
            }
        }
    }

private:
    const float* at_;
    const float* row_end_;
    std::size_t ldw_;
    std::size_t rows_;
    std::size_t groups_;
};

// Adds `depth` rows of memory times kColumns columns, x[k * kMaxColumns + c], to the sums, and
// asks for as many lines of what follows. kCopy: and copies the tile to `copy`.
template <std::size_t kColumns, std::size_t kVectors, bool kCopy>
HWY_INLINE void add_tile(const float* HWY_RESTRICT w, std::size_t ldw, std::size_t depth,
                         const float* HWY_RESTRICT x, float* HWY_RESTRICT sums_at,
                         std::size_t stride, float* HWY_RESTRICT copy, Ahead& ahead) {
    const Floats d;
    Vec sums[kColumns * kVectors];
    repeat<kColumns * kVectors>([&](auto i) ABI_TILE_ATTR {
        sums[i] = hn::LoadU(d, sums_at + i / kVectors * stride + i % kVectors * kLanes);
    });
    const auto add_row = [&]() ABI_TILE_ATTR {
        Vec row[kVectors];
        repeat<kVectors>([&](auto v) ABI_TILE_ATTR { row[v] = hn::LoadU(d, w + v * kLanes); });
        if constexpr (kCopy) {
            repeat<kVectors>([&](auto v)
                                 ABI_TILE_ATTR { hn::Store(row[v], d, copy + v * kLanes); });
            copy += kVectors * kLanes;
        }
        repeat<kColumns>([&](auto c) ABI_TILE_ATTR {
            const Vec value = hn::Set(d, x[c]);
            repeat<kVectors>([&](auto v) ABI_TILE_ATTR {
                sums[c * kVectors + v] = hn::MulAdd(row[v], value, sums[c * kVectors + v]);
            });
        });
        w += ldw;
        x += kMaxColumns;
    };
    constexpr std::size_t kStep = Ahead::kLines * kLine / (kVectors * kLanes);
    constexpr std::size_t kTurns = std::min(kStep, Ahead::kLines);
    std::size_t k = 0;
    for (; k + kStep <= depth; k += kStep) {
        // Loops, not repeat(): unrolled, they take minutes to compile for narrow vectors.
        for (std::size_t i = 0; i < kTurns; ++i) {
            for (std::size_t line = 0; line < Ahead::kLines / kTurns; ++line) {
                ahead.ask(i * (Ahead::kLines / kTurns) + line);
            }
            for (std::size_t row = 0; row < kStep / kTurns; ++row) {
                add_row();
            }
        }
        ahead.advance();
    }
    for (; k < depth; ++k) {
        add_row();
    }
    repeat<kColumns * kVectors>([&](auto i) ABI_TILE_ATTR {
        hn::StoreU(sums[i], d, sums_at + i / kVectors * stride + i % kVectors * kLanes);
    });
}

// How many rows lie before the first that starts a cache line, or at least a multiple of the tile,
// when all rows of memory agree on it. Whole tiles start there and so touch no line twice: where
// rows of memory are a power of two apart, their lines drive one another out of the first-level
// cache before the next tile.
template <std::size_t kTile>
HWY_INLINE std::size_t rows_before_tiles(const Task& task) {
    constexpr std::size_t kUnit = std::min(kLine, kTile);
    const std::size_t past = reinterpret_cast<std::uintptr_t>(task.w) / sizeof(float) % kUnit;
    return task.ldw % kUnit != 0 || past == 0 ? 0 : std::min(kUnit - past, task.rows);
}

// All whole tiles of `depth` rows of memory, and the rows before and after them through a padded
// copy, with sums of their own: first those of the rows before, then those of the rows after.
template <std::size_t kColumns>
void add_block(const Task& task, std::size_t k, std::size_t depth, const float* x, float* edge,
               float* edge_sums) {
    constexpr std::size_t kFirst = kColumns <= kPassColumns ? kColumns : (kColumns + 1) / 2;
    constexpr std::size_t kSecond = kColumns - kFirst;
    constexpr std::size_t kVectors = tile_vectors(kFirst);
    constexpr std::size_t kTile = kVectors * kLanes;
    HWY_ALIGN float copy[kDeepest * kTile];
    const float* block = task.w + k * task.ldw;
    const std::size_t left = task.depth - k - depth;
    Ahead ahead(block + depth * task.ldw, task.ldw, task.rows, std::min(depth, left));
    const std::size_t head = rows_before_tiles<kTile>(task);
    std::size_t rows = head;
    for (std::size_t r = 0; r < task.rows; r += rows) {
        rows = r < head ? head : std::min(kTile, task.rows - r);
        const float* w = block + r;
        float* sums = task.sums + r;
        std::size_t ldw = task.ldw;
        std::size_t stride = task.sums_column_stride;
        if (r < head || rows < kTile) {
            for (std::size_t i = 0; i < depth; ++i) {
                std::copy_n(w + i * ldw, rows, edge + i * kTile);
            }
            w = edge;
            sums = edge_sums + (r < head ? 0 : kColumns * kTile);
            ldw = kTile;
            stride = kTile;
        }
        add_tile<kFirst, kVectors, kSecond != 0>(w, ldw, depth, x, sums, stride, copy, ahead);
        if constexpr (kSecond != 0) {
            Ahead nothing(nullptr, 0, 0, 0);
            add_tile<kSecond, kVectors, false>(copy, kTile, depth, x + kFirst,
                                               sums + kFirst * stride, stride, nullptr, nothing);
        }
    }
}

template <std::size_t kColumns>
void add_columns_of(const Task& task) {
    constexpr std::size_t kFirst = kColumns <= kPassColumns ? kColumns : (kColumns + 1) / 2;
    constexpr std::size_t kTile = tile_vectors(kFirst) * kLanes;
    constexpr std::size_t kDepth = block_depth(kColumns);
    HWY_ALIGN float x[kDeepest * kMaxColumns] = {};
    HWY_ALIGN float edge[kDeepest * kTile] = {};
    HWY_ALIGN float edge_sums[2 * kColumns * kTile] = {};
    for (std::size_t c = 0; c < kColumns; ++c) {
        std::fill_n(task.sums + c * task.sums_column_stride, task.rows, 0.0F);
    }
    for (std::size_t k = 0; k < task.depth; k += kDepth) {
        const std::size_t depth = std::min(kDepth, task.depth - k);
        for (std::size_t i = 0; i < depth; ++i) {
            const float* from = task.x + (k + i) * task.x_row_stride;
            for (std::size_t c = 0; c < kColumns; ++c) {
                x[i * kMaxColumns + c] = from[c * task.x_column_stride];
            }
        }
        add_block<kColumns>(task, k, depth, x, edge, edge_sums);
    }
    const std::size_t head = rows_before_tiles<kTile>(task);
    const std::size_t tail = (task.rows - head) % kTile;
    for (std::size_t c = 0; c < kColumns; ++c) {
        float* sums = task.sums + c * task.sums_column_stride;
        std::copy_n(edge_sums + c * kTile, head, sums);
        std::copy_n(edge_sums + (kColumns + c) * kTile, tail, sums + task.rows - tail);
    }
}

template <std::size_t... kIndices>
void add_columns_among(const Task& task, std::index_sequence<kIndices...>) {
    using Function = void (*)(const Task&);
    static constexpr Function kTable[] = {add_columns_of<kIndices + 1>...};
    kTable[task.columns - 1](task);
}

void add_columns(const Task& task) {
    add_columns_among(task, std::make_index_sequence<kMaxColumns>());
}

#endif

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd::skinny {
namespace {
HWY_EXPORT(add_columns);
}  // namespace

void columns_task(const Task& task) noexcept {
    HWY_DYNAMIC_DISPATCH(add_columns)(task);
}

}  // namespace abikit::simd::skinny
#endif  // HWY_ONCE
