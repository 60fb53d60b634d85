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

// Adds the next two vectors of a row to its two sums. Every path below goes through a row in this
// way: vectors in turn to `even` and `odd`, then finish_row.
template <class Metric>
HWY_INLINE void add_two(Vec query0, Vec query1, const float* HWY_RESTRICT row, Vec& even,
                        Vec& odd) {
    const Floats d;
    even = Metric::add_term(query0, hn::LoadU(d, row), even);
    odd = Metric::add_term(query1, hn::LoadU(d, row + hn::Lanes(d)), odd);
}

// Adds what is left from value j on, less than two vectors, and joins the two sums.
template <class Metric>
HWY_INLINE Vec finish_row(const float* HWY_RESTRICT query, const float* HWY_RESTRICT row,
                          std::size_t j, std::size_t dim, Vec even, Vec odd) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    if (j + lanes <= dim) {
        even = Metric::add_term(hn::LoadU(d, query + j), hn::LoadU(d, row + j), even);
        j += lanes;
    }
    if (j < dim) {
        const std::size_t rest = dim - j;
        odd = Metric::add_term(load_tail(query + j, rest, j), load_tail(row + j, rest, j), odd);
    }
    return hn::Add(even, odd);
}

// The sums of one row, still one a lane, read from front to back.
template <class Metric>
HWY_INLINE Vec one_row(const float* HWY_RESTRICT query, const float* HWY_RESTRICT row,
                       std::size_t dim) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    Vec even = hn::Zero(d);
    Vec odd = hn::Zero(d);
    std::size_t j = 0;
    for (; j + 2 * lanes <= dim; j += 2 * lanes) {
        add_two<Metric>(hn::LoadU(d, query + j), hn::LoadU(d, query + j + lanes), row + j, even,
                        odd);
    }
    return finish_row<Metric>(query, row, j, dim, even, odd);
}

// Rows one after the other, so that memory is read strictly in order: hardware prefetchers then
// keep up as with a plain read, while four interleaved rows of 512 bytes took more than twice as
// long. Chains of short rows overlap out of order; only the sums across lanes wait for four rows.
template <class Metric>
HWY_INLINE void rows_of_query(const float* HWY_RESTRICT query, const float* HWY_RESTRICT rows,
                              std::size_t dim, std::size_t count, float* HWY_RESTRICT out) {
    std::size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        const float* HWY_RESTRICT row = rows + i * dim;
        const Vec sum0 = one_row<Metric>(query, row, dim);
        const Vec sum1 = one_row<Metric>(query, row + dim, dim);
        const Vec sum2 = one_row<Metric>(query, row + 2 * dim, dim);
        const Vec sum3 = one_row<Metric>(query, row + 3 * dim, dim);
        sum_lanes_of_four(sum0, sum1, sum2, sum3, out + i);
    }
    for (; i < count; ++i) {
        const Vec zero = hn::Zero(Floats());
        float sums[4];
        sum_lanes_of_four(one_row<Metric>(query, rows + i * dim, dim), zero, zero, zero, sums);
        out[i] = sums[0];
    }
}

// Two queries against two rows that are in the first-level cache: a load for each multiply-add and
// eight chains, which fit sixteen registers. Writes out[0], out[1] and out[stride], out[stride +
// 1].
template <class Metric>
HWY_INLINE void two_by_two(const float* HWY_RESTRICT queries, const float* HWY_RESTRICT rows,
                           std::size_t dim, float* HWY_RESTRICT out, std::size_t stride) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const float* HWY_RESTRICT qa = queries;
    const float* HWY_RESTRICT qb = queries + dim;
    const float* HWY_RESTRICT r0 = rows;
    const float* HWY_RESTRICT r1 = rows + dim;
    Vec even_a0 = hn::Zero(d), even_a1 = even_a0, even_b0 = even_a0, even_b1 = even_a0;
    Vec odd_a0 = even_a0, odd_a1 = even_a0, odd_b0 = even_a0, odd_b1 = even_a0;
    std::size_t j = 0;
    for (; j + 2 * lanes <= dim; j += 2 * lanes) {
        const Vec a0 = hn::LoadU(d, qa + j);
        const Vec a1 = hn::LoadU(d, qa + j + lanes);
        const Vec b0 = hn::LoadU(d, qb + j);
        const Vec b1 = hn::LoadU(d, qb + j + lanes);
        add_two<Metric>(a0, a1, r0 + j, even_a0, odd_a0);
        add_two<Metric>(b0, b1, r0 + j, even_b0, odd_b0);
        add_two<Metric>(a0, a1, r1 + j, even_a1, odd_a1);
        add_two<Metric>(b0, b1, r1 + j, even_b1, odd_b1);
    }
    float sums[4];
    sum_lanes_of_four(finish_row<Metric>(qa, r0, j, dim, even_a0, odd_a0),
                      finish_row<Metric>(qa, r1, j, dim, even_a1, odd_a1),
                      finish_row<Metric>(qb, r0, j, dim, even_b0, odd_b0),
                      finish_row<Metric>(qb, r1, j, dim, even_b1, odd_b1), sums);
    out[0] = sums[0];
    out[1] = sums[1];
    out[stride] = sums[2];
    out[stride + 1] = sums[3];
}

