// A block of a big float32 matrix times up to sixteen columns, once per instruction set. Each value
// of the matrix is loaded once, from several rows at a time and without asking for lines ahead,
// because that is how this memory is read fastest (Zen 4: eight rows at 1.3 times the speed of one
// stream). Read skinny.cpp for how a product is cut into such blocks.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <utility>

#include "skinny.hpp"
#include "skinny_kernels.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/skinny_f32.cpp"
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
void multiply_rows(const Task& task) {
    for (std::size_t r = 0; r < task.rows; ++r) {
        for (std::size_t c = 0; c < task.columns; ++c) {
            float sum = 0.0F;
            for (std::size_t k = 0; k < task.depth; ++k) {
                sum += task.w[r * task.ldw + k] * task.x[skinny::x_at(task, k, c)];
            }
            task.sums[r * task.sums_row_stride + c * task.sums_column_stride] = sum;
        }
    }
}

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

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

constexpr std::size_t kLanes = hn::MaxLanes(Floats());
#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
constexpr bool kManyRegisters = true;  // 32 vector registers, else 16
#else
constexpr bool kManyRegisters = false;
#endif

// ---- W by rows ----

// The last `count` (fewer than a vector) floats at p, other lanes zero, reading nothing outside
// [p - before, p + count). Where a masked load may fault, the vector that ends at the same place is
// read instead; the lanes differ, but alike for W and X.
HWY_INLINE Vec load_tail(const float* p, std::size_t count, std::size_t before) {
    const Floats d;
#if HWY_MEM_OPS_MIGHT_FAULT
    if (before >= kLanes) {
        const std::size_t surplus = kLanes - count;
        return hn::IfThenZeroElse(hn::FirstN(d, surplus), hn::LoadU(d, p - surplus));
    }
    HWY_ALIGN float padded[kLanes] = {};
    std::copy_n(p, count, padded);
    return hn::Load(d, padded);
#else
    static_cast<void>(before);
    return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
}

// Pointers to the rows of a tile; one that is not full takes its last row again.
template <std::size_t kRows>
HWY_INLINE void point_at_rows(const Task& task, std::size_t first, const float** rows) {
    const std::size_t last = std::min(kRows, task.rows - first) - 1;
    repeat<kRows>([&](auto r) ABI_TILE_ATTR {
        rows[r] = task.w + (first + std::min<std::size_t>(r, last)) * task.ldw;
    });
}

// Dot products of kRows rows with kColumns columns that are contiguous. Eight rows side by side are
// what hardware prefetchers follow best, from memory as from the caches; asking for lines ahead
// only slowed it down.
template <std::size_t kRows, std::size_t kColumns>
HWY_INLINE void dot_tile(const Task& task, std::size_t first) {
    const Floats d;
    const float* row[kRows];
    point_at_rows<kRows>(task, first, row);
    const float* column[kColumns];
    repeat<kColumns>([&](auto c) ABI_TILE_ATTR { column[c] = task.x + c * task.x_column_stride; });
    Vec sums[kRows * kColumns];
    repeat<kRows * kColumns>([&](auto i) ABI_TILE_ATTR { sums[i] = hn::Zero(d); });
    const auto add = [&](auto load) ABI_TILE_ATTR {
        Vec x[kColumns];
        repeat<kColumns>([&](auto c) ABI_TILE_ATTR { x[c] = load(column[c]); });
        repeat<kRows>([&](auto r) ABI_TILE_ATTR {
            const Vec w = load(row[r]);
            repeat<kColumns>([&](auto c) ABI_TILE_ATTR {
                sums[r * kColumns + c] = hn::MulAdd(w, x[c], sums[r * kColumns + c]);
            });
        });
    };
    std::size_t k = 0;
    for (; k + kLanes <= task.depth; k += kLanes) {
        add([&](const float* p) ABI_TILE_ATTR { return hn::LoadU(d, p + k); });
    }
    if (k < task.depth) {
        const std::size_t rest = task.depth - k;
        add([&](const float* p) ABI_TILE_ATTR { return load_tail(p + k, rest, k); });
    }
    const std::size_t count = std::min(kRows, task.rows - first);
    repeat<kRows>([&](auto r) ABI_TILE_ATTR {
        if (r < count) {
            repeat<kColumns>([&](auto c) ABI_TILE_ATTR {
                task.sums[(first + r) * task.sums_row_stride + c * task.sums_column_stride] =
                    hn::GetLane(hn::SumOfLanes(d, sums[r * kColumns + c]));
            });
        }
    });
}

template <std::size_t kRows, std::size_t kColumns>
void dot_tiles(const Task& task) {
    for (std::size_t r = 0; r < task.rows; r += kRows) {
        dot_tile<kRows, kColumns>(task, r);
    }
}

