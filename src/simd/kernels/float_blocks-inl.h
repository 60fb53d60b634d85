// Blocks of float32 queries x rows of float32, binary16 or bfloat16: tiles that share loads, in
// chunks that stay in the first-level cache. A body like float_rows-inl.h, included right after it;
// each result equals that of a single query bit for bit.

// Two queries against two rows that are in the first-level cache: a load for each multiply-add and
// eight chains, which fit sixteen registers. Writes out[0], out[1] and out[stride], out[stride +
// 1].
template <class Term>
HWY_INLINE void two_by_two(const float* HWY_RESTRICT queries, const float* HWY_RESTRICT rows,
                           std::size_t dim, float* HWY_RESTRICT out, std::size_t stride) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    const float* HWY_RESTRICT qa = queries;
    const float* HWY_RESTRICT qb = queries + dim;
    const float* HWY_RESTRICT r0 = rows;
    const float* HWY_RESTRICT r1 = rows + dim;
    const Vec zero = hn::Zero(d);
    Vec even_a0, even_a1, even_b0, even_b1, odd_a0, odd_a1, odd_b0, odd_b1;
    Vec total_a0 = zero, total_a1 = zero, total_b0 = zero, total_b1 = zero;
    std::size_t j = 0;
    for (;;) {
        const std::size_t end = std::min(j + kSegment * lanes, dim);
        const bool whole = j + kSegment * lanes <= dim;
        even_a0 = even_a1 = even_b0 = even_b1 = odd_a0 = odd_a1 = odd_b0 = odd_b1 = zero;
        for (; j + 2 * lanes <= end; j += 2 * lanes) {
            const Vec a0 = hn::LoadU(d, qa + j);
            const Vec a1 = hn::LoadU(d, qa + j + lanes);
            const Vec b0 = hn::LoadU(d, qb + j);
            const Vec b1 = hn::LoadU(d, qb + j + lanes);
            add_two<Term>(a0, a1, r0 + j, even_a0, odd_a0);
            add_two<Term>(b0, b1, r0 + j, even_b0, odd_b0);
            add_two<Term>(a0, a1, r1 + j, even_a1, odd_a1);
            add_two<Term>(b0, b1, r1 + j, even_b1, odd_b1);
        }
        if (!whole) {
            break;
        }
        total_a0 = hn::Add(total_a0, hn::Add(even_a0, odd_a0));
        total_a1 = hn::Add(total_a1, hn::Add(even_a1, odd_a1));
        total_b0 = hn::Add(total_b0, hn::Add(even_b0, odd_b0));
        total_b1 = hn::Add(total_b1, hn::Add(even_b1, odd_b1));
    }
    float sums[4];
    sum_lanes_of_four(d, finish_row<Term>(qa, r0, j, dim, hn::Add(total_a0, even_a0), odd_a0),
                      finish_row<Term>(qa, r1, j, dim, hn::Add(total_a1, even_a1), odd_a1),
                      finish_row<Term>(qb, r0, j, dim, hn::Add(total_b0, even_b0), odd_b0),
                      finish_row<Term>(qb, r1, j, dim, hn::Add(total_b1, even_b1), odd_b1), sums);
    out[0] = sums[0];
    out[1] = sums[1];
    out[stride] = sums[2];
    out[stride + 1] = sums[3];
}

