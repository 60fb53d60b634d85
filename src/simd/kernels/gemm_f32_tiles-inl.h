// A tile of a float32 product in registers, and the copies that bring A and B into the order in
// which it reads them, for one instruction set. Included by gemm_f32.cpp inside its namespace; no
// guard, on purpose.

#include "kernels/repeat-inl.h"

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// Rows times vectors of sums, and beside them the vectors of B and one of A: what the registers
// hold. Vectors without a size at compile time cannot stand in arrays.
#undef ABI_GEMM_PLAIN
#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
#define ABI_GEMM_PLAIN 1
constexpr std::size_t kTileRows = 4;
constexpr std::size_t kTileColumns = 16;
#else
#define ABI_GEMM_PLAIN 0
constexpr std::size_t kLanes = hn::MaxLanes(Floats());
constexpr std::size_t kTileVectors = 2;
constexpr std::size_t kTileColumns = kTileVectors * kLanes;
#if HWY_CAP_GE512
constexpr std::size_t kTileRows = 14;
#elif HWY_ARCH_ARM_A64
constexpr std::size_t kTileRows = 12;
#elif HWY_NATIVE_FMA
constexpr std::size_t kTileRows = 6;
#else
constexpr std::size_t kTileRows = 5;  // a product needs a register before it is added
#endif
#endif

// C[rows x columns] = alpha * A * B + beta * C for one tile. A's element (r, k) stands at
// a[k * rows + r] when it is packed, at a[r * a_stride + k] where it lies; B's row k starts at
// b + k * b_depth_stride, a panel of 16 columns b_panel_stride after the one before.
struct TileTask {
    std::size_t depth = 0;
    const float* a = nullptr;
    std::size_t a_stride = 0;
    bool a_packed = false;
    const float* b = nullptr;
    std::size_t b_depth_stride = 0;
    std::size_t b_panel_stride = 0;
    // These rows of both panels, one for four of depth, are asked for meanwhile.
    const float* ahead = nullptr;
    std::size_t ahead_stride = 0;
    float alpha = 1.0F;
    float beta = 0.0F;
    float* c = nullptr;
    std::size_t ldc = 0;
};

// The columns of C that a tile writes, kTileColumns at most: `first` from its C on, then `rest`
// more that start rest_at after it. B has them side by side.
struct Parts {
    std::size_t first = 0;
    std::size_t rest = 0;
    std::size_t rest_at = 0;
};

// Lambdas are inlined whatever their number, or sums leave the registers.
#undef ABI_TILE_ATTR
#define ABI_TILE_ATTR HWY_ATTR __attribute__((always_inline))

#if ABI_GEMM_PLAIN

// The same order of operations for each element as the tiles of other targets: the products of a
// pass in turn, then alpha and C.
inline void run_tile(const TileTask& t, std::size_t rows, const Parts& parts) {
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t column = 0; column < parts.first + parts.rest; ++column) {
            const std::size_t row_step = t.a_packed ? 1 : t.a_stride;
            const std::size_t depth_step = t.a_packed ? rows : 1;
            const float* a = t.a + r * row_step;
            const float* b = t.b + column;
            float sum = 0.0F;
            for (std::size_t k = 0; k < t.depth; ++k) {
                sum += a[k * depth_step] * b[k * t.b_depth_stride];
            }
            const std::size_t at =
                column < parts.first ? column : parts.rest_at + column - parts.first;
            float& c = t.c[r * t.ldc + at];
            c = t.beta == 0.0F ? t.alpha * sum : t.alpha * sum + t.beta * c;
        }
    }
}

#else

// A as pack_block() leaves it: the rows of one k side by side.
template <std::size_t kRows>
class PackedRows {
public:
    explicit HWY_INLINE PackedRows(const TileTask& t) : a_(t.a) {}
    HWY_INLINE const float* at(std::size_t k, std::size_t r) const { return a_ + k * kRows + r; }
    HWY_INLINE void advance(std::size_t k) { a_ += k * kRows; }

private:
    const float* HWY_RESTRICT a_;
};

