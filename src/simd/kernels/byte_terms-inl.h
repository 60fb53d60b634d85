// What a pair of int8 or uint8 vectors adds to a sum, for byte_rows-inl.h and distance_walk.cpp. A
// body like rows-inl.h, included after `namespace hn` is declared; not for SCALAR. ABI_SIMD_VNNI
// says whether the pass has the AVX512-VNNI instructions; ABI_SIMD_NARROW_DOT, undefined before,
// says afterwards whether there is ByteNarrowDot.

using Bytes = hn::ScalableTag<std::uint8_t>;
using ByteVec = hn::Vec<Bytes>;
using Sums = hn::Repartition<std::int32_t, Bytes>;
using SumVec = hn::Vec<Sums>;
using Shorts = hn::Repartition<std::int16_t, Bytes>;
using ShortVec = hn::Vec<Shorts>;

// sum + a * b over pairs of 16-bit lanes.
HWY_INLINE SumVec add_pairs(ShortVec a, ShortVec b, SumVec sum) {
#if ABI_SIMD_VNNI
    return SumVec{_mm512_dpwssd_epi32(sum.raw, a.raw, b.raw)};
#else
    SumVec other = hn::Zero(Sums());
    sum = hn::ReorderWidenMulAccumulate(Sums(), a, b, sum, other);
    return hn::Add(sum, other);
#endif
}

// Squares of unsigned bytes.
HWY_INLINE SumVec add_squares(ByteVec v, SumVec sum) {
#if HWY_TARGET == HWY_NEON
    const uint16x8_t low = vmull_u8(vget_low_u8(v.raw), vget_low_u8(v.raw));
    const uint16x8_t high = vmull_high_u8(v.raw, v.raw);
    const uint32x4_t sum0 = vpadalq_u16(vreinterpretq_u32_s32(sum.raw), low);
    return SumVec(vreinterpretq_s32_u32(vpadalq_u16(sum0, high)));
#else
    const Bytes d;
    const ByteVec zero = hn::Zero(d);
    const ShortVec low = hn::BitCast(Shorts(), hn::InterleaveLower(d, v, zero));
    const ShortVec high = hn::BitCast(Shorts(), hn::InterleaveUpper(d, v, zero));
    return add_pairs(high, high, add_pairs(low, low, sum));
#endif
}

// |a - b| of values of T, which fits a byte without sign.
template <class T>
HWY_INLINE ByteVec distance_of(ByteVec a, ByteVec b) {
    const hn::Repartition<T, Bytes> d;
    const auto x = hn::BitCast(d, a);
    const auto y = hn::BitCast(d, b);
    const Bytes bytes;
    return hn::Sub(hn::BitCast(bytes, hn::Max(x, y)), hn::BitCast(bytes, hn::Min(x, y)));
}

// The values at even and odd places, widened: cheaper than in order, and order does not matter.
template <class T>
HWY_INLINE ShortVec even_values(ByteVec v) {
    if constexpr (std::is_signed_v<T>) {
        return hn::ShiftRight<8>(hn::ShiftLeft<8>(hn::BitCast(Shorts(), v)));
    } else {
        return hn::And(hn::BitCast(Shorts(), v), hn::Set(Shorts(), 0x00FF));
    }
}
template <class T>
HWY_INLINE ShortVec odd_values(ByteVec v) {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int16_t, std::uint16_t>;
    const hn::Repartition<Wide, Bytes> d;
    return hn::BitCast(Shorts(), hn::ShiftRight<8>(hn::BitCast(d, v)));
}

template <class T>
struct ByteSquaredDifference {
    static constexpr bool kHasQuery = true;
    static HWY_INLINE SumVec add_term(ByteVec query, ByteVec row, SumVec sum) {
        return add_squares(distance_of<T>(query, row), sum);
    }
    static std::uint32_t correction(const T* /*query*/, std::size_t /*dim*/) { return 0; }
};

