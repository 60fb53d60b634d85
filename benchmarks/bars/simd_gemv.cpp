// The bars of the memory-bound products, one matrix by 1 to 16 columns, in both orders of storage.
// Beyond the caches: up to 4 columns at 90 % of the speed of merely reading the matrix, from 8 on
// at 80 % of that or of the multiply-add peak, whichever takes longer. Everywhere: at least as fast
// as the best of OpenBLAS, BLIS and oneDNN, as far as installed. Passes of all alternate and
// medians are compared. `simd_gemv 1` or `simd_gemv 2` measures that number of threads only.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <abi/core/thread_pool.hpp>
#include <abi/simd/gemv.hpp>
#include <abi/simd/targets.hpp>

#include "blas_peers.hpp"
#include "suites/simd/peaks.hpp"
#include "suites/simd/yardsticks.hpp"
#include "timing.hpp"

namespace {

using abikit::bars::median;
using abikit::bars::seconds_of;

namespace simd = abikit::simd;
namespace bars = abikit::bars;
using abikit::ThreadPool;
using abikit::suites::ReadPattern;

constexpr double kShareOfRead = 0.90;   // up to 4 columns
constexpr double kShareOfBound = 0.80;  // 8 columns and more
constexpr double kSpeedUp = 1.0;        // over the best peer

struct Shape {
    std::size_t m;
    std::size_t k;
    bool beyond_cache;
    int rounds;
};

void read_all(const std::vector<float>& w, ReadPattern pattern, ThreadPool& pool) {
    const std::size_t parts = pool.threads();
    pool.parallel_for(0, parts, 1, [&](std::size_t first, std::size_t) {
        const std::size_t floats = w.size() / parts;
        volatile std::uint64_t sum =
            abikit::suites::read_memory(w.data() + first * floats, floats * sizeof(float), pattern);
        static_cast<void>(sum);
    });
}

// What one combination of storage and columns took, medians in seconds.
struct Times {
    double own = 0.0;
    double read = 0.0;  // of the fastest pattern
    double best_peer = 0.0;
    std::string peer = "none";
};

class Measurement {
public:
    Measurement(const Shape& shape, ThreadPool& pool, const std::vector<bars::BlasPeer>& peers)
        : shape_(shape), pool_(pool), peers_(peers), w_(shape.m * shape.k) {
        std::mt19937 random(1);
        std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
        std::generate(w_.begin(), w_.end(), [&] { return uniform(random); });
        x_.resize(shape.k * simd::Gemv::kMaxColumns);
        std::generate(x_.begin(), x_.end(), [&] { return uniform(random); });
        y_.resize(shape.m * simd::Gemv::kMaxColumns);
    }

