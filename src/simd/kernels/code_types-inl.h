// Codes of one byte or half a byte as a vector of float32. A body without namespace and include
// guard, for inclusion inside the namespace of one target.

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

// The values from j on, as many as a vector has lanes.
HWY_INLINE Vec load_codes(const std::int8_t* codes, std::size_t j) {
    const hn::Rebind<std::int8_t, Floats> d8;
    const hn::Rebind<std::int32_t, Floats> d32;
    return hn::ConvertTo(Floats(), hn::PromoteTo(d32, hn::LoadU(d8, codes + j)));
}

// The same for pairs; j is even where a vector has more than one lane.
HWY_INLINE Vec load_codes(const Int4Pair* pairs, std::size_t j) {
    const hn::Rebind<std::int32_t, Floats> d32;
#if HWY_TARGET == HWY_SCALAR
    const int bits = pairs[j / 2].bits;
    return hn::ConvertTo(Floats(), hn::Set(d32, j % 2 == 0 ? bits & 15 : bits >> 4));
#else
    // A byte beside itself four bits higher has the first value in its lower, the second in its
    // upper half.
    const hn::Rebind<std::uint16_t, hn::Half<Floats> > d16;
    const hn::Rebind<std::uint8_t, hn::Half<Floats> > d8;
    const hn::Repartition<std::uint8_t, decltype(d16)> bytes;
    const auto wide = hn::PromoteTo(d16, hn::LoadU(d8, &pairs[j / 2].bits));
    const auto values = hn::And(hn::Or(wide, hn::ShiftLeft<4>(wide)), hn::Set(d16, 0x0F0F));
    return hn::ConvertTo(Floats(), hn::PromoteTo(d32, hn::BitCast(bytes, values)));
#endif
}

// The last `count` values, fewer than a vector, from j on; zeros behind them (but for an unused
// half of the last pair, whatever it holds).
HWY_INLINE Vec load_last_codes(const std::int8_t* codes, std::size_t j, std::size_t count) {
    HWY_ALIGN std::int8_t padded[hn::MaxLanes(Floats())] = {};
    std::copy_n(codes + j, count, padded);
    return load_codes(padded, 0);
}
HWY_INLINE Vec load_last_codes(const Int4Pair* pairs, std::size_t j, std::size_t count) {
    HWY_ALIGN Int4Pair padded[hn::MaxLanes(Floats())] = {};
    std::copy_n(pairs + j / 2, (count + 1) / 2, padded);
    return load_codes(padded, 0);
}
