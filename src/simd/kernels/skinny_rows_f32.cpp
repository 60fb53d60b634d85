// A block of a big float32 matrix by rows, times up to sixteen columns, once per instruction set.
// Each value of the matrix is loaded once, from several rows at a time and without asking for lines
// ahead, because that is how this memory is read fastest (Zen 4: eight rows at 1.3 times the speed
// of one stream). Read skinny.cpp for how a product is cut into such blocks, skinny_columns_f32.cpp
// for the same by columns.
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
#define HWY_TARGET_INCLUDE "kernels/skinny_rows_f32.cpp"
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

#else

#include "kernels/repeat-inl.h"
#include "kernels/skinny-inl.h"

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

#endif

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd::skinny {
namespace {
HWY_EXPORT(multiply_rows);
}  // namespace

void rows_task(const Task& task) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_rows)(task);
}

}  // namespace abikit::simd::skinny
#endif  // HWY_ONCE
