// Sums and extremes of float32 ranges for kernels of every target: many chains of additions, none
// longer than a bound, joined in double precision. Read kernels/reduce_f32.cpp and
// kernels/normalize_f32.cpp for use.
#if defined(ABI_SIMD_REDUCE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ABI_SIMD_REDUCE_INL_H_
#undef ABI_SIMD_REDUCE_INL_H_
#else
#define ABI_SIMD_REDUCE_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <limits>

#include <hwy/highway.h>

#include "transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE::math {

// Vectors that are added in float32 before lanes go on in double precision: 32 for each of eight
// chains.
inline constexpr std::size_t kSumVectors = 256;

template <class D, class V = hn::Vec<D>>
HWY_INLINE double sum_of_lanes(D d, V v) {
    HWY_ALIGN float lanes[hn::MaxLanes(d)];
    hn::Store(v, d, lanes);
    double sum = 0.0;
    for (std::size_t i = 0; i < hn::Lanes(d); ++i) {
        sum += static_cast<double>(lanes[i]);
    }
    return sum;
}

// The sum over `vectors` <= kSumVectors whole vectors of their terms, one a lane.
template <class D, class Term, class V = hn::Vec<D>>
HWY_INLINE V sum_vectors(D d, const float* x, std::size_t vectors, const Term& term) {
    const std::size_t lanes = hn::Lanes(d);
    V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    std::size_t i = 0;
    for (; i + 8 <= vectors; i += 8) {
        const float* p = x + i * lanes;
        s0 = term(d, hn::LoadU(d, p), s0);
        s1 = term(d, hn::LoadU(d, p + lanes), s1);
        s2 = term(d, hn::LoadU(d, p + 2 * lanes), s2);
        s3 = term(d, hn::LoadU(d, p + 3 * lanes), s3);
        s4 = term(d, hn::LoadU(d, p + 4 * lanes), s4);
        s5 = term(d, hn::LoadU(d, p + 5 * lanes), s5);
        s6 = term(d, hn::LoadU(d, p + 6 * lanes), s6);
        s7 = term(d, hn::LoadU(d, p + 7 * lanes), s7);
    }
    for (; i < vectors; ++i) {
        s0 = term(d, hn::LoadU(d, x + i * lanes), s0);
    }
    s0 = hn::Add(hn::Add(s0, s1), hn::Add(s2, s3));
    s4 = hn::Add(hn::Add(s4, s5), hn::Add(s6, s7));
    return hn::Add(s0, s4);
}

// The sum of a term of each value: term(d, values, sum) adds to a sum of lanes.
template <class D, class Term>
HWY_INLINE double sum_terms(D d, const float* x, std::size_t count, const Term& term) {
    const std::size_t lanes = hn::Lanes(d);
    double sum = 0.0;
    std::size_t i = 0;
    while (count - i >= lanes) {
        const std::size_t vectors = std::min((count - i) / lanes, kSumVectors);
        sum += sum_of_lanes(d, sum_vectors(d, x + i, vectors, term));
        i += vectors * lanes;
    }
    if (i < count) {
        const auto last = term(d, load_first(d, x + i, count - i), hn::Zero(d));
        sum += sum_of_lanes(d, hn::IfThenElseZero(hn::FirstN(d, count - i), last));
    }
    return sum;
}

struct PlainTerm {
    template <class D, class V>
    HWY_INLINE V operator()(D /*d*/, V x, V sum) const {
        return hn::Add(sum, x);
    }
};
struct SquareTerm {
    template <class D, class V>
    HWY_INLINE V operator()(D /*d*/, V x, V sum) const {
        return hn::MulAdd(x, x, sum);
    }
};
struct DeviationTerm {
    template <class D, class V>
    HWY_INLINE V operator()(D d, V x, V sum) const {
        return hn::Add(sum, hn::Sub(x, hn::Set(d, mean)));
    }
    float mean;
};
struct SquaredDeviationTerm {
    template <class D, class V>
    HWY_INLINE V operator()(D d, V x, V sum) const {
        const V deviation = hn::Sub(x, hn::Set(d, mean));
        return hn::MulAdd(deviation, deviation, sum);
    }
    float mean;
};

// The lesser or the greater of two.
struct Least {
    static constexpr float kNone = std::numeric_limits<float>::infinity();
    template <class V>
    static HWY_INLINE V of(V a, V b) {
        return hn::Min(a, b);
    }
    template <class D, class V>
    static HWY_INLINE float of_lanes(D d, V v) {
        return hn::GetLane(hn::MinOfLanes(d, v));
    }
};
struct Greatest {
    static constexpr float kNone = -std::numeric_limits<float>::infinity();
    template <class V>
    static HWY_INLINE V of(V a, V b) {
        return hn::Max(a, b);
    }
    template <class D, class V>
    static HWY_INLINE float of_lanes(D d, V v) {
        return hn::GetLane(hn::MaxOfLanes(d, v));
    }
};

// The sum of a term of each value added to `sum`, one a lane; at most kSumVectors vectors.
template <class D, class Term, class V = hn::Vec<D>>
HWY_INLINE V add_terms(D d, const float* x, std::size_t count, const Term& term, V sum) {
    const std::size_t vectors = count / hn::Lanes(d);
    sum = hn::Add(sum, sum_vectors(d, x, vectors, term));
    const std::size_t done = vectors * hn::Lanes(d);
    if (done < count) {
        const V last = term(d, load_first(d, x + done, count - done), hn::Zero(d));
        sum = hn::Add(sum, hn::IfThenElseZero(hn::FirstN(d, count - done), last));
    }
    return sum;
}

// The lanes of `extreme` joined with the values of the range; any of them when NaN is among them.
template <class Extreme, class D, class V = hn::Vec<D>>
HWY_INLINE V join_extreme(D d, const float* x, std::size_t count, V extreme) {
    const std::size_t lanes = hn::Lanes(d);
    const V none = hn::Set(d, Extreme::kNone);
    if (count < lanes) {
        const V values = load_first(d, x, count);
        return Extreme::of(hn::IfThenElse(hn::FirstN(d, count), values, none), extreme);
    }
    V e0 = extreme, e1 = none, e2 = none, e3 = none;
    std::size_t i = 0;
    for (; i + 4 * lanes <= count; i += 4 * lanes) {
        e0 = Extreme::of(hn::LoadU(d, x + i), e0);
        e1 = Extreme::of(hn::LoadU(d, x + i + lanes), e1);
        e2 = Extreme::of(hn::LoadU(d, x + i + 2 * lanes), e2);
        e3 = Extreme::of(hn::LoadU(d, x + i + 3 * lanes), e3);
    }
    for (; i + lanes <= count; i += lanes) {
        e0 = Extreme::of(hn::LoadU(d, x + i), e0);
    }
    // The last vector may go over values that were seen already.
    e1 = Extreme::of(hn::LoadU(d, x + count - lanes), e1);
    return Extreme::of(Extreme::of(e0, e1), Extreme::of(e2, e3));
}

// The extreme of the range, infinity for an empty one; any value when NaN is among them.
template <class Extreme, class D>
HWY_INLINE float extreme_of(D d, const float* x, std::size_t count) {
    const auto none = hn::Set(d, Extreme::kNone);
    return Extreme::of_lanes(d, join_extreme<Extreme>(d, x, count, none));
}

}  // namespace abikit::simd::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
