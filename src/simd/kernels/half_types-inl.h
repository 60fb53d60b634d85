// binary16 and bfloat16 to float32 and back, a vector at a time, with the same bits on every
// target: by instruction where the target has one that rounds as IEEE 754 says and keeps denormals,
// else by integer arithmetic. NaN comes out quiet with its upper payload bits. A body without
// namespace and include guard, for inclusion inside the namespace of one target.

namespace hn = hwy::HWY_NAMESPACE;

#undef ABI_SIMD_HALF_INSTRUCTIONS
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || HWY_TARGET == HWY_NEON
#define ABI_SIMD_HALF_INSTRUCTIONS 1
#else
#define ABI_SIMD_HALF_INSTRUCTIONS 0
#endif

// The bits of a vector of 16-bit values that has as many lanes as D has floats.
template <class D>
using BitsOf = hn::Vec<hn::Rebind<std::uint16_t, D>>;

template <class D>
HWY_INLINE hn::Vec<D> promote_halves(D d, BitsOf<D> bits) {
#if ABI_SIMD_HALF_INSTRUCTIONS
    return hn::PromoteTo(d, hn::BitCast(hn::Rebind<hwy::float16_t, D>(), bits));
#else
    const hn::RebindToSigned<D> di;
    const auto word = hn::BitCast(di, hn::PromoteTo(hn::RebindToUnsigned<D>(), bits));
    const auto sign = hn::ShiftLeft<16>(hn::And(word, hn::Set(di, 0x8000)));
    const auto shifted = hn::ShiftLeft<13>(hn::And(word, hn::Set(di, 0x7FFF)));
    // As float32 bits, `shifted` is the value times 2^-112, for denormals as well.
    const auto kExponentBias = hn::BitCast(d, hn::Set(di, 0x77800000));
    auto magnitude = hn::BitCast(di, hn::Mul(hn::BitCast(d, shifted), kExponentBias));
    const auto infinity = hn::Set(di, 0x0F800000);
    const auto not_finite = hn::VecFromMask(di, hn::Gt(shifted, hn::Set(di, 0x0F7FFFFF)));
    magnitude = hn::Or(magnitude, hn::And(not_finite, hn::Set(di, 0x7F800000)));
    const auto is_nan = hn::VecFromMask(di, hn::Gt(shifted, infinity));
    magnitude = hn::Or(magnitude, hn::And(is_nan, hn::Set(di, 0x00400000)));
    return hn::BitCast(d, hn::Or(magnitude, sign));
#endif
}

template <class D>
HWY_INLINE hn::Vec<D> promote_bfloats(D d, BitsOf<D> bits) {
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(hn::RebindToUnsigned<D>(), bits)));
}

// Rounds to nearest, ties to even.
template <class D>
HWY_INLINE BitsOf<D> demote_to_halves(D d, hn::Vec<D> values) {
    const hn::Rebind<std::uint16_t, D> d16;
#if ABI_SIMD_HALF_INSTRUCTIONS
    static_cast<void>(d);
    return hn::BitCast(d16, hn::DemoteTo(hn::Rebind<hwy::float16_t, D>(), values));
#else
    const hn::RebindToSigned<D> di;
    const auto word = hn::BitCast(di, values);
    const auto magnitude = hn::And(word, hn::Set(di, 0x7FFFFFFF));
    const auto sign = hn::And(hn::ShiftRight<16>(word), hn::Set(di, 0x8000));
    // Normal results: half a unit less one, plus the last bit kept, then the shift cuts.
    const auto last_bit = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 1));
    const auto rounded = hn::Add(hn::Add(magnitude, hn::Set(di, 0x0FFF - 0x38000000)), last_bit);
    auto result = hn::Min(hn::ShiftRight<13>(rounded), hn::Set(di, 0x7C00));
    // Denormal results: beside a half, the unit in the last place is theirs, and the adder rounds.
    const auto half = hn::Set(d, 0.5F);
    const auto small =
        hn::Sub(hn::BitCast(di, hn::Add(hn::BitCast(d, magnitude), half)), hn::BitCast(di, half));
    result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, 0x38800000)), small, result);
    const auto payload = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 0x03FF));
    result = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7F800000)),
                            hn::Or(payload, hn::Set(di, 0x7E00)), result);
    return hn::DemoteTo(d16, hn::Or(result, sign));
#endif
}

// Rounds to nearest, ties to even. Not by the instructions of AVX512-BF16 and its like: they take
// denormals for zero.
template <class D>
HWY_INLINE BitsOf<D> demote_to_bfloats(D d, hn::Vec<D> values) {
    const hn::RebindToUnsigned<D> du;
    const hn::RebindToSigned<D> di;
    const auto word = hn::BitCast(du, values);
    const auto last_bit = hn::And(hn::ShiftRight<16>(word), hn::Set(du, 1U));
    const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(word, hn::Set(du, 0x7FFFU)), last_bit));
    const auto quiet = hn::Or(hn::ShiftRight<16>(word), hn::Set(du, 0x0040U));
    const auto is_nan =
        hn::Gt(hn::And(hn::BitCast(di, word), hn::Set(di, 0x7FFFFFFF)), hn::Set(di, 0x7F800000));
    const auto result = hn::IfThenElse(is_nan, hn::BitCast(di, quiet), hn::BitCast(di, rounded));
    static_cast<void>(d);
    return hn::DemoteTo(hn::Rebind<std::uint16_t, D>(), result);
}

template <class D>
HWY_INLINE hn::Vec<D> load_values(D d, const float* p) {
    return hn::LoadU(d, p);
}
template <class D>
HWY_INLINE hn::Vec<D> load_values(D d, const Half* p) {
    return promote_halves(d, hn::LoadU(hn::Rebind<std::uint16_t, D>(), &p->bits));
}
template <class D>
HWY_INLINE hn::Vec<D> load_values(D d, const BFloat16* p) {
    return promote_bfloats(d, hn::LoadU(hn::Rebind<std::uint16_t, D>(), &p->bits));
}

#if !HWY_MEM_OPS_MIGHT_FAULT
// The first `count` values, zeros behind them.
template <class D>
HWY_INLINE hn::Vec<D> load_some(D d, const float* p, std::size_t count) {
    return hn::MaskedLoad(hn::FirstN(d, count), d, p);
}
template <class D>
HWY_INLINE hn::Vec<D> load_some(D d, const Half* p, std::size_t count) {
    const hn::Rebind<std::uint16_t, D> d16;
    return promote_halves(d, hn::MaskedLoad(hn::FirstN(d16, count), d16, &p->bits));
}
template <class D>
HWY_INLINE hn::Vec<D> load_some(D d, const BFloat16* p, std::size_t count) {
    const hn::Rebind<std::uint16_t, D> d16;
    return promote_bfloats(d, hn::MaskedLoad(hn::FirstN(d16, count), d16, &p->bits));
}
#endif
