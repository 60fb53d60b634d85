// Loops over float32 arrays for element-wise kernels: whole vectors, then a tail that neither reads
// nor writes beyond the arrays. Outputs may be the very inputs. Read kernels/elementwise_f32.cpp
// for use.
#if defined(ABI_SIMD_TRANSFORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ABI_SIMD_TRANSFORM_INL_H_
#undef ABI_SIMD_TRANSFORM_INL_H_
#else
#define ABI_SIMD_TRANSFORM_INL_H_
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE::math {
namespace hn = hwy::HWY_NAMESPACE;

// The first `count` lanes at p, fewer than a vector, others zero.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE hn::Vec<D> load_first(D d, const T* p, std::size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
    // Masked loads may touch the lanes they leave out, and the vector that ends here may already
    // be overwritten, so the values are copied.
    HWY_ALIGN T padded[hn::MaxLanes(d)] = {};
    std::memcpy(padded, p, count * sizeof(T));
    return hn::Load(d, padded);
#else
    return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
}

// The first `count` lanes of v to p, fewer than a vector.
template <class D, class T = hn::TFromD<D>>
HWY_INLINE void store_first(hn::Vec<D> v, D d, T* p, std::size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
    HWY_ALIGN T padded[hn::MaxLanes(d)];
    hn::Store(v, d, padded);
    std::memcpy(p, padded, count * sizeof(T));
#else
    hn::BlendedStore(v, hn::FirstN(d, count), d, p);
#endif
}

// out[i] = op(d, in[i]...) for one or more inputs. Two vectors a round, so that the latency of one
// hides behind the other.
template <class D, class Op, class... Inputs>
HWY_INLINE void transform(D d, const Op& op, std::size_t count, float* out, const Inputs*... in) {
    const std::size_t lanes = hn::Lanes(d);
    std::size_t i = 0;
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        const auto first = op(d, hn::LoadU(d, in + i)...);
        const auto second = op(d, hn::LoadU(d, in + i + lanes)...);
        hn::StoreU(first, d, out + i);
        hn::StoreU(second, d, out + i + lanes);
    }
    if (i + lanes <= count) {
        hn::StoreU(op(d, hn::LoadU(d, in + i)...), d, out + i);
        i += lanes;
    }
    if (i < count) {
        store_first(op(d, load_first(d, in + i, count - i)...), d, out + i, count - i);
    }
}

// The same past the caches, for outputs that nobody reads soon: a line that is written whole need
// not be read first. FlushStream() must follow before other threads look.
template <class D, class Op, class... Inputs>
HWY_INLINE void transform_past_caches(D d, const Op& op, std::size_t count, float* out,
                                      const Inputs*... in) {
    const std::size_t lanes = hn::Lanes(d);
    const std::size_t bytes = lanes * sizeof(float);
    const std::size_t beyond = reinterpret_cast<std::uintptr_t>(out) % bytes;
    std::size_t i = std::min(beyond == 0 ? 0 : (bytes - beyond) / sizeof(float), count);
    if (i != 0) {
        store_first(op(d, load_first(d, in, i)...), d, out, i);
    }
    for (; i + 2 * lanes <= count; i += 2 * lanes) {
        const auto first = op(d, hn::LoadU(d, in + i)...);
        const auto second = op(d, hn::LoadU(d, in + i + lanes)...);
        hn::Stream(first, d, out + i);
        hn::Stream(second, d, out + i + lanes);
    }
    if (i + lanes <= count) {
        hn::Stream(op(d, hn::LoadU(d, in + i)...), d, out + i);
        i += lanes;
    }
    if (i < count) {
        store_first(op(d, load_first(d, in + i, count - i)...), d, out + i, count - i);
    }
}

}  // namespace abikit::simd::HWY_NAMESPACE::math
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
