// Four codes at a time against one query. A body like rows-inl.h, included right after it;
// ABI_SIMD_VNNI says whether the pass has the AVX512-VNNI instructions.

// The norm that a code carries in its last bytes.
HWY_INLINE std::uint32_t norm_at(const std::int8_t* code, std::size_t stride) {
    std::uint32_t norm;
    std::memcpy(&norm, code + stride - kWalkNormBytes, kWalkNormBytes);
    return norm;
}

#if HWY_TARGET == HWY_SCALAR

void walk(const WalkJob& job) {
    for (std::size_t i = 0; i < job.count; ++i) {
        const std::int8_t* const row = job.base + job.rows[i] * job.stride;
        std::uint32_t dot = 0;
        for (std::size_t j = 0; j < job.stride; ++j) {
            dot += static_cast<std::uint32_t>(job.query.code[j] * row[j]);
        }
        const std::uint32_t norms =
            static_cast<std::uint32_t>(job.query.norm) + norm_at(row, job.stride);
        job.out[i] = static_cast<std::int32_t>(norms - 2 * dot);
    }
}

std::int32_t sum_of_code(const std::int8_t* code, std::size_t stride) {
    std::int32_t sum = 0;
    for (std::size_t j = 0; j < stride; ++j) {
        sum += code[j];
    }
    return sum;
}

#else

#include "kernels/byte_terms-inl.h"

// Codes have no -128, except in bytes of their norm, where the query is zero.
#if ABI_SIMD_NARROW_DOT
using WalkTerm = ByteNarrowDot;
#else
using WalkTerm = ByteDot<std::int8_t>;
#endif

// The next bytes of a code that has `left` of them: whole vectors, where none is longer than the
// least code.
HWY_INLINE ByteVec load_code(const std::int8_t* at, [[maybe_unused]] std::size_t left) {
    const Bytes d;
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(at);
#if HWY_HAVE_SCALABLE
    return hn::MaskedLoad(hn::FirstN(d, left), d, bytes);
#else
    static_assert(hn::MaxLanes(d) <= kWalkAlignment);
    return hn::LoadU(d, bytes);
#endif
}

// Of all values, each moved by 128 so that it has no sign.
std::int32_t sum_of_code(const std::int8_t* code, std::size_t stride) {
    const Bytes d;
    const hn::Repartition<std::uint64_t, Bytes> wide;
    auto sums = hn::Zero(wide);
    std::size_t j = 0;
    for (; j < stride; j += hn::Lanes(d)) {
        const ByteVec moved = hn::Xor(load_code(code + j, stride - j), hn::Set(d, 0x80));
        sums = hn::Add(sums, hn::SumsOf8(moved));
    }
    const auto sum = static_cast<std::int64_t>(hn::GetLane(hn::SumOfLanes(wide, sums)));
    return static_cast<std::int32_t>(sum - 128 * static_cast<std::int64_t>(j));
}

// kStride: the stride where it is known, so that the query stays in registers; 0: job.stride.
template <std::size_t kStride>
HWY_INLINE void walk_codes(const WalkJob& job) {
    const std::size_t stride = kStride != 0 ? kStride : job.stride;
    const std::size_t lanes = hn::Lanes(Bytes());
    const std::int8_t* HWY_RESTRICT query = job.query.code;
    std::int32_t* HWY_RESTRICT out = job.out;
    std::uint32_t norm = static_cast<std::uint32_t>(job.query.norm);
#if ABI_SIMD_VNNI
    norm += 256 * static_cast<std::uint32_t>(job.query.sum);  // see ByteDot
#endif
    for (std::size_t i = 0; i < job.count; i += 4) {
        const std::size_t last = std::min<std::size_t>(3, job.count - 1 - i);
        const std::int8_t* const row0 = job.base + job.rows[i] * stride;
        const std::int8_t* const row1 =
            job.base + job.rows[i + std::min(last, std::size_t{1})] * stride;
        const std::int8_t* const row2 =
            job.base + job.rows[i + std::min(last, std::size_t{2})] * stride;
        const std::int8_t* const row3 = job.base + job.rows[i + last] * stride;
        SumVec sum0 = hn::Zero(Sums()), sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (std::size_t j = 0; j < stride; j += lanes) {
            const ByteVec part = load_code(query + j, stride - j);
            sum0 = WalkTerm::add_term(part, load_code(row0 + j, stride - j), sum0);
            sum1 = WalkTerm::add_term(part, load_code(row1 + j, stride - j), sum1);
            sum2 = WalkTerm::add_term(part, load_code(row2 + j, stride - j), sum2);
            sum3 = WalkTerm::add_term(part, load_code(row3 + j, stride - j), sum3);
        }
        std::int32_t dots[4];
        sum_lanes_of_four(Sums(), sum0, sum1, sum2, sum3, dots);
        const std::uint32_t norms[4] = {norm_at(row0, stride), norm_at(row1, stride),
                                        norm_at(row2, stride), norm_at(row3, stride)};
        for (std::size_t k = 0; k <= last; ++k) {
            out[i + k] = static_cast<std::int32_t>(norm + norms[k] -
                                                   2 * static_cast<std::uint32_t>(dots[k]));
        }
    }
}

void walk(const WalkJob& job) {
    switch (job.stride) {
        case 64:
            return walk_codes<64>(job);
        case 128:
            return walk_codes<128>(job);
        case 192:
            return walk_codes<192>(job);
        case 256:
            return walk_codes<256>(job);
        default:
            return walk_codes<0>(job);
    }
}

#endif  // HWY_TARGET == HWY_SCALAR
