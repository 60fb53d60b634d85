// Sums over rows of float32, binary16 and bfloat16 against float32 queries. Every entry point goes
// through a row in one order (segments of eight vectors, in turn to two sums; of the rest the last
// whole vector to the first sum, the tail to the second; one reduction), so that single-query,
// gathered and block results agree bit for bit on a target. A body like rows-inl.h, included right
// after it; half_types-inl.h turns 16-bit values into float32.

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// One term of the sum for each lane. A metric is all that differs between the entry points.
struct Dot {
    static constexpr bool kHasQuery = true;
    static HWY_INLINE Vec add_term(Vec query, Vec row, Vec sum) {
        return hn::MulAdd(query, row, sum);
    }
};
struct SquaredDifference {
    static constexpr bool kHasQuery = true;
    static HWY_INLINE Vec add_term(Vec query, Vec row, Vec sum) {
        const Vec difference = hn::Sub(query, row);
        return hn::MulAdd(difference, difference, sum);
    }
};
struct SquaredNorm {
    static constexpr bool kHasQuery = false;
    static HWY_INLINE Vec add_term(Vec /*query*/, Vec row, Vec sum) {
        return hn::MulAdd(row, row, sum);
    }
};

// The last `count` (fewer than a vector) values at p, other lanes zero, reading nothing outside
// [p - whole, p + count). Where a masked load may fault, the vector that ends at the same place is
// read instead; the lanes differ, but they are the same for the query and every row of a dimension.
template <class T>
HWY_INLINE Vec load_tail(const T* p, std::size_t count, std::size_t whole) {
    const Floats d;
#if HWY_MEM_OPS_MIGHT_FAULT
    if (whole != 0) {
        const std::size_t surplus = hn::Lanes(d) - count;
        return hn::IfThenZeroElse(hn::FirstN(d, surplus), load_values(d, p - surplus));
    }
    HWY_ALIGN T padded[hn::MaxLanes(d)] = {};
    std::copy_n(p, count, padded);
    return load_values(d, padded);
#else
    static_cast<void>(whole);
    return load_some(d, p, count);
#endif
}

// Vectors of a row that are summed by themselves before their sum joins the total: chains of
// additions stay short, so that the next segment starts before this one is through. 8 of them
// unrolled also suit the prefetchers, which tell streams apart by instruction.
constexpr std::size_t kSegment = 8;

// The query at p, or nothing for a metric without one.
template <class Term>
HWY_INLINE Vec load_query(const float* p) {
    if constexpr (Term::kHasQuery) {
        return hn::LoadU(Floats(), p);
    } else {
        static_cast<void>(p);
        return hn::Zero(Floats());
    }
}

// Adds the next two vectors of a row to its two sums.
template <class Term, class T>
HWY_INLINE void add_two(Vec query0, Vec query1, const T* HWY_RESTRICT row, Vec& even, Vec& odd) {
    const Floats d;
    even = Term::add_term(query0, load_values(d, row), even);
    odd = Term::add_term(query1, load_values(d, row + hn::Lanes(d)), odd);
}

// Adds what is left from value j on, less than two vectors, and joins the two sums.
template <class Term, class T>
HWY_INLINE Vec finish_row(const float* HWY_RESTRICT query, const T* HWY_RESTRICT row, std::size_t j,
                          std::size_t dim, Vec even, Vec odd) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    if (j + lanes <= dim) {
        even = Term::add_term(load_query<Term>(query + j), load_values(d, row + j), even);
        j += lanes;
    }
    if (j < dim) {
        const std::size_t rest = dim - j;
        if constexpr (Term::kHasQuery) {
            odd = Term::add_term(load_tail(query + j, rest, j), load_tail(row + j, rest, j), odd);
        } else {
            odd = Term::add_term(hn::Zero(d), load_tail(row + j, rest, j), odd);
        }
    }
    return hn::Add(even, odd);
}

// One query against rows, for rows_in_fours. The sums of a row are read from front to back.
template <class Term, class T>
struct FloatKernel {
    using Row = T;
    using Lane = float;
    using Out = float;
    static constexpr bool kPlain = true;
    static constexpr bool kTakesFour = true;

    const float* HWY_RESTRICT query;
    std::size_t dim;