// kGroup values of a row, again and again.
template <std::size_t kGroup>
HWY_INLINE Vec repeat_group(const float* from) {
    const Floats d;
    if constexpr (kGroup == 1) {
        return hn::Set(d, *from);
    } else if constexpr (kGroup == 2) {
        const hn::Repartition<std::uint64_t, Floats> pairs;
        std::uint64_t pair = 0;
        std::memcpy(&pair, from, sizeof(pair));
        return hn::BitCast(d, hn::Set(pairs, pair));
    } else {
        return hn::LoadDup128(d, from);
    }
}

// Sixteen lanes, in as many vectors as that takes, for kGroup values of depth of 16 / kGroup
// columns, as X is packed: each value of W is loaded once, with its neighbours, and no lane of a
// multiply-add is idle.
template <std::size_t kGroup, std::size_t kRows>
HWY_INLINE void lanes_tile(const Task& task, std::size_t first) {
    const Floats d;
    constexpr std::size_t kVectors = kMaxColumns / kLanes;
    const float* row[kRows];
    point_at_rows<kRows>(task, first, row);
    Vec sums[kRows * kVectors];
    repeat<kRows * kVectors>([&](auto i) ABI_TILE_ATTR { sums[i] = hn::Zero(d); });
    const float* HWY_RESTRICT x = task.x;
    const auto add = [&](auto group_of) ABI_TILE_ATTR {
        Vec values[kVectors];
        repeat<kVectors>([&](auto v) ABI_TILE_ATTR { values[v] = hn::Load(d, x + v * kLanes); });
        repeat<kRows>([&](auto r) ABI_TILE_ATTR {
            const Vec w = group_of(row[r]);
            repeat<kVectors>([&](auto v) ABI_TILE_ATTR {
                sums[r * kVectors + v] = hn::MulAdd(w, values[v], sums[r * kVectors + v]);
            });
        });
        x += kMaxColumns;
    };
    std::size_t k = 0;
    for (; k + kGroup <= task.depth; k += kGroup) {
        add([&](const float* p) ABI_TILE_ATTR { return repeat_group<kGroup>(p + k); });
    }
    if (k < task.depth) {
        HWY_ALIGN float last[4] = {};
        add([&](const float* p) ABI_TILE_ATTR {
            std::copy_n(p + k, task.depth - k, last);
            return repeat_group<kGroup>(last);
        });
    }
    const std::size_t count = std::min(kRows, task.rows - first);
    HWY_ALIGN float lanes[kRows * kMaxColumns];
    repeat<kRows * kVectors>([&](auto i)
                                 ABI_TILE_ATTR { hn::Store(sums[i], d, lanes + i * kLanes); });
    for (std::size_t r = 0; r < count; ++r) {
        float* out = task.sums + (first + r) * task.sums_row_stride;
        for (std::size_t c = 0; c < kMaxColumns / kGroup; ++c) {
            const float* group = lanes + r * kMaxColumns + c * kGroup;
            out[c] = std::accumulate(group + 1, group + kGroup, group[0]);
        }
    }
}

template <std::size_t kGroup>
void lanes_tiles(const Task& task) {
    constexpr std::size_t kVectors = kMaxColumns / kLanes;
    constexpr std::size_t kRows = kVectors == 1 ? 8 : kVectors == 2 || kManyRegisters ? 6 : 3;
    for (std::size_t r = 0; r < task.rows; r += kRows) {
        lanes_tile<kGroup, kRows>(task, r);
    }
}

void multiply_rows(const Task& task) {
    switch (skinny::x_width(task.columns)) {
        case 1:
            return task.columns == 1            ? dot_tiles<8, 1>(task)
                   : dot_tiles < kManyRegisters ? 8
                                                : 6,
                   2 > (task);
        case 4:
            return lanes_tiles<4>(task);
        case 8:
            return lanes_tiles<2>(task);
        default:
            return lanes_tiles<1>(task);
    }
}

// ---- W by columns ----

constexpr std::size_t kDeepest = 32;  // rows of memory that are added side by side, at most
constexpr std::size_t kLine = 16;     // floats of a cache line

// Rows of memory that are added side by side: more spare loads and stores of sums, which weigh the
// more the more columns there are; fewer are read faster.
constexpr std::size_t block_depth(std::size_t columns) {
    return columns == 1 ? 8 : columns <= 4 ? 16 : kDeepest;
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
HWY_EXPORT(multiply_rows);
HWY_EXPORT(add_columns);
}  // namespace

void rows_task(const Task& task) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_rows)(task);
}

void columns_task(const Task& task) noexcept {
    HWY_DYNAMIC_DISPATCH(add_columns)(task);
}

}  // namespace abikit::simd::skinny
#endif  // HWY_ONCE
