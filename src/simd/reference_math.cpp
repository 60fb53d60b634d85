// Scalar references of the elementary functions. Read abi/simd/reference_math.hpp for what they are
// for.
#include <abi/simd/reference_math.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace abikit::simd::reference {
namespace {

// x times a factor that goes to 0 faster than x grows: -0 for -infinity.
long double times_vanishing(long double x, long double factor) {
    return std::isinf(x) && x < 0.0L ? -0.0L : x * factor;
}

}  // namespace

long double exp(long double x) noexcept {
    return std::exp(x);
}

long double log(long double x) noexcept {
    return std::log(x);
}

long double sin(long double x) noexcept {
    return std::sin(x);
}

long double cos(long double x) noexcept {
    return std::cos(x);
}

long double tanh(long double x) noexcept {
    return std::tanh(x);
}

long double sigmoid(long double x) noexcept {
    return 1.0L / (1.0L + std::exp(-x));
}

long double erf(long double x) noexcept {
    return std::erf(x);
}

long double gelu(long double x) noexcept {
    return times_vanishing(x, 0.5L * std::erfc(-x / std::numbers::sqrt2_v<long double>));
}

long double gelu_tanh(long double x) noexcept {
    const long double half =
        std::sqrt(2.0L / std::numbers::pi_v<long double>) * (x + 0.044715L * x * x * x);
    return times_vanishing(x, sigmoid(2.0L * half));
}

long double silu(long double x) noexcept {
    return times_vanishing(x, sigmoid(x));
}

double error_in_ulps(float value, long double exact) noexcept {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (std::isnan(value) || std::isnan(exact)) {
        return std::isnan(value) && std::isnan(exact) ? 0.0 : kInfinity;
    }
    const long double got = static_cast<long double>(value);
    if (got == exact) {
        return 0.0;
    }
    const long double magnitude = std::abs(exact);
    if (magnitude >= 0x1p128L) {
        return std::isinf(value) && std::signbit(value) == std::signbit(exact) ? 0.0 : kInfinity;
    }
    int exponent = 0;
    std::frexp(magnitude, &exponent);  // magnitude = [0.5, 1) 2^exponent
    const int unit = std::max(exponent, -125) - 24;
    // Rounding up to 2^128 is right from half a unit below it on.
    const long double finite = std::isinf(value) ? std::copysign(0x1p128L, got) : got;
    return static_cast<double>(std::ldexp(std::abs(finite - exact), -unit));
}

}  // namespace abikit::simd::reference
