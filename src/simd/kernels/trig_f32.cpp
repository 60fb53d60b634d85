// Sine and cosine over arrays, once per instruction set. Read abi/simd/math.hpp for the contract.
#include <cstddef>

#include <abi/simd/math.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/trig_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#include "transform-inl.h"
#include "trig-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

struct Sine {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::sin(d, x); }
};
struct Cosine {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::cos(d, x); }
};

void sin_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Sine(), count, out, x);
}
void cos_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Cosine(), count, out, x);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(sin_all);
HWY_EXPORT(cos_all);
}  // namespace

void sin(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(sin_all)(x, count, out);
}

void cos(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(cos_all)(x, count, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
