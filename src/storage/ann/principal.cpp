// Eigen's solver on the covariance, or on the Gram matrix where there are fewer rows than
// dimensions.
#include "ann/principal.hpp"

#include <algorithm>

#include <abi/core/random.hpp>
#include <abi/simd/gemm.hpp>

// Eigen's templates do not keep our warnings.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <Eigen/Dense>

namespace abikit::storage::ann {

namespace {
using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using simd::Transpose;

Eigen::Index index(std::size_t value) {
    return static_cast<Eigen::Index>(value);
}

simd::MatrixView<const float> view(std::span<const float> values, std::size_t columns) {
    return {values, values.size() / columns, columns, columns};
}

// op(a) * op(b), row-major. Eigen is compiled for the least of processors; this is not.
Result<std::vector<float>> multiply(simd::MatrixView<const float> a, Transpose transpose_a,
                                    simd::MatrixView<const float> b, Transpose transpose_b,
                                    ThreadPool* pool) {
    const std::size_t rows = simd::effective_rows(a, transpose_a);
    const std::size_t columns = simd::effective_columns(b, transpose_b);
    std::vector<float> out(rows * columns);
    simd::Gemm product;
    product.a = a;
    product.transpose_a = transpose_a;
    product.b = b;
    product.transpose_b = transpose_b;
    product.c = {out, rows, columns, columns};
    const unsigned threads = pool == nullptr ? 1 : pool->threads();
    std::vector<std::byte> workspace(simd::gemm_workspace_bytes(product, threads));
    ABI_CHECK(simd::gemm(product, workspace, pool));
    return out;
}

// Rows of `axes` to length 1.
void normalise(std::vector<float>& axes, std::size_t dimension) {
    for (std::size_t i = 0; i < axes.size(); i += dimension) {
        Eigen::Map<Eigen::VectorXf>(axes.data() + i, index(dimension)).normalize();
    }
}
}  // namespace

Result<Axes> principal_axes(std::span<const float> sample, std::size_t dimension, std::size_t most,
                            ThreadPool* pool) {
    const auto x = view(sample, dimension);
    const bool dual = x.rows < dimension;
    const std::size_t solved = std::min(x.rows, dimension);
    ABI_TRY(std::vector<float> product, multiply(x, dual ? Transpose::kNo : Transpose::kYes, x,
                                                 dual ? Transpose::kYes : Transpose::kNo, pool));
    const Eigen::Map<const Matrix> matrix(product.data(), index(solved), index(solved));
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(matrix);
    const double total = std::max(1e-30, static_cast<double>(matrix.trace()));

    Axes axes;
    double sum = 0;
    for (std::size_t i = 0; i < std::min(most, solved); ++i) {
        const Eigen::Index column = index(solved - 1 - i);
        const double variance = static_cast<double>(solver.eigenvalues()(column));
        if (variance <= total * 1e-7) {
            break;  // an axis of rounding errors
        }
        sum += variance;
        axes.share.push_back(sum / total);
        const Eigen::VectorXf vector = solver.eigenvectors().col(column);
        axes.values.insert(axes.values.end(), vector.data(), vector.data() + solved);
        ++axes.count;
    }
    if (dual && axes.count != 0) {
        ABI_TRY(axes.values,
                multiply(view(axes.values, solved), Transpose::kNo, x, Transpose::kNo, pool));
        normalise(axes.values, dimension);
    }
    return axes;
}

void turn_axes(std::span<float> axes, std::size_t count, std::size_t dimension,
               std::uint64_t seed) {
    Random random(seed);
    Eigen::MatrixXf noise(index(count), index(count));
    for (std::size_t i = 0; i < count * count; ++i) {
        noise.data()[i] = static_cast<float>(random.normal());
    }
    const Eigen::HouseholderQR<Eigen::MatrixXf> decomposition(noise);
    const Eigen::MatrixXf turn = decomposition.householderQ();
    Eigen::Map<Matrix> rows(axes.data(), index(count), index(dimension));
    rows = (turn * rows).eval();
}

}  // namespace abikit::storage::ann
#pragma GCC diagnostic pop
