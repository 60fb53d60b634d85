// The result of a run of benchmarks as plain data: what the schema `abi.bench.run/1`
// (docs/schemas) says, member for member. Reports are made of it; the runner and suites fill it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <abi/core/export.h>
#include <abi/bench/statistics.hpp>

namespace abikit::bench {

// Where and with what a run was made, so that results of two runs can be told to be comparable.
// Empty or 0 where it cannot be found out; sizes in bytes.
struct Environment {
    std::string started{};  // "2026-11-23T17:04:05Z"
    std::string cpu{};      // "AMD EPYC 9654 96-Core Processor"
    std::string architecture{};
    std::string os{};
    std::string kernel{};
    std::string compiler{};  // "gcc 12.2.0"
    std::string build_type{};
    std::string simd_target{};  // filled by whoever knows it
    unsigned logical_cpus = 0;
    unsigned usable_cpus = 0;
    unsigned threads = 1;  // of the pool that bodies may use
    std::uint64_t l1d_cache_bytes = 0;
    std::uint64_t l2_cache_bytes = 0;
    std::uint64_t l3_cache_bytes = 0;
    std::uint64_t memory_bytes = 0;
};

// Of this machine and moment, without what only the caller knows (build_type, simd_target,
// threads). About a millisecond. Thread-safe.
ABI_API Environment environment();

// What one call of the body moved and computed, for a second of the median time.
struct Throughput {
    double bytes_per_second = 0.0;       // 0 = not counted
    double operations_per_second = 0.0;  // 0 = not counted
};

// The measured limit of the machine that a benchmark runs into.
struct PeakShare {
    std::string limit{};            // "read", "copy", "fma", "int8", "bf16"
    double limit_per_second = 0.0;  // bytes or operations
    double share = 0.0;             // 1.0 = at the limit
};

// One row of a run.
struct BenchmarkResult {
    std::string name{};   // "dot_rows/f32"
    std::string suite{};  // "simd/vector"
    std::vector<std::pair<std::string, std::uint64_t>> parameters{};
    unsigned threads = 1;
    std::uint64_t iterations = 0;  // calls a sample
    bool complete = true;          // false when the time budget ended before all samples
    Statistics time_ns{};          // of one call, wall time
    Statistics cpu_time_ns{};      // of one call, processor time of the calling thread
    Throughput throughput{};
    std::optional<PeakShare> peak{};
    std::optional<double> scalar_time_ns{};       // median of the scalar reference
    std::optional<double> speedup_over_scalar{};  // its time by the kernel's
};

// A measured peak, told once for all rows that were compared with it.
struct PeakRate {
    std::string limit{};
    unsigned threads = 1;
    std::uint64_t working_set_bytes = 0;  // 0 for limits of arithmetic
    double per_second = 0.0;
};

struct Run {
    Environment environment{};
    std::vector<PeakRate> peaks{};
    std::vector<BenchmarkResult> benchmarks{};  // in the order of the suite
};

}  // namespace abikit::bench
