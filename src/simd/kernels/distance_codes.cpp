// Distances to quantised rows, once per instruction set. Read abi/simd/distance_codes.hpp for the
// contract, code_types-inl.h for decoding; int8 queries use the kernels of distance_bytes.cpp.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <abi/core/error.hpp>
#include <abi/simd/distance_bytes.hpp>
#include <abi/simd/distance_codes.hpp>

#include "kernels/distance_job.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/distance_codes.cpp"
#include <hwy/foreach_target.h>  // must precede highway.h
#include <hwy/highway.h>
// clang-format on
#include <hwy/cache_control.h>

#ifndef ABI_SIMD_DISTANCE_CODES_JOB
#define ABI_SIMD_DISTANCE_CODES_JOB
namespace abikit::simd {
namespace {
// One query against rows of codes, in order or by index.
template <class Code>
struct CodeJob {
    DistanceMetric metric = DistanceMetric::kL2Squared;
    const float* query = nullptr;
    CodeRows<const Code, const CodeHeader> rows;
    std::size_t dim = 0;
    const std::uint32_t* indices = nullptr;
    std::size_t count = 0;
    float* out = nullptr;
};
}  // namespace
}  // namespace abikit::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace abikit::simd::HWY_NAMESPACE {
namespace {
// clang-format off
#include "kernels/rows-inl.h"
#include "kernels/code_types-inl.h"
// clang-format on

// The first `count` (fewer than a vector) values at p, zeros behind them.
HWY_INLINE Vec load_first(const float* p, std::size_t count) {
    HWY_ALIGN float padded[hn::MaxLanes(Floats())] = {};
    std::copy_n(p, count, padded);
    return hn::Load(Floats(), padded);
}

HWY_INLINE float sum_of(const float* values, std::size_t count) {
    const Floats d;
    const std::size_t lanes = hn::Lanes(d);
    Vec sum = hn::Zero(d);
    std::size_t j = 0;
    for (; j + lanes <= count; j += lanes) {
        sum = hn::Add(sum, hn::LoadU(d, values + j));
    }
    if (j < count) {
        sum = hn::Add(sum, load_first(values + j, count - j));
    }
    return hn::GetLane(hn::SumOfLanes(d, sum));
}

// Headers of rows, in order or by index.
template <class Code>
struct Headers {
    const CodeJob<Code>& job;
    HWY_INLINE const CodeHeader& at(std::size_t i) const {
        const std::size_t row = job.indices == nullptr ? i : job.indices[i];
        const auto* bytes = reinterpret_cast<const std::byte*>(job.rows.headers);
        return *reinterpret_cast<const CodeHeader*>(bytes + row * job.rows.header_stride);
    }
};

// For rows_in_fours: sum_j query[j] * code[j], then scale and offset.
template <class Code>
struct CodeDot {
    using Row = Code;
    using Lane = float;
    using Out = float;
    static constexpr bool kPlain = false;
    static constexpr bool kTakesFour = false;

    const float* HWY_RESTRICT query;
    std::size_t dim;
    Headers<Code> headers;
    float query_sum;

    HWY_INLINE Vec sum(const Code* HWY_RESTRICT row, std::size_t /*i*/) const {
        const Floats d;
        const std::size_t lanes = hn::Lanes(d);
        Vec even = hn::Zero(d);
        Vec odd = hn::Zero(d);
        std::size_t j = 0;
        for (; j + 2 * lanes <= dim; j += 2 * lanes) {
            even = hn::MulAdd(hn::LoadU(d, query + j), load_codes(row, j), even);
            odd = hn::MulAdd(hn::LoadU(d, query + j + lanes), load_codes(row, j + lanes), odd);
        }
        if (j + lanes <= dim) {
            even = hn::MulAdd(hn::LoadU(d, query + j), load_codes(row, j), even);
            j += lanes;
        }
        if (j < dim) {
            odd = hn::MulAdd(load_first(query + j, dim - j), load_last_codes(row, j, dim - j), odd);
        }
        return hn::Add(even, odd);
    }
    HWY_INLINE float finish(float total, std::size_t i) const {
        const CodeHeader& header = headers.at(i);
        return header.scale * total + header.offset * query_sum;
    }
};

// For rows_in_fours: sum_j (query[j] - offset - scale * code[j])^2.
template <class Code>
struct CodeSquaredDifference {
    using Row = Code;
    using Lane = float;
    using Out = float;
    static constexpr bool kPlain = true;
    static constexpr bool kTakesFour = false;

