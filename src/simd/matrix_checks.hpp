// Whether what a caller says about a matrix holds: the checks at the border of the products.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <abi/core/error.hpp>
#include <abi/simd/matrix.hpp>

namespace abikit::simd {

// Whether elements (i, j) for i < rows and j < columns lie inside `size` values when (i, j) stands
// at i * row_stride + j * column_stride. True without elements. No overflow for any argument.
constexpr bool elements_fit(std::size_t rows, std::size_t row_stride, std::size_t columns,
                            std::size_t column_stride, std::size_t size) noexcept {
    if (rows == 0 || columns == 0) {
        return true;
    }
    std::size_t last_row = 0;
    std::size_t last_column = 0;
    std::size_t last = 0;
    return !__builtin_mul_overflow(rows - 1, row_stride, &last_row) &&
           !__builtin_mul_overflow(columns - 1, column_stride, &last_column) &&
           !__builtin_add_overflow(last_row, last_column, &last) && last < size;
}

// Whether two elements of a strided rows x columns matrix may share a place: they do not when one
// direction passes over the whole other one.
constexpr bool elements_are_distinct(std::size_t rows, std::size_t row_stride, std::size_t columns,
                                     std::size_t column_stride) noexcept {
    if (rows <= 1 || columns <= 1) {
        return (rows <= 1 || row_stride != 0) && (columns <= 1 || column_stride != 0);
    }
    return (column_stride != 0 && row_stride / column_stride >= columns) ||
           (row_stride != 0 && column_stride / row_stride >= rows);
}

// kInvalidArgument unless the view is valid; `name` stands in the message.
template <class T>
Status check_matrix(const MatrixView<T>& matrix, std::string_view name) {
    if (matrix.rows == 0 || matrix.columns == 0) {
        return {};
    }
    if (matrix.stride < matrix.columns) {
        return fail(Code::kInvalidArgument, "matrix " + std::string(name) + " has a stride of " +
                                                std::to_string(matrix.stride) + ", less than its " +
                                                std::to_string(matrix.columns) + " columns");
    }
    if (!elements_fit(matrix.rows, matrix.stride, matrix.columns, 1, matrix.values.size())) {
        return fail(Code::kInvalidArgument,
                    "matrix " + std::string(name) + " of " + std::to_string(matrix.rows) + " x " +
                        std::to_string(matrix.columns) + " with a stride of " +
                        std::to_string(matrix.stride) + " does not fit its " +
                        std::to_string(matrix.values.size()) + " values");
    }
    return {};
}

// kInvalidArgument unless an m x k by a b_rows x b_columns matrix gives c_rows x c_columns.
inline Status check_product(std::size_t m, std::size_t k, std::size_t b_rows, std::size_t b_columns,
                            std::size_t c_rows, std::size_t c_columns) {
    if (c_rows == m && c_columns == b_columns && b_rows == k) {
        return {};
    }
    const auto size = [](std::size_t rows, std::size_t columns) {
        return std::to_string(rows) + " x " + std::to_string(columns);
    };
    return fail(Code::kInvalidArgument, "a product of " + size(m, k) + " by " +
                                            size(b_rows, b_columns) + " does not give " +
                                            size(c_rows, c_columns));
}

// kInvalidArgument unless the workspace has the bytes that the product asked for.
inline Status check_workspace(std::span<const std::byte> workspace, std::size_t needed) {
    if (workspace.size() < needed) {
        return fail(Code::kInvalidArgument,
                    "the workspace has " + std::to_string(workspace.size()) + " bytes of the " +
                        std::to_string(needed) + " needed");
    }
    return {};
}

}  // namespace abikit::simd
