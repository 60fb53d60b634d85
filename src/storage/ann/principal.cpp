// Eigen's solver on the covariance, or on the Gram matrix where there are fewer rows than
// dimensions.
#include "ann/principal.hpp"

#include <algorithm>

#include <abi/core/random.hpp>

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

Eigen::Index index(std::size_t value) {
    return static_cast<Eigen::Index>(value);
}
}  // namespace

Axes principal_axes(std::span<const float> sample, std::size_t dimension, std::size_t most) {
    const std::size_t rows = sample.size() / dimension;
    const Eigen::Map<const Matrix> x(sample.data(), index(rows), index(dimension));
    const bool dual = rows < dimension;
    Matrix product(index(std::min(rows, dimension)), index(std::min(rows, dimension)));
    if (dual) {
        product.noalias() = x * x.transpose();
    } else {
        product.noalias() = x.transpose() * x;
    }
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(product);
    const double total = std::max(1e-30, static_cast<double>(product.trace()));

    Axes axes;
    double sum = 0;
    const std::size_t solved = std::min(rows, dimension);
    for (std::size_t i = 0; i < std::min(most, solved); ++i) {
        const Eigen::Index column = index(solved - 1 - i);
        const double variance = static_cast<double>(solver.eigenvalues()(column));
        if (variance <= total * 1e-7) {
            break;  // an axis of rounding errors
        }
        sum += variance;
        axes.share.push_back(sum / total);
        Eigen::VectorXf axis = solver.eigenvectors().col(column);
        if (dual) {
            axis = (x.transpose() * axis).normalized();
        }
        axes.values.insert(axes.values.end(), axis.data(), axis.data() + dimension);
        ++axes.count;
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
