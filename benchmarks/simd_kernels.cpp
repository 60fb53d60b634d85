// Every row of the suite `simd` as a Google Benchmark: the same bodies that `abi bench simd` times,
// for the tools that read Google Benchmark's output. Names are the patterns of `abi bench`, so
// --benchmark_filter='simd/vector/.*' chooses a group; a name that ends with /scalar is the
// reference of the row before it. ABI_SIMD_TARGET forces a vector target, ABI_THREADS the threads.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <abi/core/thread_pool.hpp>
#include <abi/simd/targets.hpp>

#include "suites/simd/suite.hpp"

namespace {

using abikit::suites::KernelBenchmark;
using abikit::suites::PreparedBenchmark;

// The row that runs, prepared. Data are made when a row is reached, so that a filter saves their
// memory, and kept while Google Benchmark tries numbers of iterations.
class Stage {
public:
    explicit Stage(unsigned threads) : pool_(threads) {}

    const PreparedBenchmark& prepare(const KernelBenchmark& row) {
        if (row_ != &row) {
            prepared_ = {};
            prepared_ = row.prepare(&pool_);
            row_ = &row;
        }
        return prepared_;
    }
    unsigned threads() const { return pool_.threads(); }

private:
    abikit::ThreadPool pool_;
    const KernelBenchmark* row_ = nullptr;
    PreparedBenchmark prepared_;
};

void run_row(benchmark::State& state, const KernelBenchmark& row, Stage& stage, bool scalar) {
    const PreparedBenchmark& prepared = stage.prepare(row);
    const std::function<void()>& body = scalar ? prepared.run_scalar : prepared.run;
    if (!body) {
        state.SkipWithError("the row has no scalar reference");
        return;
    }
    for (auto _ : state) {
        body();
        benchmark::ClobberMemory();
    }
    const auto calls = static_cast<double>(state.iterations());
    if (prepared.bytes > 0.0) {
        state.SetBytesProcessed(static_cast<std::int64_t>(prepared.bytes * calls));
    }
    if (prepared.operations > 0.0) {
        state.counters["op/s"] =
            benchmark::Counter(prepared.operations * calls, benchmark::Counter::kIsRate);
    }
}

bool force_target() {
    const char* const target = std::getenv("ABI_SIMD_TARGET");
    if (target == nullptr) {
        return true;
    }
    const auto forced = abikit::simd::force_target(target);
    if (!forced) {
        std::fprintf(stderr, "simd_kernels: %s\n  %s\n", forced.error().describe().c_str(),
                     forced.error().hint().c_str());
    }
    return forced.has_value();
}

unsigned wanted_threads() {
    const char* const threads = std::getenv("ABI_THREADS");
    return threads == nullptr ? 1U : static_cast<unsigned>(std::strtoul(threads, nullptr, 10));
}

}  // namespace

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv) || !force_target()) {
        return EXIT_FAILURE;
    }
    Stage stage(wanted_threads());
    const std::vector<KernelBenchmark> rows = abikit::suites::simd_benchmarks();
    for (const KernelBenchmark& row : rows) {
        const std::string name = abikit::suites::row_name(row);
        for (const bool scalar : {false, true}) {
            // Wall time: the processor time of one thread says little about a pool.
            benchmark::RegisterBenchmark((scalar ? name + "/scalar" : name).c_str(),
                                         [&row, &stage, scalar](benchmark::State& state) {
                                             run_row(state, row, stage, scalar);
                                         })
                ->UseRealTime();
        }
    }
    benchmark::AddCustomContext("simd_target", abikit::simd::chosen_target());
    benchmark::AddCustomContext("threads", std::to_string(stage.threads()));
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return EXIT_SUCCESS;
}