    HWY_INLINE Vec sum(const T* HWY_RESTRICT row, std::size_t /*i*/) const {
        const Floats d;
        const std::size_t lanes = hn::Lanes(d);
        Vec total = hn::Zero(d);
        std::size_t j = 0;
        for (; j + kSegment * lanes <= dim; j += kSegment * lanes) {
            Vec even = hn::Zero(d);
            Vec odd = hn::Zero(d);
            HWY_UNROLL(8)
            for (std::size_t k = 0; k < kSegment; k += 2) {
                const std::size_t at = j + k * lanes;
                add_two<Term>(load_query<Term>(query + at), load_query<Term>(query + at + lanes),
                              row + at, even, odd);
            }
            total = hn::Add(total, hn::Add(even, odd));
        }
        Vec even = hn::Zero(d);
        Vec odd = hn::Zero(d);
        for (; j + 2 * lanes <= dim; j += 2 * lanes) {
            add_two<Term>(load_query<Term>(query + j), load_query<Term>(query + j + lanes), row + j,
                          even, odd);
        }
        even = hn::Add(total, even);
        return finish_row<Term>(query, row, j, dim, even, odd);
    }

    // Adds 2 * kPairs vectors from value j on to the two sums of each of four rows.
    template <std::size_t kPairs>
    HWY_INLINE void add_to_four(const T* HWY_RESTRICT r0, const T* HWY_RESTRICT r1,
                                const T* HWY_RESTRICT r2, const T* HWY_RESTRICT r3, std::size_t j,
                                Vec& even0, Vec& even1, Vec& even2, Vec& even3, Vec& odd0,
                                Vec& odd1, Vec& odd2, Vec& odd3) const {
        const std::size_t lanes = hn::Lanes(Floats());
        HWY_UNROLL(4)
        for (std::size_t pair = 0; pair < kPairs; ++pair) {
            const Vec query0 = load_query<Term>(query + j);
            const Vec query1 = load_query<Term>(query + j + lanes);
            add_two<Term>(query0, query1, r0 + j, even0, odd0);
            add_two<Term>(query0, query1, r1 + j, even1, odd1);
            add_two<Term>(query0, query1, r2 + j, even2, odd2);
            add_two<Term>(query0, query1, r3 + j, even3, odd3);
            j += 2 * lanes;
        }
    }

    HWY_INLINE void sum_four(const T* HWY_RESTRICT r0, const T* HWY_RESTRICT r1,
                             const T* HWY_RESTRICT r2, const T* HWY_RESTRICT r3, Vec& sum0,
                             Vec& sum1, Vec& sum2, Vec& sum3) const {
        const Floats d;
        const std::size_t lanes = hn::Lanes(d);
        const Vec zero = hn::Zero(d);
        Vec even0, even1, even2, even3, odd0, odd1, odd2, odd3;
        sum0 = sum1 = sum2 = sum3 = zero;
        std::size_t j = 0;
        for (; j + kSegment * lanes <= dim; j += kSegment * lanes) {
            even0 = even1 = even2 = even3 = odd0 = odd1 = odd2 = odd3 = zero;
            add_to_four<kSegment / 2>(r0, r1, r2, r3, j, even0, even1, even2, even3, odd0, odd1,
                                      odd2, odd3);
            sum0 = hn::Add(sum0, hn::Add(even0, odd0));
            sum1 = hn::Add(sum1, hn::Add(even1, odd1));
            sum2 = hn::Add(sum2, hn::Add(even2, odd2));
            sum3 = hn::Add(sum3, hn::Add(even3, odd3));
        }
        even0 = even1 = even2 = even3 = odd0 = odd1 = odd2 = odd3 = zero;
        for (; j + 2 * lanes <= dim; j += 2 * lanes) {
            add_to_four<1>(r0, r1, r2, r3, j, even0, even1, even2, even3, odd0, odd1, odd2, odd3);
        }
        sum0 = finish_row<Term>(query, r0, j, dim, hn::Add(sum0, even0), odd0);
        sum1 = finish_row<Term>(query, r1, j, dim, hn::Add(sum1, even1), odd1);
        sum2 = finish_row<Term>(query, r2, j, dim, hn::Add(sum2, even2), odd2);
        sum3 = finish_row<Term>(query, r3, j, dim, hn::Add(sum3, even3), odd3);
    }
    HWY_INLINE float finish(float total, std::size_t /*i*/) const { return total; }
};

