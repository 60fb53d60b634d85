// Scalar references in double precision. Read abi/simd/reference.hpp for what they are for.
#include <abi/simd/reference.hpp>

#include <cmath>

namespace abikit::simd::reference {

Sum l2_squared(const float* a, const float* b, std::size_t dim) noexcept {
    Sum sum;
    for (std::size_t j = 0; j < dim; ++j) {
        const double difference = a[j] - b[j];
        sum.value += difference * difference;
    }
    sum.magnitude = sum.value;
    return sum;
}

Sum dot(const float* a, const float* b, std::size_t dim) noexcept {
    Sum sum;
    for (std::size_t j = 0; j < dim; ++j) {
        const double term = static_cast<double>(a[j]) * static_cast<double>(b[j]);
        sum.value += term;
        sum.magnitude += std::abs(term);
    }
    return sum;
}

Sum squared_norm(const float* a, std::size_t dim) noexcept {
    return dot(a, a, dim);
}

}  // namespace abikit::simd::reference
