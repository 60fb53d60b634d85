// Distances of codes that carry their norm, once per instruction set and once more for AVX512-VNNI.
// Read abi/simd/distance_walk.hpp for the contract, walk_rows-inl.h for the loop.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <abi/core/error.hpp>
#include <abi/simd/distance_walk.hpp>

#include "extensions.hpp"
#include "kernels/distance_job.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/distance_walk.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

#undef ABI_SIMD_VNNI
#undef ABI_SIMD_NARROW_DOT
#if HWY_ARCH_X86 && HWY_TARGET < HWY_AVX3
#define ABI_SIMD_VNNI 1
#else
#define ABI_SIMD_VNNI 0
#endif

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
// clang-format off
#include "kernels/rows-inl.h"
#include "kernels/walk_rows-inl.h"
// clang-format on
}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if ABI_SIMD_EXTENDS_AVX3
#undef ABI_SIMD_VNNI
#undef ABI_SIMD_NARROW_DOT
#define ABI_SIMD_VNNI 1
#define ABI_SIMD_WALK_HAS_DL 1
ABI_SIMD_PUSH_DL
namespace abikit::simd::N_AVX3_DL {
namespace {
// clang-format off
#include "kernels/rows-inl.h"
#include "kernels/walk_rows-inl.h"
// clang-format on
}  // namespace
}  // namespace abikit::simd::N_AVX3_DL
HWY_POP_ATTRIBUTES
#endif

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(walk);
HWY_EXPORT(sum_of_code);

std::int32_t sum_of(const std::int8_t* code, std::size_t stride) noexcept {
#ifdef ABI_SIMD_WALK_HAS_DL
    if (avx512_level() >= Avx512Level::kDl) {
        return N_AVX3_DL::sum_of_code(code, stride);
    }
#endif
    return HWY_DYNAMIC_DISPATCH(sum_of_code)(code, stride);
}

[[maybe_unused]] bool is_code(const std::int8_t* code, std::size_t stride) {
    return stride % kWalkAlignment == 0 && stride != 0 &&
           reinterpret_cast<std::uintptr_t>(code) % kWalkAlignment == 0;
}
}  // namespace

WalkQuery make_walk_query(const std::int8_t* code, std::size_t stride, std::int8_t* room) noexcept {
    ABI_ASSERT(is_code(code, stride) && is_code(room, stride));
    WalkQuery query{room, 0, 0};
    const std::size_t values = stride - kWalkNormBytes;
    std::memcpy(&query.norm, code + values, kWalkNormBytes);
    if (room != code) {
        std::memcpy(room, code, values);
    }
    std::memset(room + values, 0, kWalkNormBytes);
    query.sum = sum_of(room, stride);
    return query;
}

void walk_distances(const WalkQuery& query, const std::int8_t* base, std::size_t stride,
                    const std::uint32_t* rows, std::size_t count, std::int32_t* out) noexcept {
    ABI_ASSERT(is_code(query.code, stride) && is_code(base, stride));
    const WalkJob job{query, base, stride, rows, count, out};
#ifdef ABI_SIMD_WALK_HAS_DL
    if (avx512_level() >= Avx512Level::kDl) {
        return N_AVX3_DL::walk(job);
    }
#endif
    HWY_DYNAMIC_DISPATCH(walk)(job);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
