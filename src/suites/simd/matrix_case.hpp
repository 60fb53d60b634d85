// What the checks of the matrix products share: matrices with a gap between their rows, in buffers
// that end where their values end. Read check_gemm_f32.cpp for use.
#pragma once

#include <cstddef>

#include <abi/simd/matrix.hpp>

#include "check.hpp"

namespace abikit::suites {

// Values from the first to the last element of a matrix whose rows are `gap` elements apart.
inline std::size_t values_of(std::size_t rows, std::size_t columns, std::size_t gap) {
    return rows == 0 || columns == 0 ? 0 : (rows - 1) * (columns + gap) + columns;
}

// The matrix that a buffer of values_of() elements holds.
template <class T>
simd::MatrixView<const T> view(const ExactBuffer<T>& buffer, std::size_t rows, std::size_t columns,
                               std::size_t gap) {
    return {.values = {buffer.data(), buffer.size()},
            .rows = rows,
            .columns = columns,
            .stride = columns + gap};
}

}  // namespace abikit::suites
