// A tile of a bfloat16 product and the loops around it, for one instruction set. Included once for
// each by gemm_bf16.cpp, with ABI_BF16_DOT 1 where vdpbf16ps may be used; no guard, on purpose.

#include "kernels/repeat-inl.h"

namespace hn = hwy::HWY_NAMESPACE;
using bf16::kBlock;
using bf16::kGroup;
using bf16::kPanel;
using bf16::kPanelGroup;
using bf16::Task;

using Floats = hn::ScalableTag<float>;
using Words = hn::RebindToUnsigned<Floats>;
using Vec = hn::Vec<Floats>;
using WordVec = hn::Vec<Words>;

constexpr std::size_t kPanelVectors = kPanel / hn::MaxLanes(Floats());
constexpr std::size_t kPanelGroupBytes = kPanelGroup * sizeof(std::uint16_t);

#if ABI_BF16_DOT || HWY_CAP_GE512
constexpr std::size_t kTileRows = 6;
constexpr std::size_t tile_panels(std::size_t) {
    return 4;
}
#else
constexpr std::size_t kTileRows = 4;
// Panels that fit sixteen registers together with so many rows.
constexpr std::size_t tile_panels(std::size_t rows) {
    return rows == 1 ? 4 : rows == 2 ? 2 : 1;
}
#endif

// Where a tile of sums goes.
struct Out {
    float* c;
    std::size_t ldc;
    std::size_t columns;  // that C has from here on; the tile may be wider
    bool add;             // C's former value
};

// To a later column of C.
HWY_INLINE void advance(Out& out, std::size_t columns) {
    out.c += columns;
    out.columns -= std::min(out.columns, columns);
}

HWY_INLINE void put(Vec sum, const Out& out, std::size_t row, std::size_t column) {
    const Floats d;
    constexpr std::size_t kLanes = hn::MaxLanes(d);
    if (column >= out.columns) {
        return;
    }
    float* to = out.c + row * out.ldc + column;
    const std::size_t rest = out.columns - column;
    if (rest >= kLanes) {
        hn::StoreU(out.add ? hn::Add(sum, hn::LoadU(d, to)) : sum, d, to);
        return;
    }
    HWY_ALIGN float lanes[kLanes] = {};
    if (out.add) {
        std::copy_n(to, rest, lanes);
        sum = hn::Add(sum, hn::Load(d, lanes));
    }
    hn::Store(sum, d, lanes);
    std::copy_n(lanes, rest, to);
}

#if ABI_BF16_DOT

constexpr std::size_t kDepthBlock = 1024;  // of A and B at a time: a tile of A stays in the L1
// Bytes from one row of the copied tile of A to the next; not a power of two, which would map all
// rows to the same sets of the cache.
constexpr std::size_t kTileStride = 2 * kDepthBlock + 64;

struct TileOfA {
    HWY_ALIGN std::uint8_t rows[kTileRows * kTileStride];
};

HWY_INLINE void copy_row(const std::uint16_t* from, std::size_t depth, std::uint8_t* to) {
    std::memcpy(to, from, depth * sizeof(*from));
    if (depth % kGroup != 0) {
        std::memset(to + depth * sizeof(*from), 0, sizeof(*from));
    }
}

template <std::size_t kTileR, std::size_t kTileP>
void tile(const TileOfA& a, const std::byte* b, std::size_t b_stride, std::size_t groups,
          const Out& out) {
    __m512 sums[kTileR * kTileP];
    repeat<kTileR * kTileP>([&](auto i) ABI_TILE_ATTR { sums[i] = _mm512_setzero_ps(); });
    const std::uint8_t* HWY_RESTRICT from = a.rows;
    for (std::size_t g = 0; g < groups; ++g) {
        __m512bh panel[kTileP];
        repeat<kTileP>([&](auto p) ABI_TILE_ATTR {
            panel[p] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(b + p * kPanelGroupBytes));
        });
        repeat<kTileR>([&](auto r) ABI_TILE_ATTR {
            std::int32_t two = 0;
            std::memcpy(&two, from + r * kTileStride, sizeof(two));
            const auto row = reinterpret_cast<__m512bh>(_mm512_set1_epi32(two));
            repeat<kTileP>([&](auto p) ABI_TILE_ATTR {
                sums[r * kTileP + p] = _mm512_dpbf16_ps(sums[r * kTileP + p], row, panel[p]);
            });
        });
        b += b_stride;
        from += kGroup * sizeof(std::uint16_t);
    }
    repeat<kTileR * kTileP>(
        [&](auto i) ABI_TILE_ATTR { put(Vec{sums[i]}, out, i / kTileP, i % kTileP * kPanel); });
}

#else  // !ABI_BF16_DOT

constexpr std::size_t kDepthBlock = 512;
constexpr std::size_t kTileStride = 4 * kDepthBlock + 64;
constexpr std::size_t kOddAt = 2 * kDepthBlock;  // bytes from the even values of a row to its odd

// A as float32: of each two values of depth, the first in the front half of a row, the second in
// its back half, which is how shifts take the pairs of B apart.
struct TileOfA {
    HWY_ALIGN std::uint8_t rows[kTileRows * kTileStride];
};