    const float* HWY_RESTRICT query;
    std::size_t dim;
    Headers<Code> headers;

    HWY_INLINE Vec sum(const Code* HWY_RESTRICT row, std::size_t i) const {
        const Floats d;
        const std::size_t lanes = hn::Lanes(d);
        const CodeHeader& header = headers.at(i);
        const Vec scale = hn::Set(d, header.scale);
        const Vec offset = hn::Set(d, header.offset);
        Vec even = hn::Zero(d);
        Vec odd = hn::Zero(d);
        std::size_t j = 0;
        for (; j + 2 * lanes <= dim; j += 2 * lanes) {
            const Vec value0 = hn::MulAdd(load_codes(row, j), scale, offset);
            const Vec value1 = hn::MulAdd(load_codes(row, j + lanes), scale, offset);
            const Vec difference0 = hn::Sub(hn::LoadU(d, query + j), value0);
            const Vec difference1 = hn::Sub(hn::LoadU(d, query + j + lanes), value1);
            even = hn::MulAdd(difference0, difference0, even);
            odd = hn::MulAdd(difference1, difference1, odd);
        }
        if (j + lanes <= dim) {
            const Vec value = hn::MulAdd(load_codes(row, j), scale, offset);
            const Vec difference = hn::Sub(hn::LoadU(d, query + j), value);
            even = hn::MulAdd(difference, difference, even);
            j += lanes;
        }
        if (j < dim) {
            const std::size_t rest = dim - j;
            const Vec value = hn::MulAdd(load_last_codes(row, j, rest), scale, offset);
            const Vec difference = hn::IfThenElseZero(hn::FirstN(d, rest),
                                                      hn::Sub(load_first(query + j, rest), value));
            odd = hn::MulAdd(difference, difference, odd);
        }
        return hn::Add(even, odd);
    }
    HWY_INLINE float finish(float total, std::size_t /*i*/) const { return total; }
};

template <class Code, class Rows>
HWY_NOINLINE void rows_of_query(const CodeJob<Code>& job, const Rows& rows) {
    const Headers<Code> headers{job};
    if (job.metric == DistanceMetric::kDot) {
        const CodeDot<Code> kernel{job.query, job.dim, headers, sum_of(job.query, job.dim)};
        rows_in_fours(kernel, rows, job.count, job.out);
    } else {
        rows_in_fours(CodeSquaredDifference<Code>{job.query, job.dim, headers}, rows, job.count,
                      job.out);
    }
}

template <class Code>
HWY_INLINE void run_codes(const CodeJob<Code>& job, std::size_t row_bytes) {
    static_assert(sizeof(Code) == 1);  // strides count bytes
    if (job.indices == nullptr) {
        rows_of_query(job, RowsInOrder<Code>{job.rows.codes, job.rows.stride});
    } else {
        rows_of_query(job, RowsByIndex<Code>(job.rows.codes, job.rows.stride, job.indices,
                                             job.count, row_bytes));
    }
}

void run_codes_8(const CodeJob<std::int8_t>& job) {
    run_codes(job, job.dim);
}
void run_codes_4(const CodeJob<Int4Pair>& job) {
    run_codes(job, int4_bytes(job.dim));
}

}  // namespace
}  // namespace abikit::simd::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace abikit::simd {
namespace {
HWY_EXPORT(run_codes_8);
HWY_EXPORT(run_codes_4);

constexpr std::size_t kAtOnce = 64;

void run(const CodeJob<std::int8_t>& job) noexcept {
    ABI_ASSERT(job.count == 0 || (job.out != nullptr && job.rows.headers != nullptr));
    HWY_DYNAMIC_DISPATCH(run_codes_8)(job);
}
void run(const CodeJob<Int4Pair>& job) noexcept {
    ABI_ASSERT(job.count == 0 || (job.out != nullptr && job.rows.headers != nullptr));
    HWY_DYNAMIC_DISPATCH(run_codes_4)(job);
}

// The dot product of two decoded vectors from that of their codes.
float decoded_dot(const CodeHeader& a, const CodeHeader& b, std::int32_t dot, float dim) {
    const float crossed = a.scale * b.offset * static_cast<float>(a.sum) +
                          a.offset * b.scale * static_cast<float>(b.sum);
    return a.scale * b.scale * static_cast<float>(dot) + (crossed + dim * a.offset * b.offset);
}

// int8 queries: integer dot products of a chunk of rows, then their headers.
void combine(DistanceMetric metric, const Int8Query& query, const Int8Codes& rows, std::size_t dim,
             const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    std::uint32_t in_order[kAtOnce];
    std::int32_t dots[kAtOnce];
    const auto* headers = reinterpret_cast<const std::byte*>(rows.headers);
    for (std::size_t first = 0; first < count; first += kAtOnce) {
        const std::size_t n = std::min(kAtOnce, count - first);
        const std::uint32_t* which = in_order;
        const std::size_t skipped = indices == nullptr ? first : 0;
        if (indices == nullptr) {
            for (std::size_t i = 0; i < n; ++i) {
                in_order[i] = static_cast<std::uint32_t>(i);
            }
        } else {
            which = indices + first;
        }
        dot_gather(query.codes, rows.codes + skipped * rows.stride, rows.stride, dim, which, n,
                   dots);
        for (std::size_t i = 0; i < n; ++i) {
            const auto& header = *reinterpret_cast<const CodeHeader*>(
                headers + (skipped + which[i]) * rows.header_stride);
            const float dot = decoded_dot(query.header, header, dots[i], static_cast<float>(dim));
            const float norms = query.header.squared_norm + header.squared_norm;
            out[first + i] = metric == DistanceMetric::kDot ? dot : std::max(0.0F, norms - 2 * dot);
        }
    }
}
}  // namespace

