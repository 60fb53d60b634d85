// A block of a big float32 matrix times up to sixteen columns, once per instruction set: dot
// products of four rows at a time, or scaled rows added. Both go over the big matrix once and
// prefetch it a chunk ahead, evenly spread over the arithmetic, because at eight columns and more
// the two take about as long. Read skinny.cpp for how a product is cut into such blocks.
#include <algorithm>
#include <cstddef>

#include "skinny.hpp"
#include "skinny_kernels.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/skinny_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;
using skinny::kMaxColumns;
using skinny::Task;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// Columns that one pass over a tile serves: four sums for each, the rest of the registers for the
// tile of W and a column.
#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
constexpr std::size_t kPassColumns = 6;
#else
constexpr std::size_t kPassColumns = 3;
#endif
constexpr std::size_t kRows = 4;     // of W at a time
constexpr std::size_t kChunk = 512;  // floats of a row before the next pass goes over them
constexpr std::size_t kLine = 16;    // floats of a cache line
constexpr std::size_t kMaxLanes = hn::MaxLanes(Floats());

// The columns are cut into passes of almost equal width.
struct Passes {
    explicit Passes(std::size_t all)
        : count((all + kPassColumns - 1) / kPassColumns), columns(all) {}
    std::size_t first(std::size_t pass) const { return pass * columns / count; }
    // Of the four prefetches that each step needs, those of this pass begin here.
    std::size_t first_prefetch(std::size_t pass) const { return pass * kRows / count; }
    std::size_t count;
    std::size_t columns;
};

// The last `count` (fewer than a vector) floats at p, other lanes zero, reading nothing outside
// [p - before, p + count). Where a masked load may fault, the vector that ends at the same place is
// read instead; the lanes differ, but alike for W and X.
HWY_INLINE Vec load_tail(const float* p, std::size_t count, std::size_t before) {
    const Floats d;
#if HWY_MEM_OPS_MIGHT_FAULT
    if (before >= kMaxLanes) {
        const std::size_t surplus = kMaxLanes - count;
        return hn::IfThenZeroElse(hn::FirstN(d, surplus), hn::LoadU(d, p - surplus));
    }
    HWY_ALIGN float padded[kMaxLanes] = {};
    std::copy_n(p, count, padded);
    return hn::Load(d, padded);
#else
    static_cast<void>(before);
    return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
}

// Four rows of a tile and where they are read ahead.
struct Rows {
    const float* HWY_RESTRICT row[kRows];
    const float* ahead[kRows];
    std::size_t first_prefetch;
    std::size_t last_prefetch;
};

HWY_INLINE void prefetch_step(const Rows& rows, std::size_t k) {
    for (std::size_t r = rows.first_prefetch; r < rows.last_prefetch; ++r) {
        hwy::Prefetch(rows.ahead[r] + k);
    }
}

// Adds a vector of each row times that of a column.
HWY_INLINE void add_column(Vec w0, Vec w1, Vec w2, Vec w3, Vec x, Vec& s0, Vec& s1, Vec& s2,
                           Vec& s3) {
    s0 = hn::MulAdd(w0, x, s0);
    s1 = hn::MulAdd(w1, x, s1);
    s2 = hn::MulAdd(w2, x, s2);
    s3 = hn::MulAdd(w3, x, s3);
}

HWY_INLINE void load_four(const float* HWY_RESTRICT from, Vec& s0, Vec& s1, Vec& s2, Vec& s3) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    s0 = hn::Load(d, from);
    s1 = hn::Load(d, from + lanes);
    s2 = hn::Load(d, from + 2 * lanes);
    s3 = hn::Load(d, from + 3 * lanes);
}

HWY_INLINE void store_four(Vec s0, Vec s1, Vec s2, Vec s3, float* HWY_RESTRICT to) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    hn::Store(s0, d, to);
    hn::Store(s1, d, to + lanes);
    hn::Store(s2, d, to + 2 * lanes);
    hn::Store(s3, d, to + 3 * lanes);
}