// A where it lies, row by row. Two bases and half as many multiples of the stride need fewer
// registers than an address for each row; the compiler must not see that they are related.
template <std::size_t kRows>
class PlainRows {
public:
    explicit HWY_INLINE PlainRows(const TileTask& t)
        : low_(t.a), high_(t.a + kHalf * t.a_stride), stride_(t.a_stride) {
        asm("" : "+r"(high_));
    }
    HWY_INLINE const float* at(std::size_t k, std::size_t r) const {
        return (r < kHalf ? low_ : high_) + (r % kHalf) * stride_ + k;
    }
    HWY_INLINE void advance(std::size_t k) {
        low_ += k;
        high_ += k;
    }

private:
    static constexpr std::size_t kHalf = (kRows + 1) / 2;
    const float* HWY_RESTRICT low_;
    const float* HWY_RESTRICT high_;
    std::size_t stride_;
};

// Where vector v of a row of B starts.
HWY_INLINE std::size_t vector_at(std::size_t v, std::size_t panel_stride) {
    return v * kLanes / f32::kPanel * panel_stride + v * kLanes % f32::kPanel;
}

template <std::size_t kRows, std::size_t kVectors>
HWY_INLINE void store_tile(const Vec* sums, const TileTask& t) {
    const Floats d;
    // The usual factors, which need no multiplication; the bits are those of the general way.
    if (t.alpha == 1.0F && t.beta == 0.0F) {
        repeat<kRows * kVectors>([&](auto i) ABI_TILE_ATTR {
            hn::StoreU(sums[i], d, t.c + i / kVectors * t.ldc + i % kVectors * kLanes);
        });
        return;
    }
    if (t.alpha == 1.0F && t.beta == 1.0F) {
        repeat<kRows * kVectors>([&](auto i) ABI_TILE_ATTR {
            float* to = t.c + i / kVectors * t.ldc + i % kVectors * kLanes;
            hn::StoreU(hn::Add(sums[i], hn::LoadU(d, to)), d, to);
        });
        return;
    }
    const Vec alpha = hn::Set(d, t.alpha);
    if (t.beta == 0.0F) {
        repeat<kRows * kVectors>([&](auto i) ABI_TILE_ATTR {
            float* to = t.c + i / kVectors * t.ldc + i % kVectors * kLanes;
            hn::StoreU(hn::Mul(alpha, sums[i]), d, to);
        });
        return;
    }
    const Vec beta = hn::Set(d, t.beta);
    repeat<kRows * kVectors>([&](auto i) ABI_TILE_ATTR {
        float* to = t.c + i / kVectors * t.ldc + i % kVectors * kLanes;
        hn::StoreU(hn::MulAdd(alpha, sums[i], hn::Mul(beta, hn::LoadU(d, to))), d, to);
    });
}

template <std::size_t kRows, std::size_t kVectors, template <std::size_t> class RowsOfA>
void tile(const TileTask& t) {
    const Floats d;
    Vec sums[kRows * kVectors];
    repeat<kRows * kVectors>([&](auto i) ABI_TILE_ATTR { sums[i] = hn::Zero(d); });
    RowsOfA<kRows> a(t);
    const float* HWY_RESTRICT b = t.b;
    const std::size_t b_stride = t.b_depth_stride;
    const std::size_t panel_stride = t.b_panel_stride;
    const float* ahead = t.ahead;
    repeat<kRows>([&](auto r) ABI_TILE_ATTR {
        __builtin_prefetch(t.c + r * t.ldc, 1);
        __builtin_prefetch(t.c + r * t.ldc + kVectors * kLanes - 1, 1);
    });
    const auto step = [&](std::size_t k) ABI_TILE_ATTR {
        Vec row[kVectors];
        repeat<kVectors>(
            [&](auto v) ABI_TILE_ATTR { row[v] = hn::LoadU(d, b + vector_at(v, panel_stride)); });
        repeat<kRows>([&](auto r) ABI_TILE_ATTR {
            const Vec factor = hn::Set(d, *a.at(k, r));
            repeat<kVectors>([&](auto v) ABI_TILE_ATTR {
                sums[r * kVectors + v] = hn::MulAdd(factor, row[v], sums[r * kVectors + v]);
            });
        });
        b += b_stride;
    };
    std::size_t k = 0;
    for (; k + 4 <= t.depth; k += 4) {
        repeat<4>([&](auto i) ABI_TILE_ATTR { step(i); });
        a.advance(4);
        __builtin_prefetch(ahead, 0, 2);
        __builtin_prefetch(ahead + panel_stride, 0, 2);
        ahead += t.ahead_stride;
    }
    for (; k < t.depth; ++k) {
        step(0);
        a.advance(1);
    }
    store_tile<kRows, kVectors>(sums, t);
}

