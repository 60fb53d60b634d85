// Times a piece of code: warm-up, as many calls a sample as the clock needs, several samples,
// within a budget of time. Read statistics.hpp for what follows from the samples, run.hpp for the
// report.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/cancel.hpp>
#include <abi/core/error.hpp>

namespace abikit::bench {

// One timed stretch of `iterations` calls.
struct Sample {
    std::uint64_t iterations = 0;
    std::uint64_t wall_ns = 0;  // of all calls together, by the monotonic clock
    // Processor time of the calling thread alone; work that a body hands to other threads is not
    // in it.
    std::uint64_t cpu_ns = 0;
};

struct RunOptions {
    // A sample is at least that long, so that reading the clock (about 50 ns) does not count.
    double min_sample_seconds = 0.01;
    // Calls before the first sample: caches, branch predictors and the processor's clock settle.
    double warmup_seconds = 0.01;
    unsigned samples = 11;
    // For warm-up and samples together. When it runs out, what has been sampled stands; there is
    // always one sample. A call is never cut short.
    double max_seconds = 0.4;
};

// The samples of one body. Iterations are the same for each sample.
struct Measurement {
    std::vector<Sample> samples;
    bool complete = true;  // false when the budget ended before all samples were taken

    // Nanoseconds of one call, a value for each sample.
    ABI_API std::vector<double> wall_ns_per_call() const;
    ABI_API std::vector<double> cpu_ns_per_call() const;
};

// Runs `body` again and again on the calling thread. Results of the body must reach memory or be
// used otherwise: what the compiler can drop takes no time. A body that takes longer than the
// budget is called once, and that call is the sample. kInvalidArgument for options out of range (a
// negative or non-finite time, no samples); kCancelled when the token is set, which is looked at
// between samples and while warming up. Exceptions of the body pass through. Thread-safe, though
// measuring in parallel measures the rivalry.
ABI_API Result<Measurement> measure(const std::function<void()>& body, const RunOptions& options,
                                    const CancelToken& cancel = {});

}  // namespace abikit::bench