#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
// Two queries against four rows: three loads for four multiply-adds, in thirty-two registers.
template <class Term>
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
    Vec even_a0, even_a1, even_a2, even_a3, odd_a0, odd_a1, odd_a2, odd_a3;
    Vec even_b0, even_b1, even_b2, even_b3, odd_b0, odd_b1, odd_b2, odd_b3;
    Vec total_a0 = zero, total_a1 = zero, total_a2 = zero, total_a3 = zero;
    Vec total_b0 = zero, total_b1 = zero, total_b2 = zero, total_b3 = zero;
    std::size_t j = 0;
    for (;;) {
        const std::size_t end = std::min(j + kSegment * lanes, dim);
        const bool whole = j + kSegment * lanes <= dim;
        even_a0 = even_a1 = even_a2 = even_a3 = even_b0 = even_b1 = even_b2 = even_b3 = odd_a0 =
            odd_a1 = odd_a2 = odd_a3 = odd_b0 = odd_b1 = odd_b2 = odd_b3 = zero;
        for (; j + 2 * lanes <= end; j += 2 * lanes) {
            const Vec a0 = hn::LoadU(d, qa + j);
            const Vec a1 = hn::LoadU(d, qa + j + lanes);
            const Vec b0 = hn::LoadU(d, qb + j);
            const Vec b1 = hn::LoadU(d, qb + j + lanes);
            add_two<Term>(a0, a1, r0 + j, even_a0, odd_a0);
            add_two<Term>(b0, b1, r0 + j, even_b0, odd_b0);
            add_two<Term>(a0, a1, r1 + j, even_a1, odd_a1);
            add_two<Term>(b0, b1, r1 + j, even_b1, odd_b1);
            add_two<Term>(a0, a1, r2 + j, even_a2, odd_a2);
            add_two<Term>(b0, b1, r2 + j, even_b2, odd_b2);
            add_two<Term>(a0, a1, r3 + j, even_a3, odd_a3);
            add_two<Term>(b0, b1, r3 + j, even_b3, odd_b3);
        }
        if (!whole) {
            break;
        }
        total_a0 = hn::Add(total_a0, hn::Add(even_a0, odd_a0));
        total_a1 = hn::Add(total_a1, hn::Add(even_a1, odd_a1));
        total_a2 = hn::Add(total_a2, hn::Add(even_a2, odd_a2));
        total_a3 = hn::Add(total_a3, hn::Add(even_a3, odd_a3));
        total_b0 = hn::Add(total_b0, hn::Add(even_b0, odd_b0));
        total_b1 = hn::Add(total_b1, hn::Add(even_b1, odd_b1));
        total_b2 = hn::Add(total_b2, hn::Add(even_b2, odd_b2));
        total_b3 = hn::Add(total_b3, hn::Add(even_b3, odd_b3));
    }
    sum_lanes_of_four(d, finish_row<Term>(qa, r0, j, dim, hn::Add(total_a0, even_a0), odd_a0),
                      finish_row<Term>(qa, r1, j, dim, hn::Add(total_a1, even_a1), odd_a1),
                      finish_row<Term>(qa, r2, j, dim, hn::Add(total_a2, even_a2), odd_a2),
                      finish_row<Term>(qa, r3, j, dim, hn::Add(total_a3, even_a3), odd_a3), out);
    sum_lanes_of_four(d, finish_row<Term>(qb, r0, j, dim, hn::Add(total_b0, even_b0), odd_b0),
                      finish_row<Term>(qb, r1, j, dim, hn::Add(total_b1, even_b1), odd_b1),
                      finish_row<Term>(qb, r2, j, dim, hn::Add(total_b2, even_b2), odd_b2),
                      finish_row<Term>(qb, r3, j, dim, hn::Add(total_b3, even_b3), odd_b3),
                      out + stride);
}
#endif

// `n` rows that stay in the first-level cache while all queries pass over them. Row q of the
// results stands at out + q * out_stride.
template <class Term>
HWY_NOINLINE void tiles_of_queries(const float* HWY_RESTRICT queries, std::size_t query_count,
                                   const float* HWY_RESTRICT rows, std::size_t dim, std::size_t n,
                                   float* HWY_RESTRICT out, std::size_t out_stride) {
    std::size_t q = 0;
    for (; q + 2 <= query_count; q += 2) {
        const float* HWY_RESTRICT pair = queries + q * dim;
        float* HWY_RESTRICT pair_out = out + q * out_stride;
        std::size_t i = 0;
#if HWY_CAP_GE512 || HWY_ARCH_ARM_A64
        for (; i + 4 <= n; i += 4) {
            two_by_four<Term>(pair, rows + i * dim, dim, pair_out + i, out_stride);
        }
#endif
        for (; i + 2 <= n; i += 2) {
            two_by_two<Term>(pair, rows + i * dim, dim, pair_out + i, out_stride);
        }
        if (n % 2 != 0) {
            const RowsInOrder<float> last{rows + (n - 1) * dim, dim};
            sum_rows<Term, float>(pair, last, dim, 1, pair_out + n - 1);
            sum_rows<Term, float>(pair + dim, last, dim, 1, pair_out + out_stride + n - 1);
        }
    }
    if (q < query_count) {
        sum_rows<Term, float>(queries + q * dim, RowsInOrder<float>{rows, dim}, dim, n,
                              out + q * out_stride);
    }
}

