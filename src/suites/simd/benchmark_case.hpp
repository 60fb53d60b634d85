// One measured body of a kernel benchmark, written once: `abi bench simd` times it with its own
// runner, the programs in benchmarks/ with Google Benchmark. Read registry.hpp for the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <abi/core/thread_pool.hpp>

namespace abikit::suites {

// The limit that a kernel runs into; `abi bench simd` measures each and prints the share reached.
enum class Peak {
    kNone,  // no share is printed
    kRead,  // reads `bytes` from the cache level (or memory) that holds `working_set_bytes`
    kCopy,  // reads and writes: `bytes` counts both directions
    kFma,   // float32 multiply-adds; `operations` counts 2 for each
    kInt8,  // int8 multiply-adds, full range; `operations` counts 2 for each
    kBf16,  // bfloat16 multiply-adds; `operations` counts 2 for each
};

// A body and what one call of it does. The data live in what `run` captures.
struct PreparedBenchmark {
    std::function<void()> run;
    std::function<void()> run_scalar;  // the scalar reference on the same data; empty: none
    double bytes = 0.0;                // read and written by one call
    double operations = 0.0;           // arithmetic operations of one call, 0 = not counted
    std::vector<Peak> limits;          // the slowest of them is the limit; empty: none
    std::size_t working_set_bytes = 0;
    unsigned threads = 1;  // that one call uses
};

// A row of a suite. Nothing is allocated before prepare() is called.
struct KernelBenchmark {
    std::string name;   // "dot_rows/f32"
    std::string group;  // "vector", "matrix", "math", "bytes"
    std::vector<std::pair<std::string, std::uint64_t>> parameters;  // {"dim", 128}, {"rows", 1000}
    // `pool` may be null or have one thread: then the body runs on the calling thread.
    std::function<PreparedBenchmark(ThreadPool* pool)> prepare;
};

}  // namespace abikit::suites