// One pass: four rows times kColumns columns over `depth` values, added to the sums that lie, four
// vectors for each column, at `sums`. Named variables: vectors of SVE cannot stand in arrays.
template <std::size_t kColumns>
HWY_INLINE void dot_pass(const Rows& rows, const float* HWY_RESTRICT x, std::size_t x_stride,
                         std::size_t depth, std::size_t before, float* HWY_RESTRICT sums) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t column_sums = 4 * lanes;
    Vec a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3;
    Vec e0, e1, e2, e3, f0, f1, f2, f3, g0, g1, g2, g3;
    load_four(sums, a0, a1, a2, a3);
    load_four(sums + (kColumns > 1 ? column_sums : 0), b0, b1, b2, b3);
    load_four(sums + (kColumns > 2 ? 2 * column_sums : 0), c0, c1, c2, c3);
    load_four(sums + (kColumns > 3 ? 3 * column_sums : 0), e0, e1, e2, e3);
    load_four(sums + (kColumns > 4 ? 4 * column_sums : 0), f0, f1, f2, f3);
    load_four(sums + (kColumns > 5 ? 5 * column_sums : 0), g0, g1, g2, g3);
    const auto add_vectors = [&](Vec w0, Vec w1, Vec w2, Vec w3, auto load) HWY_ATTR {
        add_column(w0, w1, w2, w3, load(std::size_t{0}), a0, a1, a2, a3);
        if constexpr (kColumns > 1) {
            add_column(w0, w1, w2, w3, load(x_stride), b0, b1, b2, b3);
        }
        if constexpr (kColumns > 2) {
            add_column(w0, w1, w2, w3, load(2 * x_stride), c0, c1, c2, c3);
        }
        if constexpr (kColumns > 3) {
            add_column(w0, w1, w2, w3, load(3 * x_stride), e0, e1, e2, e3);
        }
        if constexpr (kColumns > 4) {
            add_column(w0, w1, w2, w3, load(4 * x_stride), f0, f1, f2, f3);
        }
        if constexpr (kColumns > 5) {
            add_column(w0, w1, w2, w3, load(5 * x_stride), g0, g1, g2, g3);
        }
    };
    std::size_t k = 0;
    for (; k + lanes <= depth; k += lanes) {
        if (kMaxLanes >= kLine || k % kLine == 0) {
            prefetch_step(rows, k);
        }
        add_vectors(hn::LoadU(d, rows.row[0] + k), hn::LoadU(d, rows.row[1] + k),
                    hn::LoadU(d, rows.row[2] + k), hn::LoadU(d, rows.row[3] + k),
                    [&](std::size_t at) HWY_ATTR { return hn::LoadU(d, x + at + k); });
    }
    if (k < depth) {
        const std::size_t rest = depth - k;
        const std::size_t passed = before + k;
        add_vectors(
            load_tail(rows.row[0] + k, rest, passed), load_tail(rows.row[1] + k, rest, passed),
            load_tail(rows.row[2] + k, rest, passed), load_tail(rows.row[3] + k, rest, passed),
            [&](std::size_t at) HWY_ATTR { return load_tail(x + at + k, rest, passed); });
    }
    store_four(a0, a1, a2, a3, sums);
    if constexpr (kColumns > 1) {
        store_four(b0, b1, b2, b3, sums + column_sums);
    }
    if constexpr (kColumns > 2) {
        store_four(c0, c1, c2, c3, sums + 2 * column_sums);
    }
    if constexpr (kColumns > 3) {
        store_four(e0, e1, e2, e3, sums + 3 * column_sums);
    }
    if constexpr (kColumns > 4) {
        store_four(f0, f1, f2, f3, sums + 4 * column_sums);
    }
    if constexpr (kColumns > 5) {
        store_four(g0, g1, g2, g3, sums + 5 * column_sums);
    }
}

HWY_INLINE void dot_pass_of(std::size_t columns, const Rows& rows, const float* x,
                            std::size_t x_stride, std::size_t depth, std::size_t before,
                            float* sums) {
    switch (columns) {
        case 1:
            return dot_pass<1>(rows, x, x_stride, depth, before, sums);
        case 2:
            return dot_pass<2>(rows, x, x_stride, depth, before, sums);
        case 3:
            return dot_pass<3>(rows, x, x_stride, depth, before, sums);
#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
        case 4:
            return dot_pass<4>(rows, x, x_stride, depth, before, sums);
        case 5:
            return dot_pass<5>(rows, x, x_stride, depth, before, sums);
        case 6:
            return dot_pass<6>(rows, x, x_stride, depth, before, sums);
#endif
        default:
            HWY_ABORT("more columns than a pass has");
    }
}

// Adds the lanes of the four vectors at `from` (a column's) to out[0..count).
HWY_INLINE void reduce_four(const float* HWY_RESTRICT from, float* HWY_RESTRICT out,
                            std::size_t count) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t r = 0; r < count; ++r) {
        out[r] = hn::GetLane(hn::SumOfLanes(d, hn::Load(d, from + r * lanes)));
    }
}

