// The border of the bfloat16 products: checks what the caller says, cuts the work by its shape, and
// transposes A where it has to. Read abi/simd/gemm_bf16.hpp for the contract, gemm_bf16_kernels.hpp
// for the packed form and the tasks.
#include <abi/simd/gemm_bf16.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

#include "gemm_bf16_kernels.hpp"
#include "gemm_plan.hpp"
#include "matrix_checks.hpp"

namespace abikit::simd {
namespace {

// BFloat16 is its bits and nothing else.
const std::uint16_t* bits_of(const BFloat16* values) {
    return reinterpret_cast<const std::uint16_t*>(values);
}

void run(const GemmBf16& p, std::byte* workspace, ThreadPool* pool) {
    const std::size_t m = p.c.rows;
    const std::size_t n = p.c.columns;
    const std::size_t k = p.b.k;
    if (m == 0 || n == 0) {
        return;
    }
    if (k == 0) {
        zero_unless(p.c, p.accumulate);
        return;
    }
    const std::uint16_t* a = bits_of(p.a.values.data());
    std::size_t lda = p.a.stride;
    if (p.transpose_a == Transpose::kYes) {
        const auto address = reinterpret_cast<std::uintptr_t>(workspace);
        auto* plain = reinterpret_cast<std::uint16_t*>(workspace + address % sizeof(std::uint16_t));
        transpose_matrix(a, lda, m, k, plain, pool);
        a = plain;
        lda = k;
    }
    const GemmPlan plan = make_gemm_plan(m, k, n);
    const std::size_t column_bytes = round_up(k, bf16::kGroup) * sizeof(std::uint16_t);
    for_each_task(plan.row_blocks * plan.column_blocks, pool, [&](std::size_t index) {
        const std::size_t row = index % plan.row_blocks * plan.rows;
        const std::size_t column = index / plan.row_blocks * plan.columns;
        bf16::multiply({.a = a + row * lda,
                        .lda = lda,
                        .rows = std::min(plan.rows, m - row),
                        .depth = k,
                        .columns = std::min(plan.columns, n - column),
                        .b = p.b.bytes.data() + column * column_bytes,
                        .c = p.c.values.data() + row * p.c.stride + column,
                        .ldc = p.c.stride,
                        .accumulate = p.accumulate == Accumulate::kYes});
    });
}

Status check_pack(const PackedBf16& b) {
    const std::size_t needed = packed_bf16_bytes(b.k, b.n);
    if (b.bytes.size() < needed || (needed == 0 && b.k != 0 && b.n != 0)) {
        return fail(Code::kInvalidArgument, "packed B of " + std::to_string(b.k) + " x " +
                                                std::to_string(b.n) + " does not fit its " +
                                                std::to_string(b.bytes.size()) + " bytes");
    }
    return {};
}

Status check(const GemmBf16& p) {
    ABI_CHECK(check_matrix(p.a, "A"));
    ABI_CHECK(check_matrix(p.c, "C"));
    ABI_CHECK(check_pack(p.b));
    return check_product(effective_rows(p.a, p.transpose_a), effective_columns(p.a, p.transpose_a),
                         p.b.k, p.b.n, p.c.rows, p.c.columns);
}

}  // namespace

std::size_t packed_bf16_bytes(std::size_t k, std::size_t n) noexcept {
    // Anything that could wrap while it is rounded up is far beyond memory.
    constexpr std::size_t kMost = SIZE_MAX / 4;
    std::size_t bytes = 0;
    if (k > kMost || n > kMost ||
        __builtin_mul_overflow(round_up(n, bf16::kPanel),
                               round_up(k, bf16::kGroup) * sizeof(std::uint16_t), &bytes)) {
        return 0;
    }
    return bytes;
}

Status pack_bf16(MatrixView<const BFloat16> b, Transpose transpose, std::span<std::byte> out,
                 ThreadPool* pool) {
    ABI_CHECK(check_matrix(b, "B"));
    const std::size_t k = effective_rows(b, transpose);
    const std::size_t n = effective_columns(b, transpose);
    ABI_CHECK(check_pack({.bytes = out, .k = k, .n = n}));
    if (k == 0) {
        return {};
    }
    const bool plain = transpose == Transpose::kNo;
    const std::size_t column_bytes = round_up(k, bf16::kGroup) * sizeof(std::uint16_t);
    const std::size_t column_stride = plain ? 1 : b.stride;
    try {
        for_each_task(divide_up(n, bf16::kBlock), pool, [&](std::size_t index) {
            const std::size_t column = index * bf16::kBlock;
            bf16::pack({.b = bits_of(b.values.data()) + column * column_stride,
                        .row_stride = plain ? b.stride : 1,
                        .column_stride = column_stride,
                        .depth = k,
                        .columns = std::min(bf16::kBlock, n - column),
                        .out = out.data() + column * column_bytes});
        });
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

std::size_t gemm_bf16_workspace_bytes(const GemmBf16& p) noexcept {
    return p.transpose_a == Transpose::kYes ? (p.a.rows * p.a.columns + 1) * sizeof(std::uint16_t)
                                            : 0;
}

Status gemm_bf16(const GemmBf16& product, std::span<std::byte> workspace, ThreadPool* pool) {
    ABI_CHECK(check(product));
    ABI_CHECK(check_workspace(workspace, gemm_bf16_workspace_bytes(product)));
    try {
        run(product, workspace.data(), pool);
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

}  // namespace abikit::simd