using TileFunction = void (*)(const TileTask&);

template <std::size_t kVectors, template <std::size_t> class RowsOfA, std::size_t... kRowsLessOne>
TileFunction tile_of_height(std::size_t rows, std::index_sequence<kRowsLessOne...>) {
    static constexpr TileFunction kTiles[] = {tile<kRowsLessOne + 1, kVectors, RowsOfA>...};
    return kTiles[rows - 1];
}

template <std::size_t kVectors>
HWY_INLINE void run_full_tile(const TileTask& t, std::size_t rows) {
    using Heights = std::make_index_sequence<kTileRows>;
    const TileFunction run = t.a_packed ? tile_of_height<kVectors, PackedRows>(rows, Heights())
                                        : tile_of_height<kVectors, PlainRows>(rows, Heights());
    run(t);
}

// to[0, count) = from[0, count). May write zeros to the rest of the last vector at `to`.
HWY_INLINE void copy_some(const float* HWY_RESTRICT from, std::size_t count,
                          float* HWY_RESTRICT to) {
#if HWY_MEM_OPS_MIGHT_FAULT
    std::memcpy(to, from, count * sizeof(float));
#else
    const Floats d;
    for (std::size_t i = 0; i < count; i += kLanes) {
        hn::StoreU(hn::MaskedLoad(hn::FirstN(d, count - i), d, from + i), d, to + i);
    }
#endif
}

// The same, but writes nothing else.
HWY_INLINE void store_some(const float* HWY_RESTRICT from, std::size_t count,
                           float* HWY_RESTRICT to) {
#if HWY_MEM_OPS_MIGHT_FAULT
    std::memcpy(to, from, count * sizeof(float));
#else
    const Floats d;
    for (std::size_t i = 0; i < count; i += kLanes) {
        hn::BlendedStore(hn::LoadU(d, from + i), hn::FirstN(d, count - i), d, to + i);
    }
#endif
}

// A tile that is narrower than its vectors, or in two parts, works on a copy of C.
inline void run_partial_tile(const TileTask& t, std::size_t rows, const Parts& parts) {
    HWY_ALIGN float copy[kTileRows * kTileColumns + kLanes] = {};
    TileTask whole = t;
    whole.c = copy;
    whole.ldc = kTileColumns;
    float* const rest = t.c + parts.rest_at;
    if (t.beta != 0.0F) {
        for (std::size_t r = 0; r < rows; ++r) {
            copy_some(t.c + r * t.ldc, parts.first, copy + r * kTileColumns);
            copy_some(rest + r * t.ldc, parts.rest, copy + r * kTileColumns + parts.first);
        }
    }
    if (parts.first + parts.rest <= kLanes) {
        run_full_tile<1>(whole, rows);
    } else {
        run_full_tile<kTileVectors>(whole, rows);
    }
    for (std::size_t r = 0; r < rows; ++r) {
        store_some(copy + r * kTileColumns, parts.first, t.c + r * t.ldc);
        store_some(copy + r * kTileColumns + parts.first, parts.rest, rest + r * t.ldc);
    }
}

inline void run_tile(const TileTask& t, std::size_t rows, const Parts& parts) {
    if (parts.first == kTileColumns) {
        run_full_tile<kTileVectors>(t, rows);
    } else if (parts.first == kLanes && parts.rest == 0) {
        run_full_tile<1>(t, rows);
    } else {
        run_partial_tile(t, rows, parts);
    }
}

#endif  // ABI_GEMM_PLAIN