template <class T>
struct ByteSquaredNorm {
    static constexpr bool kHasQuery = false;
    static HWY_INLINE SumVec add_term(ByteVec query, ByteVec row, SumVec sum) {
        return add_squares(distance_of<T>(query, row), sum);  // the query is zero
    }
    static std::uint32_t correction(const T* /*query*/, std::size_t /*dim*/) { return 0; }
};

// Products with any values.
template <class T>
struct ByteDot {
    static constexpr bool kHasQuery = true;
    static HWY_INLINE SumVec add_term(ByteVec query, ByteVec row, SumVec sum) {
#if ABI_SIMD_VNNI
        // The instruction multiplies bytes without sign by bytes with sign. Flipping the top bit of
        // a row's values moves them by 128 from one kind to the other, which adds the same multiple
        // of the query's sum to each row.
        const ByteVec flipped = hn::Xor(row, hn::Set(Bytes(), 0x80));
        if constexpr (std::is_signed_v<T>) {
            return SumVec{_mm512_dpbusd_epi32(sum.raw, flipped.raw, query.raw)};
        } else {
            return SumVec{_mm512_dpbusd_epi32(sum.raw, query.raw, flipped.raw)};
        }
#elif HWY_TARGET == HWY_NEON
        if constexpr (std::is_signed_v<T>) {
            const int8x16_t a = vreinterpretq_s8_u8(query.raw);
            const int8x16_t b = vreinterpretq_s8_u8(row.raw);
            const int32x4_t low = vpadalq_s16(sum.raw, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
            return SumVec(vpadalq_s16(low, vmull_high_s8(a, b)));
        } else {
            const uint16x8_t low = vmull_u8(vget_low_u8(query.raw), vget_low_u8(row.raw));
            const uint32x4_t sum0 = vpadalq_u16(vreinterpretq_u32_s32(sum.raw), low);
            const uint16x8_t high = vmull_high_u8(query.raw, row.raw);
            return SumVec(vreinterpretq_s32_u32(vpadalq_u16(sum0, high)));
        }
#else
        sum = add_pairs(even_values<T>(query), even_values<T>(row), sum);
        return add_pairs(odd_values<T>(query), odd_values<T>(row), sum);
#endif
    }
    static std::uint32_t correction([[maybe_unused]] const T* query,
                                    [[maybe_unused]] std::size_t dim) {
#if ABI_SIMD_VNNI
        std::uint32_t sum = 0;
        for (std::size_t j = 0; j < dim; ++j) {
            sum += static_cast<std::uint32_t>(static_cast<std::int32_t>(query[j]));
        }
        return std::is_signed_v<T> ? std::uint32_t{0} - 128 * sum : 128 * sum;
#else
        return 0;
#endif
    }
};

// Where the processor multiplies bytes but not by VNNI, products of a query without -128 go through
// 16 bits: |row| <= 128 times query <= 127 in magnitude, two of them, is at most 32,512.
#if HWY_ARCH_X86 && !ABI_SIMD_VNNI && !HWY_CAP_GE512
#define ABI_SIMD_NARROW_DOT 1
struct ByteNarrowDot {
    static constexpr bool kHasQuery = true;
    static HWY_INLINE SumVec add_term(ByteVec query, ByteVec row, SumVec sum) {
#if HWY_CAP_GE256
        const __m256i pairs =
            _mm256_maddubs_epi16(_mm256_abs_epi8(row.raw), _mm256_sign_epi8(query.raw, row.raw));
        const ShortVec products{pairs};
#else
        const __m128i pairs =
            _mm_maddubs_epi16(_mm_abs_epi8(row.raw), _mm_sign_epi8(query.raw, row.raw));
        const ShortVec products{pairs};
#endif
        return add_pairs(products, hn::Set(Shorts(), 1), sum);
    }
    static std::uint32_t correction(const std::int8_t* /*query*/, std::size_t /*dim*/) {
        return 0;
    }
};
#else
#define ABI_SIMD_NARROW_DOT 0
#endif
