// Arithmetic on float32 arrays, once per instruction set. Read abi/simd/elementwise.hpp for the
// contract, transform-inl.h for the loop.
#include <cstddef>

#include <abi/core/error.hpp>
#include <abi/simd/elementwise.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise_f32.cpp"
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

struct Sum {
    HWY_INLINE Vec operator()(Floats /*d*/, Vec a, Vec b) const { return hn::Add(a, b); }
};
struct Difference {
    HWY_INLINE Vec operator()(Floats /*d*/, Vec a, Vec b) const { return hn::Sub(a, b); }
};
struct Product {
    HWY_INLINE Vec operator()(Floats /*d*/, Vec a, Vec b) const { return hn::Mul(a, b); }
};
struct ProductSum {
    HWY_INLINE Vec operator()(Floats /*d*/, Vec a, Vec b, Vec c) const {
        return hn::MulAdd(a, b, c);
    }
};
// Scalars are kept as floats: vectors of SVE cannot be members.
struct Multiple {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return hn::Mul(hn::Set(d, factor), x); }
    float factor;
};
struct Clamped {
    HWY_INLINE Vec operator()(Floats d, Vec x) const {
        return math::max_or_nan(d, math::min_or_nan(d, x, high), low);
    }
    float low;
    float high;
};
struct MultipleSum {
    HWY_INLINE Vec operator()(Floats d, Vec x, Vec y) const {
        return hn::MulAdd(hn::Set(d, alpha), x, y);
    }
    float alpha;
};

void add_all(const float* a, const float* b, std::size_t count, float* out) {
    math::transform(Floats(), Sum(), count, out, a, b);
}
void subtract_all(const float* a, const float* b, std::size_t count, float* out) {
    math::transform(Floats(), Difference(), count, out, a, b);
}
void multiply_all(const float* a, const float* b, std::size_t count, float* out) {
    math::transform(Floats(), Product(), count, out, a, b);
}
void multiply_add_all(const float* a, const float* b, const float* c, std::size_t count,
                      float* out) {
    math::transform(Floats(), ProductSum(), count, out, a, b, c);
}
void scale_all(const float* x, float factor, std::size_t count, float* out) {
    math::transform(Floats(), Multiple{factor}, count, out, x);
}
void clamp_all(const float* x, float low, float high, std::size_t count, float* out) {
    math::transform(Floats(), Clamped{low, high}, count, out, x);
}
void axpy_all(float alpha, const float* x, std::size_t count, float* y) {
    math::transform(Floats(), MultipleSum{alpha}, count, y, x, y);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(add_all);
HWY_EXPORT(subtract_all);
HWY_EXPORT(multiply_all);
HWY_EXPORT(multiply_add_all);
HWY_EXPORT(scale_all);
HWY_EXPORT(clamp_all);
HWY_EXPORT(axpy_all);
}  // namespace

void add(const float* a, const float* b, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(add_all)(a, b, count, out);
}

void subtract(const float* a, const float* b, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(subtract_all)(a, b, count, out);
}

void multiply(const float* a, const float* b, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_all)(a, b, count, out);
}

void multiply_add(const float* a, const float* b, const float* c, std::size_t count,
                  float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(multiply_add_all)(a, b, c, count, out);
}

void scale(const float* x, float factor, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(scale_all)(x, factor, count, out);
}

void clamp(const float* x, float low, float high, std::size_t count, float* out) noexcept {
    ABI_ASSERT(low <= high);
    HWY_DYNAMIC_DISPATCH(clamp_all)(x, low, high, count, out);
}

void axpy(float alpha, const float* x, std::size_t count, float* y) noexcept {
    HWY_DYNAMIC_DISPATCH(axpy_all)(alpha, x, count, y);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
