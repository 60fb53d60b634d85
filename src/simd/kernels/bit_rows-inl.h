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
    static constexpr bool kPlain = false;

    const std::uint8_t* HWY_RESTRICT query;
    std::size_t bytes;

    HWY_INLINE ByteVec combined(const std::uint8_t* HWY_RESTRICT row, std::size_t j) const {
        ByteVec other = hn::Zero(Bytes());
        if constexpr (Term::kHasQuery) {
            other = hn::LoadU(Bytes(), query + j);
        }
        return combine(other, hn::LoadU(Bytes(), row + j));
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
        // Four vectors have at most 32 bits a byte, so that bytes are widened once for them.
        for (; j + 4 * lanes <= bytes; j += 4 * lanes) {
            const ByteVec a = hn::PopulationCount(combined(row, j));
            const ByteVec b = hn::PopulationCount(combined(row, j + lanes));
            const ByteVec c = hn::PopulationCount(combined(row, j + 2 * lanes));
            const ByteVec e = hn::PopulationCount(combined(row, j + 3 * lanes));
            const ByteVec bits = hn::Add(hn::Add(a, b), hn::Add(c, e));
            counts = hn::Add(counts, hn::BitCast(Counts(), hn::SumsOf8(bits)));
        }
#endif
        for (; j + lanes <= bytes; j += lanes) {
            counts = add_bits(combined(row, j), counts);
        }
        return j < bytes ? add_bits(tail(row, j), counts) : counts;
    }
    HWY_INLINE std::uint32_t finish(std::int32_t total, std::size_t /*i*/) const {
        return static_cast<std::uint32_t>(total);
    }
};

template <class Term, class Rows>
HWY_NOINLINE void count_bits(const std::uint8_t* query, const Rows& rows, std::size_t bytes,
                             std::size_t count, std::uint32_t* out) {
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
