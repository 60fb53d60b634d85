// Distances of int8 and uint8 rows, once per instruction set and once more for AVX512-VNNI. Read
// abi/simd/distance_bytes.hpp for the contract, byte_rows-inl.h for the sums.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include <abi/core/error.hpp>
#include <abi/simd/distance_bytes.hpp>

#include "extensions.hpp"
#include "kernels/distance_job.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/distance_bytes.cpp"
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
#include "kernels/byte_rows-inl.h"
// clang-format on
}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if ABI_SIMD_EXTENDS_AVX3
#undef ABI_SIMD_VNNI
#undef ABI_SIMD_NARROW_DOT
#define ABI_SIMD_VNNI 1
#define ABI_SIMD_BYTES_HAVE_DL 1
ABI_SIMD_PUSH_DL
namespace abikit::simd::N_AVX3_DL {
namespace {
// clang-format off
#include "kernels/rows-inl.h"
#include "kernels/byte_rows-inl.h"
// clang-format on
}  // namespace
}  // namespace abikit::simd::N_AVX3_DL
HWY_POP_ATTRIBUTES
#endif

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(run_i8);
HWY_EXPORT(run_u8);

template <class T>
using ByteJob = DistanceJob<T, T, std::uint32_t>;

constexpr std::size_t kCosinesAtOnce = 64;

template <class T>
void run(const ByteJob<T>& job) noexcept {
    ABI_ASSERT(job.count == 0 || (job.out != nullptr && (job.dim == 0 || job.rows != nullptr)));
#ifdef ABI_SIMD_BYTES_HAVE_DL
    if (avx512_level() >= Avx512Level::kDl) {
        if constexpr (std::is_signed_v<T>) {
            return N_AVX3_DL::run_i8(job);
        } else {
            return N_AVX3_DL::run_u8(job);
        }
    }
#endif
    if constexpr (std::is_signed_v<T>) {
        HWY_DYNAMIC_DISPATCH(run_i8)(job);
    } else {
        HWY_DYNAMIC_DISPATCH(run_u8)(job);
    }
}

// Signed and unsigned dot products are the same bits.
std::uint32_t* as_unsigned(std::int32_t* out) {
    return reinterpret_cast<std::uint32_t*>(out);
}

// Cosines of a job with one query, from dot products and squared norms, chunk by chunk.
template <class T>
void cosines(ByteJob<T> job, float* out) noexcept {
    std::uint32_t query_norm = 0;
    run<T>({DistanceMetric::kSquaredNorm, nullptr, 1, job.queries, job.dim, job.dim, nullptr, 1,
            &query_norm});
    std::uint32_t dots[kCosinesAtOnce];
    std::uint32_t norms[kCosinesAtOnce];
    const std::size_t count = job.count;
    for (std::size_t first = 0; first < count; first += kCosinesAtOnce) {
        job.count = std::min(kCosinesAtOnce, count - first);
        job.metric = DistanceMetric::kDot;
        job.out = dots;
        run<T>(job);
        job.metric = DistanceMetric::kSquaredNorm;
        job.out = norms;
        run<T>(job);
        for (std::size_t i = 0; i < job.count; ++i) {
            using Dot = std::conditional_t<std::is_signed_v<T>, std::int32_t, std::uint32_t>;
            const double dot = static_cast<Dot>(dots[i]);
            const double product = static_cast<double>(query_norm) * norms[i];
            out[first + i] =
                product == 0.0 ? 1.0F : static_cast<float>(1.0 - dot / std::sqrt(product));
        }
        job.rows += job.indices == nullptr ? job.count * job.stride : 0;
        job.indices += job.indices == nullptr ? 0 : job.count;
    }
}

template <class T>
void cosines_of_block(const T* queries, std::size_t query_count, const T* rows, std::size_t dim,
                      std::size_t count, float* out) noexcept {
    for (std::size_t q = 0; q < query_count; ++q) {
        cosines<T>(
            {DistanceMetric::kDot, queries + q * dim, 1, rows, dim, dim, nullptr, count, nullptr},
            out + q * count);
    }
}
}  // namespace

void l2_squared_rows(const std::int8_t* query, const std::int8_t* rows, std::size_t dim,
                     std::size_t count, std::uint32_t* out) noexcept {
    run<std::int8_t>({DistanceMetric::kL2Squared, query, 1, rows, dim, dim, nullptr, count, out});
}

void l2_squared_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t dim,
                     std::size_t count, std::uint32_t* out) noexcept {
    run<std::uint8_t>({DistanceMetric::kL2Squared, query, 1, rows, dim, dim, nullptr, count, out});
}

void dot_rows(const std::int8_t* query, const std::int8_t* rows, std::size_t dim, std::size_t count,
              std::int32_t* out) noexcept {
    run<std::int8_t>(
        {DistanceMetric::kDot, query, 1, rows, dim, dim, nullptr, count, as_unsigned(out)});
}

