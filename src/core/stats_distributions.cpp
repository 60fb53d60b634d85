// Normal, Student's t and binomial distributions by way of the incomplete beta function. Inverses
// are found by bisection: slow beside rational approximations, but right to the last digits, and
// nobody needs more than a few.
#include <cmath>
#include <limits>
#include <numbers>

#include <abi/core/stats.hpp>

namespace abikit {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kStirlingFrom = 10;

// ln Gamma(x) minus Stirling's (x - 1/2) ln x - x + ln(2 pi) / 2, for x >= 10: the asymptotic
// series (Abramowitz, Stegun 6.1.41), error below 1e-15.
double stirling_rest(double x) noexcept {
    const double z = 1 / (x * x);
    return (1.0 / 12 +
            z * (-1.0 / 360 +
                 z * (1.0 / 1260 + z * (-1.0 / 1680 + z * (1.0 / 1188 + z * (-691.0 / 360360 +
                                                                             z * (1.0 / 156))))))) /
           x;
}

// std::lgamma would do, were it not for the global `signgam` it writes, a race between threads.
double log_gamma(double x) noexcept {
    double product = 1;  // Gamma(x) = Gamma(x + k) / (x (x + 1) ... (x + k - 1))
    while (x < kStirlingFrom) {
        product *= x;
        x += 1;
    }
    return (x - 0.5) * std::log(x) - x + 0.5 * std::log(2 * std::numbers::pi) + stirling_rest(x) -
           std::log(product);
}

// ln Gamma(a) - ln Gamma(a + b) without the cancellation of the two for large a.
double log_gamma_ratio(double a, double b) noexcept {
    if (a < kStirlingFrom) {
        return log_gamma(a) - log_gamma(a + b);
    }
    return b - (a - 0.5) * std::log1p(b / a) - b * std::log(a + b) + stirling_rest(a) -
           stirling_rest(a + b);
}

double log_beta(double a, double b) noexcept {
    return a >= b ? log_gamma(b) + log_gamma_ratio(a, b) : log_gamma(a) + log_gamma_ratio(b, a);
}

// The continued fraction of the incomplete beta function (Abramowitz, Stegun 26.5.8), evaluated by
// Lentz's method as modified by Thompson and Barnett (1986). Converges in about sqrt(max(a, b))
// steps for x below the mean.
double beta_fraction(double a, double b, double x) noexcept {
    constexpr double kTiny = 1e-300;
    constexpr int kMaxSteps = 1'000'000;
    const auto away_from_zero = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
    double c = 1;
    double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
    double value = d;
    for (int m = 1; m <= kMaxSteps; ++m) {
        const double k = m;
        const double even = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        value *= d * c;
        const double odd = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        value *= d * c;
        if (std::abs(d * c - 1) < 3e-16) {
            break;
        }
    }
    return value;
}

// I_x(a, b) with y = 1 - x given too, because the caller may know it more precisely.
double incomplete_beta_xy(double a, double b, double x, double y) noexcept {
    if (x <= 0) {
        return 0;
    }
    if (y <= 0) {
        return 1;
    }
    // Near 1 the rounding of x would be multiplied by a; its distance from 1 is precise.
    const double log_x = x > 0.5 ? std::log1p(-y) : std::log(x);
    const double log_y = y > 0.5 ? std::log1p(-x) : std::log(y);
    const double front = std::exp(a * log_x + b * log_y - log_beta(a, b));
    if (x < (a + 1) / (a + b + 2)) {
        return front * beta_fraction(a, b, x) / a;
    }
    return 1 - front * beta_fraction(b, a, y) / b;
}

// P(T > t) for t >= 0.
double student_t_tail(double t, double degrees) noexcept {
    if (std::isinf(t)) {
        return 0;
    }
    // Divided by the larger of the two, so that squares of huge t do not overflow.
    const double root = std::sqrt(degrees);
    const double ratio = t > root ? root / t : t / root;
    const double small = ratio * ratio / (1 + ratio * ratio);
    const double large = 1 / (1 + ratio * ratio);
    const double x = t > root ? small : large;  // degrees / (degrees + t^2)
    const double y = t > root ? large : small;
    return 0.5 * incomplete_beta_xy(degrees / 2, 0.5, x, y);
}

// The t >= 0 with tail(t) == q, for a tail that falls from 1/2 to 0.
template <class Tail>
double invert_tail(double q, const Tail& tail) noexcept {
    double low = 0;
    double high = 1;
    while (tail(high) > q && !std::isinf(high)) {
        low = high;
        high *= 2;
    }
    for (;;) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) {  // neighbouring numbers
            return middle;
        }
        (tail(middle) > q ? low : high) = middle;
    }
}

// The quantile of a symmetric distribution by its upper tail.
template <class Tail>
double symmetric_quantile(double p, const Tail& tail) noexcept {
    if (!(p >= 0 && p <= 1)) {
        return kNan;
    }
    if (p == 0 || p == 1) {
        return p == 0 ? -kInfinity : kInfinity;
    }
    if (p == 0.5) {
        return 0;
    }
    return p < 0.5 ? -invert_tail(p, tail) : invert_tail(1 - p, tail);
}

double normal_tail(double z) noexcept {
    return 0.5 * std::erfc(z / std::numbers::sqrt2);
}

}  // namespace

double incomplete_beta(double a, double b, double x) noexcept {
    if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) {
        return kNan;
    }
    return incomplete_beta_xy(a, b, x, 1 - x);
}

double normal_cdf(double z) noexcept {
    return normal_tail(-z);
}

double normal_quantile(double p) noexcept {
    return symmetric_quantile(p, normal_tail);
}

double student_t_cdf(double t, double degrees) noexcept {
    if (std::isnan(t) || !(degrees > 0)) {
        return kNan;
    }
    const double tail = student_t_tail(std::abs(t), degrees);
    return t > 0 ? 1 - tail : tail;
}

double student_t_quantile(double p, double degrees) noexcept {
    if (!(degrees > 0)) {
        return kNan;
    }
    return symmetric_quantile(p, [degrees](double t) { return student_t_tail(t, degrees); });
}

double binomial_cdf(std::uint64_t k, std::uint64_t n, double p) noexcept {
    if (!(p >= 0 && p <= 1)) {
        return kNan;
    }
    if (k >= n) {
        return 1;
    }
    return incomplete_beta_xy(static_cast<double>(n - k), static_cast<double>(k) + 1, 1 - p, p);
}

}  // namespace abikit
