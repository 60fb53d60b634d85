// float32 to 16-bit types and back, once per instruction set. Read abi/simd/convert.hpp for the
// contract, half_types-inl.h for a vector's conversion.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <abi/core/error.hpp>
#include <abi/simd/convert.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/convert.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
#include "kernels/half_types-inl.h"

using Floats = hn::ScalableTag<float>;
using Narrow = hn::Rebind<std::uint16_t, Floats>;

HWY_INLINE void store_values(hn::Vec<Floats> v, float* out) {
    hn::StoreU(v, Floats(), out);
}
HWY_INLINE void store_values(hn::Vec<Floats> v, Half* out) {
    hn::StoreU(demote_to_halves(Floats(), v), Narrow(), &out->bits);
}
HWY_INLINE void store_values(hn::Vec<Floats> v, BFloat16* out) {
    hn::StoreU(demote_to_bfloats(Floats(), v), Narrow(), &out->bits);
}

template <class From, class To>
HWY_INLINE void convert(const From* HWY_RESTRICT values, std::size_t count, To* HWY_RESTRICT out) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        store_values(load_values(d, values + i), out + i);
    }
    if (i < count) {
        HWY_ALIGN From padded[hn::MaxLanes(d)] = {};
        HWY_ALIGN To converted[hn::MaxLanes(d)];
        std::copy_n(values + i, count - i, padded);
        store_values(load_values(d, padded), converted);
        std::copy_n(converted, count - i, out + i);
    }
}

void float_to_half(const float* values, std::size_t count, Half* out) {
    convert(values, count, out);
}
void float_to_bfloat(const float* values, std::size_t count, BFloat16* out) {
    convert(values, count, out);
}
void half_to_float(const Half* values, std::size_t count, float* out) {
    convert(values, count, out);
}
void bfloat_to_float(const BFloat16* values, std::size_t count, float* out) {
    convert(values, count, out);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(float_to_half);
HWY_EXPORT(float_to_bfloat);
HWY_EXPORT(half_to_float);
HWY_EXPORT(bfloat_to_float);
}  // namespace

void to_half(const float* values, std::size_t count, Half* out) noexcept {
    ABI_ASSERT(count == 0 || (values != nullptr && out != nullptr));
    HWY_DYNAMIC_DISPATCH(float_to_half)(values, count, out);
}

void to_bfloat16(const float* values, std::size_t count, BFloat16* out) noexcept {
    ABI_ASSERT(count == 0 || (values != nullptr && out != nullptr));
    HWY_DYNAMIC_DISPATCH(float_to_bfloat)(values, count, out);
}

void to_float(const Half* values, std::size_t count, float* out) noexcept {
    ABI_ASSERT(count == 0 || (values != nullptr && out != nullptr));
    HWY_DYNAMIC_DISPATCH(half_to_float)(values, count, out);
}

void to_float(const BFloat16* values, std::size_t count, float* out) noexcept {
    ABI_ASSERT(count == 0 || (values != nullptr && out != nullptr));
    HWY_DYNAMIC_DISPATCH(bfloat_to_float)(values, count, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
