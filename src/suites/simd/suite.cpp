// Measuring and verifying the rows of the suite `simd`.
#include "suite.hpp"

#include <algorithm>
#include <map>

#include <abi/simd/targets.hpp>

#include "peaks.hpp"

namespace abikit::suites {
namespace {

// Seconds that a reference takes for an operation or byte, before one of the kernel was timed.
constexpr double kScalarGuess = 1e-9;

std::string limit_name(Peak limit) {
    switch (limit) {
        case Peak::kRead:
            return "read";
        case Peak::kCopy:
            return "copy";
        case Peak::kFma:
            return "fma";
        case Peak::kInt8:
            return "int8";
        case Peak::kBf16:
            return "bf16";
        case Peak::kNone:
            break;
    }
    return {};
}

// Ends the phase on every way out.
class Progress {
public:
    Progress(ProgressSink* sink, std::string_view phase, std::string_view unit, std::size_t total)
        : sink_(sink) {
        if (sink_ != nullptr) {
            sink_->begin(phase, unit, total);
        }
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (sink_ != nullptr) {
            sink_->end();
        }
    }
    void advance() {
        ++done_;
        if (sink_ != nullptr) {
            sink_->update(done_);
        }
    }

private:
    ProgressSink* sink_;
    std::uint64_t done_ = 0;
};

// Chooses the target of before again.
class TargetGuard {
public:
    TargetGuard() : before_(simd::chosen_target()) {}
    TargetGuard(const TargetGuard&) = delete;
    TargetGuard& operator=(const TargetGuard&) = delete;
    ~TargetGuard() { static_cast<void>(simd::force_target(before_).has_value()); }

private:
    std::string before_;
};

class SimdRun {
public:
    SimdRun(const SimdRunOptions& options, const Context& context)
        : options_(options), context_(context), peaks_(context.pool) {}

    Status add(const KernelBenchmark& row) {
        const PreparedBenchmark prepared = row.prepare(context_.pool);
        const Peaks::Bound bound = peaks_.bound(prepared);
        ABI_TRY(const bench::Measurement measured,
                bench::measure(prepared.run, options_.kernel, context_.cancel));
        bench::BenchmarkResult result{.name = row.name,
                                      .suite = suite_name(row),
                                      .parameters = row.parameters,
                                      .threads = prepared.threads,
                                      .iterations = measured.samples.front().iterations,
                                      .complete = measured.complete,
                                      .time_ns = bench::statistics(measured.wall_ns_per_call()),
                                      .cpu_time_ns = bench::statistics(measured.cpu_ns_per_call())};
        const double seconds = std::max(result.time_ns.median, 1e-3) * 1e-9;
        result.throughput = {.bytes_per_second = prepared.bytes / seconds,
                             .operations_per_second = prepared.operations / seconds};
        add_peak(prepared, bound, seconds, result);
        ABI_CHECK(add_scalar(row, prepared, seconds, result));
        run_.benchmarks.push_back(std::move(result));
        return {};
    }

    bench::Run take() && { return std::move(run_); }

private:
    void add_peak(const PreparedBenchmark& prepared, const Peaks::Bound& bound, double seconds,
                  bench::BenchmarkResult& result) {
        if (bound.limit == Peak::kNone) {
            return;
        }
        result.peak = bench::PeakShare{.limit = limit_name(bound.limit),
                                       .limit_per_second = bound.rate,
                                       .share = bound.seconds / seconds};
        bench::PeakRate rate{.limit = limit_name(bound.limit),
                             .threads = prepared.threads,
                             .working_set_bytes = bound.working_set_bytes,
                             .per_second = bound.rate};
        const bool known = std::ranges::any_of(run_.peaks, [&](const bench::PeakRate& other) {
            return other.limit == rate.limit && other.threads == rate.threads &&
                   other.working_set_bytes == rate.working_set_bytes;
        });
        if (!known) {
            run_.peaks.push_back(std::move(rate));
        }
    }

