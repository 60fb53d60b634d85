// Rows of a matrix made comparable: softmax and its logarithm, layer norm, RMS norm. Matrices are
// rows x cols float32, row-major, gap-free. `out` may be `x` itself, but must not overlap it
// otherwise; no alignment beyond that of float is needed, though outputs aligned to 64 bytes and
// far larger than the caches are written past them. A row's result depends on that row and the
// target alone, so callers may split rows between threads as they like. Any rows and cols, 0
// included. noexcept, thread-safe, no allocation, up to 64 KiB of stack.
#pragma once

#include <cstddef>

#include <abi/core/export.h>

namespace abikit::simd {

// out[i] = e^(x[i] - max) / sum_j e^(x[j] - max). Relative error at most
// (|x[i] - max| + 100) 2^-24; results below 2^-126 may be 0. -infinity gives 0; a row of nothing
// else gives zeros. NaN or +infinity in a row make all of it NaN.
ABI_API void softmax_rows(const float* x, std::size_t rows, std::size_t cols, float* out) noexcept;
// out[i] = x[i] - max - log(sum_j e^(x[j] - max)). Error at most
// (|out[i]| + |x[i] - max| + 100) 2^-24. A row of -infinity stays so; NaN and +infinity as above.
ABI_API void log_softmax_rows(const float* x, std::size_t rows, std::size_t cols,
                              float* out) noexcept;

// What scales a normalised row; null stands for ones and zeros. Both are read, never owned.
struct RowAffine {
    const float* gain = nullptr;  // cols
    const float* bias = nullptr;  // cols
};

// out[i] = (x[i] - mean) / sqrt(variance + epsilon) * gain[i] + bias[i], the variance over cols
// (Ba, Kiros, Hinton, arXiv:1607.06450). It is that of deviations from a value close to the mean,
// so that a large mean cancels nothing. Error at most 2^-18 ((|x[i]| + |mean|) / sqrt(variance +
// epsilon) + 2) |gain[i]| + 2^-23 (|out[i]| + |bias[i]|).
ABI_API void layer_norm_rows(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                             float epsilon, float* out) noexcept;
// out[i] = x[i] / sqrt(mean(x^2) + epsilon) * gain[i] + bias[i] (Zhang and Sennrich,
// arXiv:1910.07467). Relative error at most 2^-18.
ABI_API void rms_norm_rows(const float* x, std::size_t rows, std::size_t cols, RowAffine affine,
                           float epsilon, float* out) noexcept;

}  // namespace abikit::simd
