// The bars of float32 matrix products: squares and ten layers of transformers, against the best of
// OpenBLAS, BLIS and oneDNN for each shape, as far as installed. The geometric mean of all is at
// least 1.0, no shape is below 0.93; 1024^3 reaches 92 % of the multiply-add peak on one thread,
// 88 % on two. Passes of all alternate and medians are compared. `simd_gemm 1` or `simd_gemm 2`
// measures that number of threads only.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <abi/core/thread_pool.hpp>
#include <abi/simd/gemm.hpp>
#include <abi/simd/targets.hpp>

#include "blas_peers.hpp"
#include "suites/simd/peaks.hpp"
#include "timing.hpp"

namespace {

using abikit::bars::median;

namespace simd = abikit::simd;
namespace bars = abikit::bars;
using abikit::ThreadPool;

constexpr double kGeomean = 1.0;
constexpr double kWorst = 0.93;
constexpr double kPassSeconds = 0.002;  // small products are repeated for about this long

struct Shape {
    std::size_t m;
    std::size_t k;
    std::size_t n;
    bool transpose_b = false;  // weights stored one row for each output
};

// Squares; then query-key-value, projection and the two layers of a block of GPT-2 for 64 tokens,
// prompts of 256 and 512 tokens, a decoding step of a batch of 32, scores and values of attention.
constexpr Shape kShapes[] = {
    {128, 128, 128},        {256, 256, 256},      {512, 512, 512},   {1024, 1024, 1024},
    {2048, 2048, 2048},     {64, 768, 2304},      {64, 768, 768},    {64, 768, 3072},
    {64, 3072, 768},        {256, 768, 768},      {512, 1024, 4096}, {32, 4096, 4096},
    {256, 768, 2304, true}, {256, 64, 256, true}, {256, 256, 64},
};

template <class Pass>
double seconds_of(int repetitions, Pass pass) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < repetitions; ++i) {
        pass();
    }
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    return spent.count() / repetitions;
}

std::vector<float> random_values(std::size_t count) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
    std::vector<float> values(count);
    std::generate(values.begin(), values.end(), [&] { return uniform(random); });
    return values;
}

struct Times {
    double own = 0.0;
    double best_peer = 0.0;
    std::string peer = "none";
};

Times measure_shape(const Shape& s, ThreadPool& pool, const std::vector<bars::BlasPeer>& peers) {
    const std::vector<float> a = random_values(s.m * s.k);
    const std::vector<float> b = random_values(s.k * s.n);
    std::vector<float> c(s.m * s.n);
    simd::Gemm own;
    own.a = {.values = a, .rows = s.m, .columns = s.k, .stride = s.k};
    own.b = {.values = b,
             .rows = s.transpose_b ? s.n : s.k,
             .columns = s.transpose_b ? s.k : s.n,
             .stride = s.transpose_b ? s.k : s.n};
    own.transpose_b = s.transpose_b ? simd::Transpose::kYes : simd::Transpose::kNo;
    own.c = {.values = c, .rows = s.m, .columns = s.n, .stride = s.n};
    std::vector<std::byte> workspace(simd::gemm_workspace_bytes(own, pool.threads()));
    const bars::PeerProduct<float, float> other = {.transpose_b = s.transpose_b,
                                                   .m = static_cast<int>(s.m),
                                                   .n = static_cast<int>(s.n),
                                                   .k = static_cast<int>(s.k),
                                                   .a = a.data(),
                                                   .lda = static_cast<int>(s.k),
                                                   .b = b.data(),
                                                   .ldb = static_cast<int>(own.b.stride),
                                                   .c = c.data(),
                                                   .ldc = static_cast<int>(s.n)};
    const auto run_own = [&] {
        if (!simd::gemm(own, workspace, &pool)) {
            std::abort();
        }
    };
    const double once = seconds_of(3, run_own);
    const int repetitions = std::max(1, static_cast<int>(kPassSeconds / once));
    const int rounds = once > 0.05 ? 7 : 21;
    std::vector<double> own_s;
    std::vector<std::vector<double>> peer_s(peers.size());
    for (int round = 0; round < rounds; ++round) {
        own_s.push_back(seconds_of(repetitions, run_own));
        for (std::size_t i = 0; i < peers.size(); ++i) {
            peer_s[i].push_back(seconds_of(repetitions, [&] { peers[i].sgemm(other); }));
            if (pool.threads() > 1) {
                usleep(2000);  // until its threads have gone to sleep
            }
        }
    }
    Times times{.own = median(own_s)};
    for (std::size_t i = 0; i < peers.size(); ++i) {
        const double peer = median(peer_s[i]);
        if (i == 0 || peer < times.best_peer) {
            times.best_peer = peer;
            times.peer = peers[i].name;
        }
    }
    return times;
}

bool measure(unsigned threads) {
    const std::vector<bars::BlasPeer> peers = bars::open_blas_peers(static_cast<int>(threads));
    ThreadPool pool(threads);
    const double share_bar = threads == 1 ? 0.92 : 0.88;
    double log_sum = 0.0;
    double worst = 1e9;
    bool met = true;
    for (const Shape& s : kShapes) {
        abikit::suites::Peaks peaks(&pool);  // anew, because the clock of the machine drifts
        const double before = peaks.fma(threads);
        const Times times = measure_shape(s, pool, peers);
        const double flops = 2.0 * static_cast<double>(s.m * s.n) * static_cast<double>(s.k);
        const double share = flops / times.own / before;
        std::printf("%4zu x %4zu x %4zu%s, %u thread%s: %6.1f GFLOP/s, %.2f of peak", s.m, s.k, s.n,
                    s.transpose_b ? "^T" : "  ", threads, threads == 1 ? " " : "s",
                    flops / times.own * 1e-9, share);
        if (s.m == 1024) {
            std::printf(" (bar %.2f)", share_bar);
            met &= share >= share_bar;
        }
        if (times.peer != "none") {
            const double speed_up = times.best_peer / times.own;
            std::printf(", %.2f x %s", speed_up, times.peer.c_str());
            log_sum += std::log(speed_up);
            worst = std::min(worst, speed_up);
        }
        std::puts("");
    }
    if (!peers.empty()) {
        const double geomean = std::exp(log_sum / static_cast<double>(std::size(kShapes)));
        met &= geomean >= kGeomean && worst >= kWorst;
        std::printf("%u thread%s: geometric mean %.3f (bar %.2f), worst %.2f (bar %.2f)%s\n",
                    threads, threads == 1 ? "" : "s", geomean, kGeomean, worst, kWorst,
                    met ? "" : "  MISSED");
    }
    return met;
}

}  // namespace

int main(int argc, char** argv) {
    std::printf("simd_gemm: medians of alternating passes, target %s\n",
                simd::chosen_target().c_str());
    bool met = true;
    for (const unsigned threads : {1U, 2U}) {
        if (argc > 1 ? std::to_string(threads) == argv[1]
                     : threads <= std::max(1U, std::thread::hardware_concurrency())) {
            met &= measure(threads);
        }
    }
    return met ? EXIT_SUCCESS : EXIT_FAILURE;
}
