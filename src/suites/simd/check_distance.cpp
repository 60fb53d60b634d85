// Checks of the distance kernels. Read check.hpp for how a check reports.
#include <limits>
#include <random>
#include <string>

#include <abi/simd/distance.hpp>
#include <abi/simd/reference.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

using RowsKernel = void (*)(const float*, const float*, std::size_t, std::size_t, float*) noexcept;
using RowReference = simd::reference::Sum (*)(const float*, const float*, std::size_t) noexcept;

constexpr std::size_t kLongest = 3 * 2 * 16 + 1;  // three rounds of two vectors of 16, and one

void fill(ExactBuffer<float>& values, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, 1.0F);
    for (float& value : values) {
        value = normal(random);
    }
}

// Summation in any order errs by at most (terms) roundings of the magnitude; denormal products lose
// up to one smallest value each.
double error_bound(const simd::reference::Sum& expected, std::size_t dim) {
    const double eps = std::numeric_limits<float>::epsilon();
    const double smallest = std::numeric_limits<float>::denorm_min();
    return (static_cast<double>(dim) + 2.0) * (eps * expected.magnitude + smallest);
}

void check_rows(Checker& checker, RowsKernel kernel, RowReference reference) {
    for (std::size_t dim = 0; dim <= kLongest; ++dim) {
        const std::size_t offset = dim % 4;
        const std::size_t count = 9 - offset;
        ExactBuffer<float> query(dim, offset);
        ExactBuffer<float> rows(dim * count, offset);
        ExactBuffer<float> out(count, offset);
        fill(query, 1);
        fill(rows, 2);
        kernel(query.data(), rows.data(), dim, count, out.data());
        for (std::size_t i = 0; i < count; ++i) {
            const auto expected = reference(query.data(), rows.data() + i * dim, dim);
            checker.expect_close(out[i], expected.value, error_bound(expected, dim), [&] {
                return "dim " + std::to_string(dim) + ", row " + std::to_string(i);
            });
        }
    }
}

void check_l2_squared_rows(Checker& checker) {
    check_rows(checker, simd::l2_squared_rows, simd::reference::l2_squared);
}

void check_dot_rows(Checker& checker) {
    check_rows(checker, simd::dot_rows, simd::reference::dot);
}

}  // namespace

std::span<const KernelCheck> distance_checks() {
    static constexpr KernelCheck kChecks[] = {
        {"l2_squared_rows/f32", "vector", check_l2_squared_rows},
        {"dot_rows/f32", "vector", check_dot_rows},
    };
    return kChecks;
}

}  // namespace abikit::suites