constexpr std::size_t kChunkFloats = 16 * 1024 / sizeof(float);

// The rows as float32: themselves, or converted into `room`, which has kChunkFloats.
HWY_INLINE const float* as_floats(const float* rows, std::size_t /*count*/, float* /*room*/) {
    return rows;
}
template <class T>
HWY_INLINE const float* as_floats(const T* rows, std::size_t count, float* room) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        hn::StoreU(load_values(d, rows + i), d, room + i);
    }
    if (i < count) {
        HWY_ALIGN T padded[hn::MaxLanes(d)] = {};
        HWY_ALIGN float converted[hn::MaxLanes(d)];
        std::copy_n(rows + i, count - i, padded);
        hn::Store(load_values(d, padded), d, converted);
        std::copy_n(converted, count - i, room + i);
    }
    return room;
}

// Blocks of queries x rows. 16-bit rows are converted once for all queries, chunk by chunk; a row
// that is too long for that goes through the queries one by one, with the same results.
template <class Term, class T>
HWY_NOINLINE void rows_of_queries(const DistanceJob<float, T, float>& job, std::size_t begin,
                                  std::size_t end) {
    const std::size_t dim = job.dim;
    if (!std::is_same_v<T, float> && dim > kChunkFloats) {
        for (std::size_t q = 0; q < job.query_count; ++q) {
            sum_rows<Term, T>(job.queries + q * dim, RowsInOrder<T>{job.rows + begin * dim, dim},
                              dim, end - begin, job.out + q * job.count + begin);
        }
        return;
    }
    HWY_ALIGN float room[std::is_same_v<T, float> ? 1 : kChunkFloats];
    const std::size_t fitting = kChunkFloats / std::max<std::size_t>(1, dim);
    const std::size_t chunk =
        std::max<std::size_t>(fitting < 4 && sizeof(room) > 4 ? 1 : 4, fitting / 4 * 4);
    for (std::size_t first = begin; first < end; first += chunk) {
        const std::size_t n = std::min(chunk, end - first);
        const float* rows = as_floats(job.rows + first * dim, n * dim, room);
        tiles_of_queries<Term>(job.queries, job.query_count, rows, dim, n, job.out + first,
                               job.count);
    }
}

template <class T>
HWY_NOINLINE void cosine_block_of(const DistanceJob<float, T, float>& job) {
    constexpr std::size_t kRows = 256;
    float norms[kRows];
    for (std::size_t first = 0; first < job.count; first += kRows) {
        const std::size_t n = std::min(kRows, job.count - first);
        rows_of_queries<Dot>(job, first, first + n);
        const RowsInOrder<T> rows{job.rows + first * job.dim, job.dim};
        norms_of<T>(rows, job.dim, n, norms);
        for (std::size_t q = 0; q < job.query_count; ++q) {
            dots_to_cosines(norm_of(job.queries + q * job.dim, job.dim), norms, n,
                            job.out + q * job.count + first);
        }
    }
}

// Any job over rows of T.
template <class T>
HWY_NOINLINE void run_job(const DistanceJob<float, T, float>& job) {
    if (job.query_count == 1) {
        run_single(job);
    } else if (job.metric == DistanceMetric::kL2Squared) {
        rows_of_queries<SquaredDifference>(job, 0, job.count);
    } else if (job.metric == DistanceMetric::kDot) {
        rows_of_queries<Dot>(job, 0, job.count);
    } else {
        cosine_block_of(job);
    }
}