void dots(const Task& task) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Passes passes(task.columns);
    HWY_ALIGN float sums[kMaxColumns * kRows * kMaxLanes];
    const std::size_t sums_used = task.columns * kRows * lanes;
    // Rows of a chunk stay in the first-level cache only as long as another pass needs them.
    for (std::size_t r = 0; r < task.rows; r += kRows) {
        std::fill_n(sums, sums_used, 0.0F);
        const std::size_t count = std::min(kRows, task.rows - r);
        for (std::size_t k = 0; k < task.depth; k += kChunk) {
            const std::size_t depth = std::min(kChunk, task.depth - k);
            Rows rows;
            for (std::size_t i = 0; i < kRows; ++i) {
                // A tile that is not full takes its last row again.
                rows.row[i] = task.w + (r + std::min(i, count - 1)) * task.ldw + k;
                rows.ahead[i] = k + kChunk < task.depth ? rows.row[i] + kChunk
                                                        : rows.row[i] - k + kRows * task.ldw;
            }
            for (std::size_t pass = 0; pass < passes.count; ++pass) {
                const std::size_t first = passes.first(pass);
                rows.first_prefetch = passes.first_prefetch(pass);
                rows.last_prefetch = passes.first_prefetch(pass + 1);
                dot_pass_of(passes.first(pass + 1) - first, rows,
                            task.x + first * task.x_column_stride + k, task.x_column_stride, depth,
                            k, sums + first * kRows * lanes);
            }
        }
        for (std::size_t c = 0; c < task.columns; ++c) {
            reduce_four(sums + c * kRows * lanes, task.sums + c * task.sums_stride + r, count);
        }
    }
}

// ---- scaled rows added ----

constexpr std::size_t kDepthBlock = 16;

// Four vectors of each of `depth` rows of W, times kColumns columns; x[k * kMaxColumns + c].
template <std::size_t kColumns>
HWY_INLINE void axpy_pass(const float* HWY_RESTRICT w, std::size_t ldw, const float* ahead,
                          std::size_t first_prefetch, std::size_t last_prefetch, std::size_t depth,
                          const float* HWY_RESTRICT x, float* HWY_RESTRICT sums,
                          std::size_t sums_stride) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    Vec a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3;
    Vec e0, e1, e2, e3, f0, f1, f2, f3, g0, g1, g2, g3;
    const auto load = [&](std::size_t column, Vec& s0, Vec& s1, Vec& s2, Vec& s3) HWY_ATTR {
        const float* from = sums + (column < kColumns ? column : 0) * sums_stride;
        s0 = hn::LoadU(d, from);
        s1 = hn::LoadU(d, from + lanes);
        s2 = hn::LoadU(d, from + 2 * lanes);
        s3 = hn::LoadU(d, from + 3 * lanes);
    };
    load(0, a0, a1, a2, a3);
    load(1, b0, b1, b2, b3);
    load(2, c0, c1, c2, c3);
    load(3, e0, e1, e2, e3);
    load(4, f0, f1, f2, f3);
    load(5, g0, g1, g2, g3);
    for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t line = first_prefetch; line < last_prefetch; ++line) {
            hwy::Prefetch(ahead + line * kLine);
        }
        const Vec w0 = hn::LoadU(d, w);
        const Vec w1 = hn::LoadU(d, w + lanes);
        const Vec w2 = hn::LoadU(d, w + 2 * lanes);
        const Vec w3 = hn::LoadU(d, w + 3 * lanes);
        add_column(w0, w1, w2, w3, hn::Set(d, x[0]), a0, a1, a2, a3);
        if constexpr (kColumns > 1) {
            add_column(w0, w1, w2, w3, hn::Set(d, x[1]), b0, b1, b2, b3);
        }
        if constexpr (kColumns > 2) {
            add_column(w0, w1, w2, w3, hn::Set(d, x[2]), c0, c1, c2, c3);
        }
        if constexpr (kColumns > 3) {
            add_column(w0, w1, w2, w3, hn::Set(d, x[3]), e0, e1, e2, e3);
        }
        if constexpr (kColumns > 4) {
            add_column(w0, w1, w2, w3, hn::Set(d, x[4]), f0, f1, f2, f3);
        }
        if constexpr (kColumns > 5) {
            add_column(w0, w1, w2, w3, hn::Set(d, x[5]), g0, g1, g2, g3);
        }
        w += ldw;
        ahead += ldw;
        x += kMaxColumns;
    }
    const auto store = [&](std::size_t column, Vec s0, Vec s1, Vec s2, Vec s3) HWY_ATTR {
        if (column < kColumns) {
            float* to = sums + column * sums_stride;
            hn::StoreU(s0, d, to);
            hn::StoreU(s1, d, to + lanes);
            hn::StoreU(s2, d, to + 2 * lanes);
            hn::StoreU(s3, d, to + 3 * lanes);
        }
    };
    store(0, a0, a1, a2, a3);
    store(1, b0, b1, b2, b3);
    store(2, c0, c1, c2, c3);
    store(3, e0, e1, e2, e3);
    store(4, f0, f1, f2, f3);
    store(5, g0, g1, g2, g3);
}

