// The border of the int8 products: checks what the caller says, cuts the work by its shape, and
// transposes A where it has to. Read abi/simd/gemm_int8.hpp for the contract, gemm_int8_kernels.hpp
// for the packed form and the tasks.
#include <abi/simd/gemm_int8.hpp>

#include <algorithm>
#include <concepts>
#include <string>

#include "gemm_int8_kernels.hpp"
#include "gemm_plan.hpp"
#include "matrix_checks.hpp"
#include "tasks.hpp"

namespace abikit::simd {
namespace {

const std::byte* corrections_of(const PackedInt8& b) {
    return b.bytes.data();
}
const std::byte* blocks_of(const PackedInt8& b) {
    return b.bytes.data() + round_up(b.n, kGemmPanel) * sizeof(std::int32_t);
}

template <class T>
void run(const GemmInt8<T>& p, std::byte* workspace, ThreadPool* pool) {
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
    const auto* a = reinterpret_cast<const std::uint8_t*>(p.a.values.data());
    std::size_t lda = p.a.stride;
    if (p.transpose_a == Transpose::kYes) {
        auto* plain = reinterpret_cast<std::uint8_t*>(workspace);
        transpose_matrix(a, lda, m, k, plain, pool);
        a = plain;
        lda = k;
    }
    const GemmPlan plan = make_gemm_plan(m, k, n);
    const std::size_t padded_depth = round_up(k, int8::kGroup);
    for_each_task(plan.row_blocks * plan.column_blocks, pool, [&](std::size_t index) {
        const std::size_t row = index % plan.row_blocks * plan.rows;
        const std::size_t column = index / plan.row_blocks * plan.columns;
        int8::multiply({.a = a + row * lda,
                        .lda = lda,
                        .a_unsigned = std::same_as<T, std::uint8_t>,
                        .rows = std::min(plan.rows, m - row),
                        .depth = k,
                        .columns = std::min(plan.columns, n - column),
                        .b = blocks_of(p.b) + column * padded_depth,
                        .corrections = corrections_of(p.b) + column * sizeof(std::int32_t),
                        .c = p.c.values.data() + row * p.c.stride + column,
                        .ldc = p.c.stride,
                        .accumulate = p.accumulate == Accumulate::kYes});
    });
}

template <class T>
constexpr std::size_t max_depth() {
    return std::same_as<T, std::uint8_t> ? kMaxDepthUint8 : kMaxDepthInt8;
}

Status check_pack(const PackedInt8& b) {
    const std::size_t needed = packed_int8_bytes(b.k, b.n);
    if (b.bytes.size() < needed || (needed == 0 && b.k != 0 && b.n != 0)) {
        return fail(Code::kInvalidArgument, "packed B of " + std::to_string(b.k) + " x " +
                                                std::to_string(b.n) + " does not fit its " +
                                                std::to_string(b.bytes.size()) + " bytes");
    }
    return {};
}

template <class T>
Status check(const GemmInt8<T>& p) {
    ABI_CHECK(check_matrix(p.a, "A"));
    ABI_CHECK(check_matrix(p.c, "C"));
    ABI_CHECK(check_pack(p.b));
    const std::size_t k = effective_columns(p.a, p.transpose_a);
    ABI_CHECK(
        check_product(effective_rows(p.a, p.transpose_a), k, p.b.k, p.b.n, p.c.rows, p.c.columns));
    if (k > max_depth<T>()) {
        return fail(Code::kInvalidArgument,
                    "sums of " + std::to_string(k) + " products may exceed 32 bits",
                    "split the depth at " + std::to_string(max_depth<T>()));
    }
    return {};
}

template <class T>
std::size_t workspace_of(const GemmInt8<T>& p) noexcept {
    return p.transpose_a == Transpose::kYes ? p.a.rows * p.a.columns : 0;
}

// Runs `count` products that were checked; product(i) and workspace(i) belong together.
template <class Product, class Workspace>
Status run_all(std::size_t count, Product product, Workspace workspace, ThreadPool* pool) {
    try {
        for_each_task(count, pool, [&](std::size_t i) { run(product(i), workspace(i), pool); });
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

template <class T>
Status run_one(const GemmInt8<T>& product, std::span<std::byte> workspace, ThreadPool* pool) {
    ABI_CHECK(check(product));
    ABI_CHECK(check_workspace(workspace, workspace_of(product)));
    return run_all(
        1, [&](std::size_t) -> const GemmInt8<T>& { return product; },
        [&](std::size_t) { return workspace.data(); }, pool);
}

// Whether `count` ranges of `extent` that begin `stride` apart lie inside `size`.
bool ranges_fit(std::size_t count, std::size_t stride, std::size_t extent, std::size_t size) {
    return elements_fit(count, stride, extent, 1, size);
}

template <class T>
std::size_t extent_of(const MatrixView<T>& view) {
    return view.rows == 0 || view.columns == 0 ? 0 : (view.rows - 1) * view.stride + view.columns;
}

template <class T>
Status check_batch(const GemmInt8Batch<T>& batch) {
    if (batch.count == 0) {
        return {};
    }
    const GemmInt8<T>& p = batch.first;
    ABI_CHECK(check(p));
    if (!ranges_fit(batch.count, batch.a_stride, extent_of(p.a), p.a.values.size()) ||
        !ranges_fit(batch.count, batch.b_stride, packed_int8_bytes(p.b.k, p.b.n),
                    p.b.bytes.size()) ||
        !ranges_fit(batch.count, batch.c_stride, extent_of(p.c), p.c.values.size())) {
        return fail(Code::kInvalidArgument, "the operands of " + std::to_string(batch.count) +
                                                " products do not fit their values");
    }
    if (batch.count > 1 && batch.c_stride < extent_of(p.c)) {
        return fail(Code::kInvalidArgument,
                    "results of a batch overlap: they are " + std::to_string(batch.c_stride) +
                        " elements apart and take " + std::to_string(extent_of(p.c)));
    }
    return {};
}

template <class T>
Status run_batch(const GemmInt8Batch<T>& batch, std::span<std::byte> workspace, ThreadPool* pool) {
    ABI_CHECK(check_batch(batch));
    ABI_CHECK(check_workspace(workspace, gemm_int8_workspace_bytes(batch)));
    const std::size_t each = workspace_of(batch.first);
    const auto product = [&](std::size_t i) {
        GemmInt8<T> p = batch.first;
        p.a.values = p.a.values.subspan(std::min(i * batch.a_stride, p.a.values.size()));
        p.b.bytes = p.b.bytes.subspan(std::min(i * batch.b_stride, p.b.bytes.size()));
        p.c.values = p.c.values.subspan(std::min(i * batch.c_stride, p.c.values.size()));
        return p;
    };
    return run_all(
        batch.count, product, [&](std::size_t i) { return workspace.data() + i * each; }, pool);
}

template <class T>
Status run_list(std::span<const GemmInt8<T>> products, std::span<std::byte> workspace,
                ThreadPool* pool) {
    std::size_t needed = 0;
    for (const GemmInt8<T>& product : products) {
        ABI_CHECK(check(product));
        needed += workspace_of(product);
    }
    ABI_CHECK(check_workspace(workspace, needed));
    const auto workspace_at = [&](std::size_t index) {
        std::size_t before = 0;
        for (std::size_t i = 0; i < index; ++i) {
            before += workspace_of(products[i]);
        }
        return workspace.data() + before;
    };
    return run_all(
        products.size(), [&](std::size_t i) -> const GemmInt8<T>& { return products[i]; },
        workspace_at, pool);
}

}  // namespace

std::size_t packed_int8_bytes(std::size_t k, std::size_t n) noexcept {
    // Anything that could wrap while it is rounded up is far beyond memory.
    constexpr std::size_t kMost = SIZE_MAX / 4;
    if (k > kMost || n > kMost) {
        return 0;
    }
    const std::size_t columns = round_up(n, kGemmPanel);
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(columns, round_up(k, int8::kGroup) + sizeof(std::int32_t), &bytes)) {
        return 0;
    }
    return bytes;
}

Status pack_int8(MatrixView<const std::int8_t> b, Transpose transpose, std::span<std::byte> out,
                 ThreadPool* pool) {
    ABI_CHECK(check_matrix(b, "B"));
    const std::size_t k = effective_rows(b, transpose);
    const std::size_t n = effective_columns(b, transpose);
    ABI_CHECK(check_pack({.bytes = out, .k = k, .n = n}));
    const bool plain = transpose == Transpose::kNo;
    const std::size_t padded_depth = round_up(k, int8::kGroup);
    std::byte* corrections = out.data();
    std::byte* blocks = out.data() + round_up(n, kGemmPanel) * sizeof(std::int32_t);
    const std::size_t column_stride = plain ? 1 : b.stride;
    try {
        for_each_task(divide_up(n, kGemmBlock), pool, [&](std::size_t index) {
            const std::size_t column = index * kGemmBlock;
            int8::pack({.b = k == 0 ? nullptr : b.values.data() + column * column_stride,
                        .row_stride = plain ? b.stride : 1,
                        .column_stride = column_stride,
                        .depth = k,
                        .columns = std::min(kGemmBlock, n - column),
                        .out = blocks + column * padded_depth,
                        .corrections = corrections + column * sizeof(std::int32_t)});
        });
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

std::size_t gemm_int8_workspace_bytes(const GemmInt8<std::int8_t>& product) noexcept {
    return workspace_of(product);
}
std::size_t gemm_int8_workspace_bytes(const GemmInt8<std::uint8_t>& product) noexcept {
    return workspace_of(product);
}
std::size_t gemm_int8_workspace_bytes(const GemmInt8Batch<std::int8_t>& batch) noexcept {
    return workspace_of(batch.first) * batch.count;
}
std::size_t gemm_int8_workspace_bytes(const GemmInt8Batch<std::uint8_t>& batch) noexcept {
    return workspace_of(batch.first) * batch.count;
}

Status gemm_int8(const GemmInt8<std::int8_t>& product, std::span<std::byte> workspace,
                 ThreadPool* pool) {
    return run_one(product, workspace, pool);
}
Status gemm_int8(const GemmInt8<std::uint8_t>& product, std::span<std::byte> workspace,
                 ThreadPool* pool) {
    return run_one(product, workspace, pool);
}
Status gemm_int8(const GemmInt8Batch<std::int8_t>& batch, std::span<std::byte> workspace,
                 ThreadPool* pool) {
    return run_batch(batch, workspace, pool);
}
Status gemm_int8(const GemmInt8Batch<std::uint8_t>& batch, std::span<std::byte> workspace,
                 ThreadPool* pool) {
    return run_batch(batch, workspace, pool);
}
Status gemm_int8(std::span<const GemmInt8<std::int8_t>> products, std::span<std::byte> workspace,
                 ThreadPool* pool) {
    return run_list(products, workspace, pool);
}
Status gemm_int8(std::span<const GemmInt8<std::uint8_t>> products, std::span<std::byte> workspace,
                 ThreadPool* pool) {
    return run_list(products, workspace, pool);
}

}  // namespace abikit::simd