void l2_squared_rows(const float* query, const Int8Codes& rows, std::size_t dim, std::size_t count,
                     float* out) noexcept {
    run(CodeJob<std::int8_t>{DistanceMetric::kL2Squared, query, rows, dim, nullptr, count, out});
}

void l2_squared_rows(const float* query, const Int4Codes& rows, std::size_t dim, std::size_t count,
                     float* out) noexcept {
    run(CodeJob<Int4Pair>{DistanceMetric::kL2Squared, query, rows, dim, nullptr, count, out});
}

void dot_rows(const float* query, const Int8Codes& rows, std::size_t dim, std::size_t count,
              float* out) noexcept {
    run(CodeJob<std::int8_t>{DistanceMetric::kDot, query, rows, dim, nullptr, count, out});
}

void dot_rows(const float* query, const Int4Codes& rows, std::size_t dim, std::size_t count,
              float* out) noexcept {
    run(CodeJob<Int4Pair>{DistanceMetric::kDot, query, rows, dim, nullptr, count, out});
}

void l2_squared_gather(const float* query, const Int8Codes& base, std::size_t dim,
                       const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(CodeJob<std::int8_t>{DistanceMetric::kL2Squared, query, base, dim, indices, count, out});
}

void l2_squared_gather(const float* query, const Int4Codes& base, std::size_t dim,
                       const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(CodeJob<Int4Pair>{DistanceMetric::kL2Squared, query, base, dim, indices, count, out});
}

void dot_gather(const float* query, const Int8Codes& base, std::size_t dim,
                const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(CodeJob<std::int8_t>{DistanceMetric::kDot, query, base, dim, indices, count, out});
}

void dot_gather(const float* query, const Int4Codes& base, std::size_t dim,
                const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    run(CodeJob<Int4Pair>{DistanceMetric::kDot, query, base, dim, indices, count, out});
}

void l2_squared_rows(const Int8Query& query, const Int8Codes& rows, std::size_t dim,
                     std::size_t count, float* out) noexcept {
    combine(DistanceMetric::kL2Squared, query, rows, dim, nullptr, count, out);
}

void dot_rows(const Int8Query& query, const Int8Codes& rows, std::size_t dim, std::size_t count,
              float* out) noexcept {
    combine(DistanceMetric::kDot, query, rows, dim, nullptr, count, out);
}

void l2_squared_gather(const Int8Query& query, const Int8Codes& base, std::size_t dim,
                       const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    combine(DistanceMetric::kL2Squared, query, base, dim, indices, count, out);
}

void dot_gather(const Int8Query& query, const Int8Codes& base, std::size_t dim,
                const std::uint32_t* indices, std::size_t count, float* out) noexcept {
    combine(DistanceMetric::kDot, query, base, dim, indices, count, out);
}

}  // namespace abikit::simd
#endif  // HWY_ONCE
