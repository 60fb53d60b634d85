// Counts of bits over rows of bytes: of differences (Hamming), of the intersection with the query,
// and of the row itself. A body like rows-inl.h, included right after it; ABI_SIMD_VPOPCNT says
// whether the pass has the AVX512-VPOPCNTDQ instructions.

using BitJob = DistanceJob<std::uint8_t, std::uint8_t, std::uint32_t>;

struct BitDifference {
    static constexpr bool kHasQuery = true;
    template <class V>
    static HWY_INLINE V combine(V query, V row) {
        return query ^ row;
    }
};
struct BitIntersection {
    static constexpr bool kHasQuery = true;
    template <class V>
    static HWY_INLINE V combine(V query, V row) {
        return query & row;
    }
};
struct BitsOfRow {
    static constexpr bool kHasQuery = false;
    template <class V>
    static HWY_INLINE V combine(V /*query*/, V row) {
        return row;
    }
};

#if HWY_TARGET == HWY_SCALAR

template <class Term, class Rows>
void count_bits(const std::uint8_t* query, const Rows& rows, std::size_t bytes, std::size_t count,
                std::uint32_t* out) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint8_t* row = rows.at(i);
        std::uint32_t bits = 0;
        std::size_t j = 0;
        for (; j + 8 <= bytes; j += 8) {
            std::uint64_t a = 0;
            std::uint64_t b = 0;
            if constexpr (Term::kHasQuery) {
                std::memcpy(&a, query + j, 8);
            }
            std::memcpy(&b, row + j, 8);
            bits += static_cast<std::uint32_t>(std::popcount(Term::combine(a, b)));
        }
        for (; j < bytes; ++j) {
            const unsigned a = Term::kHasQuery ? query[j] : 0U;
            bits += static_cast<std::uint32_t>(std::popcount(Term::combine(a, unsigned{row[j]})));
        }
        out[i] = bits;
    }
}

#else

using Bytes = hn::ScalableTag<std::uint8_t>;
using ByteVec = hn::Vec<Bytes>;
using Counts = hn::Repartition<std::int32_t, Bytes>;
using CountVec = hn::Vec<Counts>;

// One query against rows, for rows_in_fours.
template <class Term>
struct BitKernel {
    using Row = std::uint8_t;
    using Lane = std::int32_t;
    using Out = std::uint32_t;
    static constexpr bool kPlain = true;
    static constexpr bool kTakesFour = true;

    const std::uint8_t* HWY_RESTRICT query;
    std::size_t bytes;

    HWY_INLINE ByteVec query_at(std::size_t j) const {
        if constexpr (Term::kHasQuery) {
            return hn::LoadU(Bytes(), query + j);
        } else {
            return hn::Zero(Bytes());
        }
    }
    HWY_INLINE ByteVec combined(const std::uint8_t* HWY_RESTRICT row, std::size_t j) const {
        return combine(query_at(j), hn::LoadU(Bytes(), row + j));
    }
    static HWY_INLINE ByteVec combine(ByteVec a, ByteVec b) {
        if constexpr (std::is_same_v<Term, BitDifference>) {
            return hn::Xor(a, b);
        } else if constexpr (std::is_same_v<Term, BitIntersection>) {
            return hn::And(a, b);
        } else {
            return b;
        }
    }
    // Adds the bits of one vector.
    static HWY_INLINE CountVec add_bits(ByteVec v, CountVec counts) {
#if ABI_SIMD_VPOPCNT
        return hn::Add(counts, CountVec{_mm512_popcnt_epi32(v.raw)});
#else
        return hn::Add(counts, hn::BitCast(Counts(), hn::SumsOf8(hn::PopulationCount(v))));
#endif
    }
    // The bits of four vectors of a row: at most 32 a byte, so that bytes are widened once.
    static HWY_INLINE CountVec bits_of_four(ByteVec query0, ByteVec query1, ByteVec query2,
                                            ByteVec query3, const std::uint8_t* HWY_RESTRICT row) {
        const Bytes d;
        const std::size_t lanes = hn::Lanes(d);
        const ByteVec a = hn::PopulationCount(combine(query0, hn::LoadU(d, row)));
        const ByteVec b = hn::PopulationCount(combine(query1, hn::LoadU(d, row + lanes)));
        const ByteVec c = hn::PopulationCount(combine(query2, hn::LoadU(d, row + 2 * lanes)));
        const ByteVec e = hn::PopulationCount(combine(query3, hn::LoadU(d, row + 3 * lanes)));
        const ByteVec bits = hn::Add(hn::Add(a, b), hn::Add(c, e));
        return hn::BitCast(Counts(), hn::SumsOf8(bits));
    }
    // The rest of a row, shorter than a vector, in a vector of its own.
    HWY_INLINE ByteVec tail(const std::uint8_t* HWY_RESTRICT row, std::size_t j) const {
        const Bytes d;
        const std::size_t rest = bytes - j;
#if HWY_MEM_OPS_MIGHT_FAULT
        const std::size_t lanes = hn::Lanes(d);
        if (j != 0) {
            // The vector that ends with the row, without what was counted already.
            return hn::IfThenZeroElse(hn::FirstN(d, lanes - rest), combined(row, bytes - lanes));
        }
        HWY_ALIGN std::uint8_t padded[hn::MaxLanes(d)] = {};
        HWY_ALIGN std::uint8_t padded_query[hn::MaxLanes(d)] = {};
        std::copy_n(row, rest, padded);
        if constexpr (Term::kHasQuery) {
            std::copy_n(query, rest, padded_query);
        }
        return combine(hn::Load(d, padded_query), hn::Load(d, padded));
#else
        const auto mask = hn::FirstN(d, rest);
        ByteVec other = hn::Zero(d);
        if constexpr (Term::kHasQuery) {
            other = hn::MaskedLoad(mask, d, query + j);
        }
        return combine(other, hn::MaskedLoad(mask, d, row + j));
#endif
    }

