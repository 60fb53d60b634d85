// The measured limits of the machine: multiply-add rates and bandwidth, for the target that is
// chosen. `abi bench simd` and the programs in benchmarks/ print kernels as a share of them. Read
// yardsticks.hpp for the loops behind each rate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include <abi/core/thread_pool.hpp>

#include "benchmark_case.hpp"

namespace abikit::suites {

// Measures a rate when it is first asked for and keeps it, for each target and number of threads.
// A rate is the best of several short runs, 20 to 50 ms together, more for sets beyond the caches;
// where several ways to walk through memory exist, of the fastest. Times are wall times, so
// other programs lower the rates: measure a limit close to what is compared with it. Single
// thread; the pool does the work of the others.
class Peaks {
public:
    // A null pool, or one with fewer threads than are asked for, measures with what there is.
    explicit Peaks(ThreadPool* pool = nullptr) : pool_(pool) {}

    // Operations a second, two for each multiply-add.
    double fma(unsigned threads = 1);
    double int8(unsigned threads = 1);
    double bf16(unsigned threads = 1);
    // Bytes a second of reading a set of this size again and again, each thread its own part of
    // it: a small set is read from the cache level that holds it, a large one from memory. Sizes
    // are rounded up by at most a quarter, and taken as 256 MiB above that.
    double read(std::size_t working_set_bytes, unsigned threads = 1);
    // The same of copying one half of the set to the other, counting bytes read and written.
    double copy(std::size_t working_set_bytes, unsigned threads = 1);

    // What bounds a row: of its limits the one that takes longest at its measured rate for the
    // bytes or operations of one call. kNone and zeros when the row names no limit.
    struct Bound {
        Peak limit = Peak::kNone;
        // The size that was measured, a rounded one; 0 for limits of arithmetic.
        std::size_t working_set_bytes = 0;
        double rate = 0.0;     // bytes or operations a second
        double seconds = 0.0;  // of one call
    };
    Bound bound(const PreparedBenchmark& row);
    // The rate of one limit for a working set.
    double rate(Peak limit, std::size_t working_set_bytes, unsigned threads);

private:
    using Key = std::tuple<Peak, std::size_t, unsigned, std::string>;

    double measure(Peak limit, std::size_t working_set_bytes, unsigned threads);
    double measure_memory(Peak limit, std::size_t working_set_bytes, unsigned threads);

    ThreadPool* pool_;
    std::map<Key, double> rates_;
};

}  // namespace abikit::suites