// One vector of cosine distances; 1 where the product of the norms is zero.
HWY_INLINE Vec cosines(Vec dots, Vec norms) {
    const Vec one = hn::Set(Floats(), 1.0F);
    return hn::IfThenElse(hn::Eq(norms, hn::Zero(Floats())), one,
                          hn::Sub(one, hn::Div(dots, norms)));
}

// out[i] = 1 - out[i] / (query_norm * norms[i]).
HWY_INLINE void dots_to_cosines(float query_norm, const float* HWY_RESTRICT norms,
                                std::size_t count, float* HWY_RESTRICT out) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const Vec factor = hn::Set(d, query_norm);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        const Vec products = hn::Mul(factor, hn::LoadU(d, norms + i));
        hn::StoreU(cosines(hn::LoadU(d, out + i), products), d, out + i);
    }
    if (i < count) {
        HWY_ALIGN float padded_norms[hn::MaxLanes(d)] = {};
        HWY_ALIGN float padded[hn::MaxLanes(d)] = {};
        std::copy_n(norms + i, count - i, padded_norms);
        std::copy_n(out + i, count - i, padded);
        const Vec products = hn::Mul(factor, hn::Load(d, padded_norms));
        hn::Store(cosines(hn::Load(d, padded), products), d, padded);
        std::copy_n(padded, count - i, out + i);
    }
}

// Kept apart: in one function with its callers, compilers run out of registers.
template <class Term, class T, class Rows>
HWY_NOINLINE void sum_rows(const float* query, const Rows& rows, std::size_t dim, std::size_t count,
                           float* out) {
    rows_in_fours(FloatKernel<Term, T>{query, dim}, rows, count, out);
}

// Euclidean norms of rows.
template <class T, class Rows>
void norms_of(const Rows& rows, std::size_t dim, std::size_t count, float* out) {
    // The query is never used; nothing stands in for it.
    sum_rows<SquaredNorm, T>(nullptr, rows, dim, count, out);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = std::sqrt(out[i]);
    }
}

HWY_INLINE float norm_of(const float* query, std::size_t dim) {
    float norm = 0.0F;
    norms_of<float>(RowsInOrder<float>{query, dim}, dim, 1, &norm);
    return norm;
}

// Dot products, then norms, over chunks that stay in the first-level cache.
template <class T, class Rows>
void cosine_rows_of(const float* query, const Rows& rows, std::size_t dim, std::size_t count,
                    float* out) {
    constexpr std::size_t kMostRows = 64;
    constexpr std::size_t kChunkValues = 16 * 1024 / sizeof(T);
    const std::size_t chunk =
        std::clamp<std::size_t>(kChunkValues / (dim + 1) / 4 * 4, 4, kMostRows);
    const float query_norm = norm_of(query, dim);
    float norms[kMostRows];
    for (std::size_t first = 0; first < count; first += chunk) {
        const std::size_t n = std::min(chunk, count - first);
        sum_rows<Dot, T>(query, rows.part(first, n), dim, n, out + first);
        norms_of<T>(rows.part(first, n), dim, n, norms);
        dots_to_cosines(query_norm, norms, n, out + first);
    }
}

// One query against `count` rows.
template <class T, class Rows>
void rows_of_query(DistanceMetric metric, const float* query, const Rows& rows, std::size_t dim,
                   std::size_t count, float* out) {
    switch (metric) {
        case DistanceMetric::kL2Squared:
            return sum_rows<SquaredDifference, T>(query, rows, dim, count, out);
        case DistanceMetric::kDot:
            return sum_rows<Dot, T>(query, rows, dim, count, out);
        case DistanceMetric::kSquaredNorm:
            return sum_rows<SquaredNorm, T>(nullptr, rows, dim, count, out);
        default:
            return cosine_rows_of<T>(query, rows, dim, count, out);
    }
}

// A job of one query: in order or by index.
template <class T>
void run_single(const DistanceJob<float, T, float>& job) {
    if (job.indices == nullptr) {
        rows_of_query<T>(job.metric, job.queries, RowsInOrder<T>{job.rows, job.stride}, job.dim,
                         job.count, job.out);
    } else {
        rows_of_query<T>(job.metric, job.queries,
                         RowsByIndex<T>(job.rows, job.stride, job.indices, job.count, job.dim),
                         job.dim, job.count, job.out);
    }
}
