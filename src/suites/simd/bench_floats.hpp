// Benchmark rows of kernels over float32 arrays: a table of kernels, each at the same three sizes.
// Read bench_math.cpp and bench_reduce.cpp for the tables.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "benchmark_case.hpp"

namespace abikit::suites {

// Uniform in [-8, 8), where functions take their usual paths; the same count gives the same values.
inline std::vector<float> uniform_floats(std::size_t count) {
    // Large arrays repeat a million values: drawing more takes longer than measuring.
    const std::size_t drawn = std::min(count, std::size_t{1} << 20);
    std::mt19937 random(42);
    std::uniform_real_distribution<float> uniform(-8.0F, 8.0F);
    std::vector<float> values(count);
    std::generate_n(values.begin(), drawn, [&] { return uniform(random); });
    for (std::size_t i = drawn; i < count; ++i) {
        values[i] = values[i - drawn];
    }
    return values;
}

// What a body works on. Arrays have `count` values each; those that a kernel has no use for are
// empty.
struct FloatArrays {
    std::size_t count = 0;
    std::vector<float> x;
    std::vector<float> y;
    std::vector<float> out;
    std::vector<std::uint64_t> bins;
    double result = 0.0;  // keeps what is computed alive
};

struct FloatKernel {
    const char* name;
    std::size_t inputs;  // 1: x, 2: x and y
    bool writes;         // `out`; kernels that only read are compared with reading
    void (*run)(FloatArrays&);
    void (*run_scalar)(FloatArrays&);
    std::size_t bins = 0;
};

inline PreparedBenchmark prepare(const FloatKernel& kernel, std::size_t count) {
    auto arrays = std::make_shared<FloatArrays>();
    arrays->count = count;
    arrays->x = uniform_floats(count);
    if (kernel.inputs == 2) {
        arrays->y = uniform_floats(count);
    }
    if (kernel.writes) {
        arrays->out.resize(count);
    }
    arrays->bins.resize(kernel.bins);
    const std::size_t bytes = (kernel.inputs + (kernel.writes ? 1 : 0)) * count * sizeof(float);
    return {.run = [arrays, run = kernel.run] { run(*arrays); },
            .run_scalar = [arrays, run = kernel.run_scalar] { run(*arrays); },
            .bytes = static_cast<double>(bytes),
            .limits = {kernel.writes ? Peak::kCopy : Peak::kRead},
            .working_set_bytes = bytes};
}

// In the first-level cache, in the second or third, beyond all.
inline constexpr std::size_t kFloatCounts[] = {2'048, 100'000, 10'000'000};

// Rows of each kernel at each count; the table outlives them.
inline void add_float_kernels(std::vector<KernelBenchmark>& rows, const char* group,
                              std::span<const FloatKernel> kernels) {
    for (const FloatKernel& kernel : kernels) {
        for (const std::size_t count : kFloatCounts) {
            rows.push_back(
                {.name = kernel.name,
                 .group = group,
                 .parameters = {{"values", count}},
                 .prepare = [&kernel, count](ThreadPool*) { return prepare(kernel, count); }});
        }
    }
}

}  // namespace abikit::suites
