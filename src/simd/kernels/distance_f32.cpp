// Distances of float32 rows: the tiles, their tails and reductions, once per instruction set. Every
// entry point uses one order of summation, so that single-query and block results agree bit for
// bit on a target. Read abi/simd/distance.hpp for the contract, select_f32.cpp for what follows a
// scan.
#include <algorithm>
#include <cstddef>

#include <abi/simd/distance.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/distance_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// One term of the sum for each lane. A metric is all that differs between the entry points.
struct Dot {
    static HWY_INLINE Vec add_term(Vec query, Vec row, Vec sum) {
        return hn::MulAdd(query, row, sum);
    }
};
struct SquaredDifference {
    static HWY_INLINE Vec add_term(Vec query, Vec row, Vec sum) {
        const Vec difference = hn::Sub(query, row);
        return hn::MulAdd(difference, difference, sum);
    }
};
struct SquaredNorm {
    static HWY_INLINE Vec add_term(Vec /*query*/, Vec row, Vec sum) {
        return hn::MulAdd(row, row, sum);
    }
};

// The last `count` (fewer than a vector) floats at p, other lanes zero, reading nothing outside
// [p - whole, p + count). Where a masked load may fault, the vector that ends at the same place is
// read instead; the lanes differ, but they are the same for every row of one dimension.
HWY_INLINE Vec load_tail(const float* p, std::size_t count, std::size_t whole) {
    const Floats d;
#if HWY_MEM_OPS_MIGHT_FAULT
    constexpr std::size_t kLanes = hn::MaxLanes(d);
    if (whole != 0) {
        const std::size_t surplus = kLanes - count;
        return hn::IfThenZeroElse(hn::FirstN(d, surplus), hn::LoadU(d, p - surplus));
    }
    HWY_ALIGN float padded[kLanes] = {};
    std::copy_n(p, count, padded);
    return hn::Load(d, padded);
#else
    static_cast<void>(whole);
    return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
}

#if !HWY_HAVE_SCALABLE && HWY_TARGET != HWY_SCALAR
using Block = hn::CappedTag<float, 4>;

// Adds the 128-bit blocks of a vector.
template <class D>
HWY_INLINE hn::Vec<Block> fold(D d, hn::Vec<D> v) {
    if constexpr (hn::MaxLanes(d) > 4) {
        const hn::Half<D> half;
        return fold(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
    } else {
        return v;
    }
}
#endif

// out[0..4) = the sums of the lanes of a, b, c and e. Each result has the same order of additions,
// wherever it stands, so that a lone row may be summed beside zeros.
HWY_INLINE void sum_lanes_of_four(Vec a, Vec b, Vec c, Vec e, float* HWY_RESTRICT out) {
    const Floats d;
#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR
    out[0] = hn::GetLane(hn::SumOfLanes(d, a));
    out[1] = hn::GetLane(hn::SumOfLanes(d, b));
    out[2] = hn::GetLane(hn::SumOfLanes(d, c));
    out[3] = hn::GetLane(hn::SumOfLanes(d, e));
#else
    // A transposition that adds on its way: each block becomes one partial sum of each input.
    const hn::Repartition<double, Floats> pairs;
    const Vec ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
    const Vec ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
    const auto ab2 = hn::BitCast(pairs, ab);
    const auto ce2 = hn::BitCast(pairs, ce);
    const Vec low = hn::BitCast(d, hn::InterleaveLower(pairs, ab2, ce2));
    const Vec high = hn::BitCast(d, hn::InterleaveUpper(pairs, ab2, ce2));
    hn::StoreU(fold(d, hn::Add(low, high)), Block(), out);
#endif
}

template <class Metric>
HWY_INLINE float one_row(const float* HWY_RESTRICT query, const float* HWY_RESTRICT row,
                         std::size_t dim) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    Vec even = hn::Zero(d);
    Vec odd = hn::Zero(d);
    std::size_t j = 0;
    for (; j + 2 * lanes <= dim; j += 2 * lanes) {
        even = Metric::add_term(hn::LoadU(d, query + j), hn::LoadU(d, row + j), even);
        odd = Metric::add_term(hn::LoadU(d, query + j + lanes), hn::LoadU(d, row + j + lanes), odd);
    }
    if (j + lanes <= dim) {
        even = Metric::add_term(hn::LoadU(d, query + j), hn::LoadU(d, row + j), even);
        j += lanes;
    }
    if (j < dim) {
        const std::size_t rest = dim - j;
        odd = Metric::add_term(load_tail(query + j, rest, j), load_tail(row + j, rest, j), odd);
    }
    const Vec zero = hn::Zero(d);
    float sums[4];
    sum_lanes_of_four(hn::Add(even, odd), zero, zero, zero, sums);
    return sums[0];
}