    Times run(std::size_t columns, bool transposed) {
        simd::Gemv own = product(columns, transposed);
        std::vector<std::byte> workspace(simd::sgemv_workspace_bytes(own));
        const bars::PeerProduct<float, float> other = {.transpose_a = transposed,
                                                       .m = static_cast<int>(shape_.m),
                                                       .n = static_cast<int>(columns),
                                                       .k = static_cast<int>(shape_.k),
                                                       .a = w_.data(),
                                                       .lda = static_cast<int>(own.a.stride),
                                                       .b = x_.data(),
                                                       .ldb = static_cast<int>(columns),
                                                       .c = y_.data(),
                                                       .ldc = static_cast<int>(columns)};
        std::vector<double> own_s;
        std::vector<double> read_s[3];
        std::vector<std::vector<double>> peer_s(peers_.size());
        for (int round = -1; round < shape_.rounds; ++round) {  // the first one warms up
            own_s.push_back(seconds_of([&] {
                if (!simd::sgemv(own, workspace, &pool_)) {
                    std::abort();
                }
            }));
            for (const ReadPattern pattern :
                 {ReadPattern::kForward, ReadPattern::kPrefetch, ReadPattern::kFourStreams}) {
                read_s[static_cast<int>(pattern)].push_back(
                    seconds_of([&] { read_all(w_, pattern, pool_); }));
            }
            for (std::size_t i = 0; i < peers_.size(); ++i) {
                peer_s[i].push_back(seconds_of([&] { peers_[i].sgemm(other); }));
                if (pool_.threads() > 1) {
                    usleep(2000);  // until its threads have gone to sleep
                }
            }
            if (round < 0) {
                own_s.clear();
            }
        }
        Times times;
        times.own = median(own_s);
        times.read = std::min({median(read_s[0]), median(read_s[1]), median(read_s[2])});
        for (std::size_t i = 0; i < peers_.size(); ++i) {
            const double peer = median(peer_s[i]);
            if (i == 0 || peer < times.best_peer) {
                times.best_peer = peer;
                times.peer = peers_[i].name;
            }
        }
        return times;
    }

private:
    simd::Gemv product(std::size_t columns, bool transposed) {
        simd::Gemv own;
        own.a = {.values = w_,
                 .rows = transposed ? shape_.k : shape_.m,
                 .columns = transposed ? shape_.m : shape_.k,
                 .stride = transposed ? shape_.m : shape_.k};
        own.transpose = transposed ? simd::Transpose::kYes : simd::Transpose::kNo;
        own.columns = columns;
        own.x = x_;
        own.x_row_stride = columns;
        own.y = y_;
        own.y_row_stride = columns;
        return own;
    }

    Shape shape_;
    ThreadPool& pool_;
    const std::vector<bars::BlasPeer>& peers_;
    std::vector<float> w_;
    std::vector<float> x_;
    std::vector<float> y_;
};

bool report(const Shape& shape, std::size_t columns, bool transposed, unsigned threads,
            const Times& times, double fma) {
    const double floats = static_cast<double>(shape.m) * static_cast<double>(shape.k);
    const double compute = 2.0 * floats * static_cast<double>(columns) / fma;
    const bool few = columns <= 4;
    const double bound = few ? times.read : std::max(times.read, compute);
    const double share = bound / times.own;
    const double wanted = few ? kShareOfRead : kShareOfBound;
    const double speed_up = times.best_peer / times.own;
    const bool share_met = !shape.beyond_cache || share >= wanted;
    const bool speed_met = times.peer == "none" || speed_up >= kSpeedUp;
    std::printf(
        "%5zu x %4zu%s x %2zu, %u thread%s: %7.3f ms, %5.1f GB/s, %5.1f GFLOP/s, %.2f of %s",
        shape.m, shape.k, transposed ? "^T" : "  ", columns, threads, threads == 1 ? " " : "s",
        times.own * 1e3, floats * 4e-9 / times.own,
        2e-9 * floats * static_cast<double>(columns) / times.own, share,
        bound > times.read ? "peak" : "read");
    if (shape.beyond_cache) {
        std::printf(" (bar %.2f)", wanted);
    }
    std::printf(", %.2f x %s (bar %.2f)%s\n", speed_up, times.peer.c_str(), kSpeedUp,
                share_met && speed_met ? "" : "  MISSED");
    return share_met && speed_met;
}

bool measure(unsigned threads) {
    const std::vector<bars::BlasPeer> peers = bars::open_blas_peers(static_cast<int>(threads));
    ThreadPool pool(threads);
    abikit::suites::Peaks peaks(&pool);
    bool met = true;
    for (const Shape& shape :
         {Shape{3072, 768, false, 41}, Shape{4096, 4096, true, 11}, Shape{11008, 4096, true, 5}}) {
        Measurement measurement(shape, pool, peers);
        for (const bool transposed : {false, true}) {
            for (const std::size_t columns : {1, 4, 8, 16}) {
                const double fma = peaks.fma(threads);
                met &= report(shape, columns, transposed, threads,
                              measurement.run(columns, transposed), fma);
            }
        }
    }
    return met;
}

}  // namespace

int main(int argc, char** argv) {
    std::printf("simd_gemv: medians of alternating passes, target %s\n",
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