void dot_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t dim,
              std::size_t count, std::uint32_t* out) noexcept {
    run<std::uint8_t>({DistanceMetric::kDot, query, 1, rows, dim, dim, nullptr, count, out});
}

void cosine_rows(const std::int8_t* query, const std::int8_t* rows, std::size_t dim,
                 std::size_t count, float* out) noexcept {
    cosines_of_block(query, 1, rows, dim, count, out);
}

void cosine_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t dim,
                 std::size_t count, float* out) noexcept {
    cosines_of_block(query, 1, rows, dim, count, out);
}

void l2_squared_gather(const std::int8_t* query, const std::int8_t* base, std::size_t stride,
                       std::size_t dim, const std::uint32_t* indices, std::size_t count,
                       std::uint32_t* out) noexcept {
    run<std::int8_t>(
        {DistanceMetric::kL2Squared, query, 1, base, stride, dim, indices, count, out});
}

void l2_squared_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                       std::size_t dim, const std::uint32_t* indices, std::size_t count,
                       std::uint32_t* out) noexcept {
    run<std::uint8_t>(
        {DistanceMetric::kL2Squared, query, 1, base, stride, dim, indices, count, out});
}

void dot_gather(const std::int8_t* query, const std::int8_t* base, std::size_t stride,
                std::size_t dim, const std::uint32_t* indices, std::size_t count,
                std::int32_t* out) noexcept {
    run<std::int8_t>(
        {DistanceMetric::kDot, query, 1, base, stride, dim, indices, count, as_unsigned(out)});
}

void dot_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                std::size_t dim, const std::uint32_t* indices, std::size_t count,
                std::uint32_t* out) noexcept {
    run<std::uint8_t>({DistanceMetric::kDot, query, 1, base, stride, dim, indices, count, out});
}

void cosine_gather(const std::int8_t* query, const std::int8_t* base, std::size_t stride,
                   std::size_t dim, const std::uint32_t* indices, std::size_t count,
                   float* out) noexcept {
    cosines<std::int8_t>(
        {DistanceMetric::kDot, query, 1, base, stride, dim, indices, count, nullptr}, out);
}

void cosine_gather(const std::uint8_t* query, const std::uint8_t* base, std::size_t stride,
                   std::size_t dim, const std::uint32_t* indices, std::size_t count,
                   float* out) noexcept {
    cosines<std::uint8_t>(
        {DistanceMetric::kDot, query, 1, base, stride, dim, indices, count, nullptr}, out);
}

void l2_squared_block(const std::int8_t* queries, std::size_t query_count, const std::int8_t* rows,
                      std::size_t dim, std::size_t count, std::uint32_t* out) noexcept {
    run<std::int8_t>(
        {DistanceMetric::kL2Squared, queries, query_count, rows, dim, dim, nullptr, count, out});
}

void l2_squared_block(const std::uint8_t* queries, std::size_t query_count,
                      const std::uint8_t* rows, std::size_t dim, std::size_t count,
                      std::uint32_t* out) noexcept {
    run<std::uint8_t>(
        {DistanceMetric::kL2Squared, queries, query_count, rows, dim, dim, nullptr, count, out});
}

void dot_block(const std::int8_t* queries, std::size_t query_count, const std::int8_t* rows,
               std::size_t dim, std::size_t count, std::int32_t* out) noexcept {
    run<std::int8_t>({DistanceMetric::kDot, queries, query_count, rows, dim, dim, nullptr, count,
                      as_unsigned(out)});
}

void dot_block(const std::uint8_t* queries, std::size_t query_count, const std::uint8_t* rows,
               std::size_t dim, std::size_t count, std::uint32_t* out) noexcept {
    run<std::uint8_t>(
        {DistanceMetric::kDot, queries, query_count, rows, dim, dim, nullptr, count, out});
}

void cosine_block(const std::int8_t* queries, std::size_t query_count, const std::int8_t* rows,
                  std::size_t dim, std::size_t count, float* out) noexcept {
    cosines_of_block(queries, query_count, rows, dim, count, out);
}

void cosine_block(const std::uint8_t* queries, std::size_t query_count, const std::uint8_t* rows,
                  std::size_t dim, std::size_t count, float* out) noexcept {
    cosines_of_block(queries, query_count, rows, dim, count, out);
}

void squared_norms(const std::int8_t* rows, std::size_t dim, std::size_t count,
                   std::uint32_t* out) noexcept {
    run<std::int8_t>(
        {DistanceMetric::kSquaredNorm, nullptr, 1, rows, dim, dim, nullptr, count, out});
}

void squared_norms(const std::uint8_t* rows, std::size_t dim, std::size_t count,
                   std::uint32_t* out) noexcept {
    run<std::uint8_t>(
        {DistanceMetric::kSquaredNorm, nullptr, 1, rows, dim, dim, nullptr, count, out});
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