// One query against four rows that lie `stride` floats apart: eight independent chains of sums.
template <class Metric>
HWY_INLINE void four_rows(const float* HWY_RESTRICT query, const float* HWY_RESTRICT rows,
                          std::size_t dim, float* HWY_RESTRICT out) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const float* HWY_RESTRICT r0 = rows;
    const float* HWY_RESTRICT r1 = rows + dim;
    const float* HWY_RESTRICT r2 = rows + 2 * dim;
    const float* HWY_RESTRICT r3 = rows + 3 * dim;
    Vec even0 = hn::Zero(d), even1 = even0, even2 = even0, even3 = even0;
    Vec odd0 = even0, odd1 = even0, odd2 = even0, odd3 = even0;
    std::size_t j = 0;
    for (; j + 2 * lanes <= dim; j += 2 * lanes) {
        const Vec q0 = hn::LoadU(d, query + j);
        even0 = Metric::add_term(q0, hn::LoadU(d, r0 + j), even0);
        even1 = Metric::add_term(q0, hn::LoadU(d, r1 + j), even1);
        even2 = Metric::add_term(q0, hn::LoadU(d, r2 + j), even2);
        even3 = Metric::add_term(q0, hn::LoadU(d, r3 + j), even3);
        const Vec q1 = hn::LoadU(d, query + j + lanes);
        odd0 = Metric::add_term(q1, hn::LoadU(d, r0 + j + lanes), odd0);
        odd1 = Metric::add_term(q1, hn::LoadU(d, r1 + j + lanes), odd1);
        odd2 = Metric::add_term(q1, hn::LoadU(d, r2 + j + lanes), odd2);
        odd3 = Metric::add_term(q1, hn::LoadU(d, r3 + j + lanes), odd3);
    }
    if (j + lanes <= dim) {
        const Vec q = hn::LoadU(d, query + j);
        even0 = Metric::add_term(q, hn::LoadU(d, r0 + j), even0);
        even1 = Metric::add_term(q, hn::LoadU(d, r1 + j), even1);
        even2 = Metric::add_term(q, hn::LoadU(d, r2 + j), even2);
        even3 = Metric::add_term(q, hn::LoadU(d, r3 + j), even3);
        j += lanes;
    }
    if (j < dim) {
        const std::size_t rest = dim - j;
        const Vec q = load_tail(query + j, rest, j);
        odd0 = Metric::add_term(q, load_tail(r0 + j, rest, j), odd0);
        odd1 = Metric::add_term(q, load_tail(r1 + j, rest, j), odd1);
        odd2 = Metric::add_term(q, load_tail(r2 + j, rest, j), odd2);
        odd3 = Metric::add_term(q, load_tail(r3 + j, rest, j), odd3);
    }
    sum_lanes_of_four(hn::Add(even0, odd0), hn::Add(even1, odd1), hn::Add(even2, odd2),
                      hn::Add(even3, odd3), out);
}

template <class Metric>
HWY_INLINE void rows_of_query(const float* HWY_RESTRICT query, const float* HWY_RESTRICT rows,
                              std::size_t dim, std::size_t count, float* HWY_RESTRICT out) {
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        four_rows<Metric>(query, rows + i * dim, dim, out + i);
    }
    for (; i < count; ++i) {
        out[i] = one_row<Metric>(query, rows + i * dim, dim);
    }
}

// Rows are taken in chunks that stay in the first-level cache while all queries pass over them.
template <class Metric>
HWY_INLINE void rows_of_queries(const float* HWY_RESTRICT queries, std::size_t query_count,
                                const float* HWY_RESTRICT rows, std::size_t dim, std::size_t count,
                                float* HWY_RESTRICT out) {
    constexpr std::size_t kChunkFloats = 16 * 1024 / sizeof(float);
    const std::size_t chunk =
        std::max<std::size_t>(4, kChunkFloats / std::max<std::size_t>(1, dim) / 4 * 4);
    for (std::size_t first = 0; first < count; first += chunk) {
        const std::size_t n = std::min(chunk, count - first);
        for (std::size_t q = 0; q < query_count; ++q) {
            rows_of_query<Metric>(queries + q * dim, rows + first * dim, dim, n,
                                  out + q * count + first);
        }
    }
}

void l2_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
             float* out) {
    rows_of_query<SquaredDifference>(query, rows, dim, count, out);
}

void dots_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
               float* out) {
    rows_of_query<Dot>(query, rows, dim, count, out);
}

void l2_block(const float* queries, std::size_t query_count, const float* rows, std::size_t dim,
              std::size_t count, float* out) {
    rows_of_queries<SquaredDifference>(queries, query_count, rows, dim, count, out);
}

void dots_block(const float* queries, std::size_t query_count, const float* rows, std::size_t dim,
                std::size_t count, float* out) {
    rows_of_queries<Dot>(queries, query_count, rows, dim, count, out);
}

void norms_rows(const float* rows, std::size_t dim, std::size_t count, float* out) {
    // The query is never used; the first row stands in for it.
    rows_of_query<SquaredNorm>(rows, rows, dim, count, out);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(l2_rows);
HWY_EXPORT(dots_rows);
HWY_EXPORT(l2_block);
HWY_EXPORT(dots_block);
HWY_EXPORT(norms_rows);
}  // namespace

void l2_squared_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
                     float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(l2_rows)(query, rows, dim, count, out);
}

void dot_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
              float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(dots_rows)(query, rows, dim, count, out);
}

void l2_squared_block(const float* queries, std::size_t query_count, const float* rows,
                      std::size_t dim, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(l2_block)(queries, query_count, rows, dim, count, out);
}

void dot_block(const float* queries, std::size_t query_count, const float* rows, std::size_t dim,
               std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(dots_block)(queries, query_count, rows, dim, count, out);
}

void squared_norms(const float* rows, std::size_t dim, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(norms_rows)(rows, dim, count, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
