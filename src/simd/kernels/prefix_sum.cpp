// Running sums, once per instruction set. Read abi/simd/prefix_sum.hpp for the contract.
//
// A running sum is one long chain of additions. Blocks of 16 bytes are summed on their own in two
// shifted additions, four of them side by side and then onto one another; only the last step adds
// what came before, so the chain has one addition and one broadcast for 64 bytes.
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <abi/simd/prefix_sum.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/prefix_sum.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// a + b, integers modulo 2^bits.
template <class T>
HWY_INLINE T wrapping_sum(T a, T b) {
    if constexpr (std::is_integral_v<T>) {
        using Unsigned = std::make_unsigned_t<T>;
        return static_cast<T>(static_cast<Unsigned>(a) + static_cast<Unsigned>(b));
    } else {
        return a + b;
    }
}

#if !HWY_HAVE_SCALABLE && HWY_TARGET != HWY_SCALAR
template <class T>
using Block = hn::CappedTag<T, 16 / sizeof(T)>;

// The running sum of the lanes of one block.
template <class T, class V = hn::Vec<Block<T>>>
HWY_INLINE V sum_block(V v) {
    const Block<T> d;
    v = hn::Add(v, hn::ShiftLeftLanes<1>(d, v));
    if constexpr (sizeof(T) == 4) {
        v = hn::Add(v, hn::ShiftLeftLanes<2>(d, v));
    }
    return v;
}

template <class T, class V = hn::Vec<Block<T>>>
HWY_INLINE V last_lane(V v) {
    return hn::Broadcast<16 / sizeof(T) - 1>(v);
}

// Lanes one place later; the first is the last of the block before.
template <bool kExclusive, class T, class V = hn::Vec<Block<T>>>
HWY_INLINE void store_block(V sums, V before, T* out) {
    const Block<T> d;
    if constexpr (kExclusive) {
        sums = hn::CombineShiftRightBytes<16 - sizeof(T)>(d, sums, before);
    }
    hn::StoreU(sums, d, out);
}

// Takes what it can in groups of four blocks; returns how many elements those were.
template <bool kExclusive, class T>
HWY_INLINE std::size_t sum_groups(const T* x, std::size_t count, T* out, T& carry) {
    using V = hn::Vec<Block<T>>;
    const Block<T> d;
    constexpr std::size_t kLanes = 16 / sizeof(T);
    V before = hn::Set(d, carry);  // in all lanes, the sum of all before
    std::size_t i = 0;
    for (; i + 4 * kLanes <= count; i += 4 * kLanes) {
        V a = sum_block<T>(hn::LoadU(d, x + i));
        V b = sum_block<T>(hn::LoadU(d, x + i + kLanes));
        V c = sum_block<T>(hn::LoadU(d, x + i + 2 * kLanes));
        V e = sum_block<T>(hn::LoadU(d, x + i + 3 * kLanes));
        b = hn::Add(b, last_lane<T>(a));
        e = hn::Add(e, last_lane<T>(c));
        c = hn::Add(c, last_lane<T>(b));
        e = hn::Add(e, last_lane<T>(b));
        a = hn::Add(a, before);
        b = hn::Add(b, before);
        c = hn::Add(c, before);
        e = hn::Add(e, before);
        store_block<kExclusive, T>(a, before, out + i);
        store_block<kExclusive, T>(b, a, out + i + kLanes);
        store_block<kExclusive, T>(c, b, out + i + 2 * kLanes);
        store_block<kExclusive, T>(e, c, out + i + 3 * kLanes);
        before = last_lane<T>(e);
    }
    carry = hn::GetLane(before);
    return i;
}
#else
template <bool kExclusive, class T>
HWY_INLINE std::size_t sum_groups(const T* /*x*/, std::size_t /*count*/, T* /*out*/, T& /*carry*/) {
    return 0;
}
#endif

// Returns the sum of all.
template <bool kExclusive, class T>
HWY_INLINE T running_sum(const T* x, std::size_t count, T* out) {
    T carry = 0;
    for (std::size_t i = sum_groups<kExclusive>(x, count, out, carry); i < count; ++i) {
        const T next = wrapping_sum(carry, x[i]);
        out[i] = kExclusive ? carry : next;
        carry = next;
    }
    return carry;
}

void inclusive_f32(const float* x, std::size_t count, float* out) {
    running_sum<false>(x, count, out);
}
void inclusive_i32(const std::int32_t* x, std::size_t count, std::int32_t* out) {
    running_sum<false>(x, count, out);
}
void inclusive_i64(const std::int64_t* x, std::size_t count, std::int64_t* out) {
    running_sum<false>(x, count, out);
}
float exclusive_f32(const float* x, std::size_t count, float* out) {
    return running_sum<true>(x, count, out);
}
std::int32_t exclusive_i32(const std::int32_t* x, std::size_t count, std::int32_t* out) {
    return running_sum<true>(x, count, out);
}
std::int64_t exclusive_i64(const std::int64_t* x, std::size_t count, std::int64_t* out) {
    return running_sum<true>(x, count, out);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(inclusive_f32);
HWY_EXPORT(inclusive_i32);
HWY_EXPORT(inclusive_i64);
HWY_EXPORT(exclusive_f32);
HWY_EXPORT(exclusive_i32);
HWY_EXPORT(exclusive_i64);
}  // namespace

void prefix_sum(const float* x, std::size_t count, float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(inclusive_f32)(x, count, out);
}

void prefix_sum(const std::int32_t* x, std::size_t count, std::int32_t* out) noexcept {
    HWY_DYNAMIC_DISPATCH(inclusive_i32)(x, count, out);
}

void prefix_sum(const std::int64_t* x, std::size_t count, std::int64_t* out) noexcept {
    HWY_DYNAMIC_DISPATCH(inclusive_i64)(x, count, out);
}

float exclusive_prefix_sum(const float* x, std::size_t count, float* out) noexcept {
    return HWY_DYNAMIC_DISPATCH(exclusive_f32)(x, count, out);
}

std::int32_t exclusive_prefix_sum(const std::int32_t* x, std::size_t count,
                                  std::int32_t* out) noexcept {
    return HWY_DYNAMIC_DISPATCH(exclusive_i32)(x, count, out);
}

std::int64_t exclusive_prefix_sum(const std::int64_t* x, std::size_t count,
                                  std::int64_t* out) noexcept {
    return HWY_DYNAMIC_DISPATCH(exclusive_i64)(x, count, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
