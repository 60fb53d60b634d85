// Counting into bins of equal width, once per instruction set: bin numbers by vectors, counts one
// by one. Read abi/simd/histogram.hpp for the contract.
#include <cstddef>
#include <cstdint>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/histogram_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#include "histogram.hpp"
#include "transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Integers = hn::RebindToSigned<Floats>;
using Vec = hn::Vec<Floats>;

// The bin of each lane; bins, bins + 1 and bins + 2 stand for below, above and NaN. All are small
// enough to be floats.
HWY_INLINE hn::Vec<Integers> bins_of(Vec x, const HistogramBins& bins) {
    const Floats d;
    const Vec low = hn::Set(d, bins.low);
    const float count = static_cast<float>(bins.count);
    Vec bin = hn::Mul(hn::Sub(x, low), hn::Set(d, bins.per_unit));
    bin = hn::Min(bin, hn::Set(d, count - 1.0F));
    bin = hn::IfThenElse(hn::Lt(x, low), hn::Set(d, count), bin);
    bin = hn::IfThenElse(hn::Ge(x, hn::Set(d, bins.high)), hn::Set(d, count + 1.0F), bin);
    bin = hn::IfThenElse(hn::Eq(x, x), bin, hn::Set(d, count + 2.0F));
    return hn::ConvertTo(Integers(), bin);
}

void bins_all(const float* x, std::size_t count, const HistogramBins& bins, std::int32_t* out) {
    const Floats d;
    const Integers di;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        hn::StoreU(bins_of(hn::LoadU(d, x + i), bins), di, out + i);
    }
    if (i < count) {
        math::store_first(bins_of(math::load_first(d, x + i, count - i), bins), di, out + i,
                          count - i);
    }
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(bins_all);
}  // namespace

void histogram_bins(const float* x, std::size_t count, const HistogramBins& bins,
                    std::int32_t* out) noexcept {
    HWY_DYNAMIC_DISPATCH(bins_all)(x, count, bins, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
