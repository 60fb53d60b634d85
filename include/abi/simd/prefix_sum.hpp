// Running sums. The arrays may be the same, but not overlap otherwise; they need no alignment
// beyond that of their type, and nothing outside [0, count) is read or written. noexcept,
// thread-safe, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>

#include <abi/core/export.h>

namespace abikit::simd {

// out[i] = x[0] + ... + x[i]. Integers wrap around. In float32 the additions are associated as the
// target likes, the same way in each call; out[i] errs by at most (i + 1) 2^-24 times the sum of
// the |x[j]|, j <= i.
ABI_API void prefix_sum(const float* x, std::size_t count, float* out) noexcept;
ABI_API void prefix_sum(const std::int32_t* x, std::size_t count, std::int32_t* out) noexcept;
ABI_API void prefix_sum(const std::int64_t* x, std::size_t count, std::int64_t* out) noexcept;

// out[i] = x[0] + ... + x[i - 1], out[0] = 0; returns the sum of all. The same bits as prefix_sum,
// one place later.
ABI_API float exclusive_prefix_sum(const float* x, std::size_t count, float* out) noexcept;
ABI_API std::int32_t exclusive_prefix_sum(const std::int32_t* x, std::size_t count,
                                          std::int32_t* out) noexcept;
ABI_API std::int64_t exclusive_prefix_sum(const std::int64_t* x, std::size_t count,
                                          std::int64_t* out) noexcept;

}  // namespace abikit::simd
