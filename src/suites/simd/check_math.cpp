// Checks of the elementary functions: samples of all floats, special values and the places where
// the sweep of benchmarks/simd_accuracy.cpp found the largest errors, against long double; then
// every size and offset, bit for bit. Read check.hpp for how a check reports.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

#include <abi/simd/math.hpp>
#include <abi/simd/reference_math.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using Function = void (*)(const float*, std::size_t, float*) noexcept;
using Reference = long double (*)(long double) noexcept;

constexpr std::size_t kLongest = 3 * 2 * 16 + 1;  // three rounds of two vectors of 16, and one
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The bound in units in the last place above `from`, and the absolute one below.
struct Bound {
    double ulps = 0.0;
    float from = -kInfinity;
    double absolute_below = 0.0;
};

std::string exactly(double value) {
    char text[48];
    std::snprintf(text, sizeof text, "%a (%.9g)", value, value);
    return text;
}

void check_value(Checker& checker, float x, float got, Reference reference, Bound bound) {
    const long double exact = reference(static_cast<long double>(x));
    if (x < bound.from) {
        checker.expect_close(static_cast<double>(got), static_cast<double>(exact),
                             bound.absolute_below, [&] { return "at " + exactly(x); });
        return;
    }
    const double ulps = simd::reference::error_in_ulps(got, exact);
    checker.expect(ulps <= bound.ulps, [&] {
        return "at " + exactly(x) + ": " + exactly(got) + " instead of " +
               exactly(static_cast<double>(exact)) + ", ULP " + std::to_string(ulps);
    });
    // Zeros have the right sign.
    checker.expect(exact != 0.0L || got != 0.0F || std::signbit(exact) == std::signbit(got),
                   [&] { return "the sign of zero at " + exactly(x); });
}

// Every 40,009th float; both infinities, NaN, the extremes, and what lies around the borders that
// the functions have.
std::vector<float> samples() {
    std::vector<float> values;
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 40'009 * kThinning) {
        values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    }
    constexpr float kBorders[] = {
        0.0F, 0x1p-149F, 0x1p-126F, 0x1p-12F, 0.34657F, 0.625F, 0.70710678F, 0.875F, 1.0F, 1.41421F,
        3.9192059F, 5.0F, 9.0109133F, 10.0F, 10.9F, 14.2F, 14.5F, 17.328680F, 87.33654F, 88.722839F,
        89.0F, 103.97208F, 104.5F, 109.0F, 0x1p13F, 0x1p17F, 0x1p23F, 0x1.8p30F, 0x1.921fb6p+0F,
        0x1.921fb6p+100F, 0x1.fffffep127F, kInfinity, std::numeric_limits<float>::quiet_NaN(),
        // The largest errors of each function.
        0x1.236da6p+2F, 0x1.198ee4p+6F, 0x1.67b1f6p+0F, 0x1.04f3cap+94F, 0x1.7bc174p+12F,
        0x1.f313dep+60F, 0x1.4836c8p+12F, 0x1.45475cp-1F, 0x1.0956a6p+2F, 0x1.c4d31cp-1F,
        0x1.150714p+0F, 0x1.610462p+0F, 0x1.004456p+1F,
        // Nearest to a multiple of pi/2 of all floats.
        0x1.f37c8ap+95F};
    for (const float border : kBorders) {
        for (const float x :
             {border, std::nextafter(border, 0.0F), std::nextafter(border, kInfinity)}) {
            values.push_back(x);
            values.push_back(-x);
        }
    }
    return values;
}

void check_accuracy(Checker& checker, Function function, Reference reference, Bound bound) {
    const std::vector<float> x = samples();
    std::vector<float> got(x.size());
    function(x.data(), x.size(), got.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
        check_value(checker, x[i], got[i], reference, bound);
    }
}

bool same_bits(float a, float b) {
    return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

// An element's result is the same for every size, place and in place.
void check_sizes(Checker& checker, Function function) {
    for (std::size_t count = 0; count <= kLongest; ++count) {
        const std::size_t offset = count % 4;
        ExactBuffer<float> x(count, offset);
        ExactBuffer<float> out(count, 3 - offset);
        for (std::size_t i = 0; i < count; ++i) {
            x[i] = (static_cast<float>(i) - static_cast<float>(count) / 2.0F) * 0.37F;
        }
        function(x.data(), count, out.data());
        for (std::size_t i = 0; i < count; ++i) {
            float alone = 0.0F;
            function(&x[i], 1, &alone);
            checker.expect(same_bits(alone, out[i]), [&] {
                return "count " + std::to_string(count) + ", element " + std::to_string(i) + ": " +
                       exactly(out[i]) + " instead of " + exactly(alone);
            });
        }
        function(x.data(), count, x.data());
        for (std::size_t i = 0; i < count; ++i) {
            checker.expect(same_bits(x[i], out[i]), [&] {
                return "in place, count " + std::to_string(count) + ", element " +
                       std::to_string(i);
            });
        }
    }
}

void check(Checker& checker, Function function, Reference reference, Bound bound) {
    check_accuracy(checker, function, reference, bound);
    check_sizes(checker, function);
}

void check_exp(Checker& checker) {
    check(checker, simd::exp, simd::reference::exp, {.ulps = 1.1});
}
void check_log(Checker& checker) {
    check(checker, simd::log, simd::reference::log, {.ulps = 1.0});
}
void check_sin(Checker& checker) {
    check(checker, simd::sin, simd::reference::sin, {.ulps = 2.0});
}
void check_cos(Checker& checker) {
    check(checker, simd::cos, simd::reference::cos, {.ulps = 2.0});
}
void check_tanh(Checker& checker) {
    check(checker, simd::tanh, simd::reference::tanh, {.ulps = 2.0});
}
void check_sigmoid(Checker& checker) {
    check(checker, simd::sigmoid, simd::reference::sigmoid, {.ulps = 2.0});
}
void check_erf(Checker& checker) {
    check(checker, simd::erf, simd::reference::erf, {.ulps = 2.0});
}
void check_gelu(Checker& checker) {
    check(checker, simd::gelu, simd::reference::gelu,
          {.ulps = 4.0, .from = -5.0F, .absolute_below = 0x1p-40});
}
void check_gelu_tanh(Checker& checker) {
    check(checker, simd::gelu_tanh, simd::reference::gelu_tanh, {.ulps = 4.0});
}
void check_silu(Checker& checker) {
    check(checker, simd::silu, simd::reference::silu, {.ulps = 4.0});
}

}  // namespace

std::span<const KernelCheck> math_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"exp/f32", "math", check_exp},
        {"log/f32", "math", check_log},
        {"sin/f32", "math", check_sin},
        {"cos/f32", "math", check_cos},
        {"tanh/f32", "math", check_tanh},
        {"sigmoid/f32", "math", check_sigmoid},
        {"erf/f32", "math", check_erf},
        {"gelu/f32", "math", check_gelu},
        {"gelu_tanh/f32", "math", check_gelu_tanh},
        {"silu/f32", "math", check_silu},
    };
    return kChecks;
}

}  // namespace abikit::suites
