// Distances of float32 rows, once per instruction set. Read abi/simd/distance.hpp for the contract,
// rows-inl.h and float_rows-inl.h for how rows are summed, select_f32.cpp for what follows a scan.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

#include <abi/core/error.hpp>
#include <abi/simd/distance.hpp>
#include <abi/simd/types.hpp>

#include "kernels/distance_job.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/distance_f32.cpp"
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

void run_f32(const DistanceJob<float, float, float>& job) {
    run_job(job);
}

void normalise(float* rows, std::size_t dim, std::size_t count) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t i = 0; i < count; ++i) {
        float* HWY_RESTRICT row = rows + i * dim;
        const float norm = norm_of(row, dim);
        if (norm == 0.0F) {
            continue;
        }
        // A division, though slower: the inverse of a denormal norm is infinite.
        const Vec divisor = hn::Set(d, norm);
        std::size_t j = 0;
        for (; j + lanes <= dim; j += lanes) {
            hn::StoreU(hn::Div(hn::LoadU(d, row + j), divisor), d, row + j);
        }
        for (; j < dim; ++j) {
            row[j] /= norm;
        }
    }
}

void to_cosines(float query_norm, const float* norms, std::size_t count, float* out) {
    dots_to_cosines(query_norm, norms, count, out);
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(run_f32);
HWY_EXPORT(normalise);
HWY_EXPORT(to_cosines);

constexpr std::size_t kNormsAtOnce = 64;

void run(const DistanceJob<float, float, float>& job) noexcept {
    ABI_ASSERT(job.count == 0 || (job.out != nullptr && (job.dim == 0 || job.rows != nullptr)));
    HWY_DYNAMIC_DISPATCH(run_f32)(job);
}
}  // namespace

void l2_squared_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
                     float* out) noexcept {
    run({DistanceMetric::kL2Squared, query, 1, rows, dim, dim, nullptr, count, out});
}

void dot_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
              float* out) noexcept {
    run({DistanceMetric::kDot, query, 1, rows, dim, dim, nullptr, count, out});
}

void cosine_rows(const float* query, const float* rows, std::size_t dim, std::size_t count,
                 float* out) noexcept {
    run({DistanceMetric::kCosine, query, 1, rows, dim, dim, nullptr, count, out});
}

void l2_squared_gather(const float* query, const float* base, std::size_t stride, std::size_t dim,
                       const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run({DistanceMetric::kL2Squared, query, 1, base, stride, dim, indices, count, out});
}

void dot_gather(const float* query, const float* base, std::size_t stride, std::size_t dim,
                const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run({DistanceMetric::kDot, query, 1, base, stride, dim, indices, count, out});
}

void cosine_gather(const float* query, const float* base, std::size_t stride, std::size_t dim,
                   const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run({DistanceMetric::kCosine, query, 1, base, stride, dim, indices, count, out});
}

void l2_squared_block(const float* queries, std::size_t query_count, const float* rows,
                      std::size_t dim, std::size_t count, float* out) noexcept {
    run({DistanceMetric::kL2Squared, queries, query_count, rows, dim, dim, nullptr, count, out});
}

void dot_block(const float* queries, std::size_t query_count, const float* rows, std::size_t dim,
               std::size_t count, float* out) noexcept {
    run({DistanceMetric::kDot, queries, query_count, rows, dim, dim, nullptr, count, out});
}

void cosine_block(const float* queries, std::size_t query_count, const float* rows, std::size_t dim,
                  std::size_t count, float* out) noexcept {
    run({DistanceMetric::kCosine, queries, query_count, rows, dim, dim, nullptr, count, out});
}

void squared_norms(const float* rows, std::size_t dim, std::size_t count, float* out) noexcept {
    run({DistanceMetric::kSquaredNorm, nullptr, 1, rows, dim, dim, nullptr, count, out});
}

void norms(const float* rows, std::size_t dim, std::size_t count, float* out) noexcept {
    squared_norms(rows, dim, count, out);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = std::sqrt(out[i]);
    }
}

void normalise_rows(float* rows, std::size_t dim, std::size_t count) noexcept {
    HWY_DYNAMIC_DISPATCH(normalise)(rows, dim, count);
}

void dots_to_cosines(float query_norm, const float* row_norms, std::size_t count,
                     float* out) noexcept {
    HWY_DYNAMIC_DISPATCH(to_cosines)(query_norm, row_norms, count, out);
}

void dots_to_cosines_gather(float query_norm, const float* row_norms, const std::uint32_t* indices,
                            std::size_t count, float* out) noexcept {
    float gathered[kNormsAtOnce];
    for (std::size_t first = 0; first < count; first += kNormsAtOnce) {
        const std::size_t n = std::min(kNormsAtOnce, count - first);
        for (std::size_t i = 0; i < n; ++i) {
            gathered[i] = row_norms[indices[first + i]];
        }
        HWY_DYNAMIC_DISPATCH(to_cosines)(query_norm, gathered, n, out + first);
    }
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
