// Going through rows, whatever they hold: in order or by index, four at a time so that they share
// one reduction. A body without namespace and include guard, for inclusion inside the namespace of
// one target; highway.h, <algorithm> and distance_job.hpp come first. float_rows-inl.h and
// byte_rows-inl.h say what is summed.
//
// A kernel passed to `rows_in_fours` has
//     Row, Lane, Out        element types of a row, of the sums and of the result
//     sum(row, i)           the sums of row i, one a lane
//     kTakesFour            whether there is
//     sum_four(rows, sums)  the sums of four rows, bit for bit those of sum()
//     finish(total, i)      the result of row i from the total of its lanes
//     kPlain                finish() changes nothing

namespace hn = hwy::HWY_NAMESPACE;

// Rows one behind the other.
template <class T>
struct RowsInOrder {
    using Row = T;
    static constexpr bool kOrdered = true;
    const T* HWY_RESTRICT rows;
    std::size_t stride;
    HWY_INLINE const T* at(std::size_t i) const { return rows + i * stride; }
    // The rows from `first` on, `part_count` of them.
    HWY_INLINE RowsInOrder part(std::size_t first, std::size_t /*part_count*/) const {
        return {rows + first * stride, stride};
    }
    HWY_INLINE void start() const {}
    HWY_INLINE void fetch_ahead_of(std::size_t /*i*/) const {}
};

// Rows that lie anywhere. Memory answers after about a hundred rows of arithmetic, so the rows that
// come next are asked for while this one is summed: about kAheadBytes of them, at least one row.
template <class T>
struct RowsByIndex {
    using Row = T;
    static constexpr bool kOrdered = false;
    const T* HWY_RESTRICT base;
    std::size_t stride;
    const std::uint32_t* HWY_RESTRICT indices;
    std::size_t count;
    std::size_t row_bytes;
    std::size_t ahead;

    static constexpr std::size_t kLineBytes = 64;
    static constexpr std::size_t kAheadBytes = 4096;
    static constexpr std::size_t kMostAhead = 16;
    static constexpr std::size_t kMostBytes = 4096;  // of one row; prefetchers go on from there

    HWY_INLINE RowsByIndex(const T* from, std::size_t row_stride, const std::uint32_t* which,
                           std::size_t how_many, std::size_t dim)
        : base(from),
          stride(row_stride),
          indices(which),
          count(how_many),
          row_bytes(dim * sizeof(T)),
          ahead(std::clamp<std::size_t>(kAheadBytes / (row_bytes + 1), 1, kMostAhead)) {}

    HWY_INLINE const T* at(std::size_t i) const { return base + indices[i] * stride; }
    HWY_INLINE RowsByIndex part(std::size_t first, std::size_t part_count) const {
        RowsByIndex rows = *this;
        rows.indices += first;
        rows.count = part_count;
        return rows;
    }
    HWY_INLINE void fetch(std::size_t i) const {
        const char* row = reinterpret_cast<const char*>(at(i));
        const std::size_t bytes = std::min(row_bytes, kMostBytes);
        for (std::size_t offset = 0; offset < bytes; offset += kLineBytes) {
            hwy::Prefetch(row + offset);
        }
    }
    HWY_INLINE void start() const {
        for (std::size_t i = 0; i < std::min(ahead, count); ++i) {
            fetch(i);
        }
    }
    HWY_INLINE void fetch_ahead_of(std::size_t i) const {
        if (i + ahead < count) {
            fetch(i + ahead);
        }
    }
};

