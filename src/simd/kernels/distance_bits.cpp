// Distances of bit vectors, once per instruction set and once more for AVX512-VPOPCNTDQ. Read
// abi/simd/distance_bits.hpp for the contract, bit_rows-inl.h for the counting.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include <abi/core/error.hpp>
#include <abi/simd/distance_bits.hpp>

#include "extensions.hpp"
#include "kernels/distance_job.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/distance_bits.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

#undef ABI_SIMD_VPOPCNT
#if HWY_ARCH_X86 && HWY_TARGET < HWY_AVX3
#define ABI_SIMD_VPOPCNT 1
#else
#define ABI_SIMD_VPOPCNT 0
#endif

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
// clang-format off
#include "kernels/rows-inl.h"
#include "kernels/bit_rows-inl.h"
// clang-format on
}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if ABI_SIMD_EXTENDS_AVX3
#undef ABI_SIMD_VPOPCNT
#define ABI_SIMD_VPOPCNT 1
#define ABI_SIMD_BITS_HAVE_DL 1
ABI_SIMD_PUSH_DL
namespace abikit::simd::N_AVX3_DL {
namespace {
// clang-format off
#include "kernels/rows-inl.h"
#include "kernels/bit_rows-inl.h"
// clang-format on
}  // namespace
}  // namespace abikit::simd::N_AVX3_DL
HWY_POP_ATTRIBUTES
#endif

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(run_bits);

using BitJob = DistanceJob<std::uint8_t, std::uint8_t, std::uint32_t>;

constexpr std::size_t kJaccardsAtOnce = 64;

void run(const BitJob& job) noexcept {
    ABI_ASSERT(job.count == 0 || (job.out != nullptr && (job.dim == 0 || job.rows != nullptr)));
#ifdef ABI_SIMD_BITS_HAVE_DL
    if (avx512_level() >= Avx512Level::kDl) {
        return N_AVX3_DL::run_bits(job);
    }
#endif
    HWY_DYNAMIC_DISPATCH(run_bits)(job);
}

// 1 - intersection / union, the union being what both have less what they share.
void jaccards(BitJob job, float* out) noexcept {
    std::uint32_t query_bits = 0;
    run({DistanceMetric::kSquaredNorm, nullptr, 1, job.queries, job.dim, job.dim, nullptr, 1,
         &query_bits});
    std::uint32_t shared[kJaccardsAtOnce];
    std::uint32_t row_bits[kJaccardsAtOnce];
    const std::size_t count = job.count;
    for (std::size_t first = 0; first < count; first += kJaccardsAtOnce) {
        job.count = std::min(kJaccardsAtOnce, count - first);
        job.metric = DistanceMetric::kDot;
        job.out = shared;
        run(job);
        job.metric = DistanceMetric::kSquaredNorm;
        job.out = row_bits;
        run(job);
        for (std::size_t i = 0; i < job.count; ++i) {
            const std::uint64_t both = std::uint64_t{query_bits} + row_bits[i] - shared[i];
            const double share = static_cast<double>(shared[i]) / static_cast<double>(both);
            out[first + i] = both == 0 ? 0.0F : static_cast<float>(1.0 - share);
        }
        job.rows += job.indices == nullptr ? job.count * job.stride : 0;
        job.indices += job.indices == nullptr ? 0 : job.count;
    }
}
}  // namespace

void hamming_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t row_bytes,
                  std::size_t count, std::uint32_t* out) noexcept {
    run({DistanceMetric::kHamming, query, 1, rows, row_bytes, row_bytes, nullptr, count, out});
}

void hamming_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                    std::size_t row_bytes, const std::uint32_t* indices, std::size_t count,
                    std::uint32_t* out) noexcept {
    run({DistanceMetric::kHamming, query, 1, base, stride, row_bytes, indices, count, out});
}

void hamming_block(const std::uint8_t* queries, std::size_t query_count, const std::uint8_t* rows,
                   std::size_t row_bytes, std::size_t count, std::uint32_t* out) noexcept {
    run({DistanceMetric::kHamming, queries, query_count, rows, row_bytes, row_bytes, nullptr, count,
         out});
}

void jaccard_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t row_bytes,
                  std::size_t count, float* out) noexcept {
    jaccards(
        {DistanceMetric::kJaccard, query, 1, rows, row_bytes, row_bytes, nullptr, count, nullptr},
        out);
}

void jaccard_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                    std::size_t row_bytes, const std::uint32_t* indices, std::size_t count,
                    float* out) noexcept {
    jaccards({DistanceMetric::kJaccard, query, 1, base, stride, row_bytes, indices, count, nullptr},
             out);
}

void jaccard_block(const std::uint8_t* queries, std::size_t query_count, const std::uint8_t* rows,
                   std::size_t row_bytes, std::size_t count, float* out) noexcept {
    for (std::size_t q = 0; q < query_count; ++q) {
        jaccard_rows(queries + q * row_bytes, rows, row_bytes, count, out + q * count);
    }
}

void bit_counts(const std::uint8_t* rows, std::size_t row_bytes, std::size_t count,
                std::uint32_t* out) noexcept {
    run({DistanceMetric::kSquaredNorm, nullptr, 1, rows, row_bytes, row_bytes, nullptr, count,
         out});
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
