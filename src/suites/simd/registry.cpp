// The table of kernel families.
#include "registry.hpp"

namespace abikit::suites {

std::vector<KernelCheck> simd_checks() {
    using Family = std::span<const KernelCheck> (*)();
    static constexpr Family kFamilies[] = {
        // clang-format off
        distance_checks,
        exact_distance_checks,
        walk_checks,
        long_batch_checks,
        convert_checks,
        bytes_checks,
        gemv_checks,
        gemm_f32_checks,
        gemm_bf16_checks,
        gemm_int8_checks,
        math_checks,
        reduce_checks,
        normalize_checks,
        // clang-format on
    };
    std::vector<KernelCheck> checks;
    for (const Family family : kFamilies) {
        const std::span<const KernelCheck> more = family();
        checks.insert(checks.end(), more.begin(), more.end());
    }
    return checks;
}

std::vector<KernelBenchmark> simd_benchmarks() {
    using Family = void (*)(std::vector<KernelBenchmark>&);
    static constexpr Family kFamilies[] = {
        // clang-format off
        add_distance_benchmarks,
        add_walk_benchmarks,
        add_bytes_benchmarks,
        add_gemv_benchmarks,
        add_gemm_f32_benchmarks,
        add_gemm_bf16_benchmarks,
        add_gemm_int8_benchmarks,
        add_math_benchmarks,
        add_reduce_benchmarks,
        add_normalize_benchmarks,
        // clang-format on
    };
    std::vector<KernelBenchmark> rows;
    for (const Family family : kFamilies) {
        family(rows);
    }
    return rows;
}

}  // namespace abikit::suites