#if !HWY_HAVE_SCALABLE && HWY_TARGET != HWY_SCALAR
// Adds the 128-bit blocks of a vector.
template <class D>
HWY_INLINE auto fold(D d, hn::Vec<D> v) {
    if constexpr (hn::MaxLanes(d) * sizeof(hn::TFromD<D>) > 16) {
        const hn::Half<D> half;
        return fold(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
    } else {
        return v;
    }
}
#endif

// out[0..4) = the sums of the lanes of a, b, c and e, which are 32 bits wide. Each result has the
// same order of additions, wherever it stands, so that a lone row may be summed beside zeros.
template <class D>
HWY_INLINE void sum_lanes_of_four(D d, hn::Vec<D> a, hn::Vec<D> b, hn::Vec<D> c, hn::Vec<D> e,
                                  hn::TFromD<D>* HWY_RESTRICT out) {
#if HWY_HAVE_SCALABLE || HWY_TARGET == HWY_SCALAR
    out[0] = hn::GetLane(hn::SumOfLanes(d, a));
    out[1] = hn::GetLane(hn::SumOfLanes(d, b));
    out[2] = hn::GetLane(hn::SumOfLanes(d, c));
    out[3] = hn::GetLane(hn::SumOfLanes(d, e));
#else
    // A transposition that adds on its way: each block becomes one partial sum of each input.
    const hn::RepartitionToWide<D> pairs;
    const hn::Vec<D> ab = hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
    const hn::Vec<D> ce = hn::Add(hn::InterleaveLower(d, c, e), hn::InterleaveUpper(d, c, e));
    const auto ab2 = hn::BitCast(pairs, ab);
    const auto ce2 = hn::BitCast(pairs, ce);
    const hn::Vec<D> low = hn::BitCast(d, hn::InterleaveLower(pairs, ab2, ce2));
    const hn::Vec<D> high = hn::BitCast(d, hn::InterleaveUpper(pairs, ab2, ce2));
    hn::StoreU(fold(d, hn::Add(low, high)), hn::CappedTag<hn::TFromD<D>, 4>(), out);
#endif
}

// Four rows from four distant places are taken together from this many bytes each: below it, the
// prefetchers of the processor are slower to follow than a single stream of reads is.
constexpr std::size_t kStreamBytes = 32 * 1024;

// How far apart, in rows, the four stand; 0 where rows go one after the other.
template <class Rows>
HWY_INLINE std::size_t rows_apart(const Rows& rows, std::size_t count) {
    constexpr std::size_t kPageBytes = 4096;
    if constexpr (Rows::kOrdered) {
        const std::size_t row_bytes = rows.stride * sizeof(typename Rows::Row);
        const std::size_t apart = count / 4;
        if (apart * row_bytes < kStreamBytes) {
            return 0;
        }
        // At equal places in their pages the four would contend for the same sets of a cache.
        const bool aliased = apart * row_bytes % kPageBytes == 0 && row_bytes % kPageBytes != 0;
        return aliased ? apart - 1 : apart;
    } else {
        return 0;
    }
}

// Writes out[0], out[apart], ... for the rows i, i + apart, ... of the sums given.
template <class Kernel, class V>
HWY_INLINE void finish_four(const Kernel& kernel, V sum0, V sum1, V sum2, V sum3, std::size_t i,
                            std::size_t apart, typename Kernel::Out* HWY_RESTRICT out) {
    using Lane = typename Kernel::Lane;
    const hn::ScalableTag<Lane> d;
    if constexpr (Kernel::kPlain) {
        if (apart == 1) {
            // Results differ from sums in their sign at most.
            return sum_lanes_of_four(d, sum0, sum1, sum2, sum3, reinterpret_cast<Lane*>(out + i));
        }
    }
    Lane totals[4];
    sum_lanes_of_four(d, sum0, sum1, sum2, sum3, totals);
    for (std::size_t k = 0; k < 4; ++k) {
        out[i + k * apart] = kernel.finish(totals[k], i + k * apart);
    }
}

// Row i and those `apart`, 2 * apart and 3 * apart behind it.
template <class Rows, class Kernel>
HWY_INLINE void four_rows(const Kernel& kernel, const Rows& rows, std::size_t i, std::size_t apart,
                          typename Kernel::Out* HWY_RESTRICT out) {
    using Lane = typename Kernel::Lane;
    hn::Vec<hn::ScalableTag<Lane>> sum0, sum1, sum2, sum3;
    kernel.sum_four(rows.at(i), rows.at(i + apart), rows.at(i + 2 * apart), rows.at(i + 3 * apart),
                    sum0, sum1, sum2, sum3);
    finish_four(kernel, sum0, sum1, sum2, sum3, i, apart, out);
}

// Long batches in four streams, which are ahead of one, in memory and in the second-level cache;
// also a part of the query that is loaded once serves four rows. Other batches, and kernels without
// sum_four, go one row after the other, so that memory is read strictly in order: hardware
// prefetchers then keep up as with a plain read, while four neighbouring rows at once took more
// than twice as long. Chains of short rows overlap out of order; only the sums across lanes wait
// for four rows.
template <class Rows, class Kernel>
HWY_INLINE void rows_in_fours(const Kernel& kernel, const Rows& rows, std::size_t count,
                              typename Kernel::Out* HWY_RESTRICT out) {
    using Lane = typename Kernel::Lane;
    const hn::ScalableTag<Lane> d;
    rows.start();
    std::size_t i = 0;
    if constexpr (Kernel::kTakesFour) {
        const std::size_t apart = rows_apart(rows, count);
        for (std::size_t k = 0; k < apart; ++k) {
            four_rows(kernel, rows, k, apart, out);
        }
        i = 4 * apart;
        for (; apart != 0 && i + 4 <= count; i += 4) {
            four_rows(kernel, rows, i, 1, out);
        }
    }
    for (; i + 4 <= count; i += 4) {
        rows.fetch_ahead_of(i);
        const auto sum0 = kernel.sum(rows.at(i), i);
        rows.fetch_ahead_of(i + 1);
        const auto sum1 = kernel.sum(rows.at(i + 1), i + 1);
        rows.fetch_ahead_of(i + 2);
        const auto sum2 = kernel.sum(rows.at(i + 2), i + 2);
        rows.fetch_ahead_of(i + 3);
        const auto sum3 = kernel.sum(rows.at(i + 3), i + 3);
        finish_four(kernel, sum0, sum1, sum2, sum3, i, 1, out);
    }
    for (; i < count; ++i) {
        const auto zero = hn::Zero(d);
        Lane totals[4];
        sum_lanes_of_four(d, kernel.sum(rows.at(i), i), zero, zero, zero, totals);
        out[i] = kernel.finish(totals[0], i);
    }
}