#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
// Two queries against four rows: three loads for four multiply-adds, in thirty-two registers.
template <class Metric>
HWY_INLINE void two_by_four(const float* HWY_RESTRICT queries, const float* HWY_RESTRICT rows,
                            std::size_t dim, float* HWY_RESTRICT out, std::size_t stride) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const float* HWY_RESTRICT qa = queries;
    const float* HWY_RESTRICT qb = queries + dim;
    const float* HWY_RESTRICT r0 = rows;
    const float* HWY_RESTRICT r1 = rows + dim;
    const float* HWY_RESTRICT r2 = rows + 2 * dim;
    const float* HWY_RESTRICT r3 = rows + 3 * dim;
    const Vec zero = hn::Zero(d);
    Vec even_a0 = zero, even_a1 = zero, even_a2 = zero, even_a3 = zero;
    Vec even_b0 = zero, even_b1 = zero, even_b2 = zero, even_b3 = zero;
    Vec odd_a0 = zero, odd_a1 = zero, odd_a2 = zero, odd_a3 = zero;
    Vec odd_b0 = zero, odd_b1 = zero, odd_b2 = zero, odd_b3 = zero;
    std::size_t j = 0;
    for (; j + 2 * lanes <= dim; j += 2 * lanes) {
        const Vec a0 = hn::LoadU(d, qa + j);
        const Vec a1 = hn::LoadU(d, qa + j + lanes);
        const Vec b0 = hn::LoadU(d, qb + j);
        const Vec b1 = hn::LoadU(d, qb + j + lanes);
        add_two<Metric>(a0, a1, r0 + j, even_a0, odd_a0);
        add_two<Metric>(b0, b1, r0 + j, even_b0, odd_b0);
        add_two<Metric>(a0, a1, r1 + j, even_a1, odd_a1);
        add_two<Metric>(b0, b1, r1 + j, even_b1, odd_b1);
        add_two<Metric>(a0, a1, r2 + j, even_a2, odd_a2);
        add_two<Metric>(b0, b1, r2 + j, even_b2, odd_b2);
        add_two<Metric>(a0, a1, r3 + j, even_a3, odd_a3);
        add_two<Metric>(b0, b1, r3 + j, even_b3, odd_b3);
    }
    sum_lanes_of_four(finish_row<Metric>(qa, r0, j, dim, even_a0, odd_a0),
                      finish_row<Metric>(qa, r1, j, dim, even_a1, odd_a1),
                      finish_row<Metric>(qa, r2, j, dim, even_a2, odd_a2),
                      finish_row<Metric>(qa, r3, j, dim, even_a3, odd_a3), out);
    sum_lanes_of_four(finish_row<Metric>(qb, r0, j, dim, even_b0, odd_b0),
                      finish_row<Metric>(qb, r1, j, dim, even_b1, odd_b1),
                      finish_row<Metric>(qb, r2, j, dim, even_b2, odd_b2),
                      finish_row<Metric>(qb, r3, j, dim, even_b3, odd_b3), out + stride);
}
#endif

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
        const float* HWY_RESTRICT chunk_rows = rows + first * dim;
        std::size_t q = 0;
        for (; q + 2 <= query_count; q += 2) {
            const float* HWY_RESTRICT pair = queries + q * dim;
            float* HWY_RESTRICT pair_out = out + q * count + first;
            std::size_t i = 0;
#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
            for (; i + 4 <= n; i += 4) {
                two_by_four<Metric>(pair, chunk_rows + i * dim, dim, pair_out + i, count);
            }
#endif
            for (; i + 2 <= n; i += 2) {
                two_by_two<Metric>(pair, chunk_rows + i * dim, dim, pair_out + i, count);
            }
            if (n % 2 != 0) {
                const float* HWY_RESTRICT last = chunk_rows + (n - 1) * dim;
                rows_of_query<Metric>(pair, last, dim, 1, pair_out + n - 1);
                rows_of_query<Metric>(pair + dim, last, dim, 1, pair_out + count + n - 1);
            }
        }
        if (q < query_count) {
            rows_of_query<Metric>(queries + q * dim, chunk_rows, dim, n, out + q * count + first);
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
