// The list of kernel families of the suite `simd`: one line here and one in registry.cpp for each.
// A family is a file of checks (check_x.cpp) and a file of benchmark rows (bench_x.cpp).
#pragma once

#include <span>
#include <vector>

#include "benchmark_case.hpp"
#include "check.hpp"

namespace abikit::suites {

// Every check and every benchmark row, in the order in which they are listed.
std::vector<KernelCheck> simd_checks();
std::vector<KernelBenchmark> simd_benchmarks();

// The families. Each returns its checks, and appends its rows.
std::span<const KernelCheck> distance_checks();
std::span<const KernelCheck> exact_distance_checks();
std::span<const KernelCheck> walk_checks();
void add_walk_benchmarks(std::vector<KernelBenchmark>& rows);
std::span<const KernelCheck> long_batch_checks();
std::span<const KernelCheck> convert_checks();
std::span<const KernelCheck> math_checks();
std::span<const KernelCheck> reduce_checks();
std::span<const KernelCheck> normalize_checks();
void add_math_benchmarks(std::vector<KernelBenchmark>& rows);
void add_reduce_benchmarks(std::vector<KernelBenchmark>& rows);
void add_normalize_benchmarks(std::vector<KernelBenchmark>& rows);
void add_distance_benchmarks(std::vector<KernelBenchmark>& rows);
std::span<const KernelCheck> gemm_bf16_checks();
void add_gemm_bf16_benchmarks(std::vector<KernelBenchmark>& rows);
std::span<const KernelCheck> gemm_f32_checks();
void add_gemm_f32_benchmarks(std::vector<KernelBenchmark>& rows);
std::span<const KernelCheck> gemm_int8_checks();
void add_gemm_int8_benchmarks(std::vector<KernelBenchmark>& rows);
std::span<const KernelCheck> gemv_checks();
void add_gemv_benchmarks(std::vector<KernelBenchmark>& rows);
std::span<const KernelCheck> bytes_checks();
void add_bytes_benchmarks(std::vector<KernelBenchmark>& rows);

}  // namespace abikit::suites
