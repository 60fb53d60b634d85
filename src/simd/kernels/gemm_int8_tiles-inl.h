// A tile of an int8 product and the loops around it, for one instruction set. Included once for
// each by gemm_int8.cpp, with ABI_INT8_VNNI 1 where vpdpbusd may be used; no guard, on purpose.

#include "kernels/repeat-inl.h"

namespace hn = hwy::HWY_NAMESPACE;
using int8::kBlock;
using int8::kGroup;
using int8::kPanel;
using int8::kPanelGroupBytes;
using int8::Task;

using Ints = hn::ScalableTag<std::int32_t>;
using IntVec = hn::Vec<Ints>;

constexpr std::size_t kDepthBlock = 1024;  // of A and B at a time: a tile of A stays in the L1
// Bytes from one row of the copied tile of A to the next; not a power of two, which would map all
// rows to the same sets of the cache.
constexpr std::size_t kTileStride = 2 * kDepthBlock + 64;
constexpr std::size_t kPanelVectors = kPanel / hn::MaxLanes(Ints());

#if ABI_INT8_VNNI
constexpr std::size_t kTileRows = 6;
constexpr std::size_t tile_panels(std::size_t) {
    return 4;
}
#elif HWY_CAP_GE512
constexpr std::size_t kTileRows = 4;
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
    std::int32_t* c;
    std::size_t ldc;
    std::size_t columns;           // that C has from here on; the tile may be wider
    const std::byte* corrections;  // null: none to subtract
    bool add;                      // C's former value
};

// To a later column of C.
HWY_INLINE void advance(Out& out, std::size_t columns) {
    out.c += columns;
    out.columns -= std::min(out.columns, columns);
    if (out.corrections != nullptr) {
        out.corrections += columns * sizeof(std::int32_t);
    }
}

HWY_INLINE void put(IntVec sum, const Out& out, std::size_t row, std::size_t column) {
    const Ints d;
    constexpr std::size_t kLanes = hn::MaxLanes(d);
    if (column >= out.columns) {
        return;
    }
    if (out.corrections != nullptr) {
        HWY_ALIGN std::int32_t correction[kLanes];
        std::memcpy(correction, out.corrections + column * sizeof(std::int32_t),
                    sizeof(correction));
        sum = hn::Sub(sum, hn::Load(d, correction));
    }
    std::int32_t* to = out.c + row * out.ldc + column;
    const std::size_t rest = out.columns - column;
    if (rest >= kLanes) {
        hn::StoreU(out.add ? hn::Add(sum, hn::LoadU(d, to)) : sum, d, to);
        return;
    }
    HWY_ALIGN std::int32_t lanes[kLanes] = {};
    if (out.add) {
        std::copy_n(to, rest, lanes);
        sum = hn::Add(sum, hn::Load(d, lanes));
    }
    hn::Store(sum, d, lanes);
    std::copy_n(lanes, rest, to);
}

#if ABI_INT8_VNNI

// A copied with its sign bit turned, which adds 128 to signed values.
struct TileOfA {
    HWY_ALIGN std::uint8_t rows[kTileRows * kTileStride];
};

HWY_INLINE void copy_row(const std::uint8_t* from, std::size_t depth, bool is_unsigned,
                         std::uint8_t* to) {
    const hn::ScalableTag<std::uint8_t> d;
    constexpr std::size_t kLanes = hn::MaxLanes(d);
    const auto flip = hn::Set(d, static_cast<std::uint8_t>(is_unsigned ? 0 : 0x80));
    std::size_t k = 0;
    for (; k + kLanes <= depth; k += kLanes) {
        hn::Store(hn::Xor(hn::LoadU(d, from + k), flip), d, to + k);
    }
    if (k < depth) {
        const auto mask = hn::FirstN(d, depth - k);
        hn::Store(hn::Xor(hn::MaskedLoad(mask, d, from + k), flip), d, to + k);
    }
}

