// Bias and activation of a rectangle of C, once per instruction set. Read math-inl.h for the
// functions.
#include <cstddef>

#include "epilogue.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/epilogue_f32.cpp"
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

// Each is a type, so that every row loop is compiled for its function.
struct Identity {
    HWY_INLINE Vec operator()(Floats, Vec x) const { return x; }
};
struct Relu {
    // Written so that NaN stays.
    HWY_INLINE Vec operator()(Floats d, Vec x) const {
        return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
    }
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
struct Sigmoid {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::sigmoid(d, x); }
};
struct Tanh {
    HWY_INLINE Vec operator()(Floats d, Vec x) const { return math::tanh(d, x); }
};

// The function of a sum.
template <class Function>
struct OfSum {
    HWY_INLINE Vec operator()(Floats d, Vec x, Vec bias) const {
        return Function()(d, hn::Add(x, bias));
    }
};

template <class Function>
void apply_to_rows(const Epilogue& e, Function function) {
    for (std::size_t r = 0; r < e.rows; ++r) {
        float* row = e.c + r * e.ldc;
        if (e.bias != nullptr) {
            math::transform(Floats(), OfSum<Function>(), e.columns, row, row, e.bias);
        } else {
            math::transform(Floats(), function, e.columns, row, row);
        }
    }
}

void apply_epilogue(const Epilogue& e) {
    switch (e.activation) {
        case Activation::kNone:
            return e.bias != nullptr ? apply_to_rows(e, Identity()) : void();
        case Activation::kRelu:
            return apply_to_rows(e, Relu());
        case Activation::kGelu:
            return apply_to_rows(e, Gelu());
        case Activation::kGeluTanh:
            return apply_to_rows(e, GeluTanh());
        case Activation::kSilu:
            return apply_to_rows(e, Silu());
        case Activation::kSigmoid:
            return apply_to_rows(e, Sigmoid());
        case Activation::kTanh:
            return apply_to_rows(e, Tanh());
    }
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(apply_epilogue);
}  // namespace

void apply(const Epilogue& epilogue) noexcept {
    HWY_DYNAMIC_DISPATCH(apply_epilogue)(epilogue);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
