// Scalar references of reductions and row norms. Read abi/simd/reference_reduce.hpp for what they
// are for.
#include <abi/simd/reference_reduce.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace abikit::simd::reference {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

double with_affine(double value, std::size_t i, RowAffine affine) {
    const double gain = affine.gain == nullptr ? 1.0 : static_cast<double>(affine.gain[i]);
    const double bias = affine.bias == nullptr ? 0.0 : static_cast<double>(affine.bias[i]);
    return value * gain + bias;
}

// The largest value and the sum of exponentials below it; the value is 0 when nothing is finite.
struct Exponentials {
    double top = 0.0;
    double sum = 0.0;
};

Exponentials exponentials(const float* x, std::size_t cols) {
    Exponentials result{-HUGE_VAL, 0.0};
    for (std::size_t i = 0; i < cols; ++i) {
        result.top = std::max(result.top, static_cast<double>(x[i]));
    }
    if (result.top == -HUGE_VAL) {
        result.top = 0.0;
    }
    for (std::size_t i = 0; i < cols; ++i) {
        result.sum += std::exp(static_cast<double>(x[i]) - result.top);
    }
    return result;
}

}  // namespace

Sum sum(const float* x, std::size_t count) noexcept {
    Sum result;
    for (std::size_t i = 0; i < count; ++i) {
        result.value += static_cast<double>(x[i]);
        result.magnitude += std::abs(static_cast<double>(x[i]));
    }
    return result;
}

float minimum(const float* x, std::size_t count) noexcept {
    return count == 0 ? kInfinity : x[index_of_minimum(x, count)];
}

float maximum(const float* x, std::size_t count) noexcept {
    return count == 0 ? -kInfinity : x[index_of_maximum(x, count)];
}

std::size_t index_of_minimum(const float* x, std::size_t count) noexcept {
    std::size_t best = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (std::isnan(x[i])) {
            return i;
        }
        if (x[i] < x[best]) {
            best = i;
        }
    }
    return best;
}

std::size_t index_of_maximum(const float* x, std::size_t count) noexcept {
    std::size_t best = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (std::isnan(x[i])) {
            return i;
        }
        if (x[i] > x[best]) {
            best = i;
        }
    }
    return best;
}

Moments mean_and_variance(const float* x, std::size_t count) noexcept {
    if (count == 0) {
        return {};
    }
    const double size = static_cast<double>(count);
    Moments moments;
    moments.mean = sum(x, count).value / size;
    for (std::size_t i = 0; i < count; ++i) {
        const double deviation = static_cast<double>(x[i]) - moments.mean;
        moments.variance += deviation * deviation;
    }
    moments.variance /= size;
    return moments;
}

std::size_t histogram_bin(float x, float low, float high, std::size_t bins) noexcept {
    if (std::isnan(x)) {
        return bins + 2;
    }
    if (x < low) {
        return bins;
    }
    if (x >= high) {
        return bins + 1;
    }
    const float per_unit = static_cast<float>(bins) / (high - low);
    const float distance = x - low;
    return std::min(static_cast<std::size_t>(distance * per_unit), bins - 1);
}

void softmax_row(const float* x, std::size_t cols, double* out) noexcept {
    const Exponentials row = exponentials(x, cols);
    for (std::size_t i = 0; i < cols; ++i) {
        const double value = std::exp(static_cast<double>(x[i]) - row.top);
        out[i] = row.sum == 0.0 ? 0.0 : value / row.sum;
    }
}

void log_softmax_row(const float* x, std::size_t cols, double* out) noexcept {
    const Exponentials row = exponentials(x, cols);
    const double log_sum = row.sum == 0.0 ? 0.0 : std::log(row.sum);
    for (std::size_t i = 0; i < cols; ++i) {
        out[i] = static_cast<double>(x[i]) - row.top - log_sum;
    }
}

void layer_norm_row(const float* x, std::size_t cols, RowAffine affine, float epsilon,
                    double* out) noexcept {
    const Moments moments = mean_and_variance(x, cols);
    const double deviation = std::sqrt(moments.variance + static_cast<double>(epsilon));
    for (std::size_t i = 0; i < cols; ++i) {
        out[i] = with_affine((static_cast<double>(x[i]) - moments.mean) / deviation, i, affine);
    }
}

void rms_norm_row(const float* x, std::size_t cols, RowAffine affine, float epsilon,
                  double* out) noexcept {
    double squares = 0.0;
    for (std::size_t i = 0; i < cols; ++i) {
        squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    const double mean = squares / static_cast<double>(cols);
    const double root = std::sqrt(mean + static_cast<double>(epsilon));
    for (std::size_t i = 0; i < cols; ++i) {
        out[i] = with_affine(static_cast<double>(x[i]) / root, i, affine);
    }
}

}  // namespace abikit::simd::reference
