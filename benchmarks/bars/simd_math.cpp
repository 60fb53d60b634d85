// The bars of functions, rows and selection, one thread: exp, tanh, sigmoid and gelu at least six
// times as fast as a loop over the C library's functions; softmax and layer norm beyond the caches
// at 80 % of the rate of copying; the ten least of a million values in random order in at most 1.15
// times the time of reading them. Prints a line for each and exits 1 when one misses its bar. What
// is compared runs in turns, and times are medians of processor time. `--target=AVX2` forces an
// instruction set; `functions`, `rows` and `topk` pick a part.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <abi/simd/math.hpp>
#include <abi/simd/normalize.hpp>
#include <abi/simd/targets.hpp>
#include <abi/simd/topk.hpp>

#include "suites/simd/yardsticks.hpp"
#include "timing.hpp"

namespace {

using abikit::bars::median;

namespace simd = abikit::simd;
namespace suites = abikit::suites;

template <class Pass>
double time_us(Pass pass) {
    const std::clock_t begin = std::clock();
    pass();
    return static_cast<double>(std::clock() - begin) * 1e6 / CLOCKS_PER_SEC;
}

const char* verdict(bool met) {
    return met ? "" : "  MISSED";
}

std::vector<float> random_floats(std::size_t count) {
    std::vector<float> values(count);
    std::mt19937 random(7);
    std::uniform_real_distribution<float> uniform(-8.0F, 8.0F);
    std::ranges::generate(values, [&] { return uniform(random); });
    return values;
}

// ---- Functions -------------------------------------------------------------------------------

struct Function {
    const char* name;
    void (*kernel)(const float*, std::size_t, float*) noexcept;
    void (*loop)(const float*, std::size_t, float*);
};

constexpr Function kFunctions[] = {
    {"exp", simd::exp,
     [](const float* x, std::size_t n, float* out) {
         for (std::size_t i = 0; i < n; ++i) {
             out[i] = std::exp(x[i]);
         }
     }},
    {"tanh", simd::tanh,
     [](const float* x, std::size_t n, float* out) {
         for (std::size_t i = 0; i < n; ++i) {
             out[i] = std::tanh(x[i]);
         }
     }},
    {"sigmoid", simd::sigmoid,
     [](const float* x, std::size_t n, float* out) {
         for (std::size_t i = 0; i < n; ++i) {
             out[i] = 1.0F / (1.0F + std::exp(-x[i]));
         }
     }},
    {"gelu", simd::gelu,
     [](const float* x, std::size_t n, float* out) {
         constexpr float kRootHalf = 0.70710678F;
         for (std::size_t i = 0; i < n; ++i) {
             out[i] = 0.5F * x[i] * (1.0F + std::erf(x[i] * kRootHalf));
         }
     }},
};

bool measure_functions() {
    constexpr std::size_t kCount = 4096;
    constexpr std::size_t kRepeats = 20;
    constexpr double kBar = 6.0;
    const std::vector<float> x = random_floats(kCount);
    std::vector<float> out(kCount);
    bool met = true;
    for (const Function& function : kFunctions) {
        std::vector<double> fast;
        std::vector<double> slow;
        for (std::size_t round = 0; round < 41; ++round) {
            const auto repeat = [&](auto run) {
                return time_us([&] {
                    for (std::size_t i = 0; i < kRepeats; ++i) {
                        run(x.data(), kCount, out.data());
                    }
                });
            };
            slow.push_back(repeat(function.loop));
            fast.push_back(repeat(function.kernel));
        }
        const double values = static_cast<double>(kCount * kRepeats) * 1e-3;
        const double ratio = median(slow) / median(fast);
        std::printf(
            "simd_math %s: %.3f ns a value, the C library's loop %.3f ns: %.2f times as "
            "fast (bar %.2f)%s\n",
            function.name, median(fast) / values, median(slow) / values, ratio, kBar,
            verdict(ratio >= kBar));
        met = met && ratio >= kBar;
    }
    return met;
}

// ---- Rows ------------------------------------------------------------------------------------

using Floats = std::unique_ptr<float[], decltype(&std::free)>;

Floats aligned_floats(std::size_t count) {
    return Floats(static_cast<float*>(std::aligned_alloc(64, count * sizeof(float))), &std::free);
}

bool measure_rows() {
    constexpr std::size_t kFloats = std::size_t{32} << 20;  // 128 MiB in, as much out
    constexpr double kBar = 0.80;
    const Floats x = aligned_floats(kFloats);
    const Floats out = aligned_floats(kFloats);
    const std::vector<float> some = random_floats(std::size_t{1} << 20);
    for (std::size_t i = 0; i < kFloats; i += some.size()) {
        std::ranges::copy(some, x.get() + i);
    }
    std::fill_n(out.get(), kFloats, 0.0F);
    bool met = true;
    for (const std::size_t cols : {std::size_t{512}, std::size_t{4096}, std::size_t{16384}}) {
        const std::size_t rows = kFloats / cols;
        const std::vector<float> gain(cols, 1.25F);
        const std::vector<float> bias(cols, 0.5F);
        const simd::RowAffine affine{gain.data(), bias.data()};
        std::vector<double> copies;
        std::vector<double> softmax;
        std::vector<double> norm;
        for (std::size_t round = 0; round < 7; ++round) {
            const auto copy = [&](suites::CopyPattern pattern) {
                return time_us([&] {
                    suites::copy_memory(out.get(), x.get(), kFloats * sizeof(float), pattern);
                });
            };
            copies.push_back(
                std::min(copy(suites::CopyPattern::kStore), copy(suites::CopyPattern::kStream)));
            softmax.push_back(time_us([&] { simd::softmax_rows(x.get(), rows, cols, out.get()); }));
            norm.push_back(time_us(
                [&] { simd::layer_norm_rows(x.get(), rows, cols, affine, 1e-5F, out.get()); }));
        }
        constexpr double kMegabytes = 2.0 * static_cast<double>(kFloats * sizeof(float)) * 1e-6;
        const auto report = [&](const char* name, const std::vector<double>& times) {
            const double share = median(copies) / median(times);
            std::printf(
                "simd_math %s, cols %zu: %.1f GB/s, copying %.1f GB/s: %.0f %% (bar "
                "%.0f %%)%s\n",
                name, cols, kMegabytes / median(times) * 1e3, kMegabytes / median(copies) * 1e3,
                share * 100.0, kBar * 100.0, verdict(share >= kBar));
            met = met && share >= kBar;
        };
        report("softmax", softmax);
        report("layer_norm", norm);
    }
    return met;
}

// ---- Selection -------------------------------------------------------------------------------

bool measure_topk() {
    constexpr std::size_t kValues = 1'000'000;
    constexpr std::size_t kNearest = 10;
    constexpr std::size_t kRepeats = 5;
    constexpr double kBar = 1.15;
    const std::vector<float> x = random_floats(kValues);
    std::vector<double> read;
    std::vector<double> top;
    std::uint64_t seen = 0;  // keeps the results alive
    for (std::size_t round = 0; round < 101; ++round) {
        read.push_back(time_us([&] {
            for (std::size_t i = 0; i < kRepeats; ++i) {
                seen ^= suites::read_memory(x.data(), kValues * sizeof(float));
            }
        }));
        top.push_back(time_us([&] {
            for (std::size_t i = 0; i < kRepeats; ++i) {
                simd::TopK nearest(kNearest);
                nearest.offer(x.data(), kValues, 0);
                seen ^= nearest.take_sorted().front().row;
            }
        }));
    }
    const double ratio = median(top) / median(read);
    std::printf(
        "simd_math top-10 of 1,000,000: %.1f us, reading %.1f us: ratio %.3f (bar %.2f)%s%s\n",
        median(top) / kRepeats, median(read) / kRepeats, ratio, kBar, verdict(ratio <= kBar),
        seen == 0 ? " " : "");
    return ratio <= kBar;
}

}  // namespace

int main(int count, char** arguments) {
    std::string parts;
    for (int i = 1; i < count; ++i) {
        const std::string_view argument = arguments[i];
        if (!argument.starts_with("--target=")) {
            parts += argument;
        } else if (!simd::force_target(std::string(argument.substr(9))).has_value()) {
            std::fprintf(stderr, "simd_math: no such target here: %s\n", arguments[i]);
            return EXIT_FAILURE;
        }
    }
    const auto wanted = [&](std::string_view part) {
        return parts.empty() || parts.find(part) != std::string::npos;
    };
    std::printf("simd_math: one thread, medians of processor time, target %s\n",
                simd::chosen_target().c_str());
    const bool functions = !wanted("functions") || measure_functions();
    const bool rows = !wanted("rows") || measure_rows();
    const bool topk = !wanted("topk") || measure_topk();
    return functions && rows && topk ? EXIT_SUCCESS : EXIT_FAILURE;
}