// out[k * out_stride + r] = from[r * stride + k], at most kPanel rows.
inline void transpose_rows(const float* HWY_RESTRICT from, std::size_t stride, std::size_t rows,
                           std::size_t depth, float* HWY_RESTRICT out, std::size_t out_stride) {
    std::size_t r = 0;
    std::size_t k = 0;
#if !ABI_GEMM_PLAIN
    // Squares of four, in 128-bit vectors that every target has.
    const hn::FixedTag<float, 4> d;
    const hn::FixedTag<double, 2> pairs;
    for (; r + 4 <= rows; r += 4) {
        const float* HWY_RESTRICT row = from + r * stride;
        for (k = 0; k + 4 <= depth; k += 4) {
            const auto a = hn::LoadU(d, row + k);
            const auto b = hn::LoadU(d, row + stride + k);
            const auto c = hn::LoadU(d, row + 2 * stride + k);
            const auto e = hn::LoadU(d, row + 3 * stride + k);
            const auto ab = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));
            const auto ce = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));
            const auto ab2 = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
            const auto ce2 = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
            float* HWY_RESTRICT to = out + k * out_stride + r;
            hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab, ce)), d, to);
            hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab, ce)), d, to + out_stride);
            hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, ab2, ce2)), d,
                       to + 2 * out_stride);
            hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, ab2, ce2)), d,
                       to + 3 * out_stride);
        }
        for (; k < depth; ++k) {
            for (std::size_t i = 0; i < 4; ++i) {
                out[k * out_stride + r + i] = row[i * stride + k];
            }
        }
    }
#endif
    for (; r < rows; ++r) {
        for (k = 0; k < depth; ++k) {
            out[k * out_stride + r] = from[r * stride + k];
        }
    }
}

// out[k * columns + c] = from[k * stride + c].
inline void copy_columns(const float* HWY_RESTRICT from, std::size_t stride, std::size_t columns,
                         std::size_t depth, float* HWY_RESTRICT out) {
    for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t c = 0; c < columns; ++c) {
            out[k * columns + c] = from[k * stride + c];
        }
    }
}

// Columns from both borders of B side by side: `first` columns, then those of `rest` that start
// rest_at after them. Row k at out + k * out_stride, which has room for a vector more at the end.
inline void pack_borders(const float* HWY_RESTRICT b, std::size_t stride, std::size_t depth,
                         const Parts& parts, float* HWY_RESTRICT out, std::size_t out_stride) {
    constexpr std::size_t kAhead = 12;  // rows, each on a page of its own when B is wide
    for (std::size_t k = 0; k < depth; ++k) {
        __builtin_prefetch(b + kAhead * stride);
        __builtin_prefetch(b + kAhead * stride + parts.rest_at);
#if ABI_GEMM_PLAIN || HWY_MEM_OPS_MIGHT_FAULT
        std::fill_n(out, out_stride, 0.0F);
        std::memcpy(out, b, parts.first * sizeof(float));
        std::memcpy(out + parts.first, b + parts.rest_at, parts.rest * sizeof(float));
#else
        copy_some(b, parts.first, out);
        copy_some(b + parts.rest_at, parts.rest, out + parts.first);
#endif
        b += stride;
        out += out_stride;
    }
}

// kPanels full panels of B at once, whose rows lie side by side: out[(p * depth + k) * 16 + c] =
// from[k * stride + p * 16 + c].
template <std::size_t kPanels>
void pack_panels(const float* HWY_RESTRICT from, std::size_t stride, std::size_t depth,
                 float* HWY_RESTRICT out) {
    using f32::kPanel;
    constexpr std::size_t kAhead = 12;  // rows, each on a page of its own when B is wide
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t p = 0; p < kPanels; ++p) {
            __builtin_prefetch(from + kAhead * stride + p * kPanel);
            for (std::size_t c = 0; c < kPanel; c += lanes) {
                hn::StoreU(hn::LoadU(d, from + p * kPanel + c), d, out + p * depth * kPanel + c);
            }
        }
        from += stride;
        out += kPanel;
    }
}

inline void pack_one_panel(const f32::PanelTask& task) {
    using f32::kPanel;
    if (task.columns == kPanel && task.column_stride == 1) {
        pack_panels<1>(task.b, task.depth_stride, task.depth, task.out);
        return;
    }
    if (task.columns < kPanel) {
        std::memset(task.out, 0, task.depth * kPanel * sizeof(float));
    }
    if (task.column_stride != 1) {
        transpose_rows(task.b, task.column_stride, task.columns, task.depth, task.out, kPanel);
        return;
    }
    for (std::size_t k = 0; k < task.depth; ++k) {
        std::memcpy(task.out + k * kPanel, task.b + k * task.depth_stride,
                    task.columns * sizeof(float));
    }
}
