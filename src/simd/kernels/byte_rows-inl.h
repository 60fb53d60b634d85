// Exact integer sums over rows of int8 or uint8. Sums are 32 bits wide and wrap, so that any order
// of additions gives the same bits on every target. A body like rows-inl.h, included right after
// it; ABI_SIMD_VNNI says whether the pass has the AVX512-VNNI instructions.

#if HWY_TARGET == HWY_SCALAR

// Plain code: one row, one sum.
template <class T>
std::uint32_t sum_row(DistanceMetric metric, const T* query, const T* row, std::size_t dim) {
    std::uint32_t sum = 0;
    for (std::size_t j = 0; j < dim; ++j) {
        const int value = row[j];
        const int other = metric == DistanceMetric::kSquaredNorm ? 0 : query[j];
        const int term =
            metric == DistanceMetric::kDot ? other * value : (other - value) * (other - value);
        sum += static_cast<std::uint32_t>(term);
    }
    return sum;
}

template <class T, class Rows>
void rows_of_query(DistanceMetric metric, const T* query, const Rows& rows, std::size_t dim,
                   std::size_t count, std::uint32_t* out) {
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = sum_row(metric, query, rows.at(i), dim);
    }
}

#else

#include "kernels/byte_terms-inl.h"

HWY_INLINE const std::uint8_t* as_bytes(const std::int8_t* p) {
    return reinterpret_cast<const std::uint8_t*>(p);
}
HWY_INLINE const std::uint8_t* as_bytes(const std::uint8_t* p) {
    return p;
}

// The last `count` (fewer than a vector) bytes at p, other lanes zero, reading nothing outside
// [p - whole, p + count). See load_tail in float_rows-inl.h.
HWY_INLINE ByteVec load_byte_tail(const std::uint8_t* p, std::size_t count, std::size_t whole) {
    const Bytes d;
#if HWY_MEM_OPS_MIGHT_FAULT
    if (whole != 0) {
        const std::size_t surplus = hn::Lanes(d) - count;
        return hn::IfThenZeroElse(hn::FirstN(d, surplus), hn::LoadU(d, p - surplus));
    }
    HWY_ALIGN std::uint8_t padded[hn::MaxLanes(d)] = {};
    std::copy_n(p, count, padded);
    return hn::Load(d, padded);
#else
    static_cast<void>(whole);
    return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
}

// The same for four rows, which share a mask.
HWY_INLINE void load_byte_tails(const std::uint8_t* p0, const std::uint8_t* p1,
                                const std::uint8_t* p2, const std::uint8_t* p3, std::size_t count,
                                [[maybe_unused]] std::size_t whole, ByteVec& tail0, ByteVec& tail1,
                                ByteVec& tail2, ByteVec& tail3) {
#if HWY_MEM_OPS_MIGHT_FAULT
    tail0 = load_byte_tail(p0, count, whole);
    tail1 = load_byte_tail(p1, count, whole);
    tail2 = load_byte_tail(p2, count, whole);
    tail3 = load_byte_tail(p3, count, whole);
#else
    const Bytes d;
    const auto mask = hn::FirstN(d, count);
    tail0 = hn::MaskedLoad(mask, d, p0);
    tail1 = hn::MaskedLoad(mask, d, p1);
    tail2 = hn::MaskedLoad(mask, d, p2);
    tail3 = hn::MaskedLoad(mask, d, p3);
#endif
}

// One query against rows, for rows_in_fours.
template <class Term, class T>
struct ByteKernel {
    using Row = T;
    using Lane = std::int32_t;
    using Out = std::uint32_t;
    static constexpr bool kPlain = true;
    static constexpr bool kTakesFour = true;

    const std::uint8_t* HWY_RESTRICT query;
    std::size_t dim;
    std::uint32_t correction;

    HWY_INLINE ByteKernel(const T* of, std::size_t how_many)
        : query(as_bytes(of)), dim(how_many), correction(Term::correction(of, how_many)) {}

    HWY_INLINE ByteVec query_at(std::size_t j) const {
        if constexpr (Term::kHasQuery) {
            return hn::LoadU(Bytes(), query + j);
        } else {
            return hn::Zero(Bytes());
        }
    }

    // What the sums of a row begin with.
    HWY_INLINE SumVec start() const {
#if ABI_SIMD_VNNI
        const Sums d;
        return hn::IfThenElseZero(hn::FirstN(d, 1),
                                  hn::Set(d, static_cast<std::int32_t>(correction)));
#else
        return hn::Zero(Sums());
#endif
    }

    HWY_INLINE SumVec sum(const T* HWY_RESTRICT values, std::size_t /*i*/) const {
        const std::uint8_t* HWY_RESTRICT row = as_bytes(values);
        const Bytes d;
        const std::size_t lanes = hn::Lanes(d);
        SumVec even = start();
        SumVec odd = hn::Zero(Sums());
        std::size_t j = 0;
        for (; j + 2 * lanes <= dim; j += 2 * lanes) {
            even = Term::add_term(query_at(j), hn::LoadU(d, row + j), even);
            odd = Term::add_term(query_at(j + lanes), hn::LoadU(d, row + j + lanes), odd);
        }
        if (j + lanes <= dim) {
            even = Term::add_term(query_at(j), hn::LoadU(d, row + j), even);
            j += lanes;
        }
        if (j < dim) {
            ByteVec rest = hn::Zero(d);
            if constexpr (Term::kHasQuery) {
                rest = load_byte_tail(query + j, dim - j, j);
            }
            odd = Term::add_term(rest, load_byte_tail(row + j, dim - j, j), odd);
        }
        return hn::Add(even, odd);
    }

