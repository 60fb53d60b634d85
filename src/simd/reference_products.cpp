// Scalar twins of the matrix products. Read abi/simd/reference_products.hpp.
#include <abi/simd/reference_products.hpp>

#include <cmath>

namespace abikit::simd::reference {

Sum strided_dot(const float* a, std::size_t a_stride, const float* b, std::size_t b_stride,
                std::size_t count) noexcept {
    Sum sum;
    for (std::size_t i = 0; i < count; ++i) {
        const double term =
            static_cast<double>(a[i * a_stride]) * static_cast<double>(b[i * b_stride]);
        sum.value += term;
        sum.magnitude += std::abs(term);
    }
    return sum;
}

}  // namespace abikit::simd::reference
