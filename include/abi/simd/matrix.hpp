// What the matrix products have in common: a row-major matrix inside a range of values, and whether
// it is taken as it stands or transposed. Read gemv.hpp, gemm_int8.hpp or gemm_bf16.hpp next.
#pragma once

#include <cstddef>
#include <span>

namespace abikit::simd {

enum class Transpose {
    kNo,
    kYes,
};

// What becomes of the former values of a result.
enum class Accumulate {
    kNo,   // they are only written over
    kYes,  // the product is added to them (modulo 2^32 where they are integers)
};

// rows x columns values; element (r, c) is values[r * stride + c]. Valid when stride >= columns and
// values holds (rows - 1) * stride + columns elements, or when there is no element at all. Borrows.
template <class T>
struct MatrixView {
    std::span<T> values;
    std::size_t rows = 0;
    std::size_t columns = 0;
    std::size_t stride = 0;  // elements from one row to the next
};

// Of the matrix that a product takes: rows and columns change places when it is transposed.
template <class T>
constexpr std::size_t effective_rows(const MatrixView<T>& matrix, Transpose transpose) noexcept {
    return transpose == Transpose::kNo ? matrix.rows : matrix.columns;
}
template <class T>
constexpr std::size_t effective_columns(const MatrixView<T>& matrix, Transpose transpose) noexcept {
    return transpose == Transpose::kNo ? matrix.columns : matrix.rows;
}

}  // namespace abikit::simd
