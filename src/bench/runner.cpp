// The measuring loop: warm up and calibrate together, then sample until done or out of time.
#include <abi/bench/runner.hpp>

#include <algorithm>
#include <cmath>

#include <abi/core/time.hpp>

namespace abikit::bench {
namespace {

constexpr double kMaxSeconds = 86'400.0 * 365.0;
// So that a body which the compiler dropped does not double its iterations for ever.
constexpr std::uint64_t kMaxIterations = std::uint64_t{1} << 40;

bool is_duration(double seconds) {
    return std::isfinite(seconds) && seconds >= 0.0 && seconds <= kMaxSeconds;
}

Status check_options(const RunOptions& options) {
    if (!is_duration(options.min_sample_seconds) || !is_duration(options.warmup_seconds) ||
        !is_duration(options.max_seconds)) {
        return fail(Code::kInvalidArgument,
                    "times of a measurement must be finite, not negative and below a year");
    }
    if (options.samples == 0) {
        return fail(Code::kInvalidArgument, "a measurement needs at least one sample");
    }
    return {};
}

std::uint64_t to_ns(double seconds) {
    return static_cast<std::uint64_t>(std::llround(seconds * 1e9));
}

Sample take_sample(const std::function<void()>& body, std::uint64_t iterations) {
    const std::uint64_t cpu = thread_cpu_ns();
    const std::uint64_t wall = monotonic_ns();
    for (std::uint64_t i = 0; i < iterations; ++i) {
        body();
    }
    const std::uint64_t wall_ns = monotonic_ns() - wall;
    return {.iterations = iterations, .wall_ns = wall_ns, .cpu_ns = thread_cpu_ns() - cpu};
}

// Calls that fill a sample, judging by one that was just timed; a tenth more, because a sample
// that turns out too short cannot be mended.
std::uint64_t iterations_for(const Sample& timed, std::uint64_t wanted_ns) {
    if (timed.wall_ns >= wanted_ns) {
        return timed.iterations;
    }
    const double call =
        std::max(static_cast<double>(timed.wall_ns), 1.0) / static_cast<double>(timed.iterations);
    const double wanted = 1.1 * static_cast<double>(wanted_ns) / call;
    return std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted) + 1, timed.iterations,
                                     kMaxIterations);
}

// Doubles the calls until they fill a sample and the warm-up is over; the last stretch tells how
// many calls a sample takes.
Result<Sample> warm_up(const std::function<void()>& body, const RunOptions& options,
                       const CancelToken& cancel, std::uint64_t begin) {
    const std::uint64_t sample_ns = to_ns(options.min_sample_seconds);
    const std::uint64_t budget_ns = to_ns(options.max_seconds);
    const std::uint64_t warm_ns = std::min(to_ns(options.warmup_seconds), budget_ns / 4);
    std::uint64_t iterations = 1;
    while (true) {
        ABI_CHECK(cancel.check());
        const Sample timed = take_sample(body, iterations);
        const std::uint64_t elapsed = monotonic_ns() - begin;
        const bool long_enough = timed.wall_ns >= sample_ns / 2 || iterations >= kMaxIterations;
        if (elapsed >= budget_ns / 2 || (long_enough && elapsed >= warm_ns)) {
            return timed;
        }
        if (!long_enough) {
            iterations *= 2;
        }
    }
}

}  // namespace

Result<Measurement> measure(const std::function<void()>& body, const RunOptions& options,
                            const CancelToken& cancel) {
    ABI_CHECK(check_options(options));
    const std::uint64_t begin = monotonic_ns();
    const std::uint64_t budget_ns = to_ns(options.max_seconds);
    ABI_TRY(const Sample timed, warm_up(body, options, cancel, begin));
    Measurement result;
    if (monotonic_ns() - begin >= budget_ns) {
        result.samples.push_back(timed);  // too slow to be called again
        result.complete = options.samples == 1;
        return result;
    }
    const std::uint64_t iterations = iterations_for(timed, to_ns(options.min_sample_seconds));
    while (result.samples.size() < options.samples) {
        ABI_CHECK(cancel.check());
        if (!result.samples.empty() && monotonic_ns() - begin >= budget_ns) {
            result.complete = false;
            break;
        }
        result.samples.push_back(take_sample(body, iterations));
    }
    return result;
}

std::vector<double> Measurement::wall_ns_per_call() const {
    std::vector<double> values;
    values.reserve(samples.size());
    for (const Sample& sample : samples) {
        values.push_back(static_cast<double>(sample.wall_ns) /
                         static_cast<double>(sample.iterations));
    }
    return values;
}

std::vector<double> Measurement::cpu_ns_per_call() const {
    std::vector<double> values;
    values.reserve(samples.size());
    for (const Sample& sample : samples) {
        values.push_back(static_cast<double>(sample.cpu_ns) /
                         static_cast<double>(sample.iterations));
    }
    return values;
}

}  // namespace abikit::bench
