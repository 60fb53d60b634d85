// Products of float32 matrices: C = activation(alpha * op(A) * op(B) + beta * C + bias), in the
// sense of sgemm of the BLAS (Dongarra et al., 1990) with rows where that has columns. Narrow
// products (a side of C of at most 16) take the paths of gemv.hpp by themselves. Read matrix.hpp
// for the views, gemm_bf16.hpp and gemm_int8.hpp for narrower types.
#pragma once

#include <cstddef>
#include <span>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/simd/matrix.hpp>

namespace abikit::simd {

// Applied to each element of C at the end, while it is in the cache. Errors as stated in math.hpp.
enum class Activation {
    kNone,
    kRelu,  // max(x, 0); NaN stays
    kGelu,
    kGeluTanh,
    kSilu,
    kSigmoid,
    kTanh,
};

// B[k x n] in packed form for products that use it again, such as weights: the same bytes on every
// target and for any number of threads. Borrows. `bytes` starts on a multiple of 4; 64 is faster.
struct PackedF32 {
    std::span<const std::byte> bytes;  // packed_f32_bytes(k, n) of them
    std::size_t k = 0;
    std::size_t n = 0;
};

// Size of the packed form: 4 bytes for each of k times n rounded up to 16. 0 when that is beyond
// the address space.
ABI_API std::size_t packed_f32_bytes(std::size_t k, std::size_t n) noexcept;

// Packs op(B) into the first packed_f32_bytes() bytes of `out`. kInvalidArgument: B's view is not
// valid, or `out` is too small or not aligned to 4. kLimit: the pool had no memory for its tasks.
ABI_API Status pack_f32(MatrixView<const float> b, Transpose transpose, std::span<std::byte> out,
                        ThreadPool* pool = nullptr);

// C[m x n] = activation(alpha * op(A)[m x k] * op(B)[k x n] + beta * C + bias).
struct Gemm {
    MatrixView<const float> a;
    Transpose transpose_a = Transpose::kNo;
    MatrixView<const float> b;  // not looked at where packed_b has bytes or sizes
    Transpose transpose_b = Transpose::kNo;
    PackedF32 packed_b;
    MatrixView<float> c;
    float alpha = 1.0F;           // 0: A and B are not read
    float beta = 0.0F;            // 0: C is written only
    std::span<const float> bias;  // n values added to every row, or none
    Activation activation = Activation::kNone;
};

// Workspace in bytes that gemm() needs with a pool of that many threads, whatever is packed: about
// one megabyte a thread, up to 4.3 with a transposed B.
ABI_API std::size_t gemm_workspace_bytes(const Gemm& product, unsigned threads = 1) noexcept;

// Computes C, on the threads of `pool` too (null: on the calling one). The bits of C depend on
// sizes, strides, transpositions, target and on whether B is packed, not on threads. Without bias
// and activation an element is within (k + k / 64 + 8) * 2^-23 * (|alpha| * sum |terms| + |beta *
// C|) of the exact one, barring overflow. NaN and infinities go where arithmetic takes them. Any
// size may be 0. C overlaps nothing else. kInvalidArgument: sizes that do not agree, a view, pack,
// bias or workspace that is too small; nothing has been written then. kLimit: the pool had no
// memory for its tasks; C is undefined then. Thread-safe on distinct C and workspaces.
ABI_API Status gemm(const Gemm& product, std::span<std::byte> workspace,
                    ThreadPool* pool = nullptr);

// Several products at once, of any sizes, each by one thread: for many small ones. The same results
// as gemm() for each. All are checked before any is computed.
ABI_API std::size_t gemm_batch_workspace_bytes(std::span<const Gemm> products,
                                               unsigned threads = 1) noexcept;
ABI_API Status gemm_batch(std::span<const Gemm> products, std::span<std::byte> workspace,
                          ThreadPool* pool = nullptr);

// `count` products of one shape: the i-th has its matrices i * a (b, c) elements after those of
// `first`. first's views tell the sizes; their `values` hold all matrices of the batch. B is not
// packed. A stride of 0 uses the same matrix again; C's is at least rows * stride of C for count
// > 1.
struct GemmStrides {
    std::size_t a = 0;
    std::size_t b = 0;
    std::size_t c = 0;
};
ABI_API std::size_t gemm_strided_batch_workspace_bytes(const Gemm& first, std::size_t count,
                                                       unsigned threads = 1) noexcept;
ABI_API Status gemm_strided_batch(const Gemm& first, const GemmStrides& strides, std::size_t count,
                                  std::span<std::byte> workspace, ThreadPool* pool = nullptr);

}  // namespace abikit::simd
