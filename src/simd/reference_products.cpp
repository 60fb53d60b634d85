// Scalar twins of the matrix products. Read abi/simd/reference_products.hpp.
#include <abi/simd/reference_products.hpp>

#include <bit>
#include <cmath>

namespace abikit::simd::reference {
namespace {

double widen(float value) {
    return static_cast<double>(value);
}

double widen(BFloat16 value) {
    return static_cast<double>(std::bit_cast<float>(std::uint32_t{value.bits} << 16));
}

template <class T>
Sum rounded_dot(const T* a, std::size_t a_stride, const T* b, std::size_t b_stride,
                std::size_t count) {
    Sum sum;
    for (std::size_t i = 0; i < count; ++i) {
        const double term = widen(a[i * a_stride]) * widen(b[i * b_stride]);
        sum.value += term;
        sum.magnitude += std::abs(term);
    }
    return sum;
}

template <class T>
std::int64_t exact_dot(const T* a, std::size_t a_stride, const std::int8_t* b, std::size_t b_stride,
                       std::size_t count) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sum += std::int64_t{a[i * a_stride]} * std::int64_t{b[i * b_stride]};
    }
    return sum;
}

}  // namespace

Sum strided_dot(const float* a, std::size_t a_stride, const float* b, std::size_t b_stride,
                std::size_t count) noexcept {
    return rounded_dot(a, a_stride, b, b_stride, count);
}

Sum strided_dot(const BFloat16* a, std::size_t a_stride, const BFloat16* b, std::size_t b_stride,
                std::size_t count) noexcept {
    return rounded_dot(a, a_stride, b, b_stride, count);
}

std::int64_t strided_dot(const std::int8_t* a, std::size_t a_stride, const std::int8_t* b,
                         std::size_t b_stride, std::size_t count) noexcept {
    return exact_dot(a, a_stride, b, b_stride, count);
}

std::int64_t strided_dot(const std::uint8_t* a, std::size_t a_stride, const std::int8_t* b,
                         std::size_t b_stride, std::size_t count) noexcept {
    return exact_dot(a, a_stride, b, b_stride, count);
}

}  // namespace abikit::simd::reference