    HWY_INLINE CountVec sum(const std::uint8_t* HWY_RESTRICT row, std::size_t /*i*/) const {
        const std::size_t lanes = hn::Lanes(Bytes());
        CountVec counts = hn::Zero(Counts());
        std::size_t j = 0;
#if ABI_SIMD_VPOPCNT
        CountVec odd = hn::Zero(Counts());
        for (; j + 2 * lanes <= bytes; j += 2 * lanes) {
            counts = add_bits(combined(row, j), counts);
            odd = add_bits(combined(row, j + lanes), odd);
        }
        counts = hn::Add(counts, odd);
#else
        for (; j + 4 * lanes <= bytes; j += 4 * lanes) {
            counts = hn::Add(counts,
                             bits_of_four(query_at(j), query_at(j + lanes), query_at(j + 2 * lanes),
                                          query_at(j + 3 * lanes), row + j));
        }
#endif
        for (; j + lanes <= bytes; j += lanes) {
            counts = add_bits(combined(row, j), counts);
        }
        return j < bytes ? add_bits(tail(row, j), counts) : counts;
    }

    HWY_INLINE void sum_four(const std::uint8_t* HWY_RESTRICT row0,
                             const std::uint8_t* HWY_RESTRICT row1,
                             const std::uint8_t* HWY_RESTRICT row2,
                             const std::uint8_t* HWY_RESTRICT row3, CountVec& sum0, CountVec& sum1,
                             CountVec& sum2, CountVec& sum3) const {
        const Bytes d;
        const std::size_t lanes = hn::Lanes(d);
        sum0 = sum1 = sum2 = sum3 = hn::Zero(Counts());
        std::size_t j = 0;
#if !ABI_SIMD_VPOPCNT
        for (; j + 4 * lanes <= bytes; j += 4 * lanes) {
            const ByteVec a = query_at(j);
            const ByteVec b = query_at(j + lanes);
            const ByteVec c = query_at(j + 2 * lanes);
            const ByteVec e = query_at(j + 3 * lanes);
            sum0 = hn::Add(sum0, bits_of_four(a, b, c, e, row0 + j));
            sum1 = hn::Add(sum1, bits_of_four(a, b, c, e, row1 + j));
            sum2 = hn::Add(sum2, bits_of_four(a, b, c, e, row2 + j));
            sum3 = hn::Add(sum3, bits_of_four(a, b, c, e, row3 + j));
        }
#endif
        for (; j + lanes <= bytes; j += lanes) {
            const ByteVec part = query_at(j);
            sum0 = add_bits(combine(part, hn::LoadU(d, row0 + j)), sum0);
            sum1 = add_bits(combine(part, hn::LoadU(d, row1 + j)), sum1);
            sum2 = add_bits(combine(part, hn::LoadU(d, row2 + j)), sum2);
            sum3 = add_bits(combine(part, hn::LoadU(d, row3 + j)), sum3);
        }
        if (j < bytes) {
            sum0 = add_bits(tail(row0, j), sum0);
            sum1 = add_bits(tail(row1, j), sum1);
            sum2 = add_bits(tail(row2, j), sum2);
            sum3 = add_bits(tail(row3, j), sum3);
        }
    }
    HWY_INLINE std::uint32_t finish(std::int32_t total, std::size_t /*i*/) const {
        return static_cast<std::uint32_t>(total);
    }
};

