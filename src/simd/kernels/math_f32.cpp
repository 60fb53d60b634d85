// The functions of math-inl.h over arrays, once per instruction set. Read abi/simd/math.hpp for the
// contract, trig_f32.cpp for sine and cosine.
#include <cstddef>

#include <abi/simd/math.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/math_f32.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

#include "math-inl.h"
#include "transform-inl.h"

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Vec = hn::Vec<Floats>;

struct Exp {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::exp(d, x); }
};
struct Log {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::log(d, x); }
};
struct Tanh {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::tanh(d, x); }
};
struct Sigmoid {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::sigmoid(d, x); }
};
struct Erf {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::erf(d, x); }
};
struct Gelu {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::gelu(d, x); }
};
struct GeluTanh {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::gelu_tanh(d, x); }
};
struct Silu {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::silu(d, x); }
};

void exp_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Exp(), count, out, x);
}
void log_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Log(), count, out, x);
}
void tanh_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Tanh(), count, out, x);
}
void sigmoid_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Sigmoid(), count, out, x);
}
void erf_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Erf(), count, out, x);
}
void gelu_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Gelu(), count, out, x);
}
void gelu_tanh_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), GeluTanh(), count, out, x);
}
void silu_all(const float* x, std::size_t count, float* out) {
    math::transform(Floats(), Silu(), count, out, x);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(exp_all);
HWY_EXPORT(log_all);
HWY_EXPORT(tanh_all);
HWY_EXPORT(sigmoid_all);
HWY_EXPORT(erf_all);
HWY_EXPORT(gelu_all);
HWY_EXPORT(gelu_tanh_all);
HWY_EXPORT(silu_all);
}  // namespace

void exp(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(exp_all)(x, count, out);
}

void log(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(log_all)(x, count, out);
}

void tanh(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(tanh_all)(x, count, out);
}

void sigmoid(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(sigmoid_all)(x, count, out);
}

void erf(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(erf_all)(x, count, out);
}

void gelu(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(gelu_all)(x, count, out);
}

void gelu_tanh(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(gelu_tanh_all)(x, count, out);
}

void silu(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(silu_all)(x, count, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
