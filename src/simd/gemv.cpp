// The border of sgemv: checks what the caller says, then hands over to skinny.hpp.
#include <abi/simd/gemv.hpp>

#include <string>

#include "matrix_checks.hpp"
#include "skinny.hpp"

namespace abikit::simd {
namespace {

static_assert(Gemv::kMaxColumns == skinny::kMaxColumns);

skinny::Problem problem_of(const Gemv& product) noexcept {
    skinny::Problem problem;
    problem.rows = effective_rows(product.a, product.transpose);
    problem.depth = effective_columns(product.a, product.transpose);
    problem.columns = product.columns;
    problem.w = product.a.values.data();
    problem.ldw = product.a.stride;
    problem.storage =
        product.transpose == Transpose::kNo ? skinny::Storage::kRows : skinny::Storage::kColumns;
    problem.x = product.x.data();
    problem.x_row_stride = product.x_row_stride;
    problem.x_column_stride = product.x_column_stride;
    problem.y = product.y.data();
    problem.y_row_stride = product.y_row_stride;
    problem.y_column_stride = product.y_column_stride;
    problem.alpha = product.alpha;
    problem.beta = product.beta;
    return problem;
}

Status check(const Gemv& product) {
    ABI_CHECK(check_matrix(product.a, "A"));
    if (product.columns == 0 || product.columns > Gemv::kMaxColumns) {
        return fail(Code::kInvalidArgument,
                    "sgemv takes 1 to 16 columns, not " + std::to_string(product.columns));
    }
    const std::size_t m = effective_rows(product.a, product.transpose);
    const std::size_t k = effective_columns(product.a, product.transpose);
    if (!elements_fit(k, product.x_row_stride, product.columns, product.x_column_stride,
                      product.x.size())) {
        return fail(Code::kInvalidArgument,
                    "X of " + std::to_string(k) + " x " + std::to_string(product.columns) +
                        " does not fit its " + std::to_string(product.x.size()) + " values");
    }
    if (!elements_fit(m, product.y_row_stride, product.columns, product.y_column_stride,
                      product.y.size())) {
        return fail(Code::kInvalidArgument,
                    "Y of " + std::to_string(m) + " x " + std::to_string(product.columns) +
                        " does not fit its " + std::to_string(product.y.size()) + " values");
    }
    if (!elements_are_distinct(m, product.y_row_stride, product.columns, product.y_column_stride)) {
        return fail(Code::kInvalidArgument, "elements of Y share a place, by its strides of " +
                                                std::to_string(product.y_row_stride) + " and " +
                                                std::to_string(product.y_column_stride));
    }
    return {};
}

}  // namespace

std::size_t sgemv_workspace_bytes(const Gemv& product) noexcept {
    return skinny::workspace_bytes(problem_of(product));
}

Status sgemv(const Gemv& product, std::span<std::byte> workspace, ThreadPool* pool) {
    ABI_CHECK(check(product));
    const skinny::Problem problem = problem_of(product);
    ABI_CHECK(check_workspace(workspace, skinny::workspace_bytes(problem)));
    try {
        skinny::multiply(problem, workspace, pool);
    } catch (...) {
        return fail(error_from_current_exception());
    }
    return {};
}

}  // namespace abikit::simd
