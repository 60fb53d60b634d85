// Checks of reductions, running sums and histograms. Read check.hpp for how a check reports.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include <abi/simd/histogram.hpp>
#include <abi/simd/prefix_sum.hpp>
#include <abi/simd/reduce.hpp>
#include <abi/simd/reference_reduce.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

constexpr std::size_t kLongest = 3 * 2 * 16 + 1;  // three rounds of two vectors of 16, and one
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// All small sizes, and some around the blocks of the kernels.
std::vector<std::size_t> sizes() {
    std::vector<std::size_t> all;
    for (std::size_t size = 0; size <= kLongest; ++size) {
        all.push_back(size);
    }
    all.insert(all.end(), {127, 128, 129, 1023, 4095, 4096, 4097, 8191, 12289, 70001});
    return all;
}

// Values around `centre`, among them zeros, denormals and repeated ones.
ExactBuffer<float> values(std::size_t count, float centre) {
    ExactBuffer<float> x(count, count % 4);
    std::mt19937 random(static_cast<std::uint32_t>(count));
    std::normal_distribution<float> normal(centre, 1.0F);
    for (float& value : x) {
        switch (random() % 16) {
            case 0:
                value = 0.0F;
                break;
            case 1:
                value = 0x1p-140F;
                break;
            case 2:
                value = centre;
                break;
            default:
                value = normal(random);
        }
    }
    return x;
}

std::string of_size(std::size_t size) {
    return "count " + std::to_string(size);
}

void check_sum(Checker& checker) {
    for (const std::size_t size : sizes()) {
        for (const float centre : {0.0F, 1000.0F}) {
            const ExactBuffer<float> x = values(size, centre);
            const auto expected = simd::reference::sum(x.data(), size);
            checker.expect_close(simd::sum(x.data(), size), expected.value,
                                 0x1p-18 * expected.magnitude, [&] { return of_size(size); });
        }
    }
    ExactBuffer<float> x = values(100, 0.0F);
    x[70] = kInfinity;
    checker.expect(simd::sum(x.data(), 100) == HUGE_VAL, [] { return "an infinity in it"; });
    x[20] = kNan;
    checker.expect(std::isnan(simd::sum(x.data(), 100)), [] { return "a NaN in it"; });
}

using Extreme = float (*)(const float*, std::size_t) noexcept;
using Index = std::size_t (*)(const float*, std::size_t) noexcept;

void check_extreme_of(Checker& checker, const ExactBuffer<float>& x, Extreme kernel,
                      Extreme reference) {
    const float got = kernel(x.data(), x.size());
    const float expected = reference(x.data(), x.size());
    checker.expect(got == expected || (std::isnan(got) && std::isnan(expected)), [&] {
        return of_size(x.size()) + ": " + std::to_string(got) + " instead of " +
               std::to_string(expected);
    });
}

void check_index_of(Checker& checker, const ExactBuffer<float>& x, Index kernel, Index reference) {
    const std::size_t got = kernel(x.data(), x.size());
    const std::size_t expected = reference(x.data(), x.size());
    checker.expect(got == expected, [&] {
        return of_size(x.size()) + ": " + std::to_string(got) + " instead of " +
               std::to_string(expected);
    });
}

// Runs `check` on plain values, with infinities, with equal extremes and with NaN at each end.
template <class Check>
void on_awkward_values(Check check) {
    for (const std::size_t size : sizes()) {
        ExactBuffer<float> x = values(size, 0.5F);
        check(x);
        if (size == 0) {
            continue;
        }
        x[size - 1] = 100.0F;
        x[size / 2] = 100.0F;
        x[size / 3] = -100.0F;
        check(x);
        x[size / 2] = kInfinity;
        x[size / 4] = -kInfinity;
        check(x);
        for (const std::size_t at : {size - 1, size / 2, std::size_t{0}}) {
            x[at] = kNan;
            check(x);
        }
        std::ranges::fill(x, kInfinity);
        check(x);
        std::ranges::fill(x, -kInfinity);
        check(x);
    }
}

void check_minimum(Checker& checker) {
    on_awkward_values([&](const ExactBuffer<float>& x) {
        check_extreme_of(checker, x, simd::minimum, simd::reference::minimum);
    });
}
void check_maximum(Checker& checker) {
    on_awkward_values([&](const ExactBuffer<float>& x) {
        check_extreme_of(checker, x, simd::maximum, simd::reference::maximum);
    });
}
void check_index_of_minimum(Checker& checker) {
    on_awkward_values([&](const ExactBuffer<float>& x) {
        check_index_of(checker, x, simd::index_of_minimum, simd::reference::index_of_minimum);
    });
}
void check_index_of_maximum(Checker& checker) {
    on_awkward_values([&](const ExactBuffer<float>& x) {
        check_index_of(checker, x, simd::index_of_maximum, simd::reference::index_of_maximum);
    });
}