template <std::size_t kTileR, std::size_t kTileP>
void tile(const TileOfA& a, const std::byte* b, std::size_t b_stride, std::size_t groups,
          const Out& out) {
    __m512i sums[kTileR * kTileP];
    repeat<kTileR * kTileP>([&](auto i) ABI_TILE_ATTR { sums[i] = _mm512_setzero_si512(); });
    const std::uint8_t* HWY_RESTRICT from = a.rows;
    for (std::size_t g = 0; g < groups; ++g) {
        __m512i panel[kTileP];
        repeat<kTileP>(
            [&](auto p) ABI_TILE_ATTR { panel[p] = _mm512_loadu_si512(b + p * kPanelGroupBytes); });
        repeat<kTileR>([&](auto r) ABI_TILE_ATTR {
            std::int32_t four = 0;
            std::memcpy(&four, from + r * kTileStride, sizeof(four));
            const __m512i row = _mm512_set1_epi32(four);
            repeat<kTileP>([&](auto p) ABI_TILE_ATTR {
                sums[r * kTileP + p] = _mm512_dpbusd_epi32(sums[r * kTileP + p], row, panel[p]);
            });
        });
        b += b_stride;
        from += kGroup;
    }
    repeat<kTileR * kTileP>(
        [&](auto i) ABI_TILE_ATTR { put(IntVec{sums[i]}, out, i / kTileP, i % kTileP * kPanel); });
}

#else  // !ABI_INT8_VNNI

using Shorts = hn::Repartition<std::int16_t, Ints>;
using ShortVec = hn::Vec<Shorts>;

// A widened to 16 bits: of each four values of depth, the first and third in `even`, the others in
// `odd`, which is how shifts take the bytes of B apart.
struct TileOfA {
    HWY_ALIGN std::uint8_t rows[kTileRows * kTileStride];
};
constexpr std::size_t kOddAt = kDepthBlock;  // bytes from the even values of a row to its odd ones

HWY_INLINE ShortVec even_bytes(ShortVec v) {
    return hn::ShiftRight<8>(hn::ShiftLeft<8>(v));
}
HWY_INLINE ShortVec odd_bytes(ShortVec v) {
    return hn::ShiftRight<8>(v);
}

HWY_INLINE void copy_row(const std::uint8_t* from, std::size_t depth, bool is_unsigned,
                         std::uint8_t* to) {
    const Shorts d;
    const hn::Repartition<std::uint8_t, Shorts> bytes;
    constexpr std::size_t kBytes = hn::MaxLanes(bytes);
    const auto put_vector = [&](ShortVec v, std::size_t k) HWY_ATTR {
        const auto even = is_unsigned ? hn::And(v, hn::Set(d, 0xFF)) : even_bytes(v);
        const auto odd = is_unsigned ? hn::And(odd_bytes(v), hn::Set(d, 0xFF)) : odd_bytes(v);
        hn::Store(hn::BitCast(bytes, even), bytes, to + k);
        hn::Store(hn::BitCast(bytes, odd), bytes, to + kOddAt + k);
    };
    std::size_t k = 0;
    for (; k + kBytes <= depth; k += kBytes) {
        put_vector(hn::BitCast(d, hn::LoadU(bytes, from + k)), k);
    }
    if (k < depth) {
        HWY_ALIGN std::uint8_t last[kBytes] = {};
        std::copy_n(from + k, depth - k, last);
        put_vector(hn::BitCast(d, hn::Load(bytes, last)), k);
    }
}

// sum + the products of neighbouring pairs, one result for two 16-bit lanes. Exact: two products
// of 9-bit by 8-bit values.
#if HWY_ARCH_ARM_A64
// The compiler's own types: a constructor that it makes for a structure of Highway's vectors lacks
// the attributes of the target.
struct Sum {
    int32x4_t low;
    int32x4_t high;
};
HWY_INLINE Sum zero_sum() {
    return {vdupq_n_s32(0), vdupq_n_s32(0)};
}
HWY_INLINE void add_products(ShortVec a, ShortVec b, Sum& sum) {
    sum.low = vmlal_s16(sum.low, vget_low_s16(a.raw), vget_low_s16(b.raw));
    sum.high = vmlal_high_s16(sum.high, a.raw, b.raw);
}
HWY_INLINE IntVec total(const Sum& sum) {
    return IntVec{vpaddq_s32(sum.low, sum.high)};
}
#else
using Sum = IntVec;
HWY_INLINE Sum zero_sum() {
    return hn::Zero(Ints());
}
HWY_INLINE void add_products(ShortVec a, ShortVec b, Sum& sum) {
    // On x86 this is vpmaddwd, and the second sum stays as it is.
    Sum unused = hn::Zero(Ints());
    sum = hn::ReorderWidenMulAccumulate(Ints(), a, b, sum, unused);
}
HWY_INLINE IntVec total(const Sum& sum) {
    return sum;
}
#endif

