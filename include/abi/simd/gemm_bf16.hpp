// Products of bfloat16 matrices with float32 sums: half the memory traffic of float32, and on
// machines with AVX512-BF16 twice its rate. B is packed into panels, once for weights that stay.
// Read gemm_int8.hpp for its integer sibling, types.hpp for the element type.
#pragma once

#include <cstddef>
#include <span>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/core/thread_pool.hpp>
#include <abi/simd/matrix.hpp>
#include <abi/simd/types.hpp>

namespace abikit::simd {

// B[k x n] in packed form, the same bytes on every target and for any number of threads, so that it
// may be kept, stored and mapped. Borrows; 64-byte alignment makes it faster, none is needed.
struct PackedBf16 {
    std::span<const std::byte> bytes;  // packed_bf16_bytes(k, n) of them
    std::size_t k = 0;
    std::size_t n = 0;
};

// Size of the packed form: 2 bytes for each of k rounded up to 2 times n rounded up to 16. 0 when
// that is beyond the address space.
ABI_API std::size_t packed_bf16_bytes(std::size_t k, std::size_t n) noexcept;

// Packs op(B) into the first packed_bf16_bytes() bytes of `out`. Weights that are stored one row
// for each output (n x k) are transposed. kInvalidArgument: B's view is not valid or `out` too
// small. kLimit: the pool had no memory for its tasks.
ABI_API Status pack_bf16(MatrixView<const BFloat16> b, Transpose transpose,
                         std::span<std::byte> out, ThreadPool* pool = nullptr);

// C[m x n] = op(A)[m x k] * B[k x n] (+ C).
struct GemmBf16 {
    MatrixView<const BFloat16> a;
    Transpose transpose_a = Transpose::kNo;
    PackedBf16 b;
    MatrixView<float> c;
    Accumulate accumulate = Accumulate::kNo;
};

// Workspace in bytes: none unless A is transposed (then 2 * m * k and an alignment).
ABI_API std::size_t gemm_bf16_workspace_bytes(const GemmBf16& product) noexcept;

// Computes C, on the threads of `pool` too (null: on the calling one), with the same bits for any
// number of threads. Products are exact, or rounded once each on AVX3_ZEN4, and summed in float32:
// an element is within (k + 4) * 2^-23 * (sum |terms| + |C|) + k * 2^-125 of the exact one, barring
// overflow. The last term is for AVX3_ZEN4, whose instruction takes and gives denormal values as
// zero; other targets keep them. NaN and infinities go where arithmetic takes them. Any size may be
// 0. C overlaps nothing else. kInvalidArgument: sizes that do not agree, a view, pack or workspace
// that is too small; nothing has been written then. kLimit: the pool had no memory for its tasks; C
// is undefined then. Thread-safe on distinct C and workspaces.
ABI_API Status gemm_bf16(const GemmBf16& product, std::span<std::byte> workspace,
                         ThreadPool* pool = nullptr);

}  // namespace abikit::simd