void check_moments(Checker& checker) {
    for (const std::size_t size : sizes()) {
        for (const float centre : {0.0F, 3.0F, 10000.0F}) {
            ExactBuffer<float> x(size, size % 4);
            std::mt19937 random(static_cast<std::uint32_t>(size));
            std::normal_distribution<float> normal(centre, 1.0F);
            std::ranges::generate(x, [&] { return normal(random); });
            const auto expected = simd::reference::mean_and_variance(x.data(), size);
            const auto got = simd::mean_and_variance(x.data(), size);
            const double magnitude =
                simd::reference::sum(x.data(), size).magnitude / std::max(1.0, double(size));
            checker.expect_close(got.mean, expected.mean, 0x1p-18 * magnitude,
                                 [&] { return "mean, " + of_size(size); });
            checker.expect_close(got.variance, expected.variance, 0x1p-17 * expected.variance,
                                 [&] { return "variance, " + of_size(size); });
        }
    }
}

// The bound of element i: (i + 1) 2^-24 sum |x|.
void check_prefix_sum_f32(Checker& checker) {
    for (const std::size_t size : sizes()) {
        ExactBuffer<float> x = values(size, 0.0F);
        ExactBuffer<float> out(size, 3 - size % 4);
        simd::prefix_sum(x.data(), size, out.data());
        double sum = 0.0;
        double magnitude = 0.0;
        for (std::size_t i = 0; i < size; ++i) {
            sum += static_cast<double>(x[i]);
            magnitude += std::abs(static_cast<double>(x[i]));
            checker.expect_close(static_cast<double>(out[i]), sum,
                                 static_cast<double>(i + 1) * 0x1p-24 * magnitude,
                                 [&] { return of_size(size) + ", " + std::to_string(i); });
        }
        // One place later, and in place.
        const float all = simd::exclusive_prefix_sum(x.data(), size, x.data());
        for (std::size_t i = 0; i < size; ++i) {
            checker.expect(x[i] == (i == 0 ? 0.0F : out[i - 1]),
                           [&] { return "exclusive, " + of_size(size); });
        }
        checker.expect(all == (size == 0 ? 0.0F : out[size - 1]),
                       [&] { return "the sum of all, " + of_size(size); });
    }
}

template <class T>
void check_prefix_sum_of(Checker& checker) {
    using Unsigned = std::make_unsigned_t<T>;
    for (const std::size_t size : sizes()) {
        ExactBuffer<T> x(size, size % 4);
        ExactBuffer<T> out(size, 3 - size % 4);
        std::mt19937_64 random(size);
        std::ranges::generate(x, [&] { return static_cast<T>(random()); });
        ExactBuffer<T> exclusive(size);
        const T all = simd::exclusive_prefix_sum(x.data(), size, exclusive.data());
        simd::prefix_sum(x.data(), size, out.data());
        Unsigned sum = 0;
        bool same = true;
        for (std::size_t i = 0; i < size; ++i) {
            same = same && exclusive[i] == static_cast<T>(sum);
            sum += static_cast<Unsigned>(x[i]);
            same = same && out[i] == static_cast<T>(sum);
        }
        checker.expect(same && all == static_cast<T>(sum), [&] { return of_size(size); });
        simd::prefix_sum(x.data(), size, x.data());
        checker.expect(std::equal(x.begin(), x.end(), out.begin()),
                       [&] { return "in place, " + of_size(size); });
    }
}

void check_histogram(Checker& checker) {
    for (const std::size_t size : sizes()) {
        for (const std::size_t bins :
             {std::size_t{1}, std::size_t{7}, std::size_t{1024}, std::size_t{1025}}) {
            ExactBuffer<float> x = values(size, 0.5F);
            for (std::size_t i = 0; i + 5 < size; i += 11) {
                x[i] = kNan;
                x[i + 1] = kInfinity;
                x[i + 2] = -kInfinity;
                x[i + 3] = -0.75F;  // the ends
                x[i + 4] = 1.5F;
            }
            std::vector<std::uint64_t> expected(bins + 3);
            for (const float value : x) {
                ++expected[simd::reference::histogram_bin(value, -0.75F, 1.5F, bins)];
            }
            std::vector<std::uint64_t> counts(bins, 99);
            const auto outside = simd::histogram(x.data(), size, -0.75F, 1.5F, counts);
            const auto describe = [&] { return of_size(size) + ", bins " + std::to_string(bins); };
            checker.expect(
                outside.has_value() && std::equal(counts.begin(), counts.end(), expected.begin()) &&
                    outside->below == expected[bins] && outside->above == expected[bins + 1] &&
                    outside->nan == expected[bins + 2],
                describe);
        }
    }
}

}  // namespace

std::span<const KernelCheck> reduce_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"sum/f32", "vector", check_sum},
        {"minimum/f32", "vector", check_minimum},
        {"maximum/f32", "vector", check_maximum},
        {"index_of_minimum/f32", "vector", check_index_of_minimum},
        {"index_of_maximum/f32", "vector", check_index_of_maximum},
        {"mean_and_variance/f32", "vector", check_moments},
        {"prefix_sum/f32", "vector", check_prefix_sum_f32},
        {"prefix_sum/i32", "vector", check_prefix_sum_of<std::int32_t>},
        {"prefix_sum/i64", "vector", check_prefix_sum_of<std::int64_t>},
        {"histogram/f32", "vector", check_histogram},
    };
    return kChecks;
}

}  // namespace abikit::suites