HWY_INLINE ShortVec broadcast_pair(const std::uint8_t* from) {
    std::int32_t pair = 0;
    std::memcpy(&pair, from, sizeof(pair));
    return hn::BitCast(Shorts(), hn::Set(Ints(), pair));
}

template <std::size_t kTileR, std::size_t kTileP>
void tile(const TileOfA& a, const std::byte* b, std::size_t b_stride, std::size_t groups,
          const Out& out) {
    constexpr std::size_t kVectors = kTileP * kPanelVectors;
    const hn::Repartition<std::uint8_t, Ints> bytes;
    Sum sums[kTileR * kVectors];
    repeat<kTileR * kVectors>([&](auto i) ABI_TILE_ATTR { sums[i] = zero_sum(); });
    const std::uint8_t* HWY_RESTRICT from = a.rows;
    const std::uint8_t* HWY_RESTRICT column = reinterpret_cast<const std::uint8_t*>(b);
    for (std::size_t g = 0; g < groups; ++g) {
        ShortVec even[kVectors];
        ShortVec odd[kVectors];
        repeat<kVectors>([&](auto v) ABI_TILE_ATTR {
            const auto four =
                hn::BitCast(Shorts(), hn::LoadU(bytes, column + v * hn::MaxLanes(bytes)));
            even[v] = even_bytes(four);
            odd[v] = odd_bytes(four);
        });
        repeat<kTileR>([&](auto r) ABI_TILE_ATTR {
            const ShortVec row_even = broadcast_pair(from + r * kTileStride);
            repeat<kVectors>([&](auto v) ABI_TILE_ATTR {
                add_products(row_even, even[v], sums[r * kVectors + v]);
            });
            const ShortVec row_odd = broadcast_pair(from + r * kTileStride + kOddAt);
            repeat<kVectors>([&](auto v) ABI_TILE_ATTR {
                add_products(row_odd, odd[v], sums[r * kVectors + v]);
            });
        });
        column += b_stride;
        from += kGroup;
    }
    repeat<kTileR * kVectors>([&](auto i) ABI_TILE_ATTR {
        put(total(sums[i]), out, i / kVectors, i % kVectors * hn::MaxLanes(Ints()));
    });
}

#endif  // ABI_INT8_VNNI

#include "kernels/block_tiles-inl.h"

void multiply_task(const Task& task) {
    TileOfA a;
    const std::size_t padded = round_up(task.columns, kPanel);
    const std::size_t padded_depth = round_up(task.depth, kGroup);
    for (std::size_t k = 0; k < task.depth; k += kDepthBlock) {
        const std::size_t depth = std::min(kDepthBlock, task.depth - k);
        const std::size_t groups = (depth + kGroup - 1) / kGroup;
        for (std::size_t r = 0; r < task.rows; r += kTileRows) {
            const std::size_t rows = std::min(kTileRows, task.rows - r);
            for (std::size_t i = 0; i < rows; ++i) {
                copy_row(task.a + (r + i) * task.lda + k, depth, task.a_unsigned,
                         a.rows + i * kTileStride);
            }
            for (std::size_t column = 0; column < padded; column += kBlock) {
                const std::size_t width = std::min(kBlock, padded - column);
                const bool correct = ABI_INT8_VNNI && !task.a_unsigned && k == 0;
                const Out out = {
                    .c = task.c + r * task.ldc + column,
                    .ldc = task.ldc,
                    .columns = task.columns - column,
                    .corrections =
                        correct ? task.corrections + column * sizeof(std::int32_t) : nullptr,
                    .add = task.accumulate || k != 0};
                block_of_rows(rows, a, task.b + column * padded_depth + k * width, width / kPanel,
                              groups, out);
            }
        }
    }
}
