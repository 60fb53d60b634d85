// A float32 matrix times a vector, or times up to sixteen of them at once (decoding a few streams,
// the last layer of a small batch). Such products take as long as reading the matrix, so it is read
// once, in order, and never copied. Read gemm_int8.hpp and gemm_bf16.hpp for the smaller types.
#pragma once

#include <cstddef>
#include <span>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/simd/matrix.hpp>

namespace abikit::simd {

// Y[m x columns] = alpha * op(A)[m x k] * X[k x columns] + beta * Y, the xGEMV of BLAS for one
// column. op(A) is A or its transpose; both orders are equally fast. Y overlaps neither A nor X.
// With beta 0, Y is written only (NaN in it does not count); with alpha 0, A and X are not read.
struct Gemv {
    static constexpr std::size_t kMaxColumns = 16;

    MatrixView<const float> a;
    Transpose transpose = Transpose::kNo;
    std::size_t columns = 1;  // vectors at once: 1 to kMaxColumns
    // X[i][c] = x[i * x_row_stride + c * x_column_stride], Y alike. Strides of Y are positive and
    // give each element a place of its own. The column strides do not matter for one column.
    std::span<const float> x;
    std::size_t x_row_stride = 1;
    std::size_t x_column_stride = 1;
    std::span<float> y;
    std::size_t y_row_stride = 1;
    std::size_t y_column_stride = 1;
    float alpha = 1.0F;
    float beta = 0.0F;
};

// Bytes of workspace that sgemv needs for these sizes and strides: about 4 * columns * m, and 4 *
// columns * k more where X is not contiguous. Depends on neither threads nor target.
ABI_API std::size_t sgemv_workspace_bytes(const Gemv& product) noexcept;

// Computes Y, on the threads of `pool` too where it pays (null: on the calling one). The result is
// the same for any number of threads, and each element is within (k + 4) * 2^-23 * (|alpha| * sum
// |terms| + |beta * y|) of the exact one, barring overflow and denormal products. NaN and
// infinities go where arithmetic takes them. `workspace` may be unaligned.
// kInvalidArgument: a size, stride or span does not fit the others, or the workspace is too small;
// nothing has been written then. kLimit: the pool had no memory for its tasks; Y is undefined then.
// Thread-safe on distinct Y and workspaces.
ABI_API Status sgemv(const Gemv& product, std::span<std::byte> workspace,
                     ThreadPool* pool = nullptr);

}  // namespace abikit::simd