// A bfloat16 is the upper half of a float32.
HWY_INLINE Vec even_value(WordVec pairs) {
    return hn::BitCast(Floats(), hn::ShiftLeft<16>(pairs));
}
HWY_INLINE Vec odd_value(WordVec pairs) {
    return hn::BitCast(Floats(), hn::And(pairs, hn::Set(Words(), 0xFFFF0000U)));
}

HWY_INLINE void copy_row(const std::uint16_t* from, std::size_t depth, std::uint8_t* to) {
    const Words d;
    const hn::Repartition<std::uint8_t, Words> bytes;
    constexpr std::size_t kValues = hn::MaxLanes(bytes) / sizeof(std::uint16_t);
    const auto put_vector = [&](WordVec pairs, std::size_t k) HWY_ATTR {
        std::uint8_t* at = to + k * sizeof(std::uint16_t);
        hn::Store(hn::BitCast(bytes, even_value(pairs)), bytes, at);
        hn::Store(hn::BitCast(bytes, odd_value(pairs)), bytes, at + kOddAt);
    };
    std::size_t k = 0;
    for (; k + kValues <= depth; k += kValues) {
        const auto* values = reinterpret_cast<const std::uint8_t*>(from + k);
        put_vector(hn::BitCast(d, hn::LoadU(bytes, values)), k);
    }
    if (k < depth) {
        HWY_ALIGN std::uint16_t last[kValues] = {};
        std::copy_n(from + k, depth - k, last);
        const auto* values = reinterpret_cast<const std::uint8_t*>(last);
        put_vector(hn::BitCast(d, hn::Load(bytes, values)), k);
    }
}

HWY_INLINE Vec broadcast(const std::uint8_t* from) {
    float value = 0.0F;
    std::memcpy(&value, from, sizeof(value));
    return hn::Set(Floats(), value);
}

template <std::size_t kTileR, std::size_t kTileP>
void tile(const TileOfA& a, const std::byte* b, std::size_t b_stride, std::size_t groups,
          const Out& out) {
    constexpr std::size_t kVectors = kTileP * kPanelVectors;
    const hn::Repartition<std::uint8_t, Floats> bytes;
    constexpr std::size_t kVectorBytes = hn::MaxLanes(bytes);
    Vec sums[kTileR * kVectors];
    repeat<kTileR * kVectors>([&](auto i) ABI_TILE_ATTR { sums[i] = hn::Zero(Floats()); });
    const std::uint8_t* HWY_RESTRICT from = a.rows;
    const std::uint8_t* HWY_RESTRICT column = reinterpret_cast<const std::uint8_t*>(b);
    const auto pairs = [&](std::size_t v) ABI_TILE_ATTR {
        return hn::BitCast(Words(), hn::LoadU(bytes, column + v * kVectorBytes));
    };
    for (std::size_t g = 0; g < groups; ++g) {
        Vec values[kVectors];
        repeat<kVectors>([&](auto v) ABI_TILE_ATTR { values[v] = even_value(pairs(v)); });
        repeat<kTileR>([&](auto r) ABI_TILE_ATTR {
            const Vec row = broadcast(from + r * kTileStride);
            repeat<kVectors>([&](auto v) ABI_TILE_ATTR {
                sums[r * kVectors + v] = hn::MulAdd(row, values[v], sums[r * kVectors + v]);
            });
        });
        repeat<kVectors>([&](auto v) ABI_TILE_ATTR { values[v] = odd_value(pairs(v)); });
        repeat<kTileR>([&](auto r) ABI_TILE_ATTR {
            const Vec row = broadcast(from + r * kTileStride + kOddAt);
            repeat<kVectors>([&](auto v) ABI_TILE_ATTR {
                sums[r * kVectors + v] = hn::MulAdd(row, values[v], sums[r * kVectors + v]);
            });
        });
        column += b_stride;
        from += sizeof(float);
    }
    repeat<kTileR * kVectors>([&](auto i) ABI_TILE_ATTR {
        put(sums[i], out, i / kVectors, i % kVectors * hn::MaxLanes(Floats()));
    });
}

#endif  // ABI_BF16_DOT

#include "kernels/block_tiles-inl.h"

void multiply_task(const Task& task) {
    TileOfA a;
    const std::size_t padded = round_up(task.columns, kPanel);
    const std::size_t padded_depth = round_up(task.depth, kGroup);
    for (std::size_t k = 0; k < task.depth; k += kDepthBlock) {
        const std::size_t depth = std::min(kDepthBlock, task.depth - k);
        const std::size_t groups = divide_up(depth, kGroup);
        for (std::size_t r = 0; r < task.rows; r += kTileRows) {
            const std::size_t rows = std::min(kTileRows, task.rows - r);
            for (std::size_t i = 0; i < rows; ++i) {
                copy_row(task.a + (r + i) * task.lda + k, depth, a.rows + i * kTileStride);
            }
            for (std::size_t column = 0; column < padded; column += kBlock) {
                const std::size_t width = std::min(kBlock, padded - column);
                const std::size_t at = column * padded_depth + k * width;
                block_of_rows(rows, a, task.b + at * sizeof(std::uint16_t), width / kPanel, groups,
                              {.c = task.c + r * task.ldc + column,
                               .ldc = task.ldc,
                               .columns = task.columns - column,
                               .add = task.accumulate || k != 0});
            }
        }
    }
}
