// Distances of rows kept in 16 bits, once per instruction set. Read abi/simd/distance_half.hpp for
// the contract, half_types-inl.h for the conversions, float_rows-inl.h for the sums.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include <abi/core/error.hpp>
#include <abi/simd/distance_half.hpp>

#include "kernels/distance_job.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/distance_half.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
// clang-format off
#include "kernels/half_types-inl.h"
#include "kernels/rows-inl.h"
#include "kernels/float_rows-inl.h"
#include "kernels/float_blocks-inl.h"
// clang-format on

void run_half(const DistanceJob<float, Half, float>& job) {
    run_job(job);
}

void run_bfloat(const DistanceJob<float, BFloat16, float>& job) {
    run_job(job);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(run_half);
HWY_EXPORT(run_bfloat);

void run(const DistanceJob<float, Half, float>& job) noexcept {
    ABI_ASSERT(job.count == 0 || (job.out != nullptr && (job.dim == 0 || job.rows != nullptr)));
    HWY_DYNAMIC_DISPATCH(run_half)(job);
}

void run(const DistanceJob<float, BFloat16, float>& job) noexcept {
    ABI_ASSERT(job.count == 0 || (job.out != nullptr && (job.dim == 0 || job.rows != nullptr)));
    HWY_DYNAMIC_DISPATCH(run_bfloat)(job);
}
}  // namespace

void l2_squared_rows(const float* query, const Half* rows, std::size_t dim, std::size_t count,
                     float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kL2Squared, query, 1, rows, dim, dim,
                                        nullptr, count, out});
}

void l2_squared_gather(const float* query, const Half* base, std::size_t stride, std::size_t dim,
                       const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kL2Squared, query, 1, base, stride, dim,
                                        indices, count, out});
}

void l2_squared_block(const float* queries, std::size_t query_count, const Half* rows,
                      std::size_t dim, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kL2Squared, queries, query_count, rows, dim,
                                        dim, nullptr, count, out});
}

void dot_rows(const float* query, const Half* rows, std::size_t dim, std::size_t count,
              float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kDot, query, 1, rows, dim, dim, nullptr,
                                        count, out});
}

void dot_gather(const float* query, const Half* base, std::size_t stride, std::size_t dim,
                const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kDot, query, 1, base, stride, dim, indices,
                                        count, out});
}

void dot_block(const float* queries, std::size_t query_count, const Half* rows, std::size_t dim,
               std::size_t count, float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kDot, queries, query_count, rows, dim, dim,
                                        nullptr, count, out});
}

void cosine_rows(const float* query, const Half* rows, std::size_t dim, std::size_t count,
                 float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kCosine, query, 1, rows, dim, dim, nullptr,
                                        count, out});
}

void cosine_gather(const float* query, const Half* base, std::size_t stride, std::size_t dim,
                   const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kCosine, query, 1, base, stride, dim,
                                        indices, count, out});
}

void cosine_block(const float* queries, std::size_t query_count, const Half* rows, std::size_t dim,
                  std::size_t count, float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kCosine, queries, query_count, rows, dim,
                                        dim, nullptr, count, out});
}

void squared_norms(const Half* rows, std::size_t dim, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, Half, float>{DistanceMetric::kSquaredNorm, nullptr, 1, rows, dim, dim,
                                        nullptr, count, out});
}

void l2_squared_rows(const float* query, const BFloat16* rows, std::size_t dim, std::size_t count,
                     float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kL2Squared, query, 1, rows, dim, dim,
                                            nullptr, count, out});
}

void l2_squared_gather(const float* query, const BFloat16* base, std::size_t stride,
                       std::size_t dim, const std::uint32_t* indices, std::size_t count,
                       float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kL2Squared, query, 1, base, stride, dim,
                                            indices, count, out});
}

void l2_squared_block(const float* queries, std::size_t query_count, const BFloat16* rows,
                      std::size_t dim, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kL2Squared, queries, query_count, rows,
                                            dim, dim, nullptr, count, out});
}

void dot_rows(const float* query, const BFloat16* rows, std::size_t dim, std::size_t count,
              float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kDot, query, 1, rows, dim, dim, nullptr,
                                            count, out});
}

void dot_gather(const float* query, const BFloat16* base, std::size_t stride, std::size_t dim,
                const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kDot, query, 1, base, stride, dim,
                                            indices, count, out});
}

void dot_block(const float* queries, std::size_t query_count, const BFloat16* rows, std::size_t dim,
               std::size_t count, float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kDot, queries, query_count, rows, dim,
                                            dim, nullptr, count, out});
}

void cosine_rows(const float* query, const BFloat16* rows, std::size_t dim, std::size_t count,
                 float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kCosine, query, 1, rows, dim, dim,
                                            nullptr, count, out});
}

void cosine_gather(const float* query, const BFloat16* base, std::size_t stride, std::size_t dim,
                   const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kCosine, query, 1, base, stride, dim,
                                            indices, count, out});
}

void cosine_block(const float* queries, std::size_t query_count, const BFloat16* rows,
                  std::size_t dim, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kCosine, queries, query_count, rows,
                                            dim, dim, nullptr, count, out});
}

void squared_norms(const BFloat16* rows, std::size_t dim, std::size_t count, float* out) noexcept {
    run(DistanceJob<float, BFloat16, float>{DistanceMetric::kSquaredNorm, nullptr, 1, rows, dim,
                                            dim, nullptr, count, out});
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
