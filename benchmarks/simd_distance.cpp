// Throughput of the distance kernels: rows that stay in the second-level cache and rows that come
// from memory, one query and batches of queries, and the scans that go with them. ABI_BENCH_TARGET
// picks the instruction set ("AVX2", "none", ...).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <benchmark/benchmark.h>

#include <abi/simd/distance.hpp>
#include <abi/simd/targets.hpp>
#include <abi/simd/topk.hpp>

#include "random_vectors.hpp"

namespace {

using namespace abikit::simd;
using abikit::bars::RandomVectors;
using RowsKernel = void (*)(const float*, const float*, std::size_t, std::size_t, float*) noexcept;
using BlockKernel = void (*)(const float*, std::size_t, const float*, std::size_t, std::size_t,
                             float*) noexcept;

constexpr std::size_t kCacheBytes = std::size_t{256} << 10;
constexpr std::size_t kMemoryBytes = std::size_t{128} << 20;
constexpr std::size_t kBlockRows = 1024;

void set_bytes(benchmark::State& state, std::size_t bytes) {
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                            static_cast<std::int64_t>(bytes));
}

void set_pairs(benchmark::State& state, std::size_t pairs) {
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                            static_cast<std::int64_t>(pairs));
}

void rows(benchmark::State& state, RowsKernel kernel, std::size_t bytes) {
    const auto dim = static_cast<std::size_t>(state.range(0));
    const std::size_t count = bytes / sizeof(float) / dim;
    const RandomVectors query(dim);
    const RandomVectors data(dim * count);
    std::vector<float> out(count);
    for (auto _ : state) {
        for (std::size_t first = 0; first < count; first += kBlockRows) {
            kernel(query.data(), data.data() + first * dim, dim,
                   std::min(kBlockRows, count - first), out.data() + first);
        }
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    set_bytes(state, count * dim * sizeof(float));
    set_pairs(state, count);
}

void block(benchmark::State& state, BlockKernel kernel) {
    const auto dim = static_cast<std::size_t>(state.range(0));
    const auto query_count = static_cast<std::size_t>(state.range(1));
    constexpr std::size_t kCount = 512;
    const RandomVectors queries(dim * query_count);
    const RandomVectors data(dim * kCount);
    std::vector<float> out(query_count * kCount);
    for (auto _ : state) {
        kernel(queries.data(), query_count, data.data(), dim, kCount, out.data());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    set_pairs(state, query_count * kCount);
}

void norms(benchmark::State& state) {
    const auto dim = static_cast<std::size_t>(state.range(0));
    const std::size_t count = kCacheBytes / sizeof(float) / dim;
    const RandomVectors data(dim * count);
    std::vector<float> out(count);
    for (auto _ : state) {
        squared_norms(data.data(), dim, count, out.data());
        benchmark::DoNotOptimize(out.data());
        benchmark::ClobberMemory();
    }
    set_bytes(state, count * dim * sizeof(float));
}

void finite_check(benchmark::State& state) {
    const RandomVectors data(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        benchmark::DoNotOptimize(first_non_finite(data.data(), data.size()));
    }
    set_bytes(state, data.size() * sizeof(float));
}

// The argument is the k nearest of a million distances in random order.
void top_k(benchmark::State& state) {
    const RandomVectors distances(1'000'000);
    for (auto _ : state) {
        TopK nearest(static_cast<std::size_t>(state.range(0)));
        nearest.offer(distances.data(), distances.size(), 0);
        benchmark::DoNotOptimize(nearest.take_sorted().data());
    }
    set_pairs(state, distances.size());
}

void dimensions(benchmark::internal::Benchmark* benchmark) {
    for (const int dim : {96, 128, 384, 768, 1536}) {
        benchmark->Arg(dim);
    }
}

void batches(benchmark::internal::Benchmark* benchmark) {
    for (const int dim : {96, 128, 384, 768, 1536}) {
        benchmark->Args({dim, 64});
    }
}

BENCHMARK_CAPTURE(rows, l2_cache, l2_squared_rows, kCacheBytes)->Apply(dimensions);
BENCHMARK_CAPTURE(rows, dot_cache, dot_rows, kCacheBytes)->Apply(dimensions);
BENCHMARK_CAPTURE(rows, l2_memory, l2_squared_rows, kMemoryBytes)->Apply(dimensions);
BENCHMARK_CAPTURE(rows, dot_memory, dot_rows, kMemoryBytes)->Apply(dimensions);
BENCHMARK_CAPTURE(block, l2, l2_squared_block)->Apply(batches);
BENCHMARK_CAPTURE(block, dot, dot_block)->Apply(batches);
BENCHMARK(norms)->Apply(dimensions);
BENCHMARK(finite_check)->Arg(1 << 14)->Arg(1 << 25);
BENCHMARK(top_k)->Arg(10)->Arg(100)->Arg(10'000)->Arg(500'000);

}  // namespace

int main(int argc, char** argv) {
    if (const char* target = std::getenv("ABI_BENCH_TARGET"); target != nullptr) {
        if (const auto forced = force_target(target); !forced) {
            std::fprintf(stderr, "%s\n", forced.error().describe().c_str());
            return EXIT_FAILURE;
        }
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return EXIT_FAILURE;
    }
    benchmark::AddCustomContext("simd_target", chosen_target());
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return EXIT_SUCCESS;
}