#if !ABI_SIMD_VPOPCNT
// Rows of exactly four vectors, 1024 bits where these have 256: without loops and ends, everything
// stays in registers.
template <class Term>
struct FourVectorKernel : BitKernel<Term> {
    HWY_INLINE CountVec bits_of(const std::uint8_t* HWY_RESTRICT row) const {
        const std::size_t lanes = hn::Lanes(Bytes());
        return this->bits_of_four(this->query_at(0), this->query_at(lanes),
                                  this->query_at(2 * lanes), this->query_at(3 * lanes), row);
    }
    HWY_INLINE CountVec sum(const std::uint8_t* HWY_RESTRICT row, std::size_t /*i*/) const {
        return bits_of(row);
    }
    HWY_INLINE void sum_four(const std::uint8_t* HWY_RESTRICT row0,
                             const std::uint8_t* HWY_RESTRICT row1,
                             const std::uint8_t* HWY_RESTRICT row2,
                             const std::uint8_t* HWY_RESTRICT row3, CountVec& sum0, CountVec& sum1,
                             CountVec& sum2, CountVec& sum3) const {
        sum0 = bits_of(row0);
        sum1 = bits_of(row1);
        sum2 = bits_of(row2);
        sum3 = bits_of(row3);
    }
};

template <class Term, class Rows>
HWY_NOINLINE void count_four_vectors(const std::uint8_t* query, const Rows& rows, std::size_t bytes,
                                     std::size_t count, std::uint32_t* out) {
    rows_in_fours(FourVectorKernel<Term>{{query, bytes}}, rows, count, out);
}
#endif

template <class Term, class Rows>
HWY_NOINLINE void count_bits(const std::uint8_t* query, const Rows& rows, std::size_t bytes,
                             std::size_t count, std::uint32_t* out) {
#if !ABI_SIMD_VPOPCNT
    if (bytes == 4 * hn::Lanes(Bytes())) {
        return count_four_vectors<Term>(query, rows, bytes, count, out);
    }
#endif
    rows_in_fours(BitKernel<Term>{query, bytes}, rows, count, out);
}

#endif  // HWY_TARGET == HWY_SCALAR

template <class Rows>
void bits_of_query(DistanceMetric metric, const std::uint8_t* query, const Rows& rows,
                   std::size_t bytes, std::size_t count, std::uint32_t* out) {
    if (metric == DistanceMetric::kHamming) {
        count_bits<BitDifference>(query, rows, bytes, count, out);
    } else if (metric == DistanceMetric::kDot) {
        count_bits<BitIntersection>(query, rows, bytes, count, out);
    } else {
        count_bits<BitsOfRow>(query, rows, bytes, count, out);
    }
}

// Any job; kDot counts the intersection, kSquaredNorm the row. The rows of a block are taken in
// chunks that stay in the first-level cache while all queries pass over them.
void run_bits(const BitJob& job) {
    if (job.indices != nullptr) {
        const RowsByIndex<std::uint8_t> rows(job.rows, job.stride, job.indices, job.count, job.dim);
        return bits_of_query(job.metric, job.queries, rows, job.dim, job.count, job.out);
    }
    constexpr std::size_t kChunkBytes = 16 * 1024;
    const std::size_t chunk = job.query_count == 1
                                  ? job.count
                                  : std::max<std::size_t>(4, kChunkBytes / (job.dim + 1) / 4 * 4);
    for (std::size_t first = 0; first < job.count; first += chunk) {
        const std::size_t n = std::min(chunk, job.count - first);
        const RowsInOrder<std::uint8_t> rows{job.rows + first * job.stride, job.stride};
        for (std::size_t q = 0; q < job.query_count; ++q) {
            bits_of_query(job.metric, job.queries + q * job.dim, rows, job.dim, n,
                          job.out + q * job.count + first);
        }
    }
}