    // One chain a row: there are four of them.
    HWY_INLINE void sum_four(const T* HWY_RESTRICT values0, const T* HWY_RESTRICT values1,
                             const T* HWY_RESTRICT values2, const T* HWY_RESTRICT values3,
                             SumVec& sum0, SumVec& sum1, SumVec& sum2, SumVec& sum3) const {
        const Bytes d;
        const std::size_t lanes = hn::Lanes(d);
        const std::uint8_t* HWY_RESTRICT row0 = as_bytes(values0);
        const std::uint8_t* HWY_RESTRICT row1 = as_bytes(values1);
        const std::uint8_t* HWY_RESTRICT row2 = as_bytes(values2);
        const std::uint8_t* HWY_RESTRICT row3 = as_bytes(values3);
        sum0 = sum1 = sum2 = sum3 = start();
        std::size_t j = 0;
        for (; j + lanes <= dim; j += lanes) {
            const ByteVec part = query_at(j);
            sum0 = Term::add_term(part, hn::LoadU(d, row0 + j), sum0);
            sum1 = Term::add_term(part, hn::LoadU(d, row1 + j), sum1);
            sum2 = Term::add_term(part, hn::LoadU(d, row2 + j), sum2);
            sum3 = Term::add_term(part, hn::LoadU(d, row3 + j), sum3);
        }
        if (j < dim) {
            const std::size_t rest = dim - j;
            ByteVec part = hn::Zero(d);
            if constexpr (Term::kHasQuery) {
                part = load_byte_tail(query + j, rest, j);
            }
            ByteVec tail0, tail1, tail2, tail3;
            load_byte_tails(row0 + j, row1 + j, row2 + j, row3 + j, rest, j, tail0, tail1, tail2,
                            tail3);
            sum0 = Term::add_term(part, tail0, sum0);
            sum1 = Term::add_term(part, tail1, sum1);
            sum2 = Term::add_term(part, tail2, sum2);
            sum3 = Term::add_term(part, tail3, sum3);
        }
    }
    HWY_INLINE std::uint32_t finish(std::int32_t total, std::size_t /*i*/) const {
        return static_cast<std::uint32_t>(total);
    }
};

template <class Term, class T, class Rows>
HWY_INLINE void sum_bytes(const T* query, const Rows& rows, std::size_t dim, std::size_t count,
                          std::uint32_t* out) {
    rows_in_fours(ByteKernel<Term, T>(query, dim), rows, count, out);
}

template <class T, class Rows>
HWY_INLINE void dots_of_query(const T* query, const Rows& rows, std::size_t dim, std::size_t count,
                              std::uint32_t* out) {
#if ABI_SIMD_NARROW_DOT
    if constexpr (std::is_signed_v<T>) {
        if (std::find(query, query + dim, T{-128}) == query + dim) {
            return sum_bytes<ByteNarrowDot, T>(query, rows, dim, count, out);
        }
    }
#endif
    sum_bytes<ByteDot<T>, T>(query, rows, dim, count, out);
}

template <class T, class Rows>
HWY_INLINE void rows_of_query(DistanceMetric metric, const T* query, const Rows& rows,
                              std::size_t dim, std::size_t count, std::uint32_t* out) {
    if (metric == DistanceMetric::kL2Squared) {
        sum_bytes<ByteSquaredDifference<T>, T>(query, rows, dim, count, out);
    } else if (metric == DistanceMetric::kDot) {
        dots_of_query<T>(query, rows, dim, count, out);
    } else {
        sum_bytes<ByteSquaredNorm<T>, T>(query, rows, dim, count, out);
    }
}

#endif  // HWY_TARGET == HWY_SCALAR

// Any job. The rows of a block are taken in chunks that stay in the first-level cache while all
// queries pass over them.
template <class T>
HWY_INLINE void run_bytes(const DistanceJob<T, T, std::uint32_t>& job) {
    if (job.indices != nullptr) {
        const RowsByIndex<T> rows(job.rows, job.stride, job.indices, job.count, job.dim);
        return rows_of_query<T>(job.metric, job.queries, rows, job.dim, job.count, job.out);
    }
    constexpr std::size_t kChunkBytes = 16 * 1024;
    const std::size_t chunk = job.query_count == 1
                                  ? job.count
                                  : std::max<std::size_t>(4, kChunkBytes / (job.dim + 1) / 4 * 4);
    for (std::size_t first = 0; first < job.count; first += chunk) {
        const std::size_t n = std::min(chunk, job.count - first);
        const RowsInOrder<T> rows{job.rows + first * job.stride, job.stride};
        for (std::size_t q = 0; q < job.query_count; ++q) {
            rows_of_query<T>(job.metric, job.queries + q * job.dim, rows, job.dim, n,
                             job.out + q * job.count + first);
        }
    }
}

void run_i8(const DistanceJob<std::int8_t, std::int8_t, std::uint32_t>& job) {
    run_bytes(job);
}

void run_u8(const DistanceJob<std::uint8_t, std::uint8_t, std::uint32_t>& job) {
    run_bytes(job);
}
