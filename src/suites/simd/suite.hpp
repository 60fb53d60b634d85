// The suite `simd`: picks rows and checks by name, measures and verifies them. The command line
// prints what this returns. Read registry.hpp for the rows, peaks.hpp for what they are compared
// with.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <abi/bench/run.hpp>
#include <abi/bench/runner.hpp>
#include <abi/core/context.hpp>
#include <abi/core/error.hpp>

#include "registry.hpp"

namespace abikit::suites {

// "simd/vector", the group that a row belongs to.
std::string suite_name(const KernelBenchmark& row);
// "simd/vector/dot_rows/f32", the kernel; the name of its check is the same.
std::string kernel_name(const KernelBenchmark& row);
std::string kernel_name(const KernelCheck& check);
// "simd/vector/dot_rows/f32/dim:96/rows:682", one row. Patterns are matched against it.
std::string row_name(const KernelBenchmark& row);

// The smallest row of each kernel, by the product of its parameters, in the order of the list.
std::vector<KernelBenchmark> smallest_rows(std::span<const KernelBenchmark> rows);

struct SimdRunOptions {
    bench::RunOptions kernel{};
    // The scalar references are slow on purpose: a few samples will do.
    bench::RunOptions scalar{
        .min_sample_seconds = 0.001, .warmup_seconds = 0.0, .samples = 3, .max_seconds = 0.05};
    // A reference that would take longer for one call, judged by an earlier row of the same kernel
    // or at a nanosecond an operation, is left out: the row then has no speed-up.
    double max_scalar_seconds = 1.0;
};

// Measures each row in turn, on the target that is chosen: its limits, then the kernel, then the
// reference. Data of one row live at a time. kCancelled between two samples. Exceptions of a row
// (memory that runs out) pass through. Reports progress in rows. Single thread; bodies use the
// context's pool.
Result<bench::Run> run_simd_benchmarks(std::span<const KernelBenchmark> rows,
                                       const SimdRunOptions& options, const Context& context);

// What a check found on one target.
struct CheckResult {
    std::string suite;   // "simd/vector"
    std::string kernel;  // "dot_rows/f32"
    std::string target;
    std::size_t comparisons = 0;
    std::size_t failures = 0;
    std::vector<std::string> messages{};  // the first few failures in words
};

// Runs each check on each of these targets, which this machine has, kernel by kernel, and chooses
// the target of before again, also when a check throws. kCancelled between two checks.
Result<std::vector<CheckResult>> run_simd_checks(std::span<const KernelCheck> checks,
                                                 std::span<const std::string> targets,
                                                 const Context& context);

}  // namespace abikit::suites