    Status add_scalar(const KernelBenchmark& row, const PreparedBenchmark& prepared, double seconds,
                      bench::BenchmarkResult& result) {
        const double work = prepared.operations > 0.0 ? prepared.operations : prepared.bytes;
        const auto known = scalar_seconds_.find(row.name);
        const double each = known == scalar_seconds_.end() ? kScalarGuess : known->second;
        const bool too_slow = each * work > options_.max_scalar_seconds;
        if (!prepared.run_scalar || too_slow) {
            return {};
        }
        ABI_TRY(const bench::Measurement measured,
                bench::measure(prepared.run_scalar, options_.scalar, context_.cancel));
        const double scalar = bench::statistics(measured.wall_ns_per_call()).median;
        result.scalar_time_ns = scalar;
        result.speedup_over_scalar = scalar * 1e-9 / seconds;
        if (work > 0.0) {
            scalar_seconds_[row.name] = scalar * 1e-9 / work;
        }
        return {};
    }

    const SimdRunOptions& options_;
    const Context& context_;
    Peaks peaks_;
    std::map<std::string, double> scalar_seconds_;  // of one operation (or byte), by kernel
    bench::Run run_;
};

std::string join_name(std::string_view group, std::string_view kernel) {
    std::string name = "simd/";
    name += group;
    name += '/';
    name += kernel;
    return name;
}

double size_of(const KernelBenchmark& row) {
    double size = 1.0;
    for (const auto& [key, value] : row.parameters) {
        size *= static_cast<double>(value);
    }
    return size;
}

}  // namespace

std::string suite_name(const KernelBenchmark& row) {
    return "simd/" + row.group;
}

std::string kernel_name(const KernelBenchmark& row) {
    return join_name(row.group, row.name);
}

std::string kernel_name(const KernelCheck& check) {
    return join_name(check.group, check.kernel);
}

std::string row_name(const KernelBenchmark& row) {
    std::string name = kernel_name(row);
    for (const auto& [key, value] : row.parameters) {
        name += '/';
        name += key;
        name += ':';
        name += std::to_string(value);
    }
    return name;
}

std::vector<KernelBenchmark> smallest_rows(std::span<const KernelBenchmark> rows) {
    std::vector<KernelBenchmark> smallest;
    for (const KernelBenchmark& row : rows) {
        const auto same = std::ranges::find_if(smallest, [&](const KernelBenchmark& other) {
            return other.name == row.name && other.group == row.group;
        });
        if (same == smallest.end()) {
            smallest.push_back(row);
        } else if (size_of(row) < size_of(*same)) {
            *same = row;
        }
    }
    return smallest;
}

Result<bench::Run> run_simd_benchmarks(std::span<const KernelBenchmark> rows,
                                       const SimdRunOptions& options, const Context& context) {
    Progress progress(context.progress, "simd", "benchmarks", rows.size());
    SimdRun run(options, context);
    for (const KernelBenchmark& row : rows) {
        ABI_CHECK(context.cancel.check());
        ABI_CHECK(run.add(row));
        progress.advance();
    }
    bench::Run result = std::move(run).take();
    result.environment = bench::environment();
    result.environment.simd_target = simd::chosen_target();
    result.environment.threads = context.pool == nullptr ? 1 : context.pool->threads();
    return result;
}

Result<std::vector<CheckResult>> run_simd_checks(std::span<const KernelCheck> checks,
                                                 std::span<const std::string> targets,
                                                 const Context& context) {
    Progress progress(context.progress, "simd", "checks", checks.size() * targets.size());
    const TargetGuard guard;
    std::vector<CheckResult> results;
    for (const KernelCheck& check : checks) {
        for (const std::string& target : targets) {
            ABI_CHECK(context.cancel.check());
            ABI_CHECK(simd::force_target(target));
            Checker checker(context.pool);
            check.run(checker);
            results.push_back({.suite = "simd/" + std::string(check.group),
                               .kernel = std::string(check.kernel),
                               .target = target,
                               .comparisons = checker.comparisons(),
                               .failures = checker.failures(),
                               .messages = checker.messages()});
            progress.advance();
        }
    }
    return results;
}

}  // namespace abikit::suites
