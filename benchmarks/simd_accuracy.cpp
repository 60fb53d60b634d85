// The errors of the functions of abi/simd/math.hpp over all 2^32 floats, on every target of this
// machine: prints a Markdown table of the largest error in units in the last place and where it is.
// Not a test: ten functions take about half an hour of one processor. docs/simd-accuracy.md keeps
// the result, src/suites/simd/check_math.cpp the worst places.
//   simd_accuracy                 everything
//   simd_accuracy exp gelu        these functions
//   simd_accuracy --step=101 exp  every 101st float only
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include <abi/simd/math.hpp>
#include <abi/simd/reference_math.hpp>
#include <abi/simd/targets.hpp>

namespace {

namespace simd = abikit::simd;
using Kernel = void (*)(const float*, std::size_t, float*) noexcept;

// The sweep compares with double precision, whose own error is below 2^-20 of these units; the
// worst places are shown against long double.
struct Function {
    const char* name;
    Kernel kernel;
    double (*fast)(double) noexcept;
    long double (*exact)(long double) noexcept;
};

double fast_sigmoid(double x) noexcept {
    return 1.0 / (1.0 + std::exp(-x));
}
double fast_gelu(double x) noexcept {
    return std::isinf(x) && x < 0 ? -0.0 : 0.5 * x * std::erfc(-x * (0.5 * std::numbers::sqrt2));
}
double fast_gelu_tanh(double x) noexcept {
    constexpr double kTwice = 1.5957691216057307;  // 2 sqrt(2 / pi)
    return x < -100 ? -0.0 : x * fast_sigmoid(kTwice * (x + 0.044715 * x * x * x));
}
double fast_silu(double x) noexcept {
    return x < -200 ? -0.0 : x * fast_sigmoid(x);
}

constexpr Function kFunctions[] = {
    {"exp", simd::exp, [](double x) noexcept { return std::exp(x); }, simd::reference::exp},
    {"log", simd::log, [](double x) noexcept { return std::log(x); }, simd::reference::log},
    {"sin", simd::sin, [](double x) noexcept { return std::sin(x); }, simd::reference::sin},
    {"cos", simd::cos, [](double x) noexcept { return std::cos(x); }, simd::reference::cos},
    {"tanh", simd::tanh, [](double x) noexcept { return std::tanh(x); }, simd::reference::tanh},
    {"sigmoid", simd::sigmoid, fast_sigmoid, simd::reference::sigmoid},
    {"erf", simd::erf, [](double x) noexcept { return std::erf(x); }, simd::reference::erf},
    {"gelu", simd::gelu, fast_gelu, simd::reference::gelu},
    {"gelu_tanh", simd::gelu_tanh, fast_gelu_tanh, simd::reference::gelu_tanh},
    {"silu", simd::silu, fast_silu, simd::reference::silu},
};

struct Worst {
    double ulps = 0.0;
    float at = 0.0F;
};

// Floats go through the kernels in blocks; the reference of a block serves all targets.
class Sweep {
public:
    Sweep(const Function& function, std::vector<std::string> targets)
        : function_(function), targets_(std::move(targets)), worst_(targets_.size()) {}

    void run(std::uint64_t step) {
        for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += step) {
            x_.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
            if (x_.size() == kBlock) {
                flush();
            }
        }
        flush();
    }

    void print() const {
        for (std::size_t t = 0; t < targets_.size(); ++t) {
            const Worst& worst = worst_[t];
            float got = 0.0F;
            static_cast<void>(simd::force_target(targets_[t]).has_value());
            function_.kernel(&worst.at, 1, &got);
            const long double exact = function_.exact(worst.at);
            const double ulps =
                simd::reference::error_in_ulps(got, static_cast<long double>(exact));
            std::printf("| %s | %s | %.3f | `%a` (%.9g) |\n", function_.name, targets_[t].c_str(),
                        ulps, static_cast<double>(worst.at), static_cast<double>(worst.at));
        }
        std::fflush(stdout);
    }

private:
    static constexpr std::size_t kBlock = 1 << 14;

    void flush() {
        expected_.resize(x_.size());
        got_.resize(x_.size());
        for (std::size_t i = 0; i < x_.size(); ++i) {
            expected_[i] = function_.fast(static_cast<double>(x_[i]));
        }
        for (std::size_t t = 0; t < targets_.size(); ++t) {
            static_cast<void>(simd::force_target(targets_[t]).has_value());
            function_.kernel(x_.data(), x_.size(), got_.data());
            for (std::size_t i = 0; i < x_.size(); ++i) {
                const double ulps = error(got_[i], expected_[i]);
                if (!(ulps <= worst_[t].ulps)) {
                    worst_[t] = {ulps, x_[i]};
                }
            }
        }
        x_.clear();
    }

    static double error(float got, double expected) {
        if (std::isnan(expected) || std::isnan(got)) {
            return std::isnan(expected) == std::isnan(got)
                       ? 0.0
                       : std::numeric_limits<double>::infinity();
        }
        const double value = static_cast<double>(got);
        if (value == expected) {
            return 0.0;
        }
        const auto exponent =
            static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(expected) >> 52 & 0x7FF) - 1023;
        if (exponent >= 128) {
            return value == std::copysign(std::numeric_limits<double>::infinity(), expected)
                       ? 0.0
                       : std::numeric_limits<double>::infinity();
        }
        const std::int64_t unit = (exponent < -126 ? -126 : exponent) - 23;
        const double per_unit =
            std::bit_cast<double>(static_cast<std::uint64_t>(1023 - unit) << 52);
        if (std::isinf(value)) {
            // Rounding up to 2^128 is right from half a unit below it on.
            return std::abs(std::copysign(0x1p128, value) - expected) * per_unit;
        }
        return std::abs(value - expected) * per_unit;
    }

    const Function& function_;
    std::vector<std::string> targets_;
    std::vector<Worst> worst_;
    std::vector<float> x_;
    std::vector<double> expected_;
    std::vector<float> got_;
};

}  // namespace

int main(int count, char** arguments) {
    std::uint64_t step = 1;
    std::vector<std::string_view> wanted;
    std::vector<std::string> targets;
    for (int i = 1; i < count; ++i) {
        const std::string_view argument = arguments[i];
        if (argument.starts_with("--step=")) {
            step = std::strtoull(arguments[i] + 7, nullptr, 10);
        } else if (argument.starts_with("--target=")) {
            targets.emplace_back(argument.substr(9));
        } else {
            wanted.push_back(argument);
        }
    }
    if (step == 0) {
        std::fputs("simd_accuracy: the step must be a positive number\n", stderr);
        return EXIT_FAILURE;
    }
    if (targets.empty()) {
        for (const simd::TargetInfo& target : simd::targets()) {
            if (target.supported) {
                targets.emplace_back(target.name);
            }
        }
    }
    std::puts("| function | target | largest error, ULP | at |\n| --- | --- | --- | --- |");
    for (const Function& function : kFunctions) {
        bool chosen = wanted.empty();
        for (const std::string_view name : wanted) {
            chosen = chosen || name == function.name;
        }
        if (chosen) {
            Sweep sweep(function, targets);
            sweep.run(step);
            sweep.print();
        }
    }
    return EXIT_SUCCESS;
}