HWY_INLINE void axpy_pass_of(std::size_t columns, const float* w, std::size_t ldw,
                             const float* ahead, std::size_t first_prefetch,
                             std::size_t last_prefetch, std::size_t depth, const float* x,
                             float* sums, std::size_t sums_stride) {
    switch (columns) {
        case 1:
            return axpy_pass<1>(w, ldw, ahead, first_prefetch, last_prefetch, depth, x, sums,
                                sums_stride);
        case 2:
            return axpy_pass<2>(w, ldw, ahead, first_prefetch, last_prefetch, depth, x, sums,
                                sums_stride);
        case 3:
            return axpy_pass<3>(w, ldw, ahead, first_prefetch, last_prefetch, depth, x, sums,
                                sums_stride);
#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
        case 4:
            return axpy_pass<4>(w, ldw, ahead, first_prefetch, last_prefetch, depth, x, sums,
                                sums_stride);
        case 5:
            return axpy_pass<5>(w, ldw, ahead, first_prefetch, last_prefetch, depth, x, sums,
                                sums_stride);
        case 6:
            return axpy_pass<6>(w, ldw, ahead, first_prefetch, last_prefetch, depth, x, sums,
                                sums_stride);
#endif
        default:
            HWY_ABORT("more columns than a pass has");
    }
}

// A block of depth over one tile of 4 vectors of rows, in all passes.
HWY_INLINE void axpy_tile(const Passes& passes, const float* w, std::size_t ldw, const float* ahead,
                          std::size_t depth, const float* x, float* sums, std::size_t stride) {
    const std::size_t lines = std::max<std::size_t>(1, 4 * hn::Lanes(Floats()) / kLine);
    for (std::size_t pass = 0; pass < passes.count; ++pass) {
        const std::size_t first = passes.first(pass);
        axpy_pass_of(passes.first(pass + 1) - first, w, ldw, ahead, pass * lines / passes.count,
                     (pass + 1) * lines / passes.count, depth, x + first, sums + first * stride,
                     stride);
    }
}

void axpys(const Task& task) {
    const Floats d;
    const std::size_t tile = 4 * hn::Lanes(d);
    const Passes passes(task.columns);
    const std::size_t whole = task.rows / tile * tile;
    const std::size_t rest = task.rows - whole;
    HWY_ALIGN float x[kDepthBlock * kMaxColumns];
    // The rows beyond the last whole tile, and their sums.
    HWY_ALIGN float edge[kDepthBlock * 4 * kMaxLanes] = {};
    HWY_ALIGN float edge_sums[kMaxColumns * 4 * kMaxLanes] = {};
    for (std::size_t c = 0; c < task.columns; ++c) {
        std::fill_n(task.sums + c * task.sums_stride, task.rows, 0.0F);
    }
    for (std::size_t k = 0; k < task.depth; k += kDepthBlock) {
        const std::size_t depth = std::min(kDepthBlock, task.depth - k);
        for (std::size_t i = 0; i < depth; ++i) {
            for (std::size_t c = 0; c < task.columns; ++c) {
                x[i * kMaxColumns + c] =
                    task.x[(k + i) * task.x_row_stride + c * task.x_column_stride];
            }
        }
        const float* w = task.w + k * task.ldw;
        for (std::size_t r = 0; r < whole; r += tile) {
            const float* ahead = r + tile < whole ? w + r + tile : w + kDepthBlock * task.ldw;
            axpy_tile(passes, w + r, task.ldw, ahead, depth, x, task.sums + r, task.sums_stride);
        }
        if (rest != 0) {
            for (std::size_t i = 0; i < depth; ++i) {
                std::copy_n(w + i * task.ldw + whole, rest, edge + i * tile);
            }
            axpy_tile(passes, edge, tile, edge, depth, x, edge_sums, tile);
        }
    }
    if (rest != 0) {
        for (std::size_t c = 0; c < task.columns; ++c) {
            std::copy_n(edge_sums + c * tile, rest, task.sums + c * task.sums_stride + whole);
        }
    }
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd::skinny {
namespace {
HWY_EXPORT(dots);
HWY_EXPORT(axpys);
}  // namespace

void dot_task(const Task& task) noexcept {
    HWY_DYNAMIC_DISPATCH(dots)(task);
}

void axpy_task(const Task& task) noexcept {
    HWY_DYNAMIC_DISPATCH(axpys)(task);
}

}  // namespace abikit::simd::skinny
#endif  // HWY_ONCE
