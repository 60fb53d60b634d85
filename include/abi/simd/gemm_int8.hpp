// Products of matrices of bytes with exact 32-bit sums: what quantised layers run on. B is packed
// into panels, once for weights that stay, or on the fly. Every target gives the same numbers. Read
// gemv.hpp for the one-vector float32 product, gemm_bf16.hpp for bfloat16.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/simd/matrix.hpp>

namespace abikit::simd {

// The longest sums that fit 32 bits whatever the values are: 131,071 * 128 * 128 < 2^31, and 65,793
// * 255 * 128 <= 2^31 (of negative sums). Longer ones are refused.
inline constexpr std::size_t kMaxDepthInt8 = 131'071;
inline constexpr std::size_t kMaxDepthUint8 = 65'793;

// B[k x n] in packed form, the same bytes on every target and for any number of threads, so that it
// may be kept, stored and mapped. Borrows; 64-byte alignment makes it faster, none is needed.
struct PackedInt8 {
    std::span<const std::byte> bytes;  // packed_int8_bytes(k, n) of them
    std::size_t k = 0;
    std::size_t n = 0;
};

// Size of the packed form: k rounded up to 4 times n rounded up to 16, and 4 bytes for each of
// these columns. 0 when that is beyond the address space.
ABI_API std::size_t packed_int8_bytes(std::size_t k, std::size_t n) noexcept;

// Packs op(B) into the first packed_int8_bytes() bytes of `out`. Weights that are stored one row
// for each output (n x k) are transposed. kInvalidArgument: B's view is not valid or `out` too
// small. kLimit: the pool had no memory for its tasks. Values of -128 are welcome.
ABI_API Status pack_int8(MatrixView<const std::int8_t> b, Transpose transpose,
                         std::span<std::byte> out, ThreadPool* pool = nullptr);

// C[m x n] = op(A)[m x k] * B[k x n] (+ C). T is std::int8_t or std::uint8_t.
template <class T>
struct GemmInt8 {
    MatrixView<const T> a;
    Transpose transpose_a = Transpose::kNo;
    PackedInt8 b;
    MatrixView<std::int32_t> c;
    Accumulate accumulate = Accumulate::kNo;
};

// Workspace in bytes: none unless A is transposed (then m * k).
ABI_API std::size_t gemm_int8_workspace_bytes(const GemmInt8<std::int8_t>& product) noexcept;
ABI_API std::size_t gemm_int8_workspace_bytes(const GemmInt8<std::uint8_t>& product) noexcept;

// Computes C exactly, on the threads of `pool` too (null: on the calling one). Any size may be 0;
// with k 0 the product is 0. C overlaps nothing else. kInvalidArgument: sizes that do not agree, a
// view, pack or workspace that is too small, k beyond the limit above; nothing has been written
// then. kLimit: the pool had no memory for its tasks; C is undefined then. Thread-safe on distinct
// C and workspaces.
ABI_API Status gemm_int8(const GemmInt8<std::int8_t>& product, std::span<std::byte> workspace,
                         ThreadPool* pool = nullptr);
ABI_API Status gemm_int8(const GemmInt8<std::uint8_t>& product, std::span<std::byte> workspace,
                         ThreadPool* pool = nullptr);

// `count` products with the same sizes, strides and accumulation. Operand i begins i * stride
// elements after the first; the views of `first` say the shape and must hold all of them. A stride
// of 0 shares one A, or with b_stride 0 one packed B, among all; elements of different C do not
// overlap. Strides of B are in bytes of packed form.
template <class T>
struct GemmInt8Batch {
    GemmInt8<T> first;
    std::size_t count = 0;
    std::size_t a_stride = 0;
    std::size_t b_stride = 0;
    std::size_t c_stride = 0;
};

// Errors and determinism as of gemm_int8; workspace of a batch: that of its first product times
// `count`, by the functions below.
ABI_API std::size_t gemm_int8_workspace_bytes(const GemmInt8Batch<std::int8_t>& batch) noexcept;
ABI_API std::size_t gemm_int8_workspace_bytes(const GemmInt8Batch<std::uint8_t>& batch) noexcept;
ABI_API Status gemm_int8(const GemmInt8Batch<std::int8_t>& batch, std::span<std::byte> workspace,
                         ThreadPool* pool = nullptr);
ABI_API Status gemm_int8(const GemmInt8Batch<std::uint8_t>& batch, std::span<std::byte> workspace,
                         ThreadPool* pool = nullptr);
// Products of different shapes and places, run side by side. Each is checked before any is
// started. The workspace is the sum of theirs.
ABI_API Status gemm_int8(std::span<const GemmInt8<std::int8_t>> products,
                         std::span<std::byte> workspace, ThreadPool* pool = nullptr);
ABI_API Status gemm_int8(std::span<const GemmInt8<std::uint8_t>> products,
                         std::span<std::byte> workspace, ThreadPool* pool = nullptr);

}  // namespace abikit::simd
