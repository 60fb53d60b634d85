// The bar of the int8 products: squares from 256 to 2048 with packed weights reach 65 % of the
// measured peak of the multiply-add sequence that is safe for the full range of int8. Prints oneDNN
// beside them where it is installed (it packs in every call, the line says what that costs us too).
// Passes alternate and medians are compared; the peak is measured before and after each size.
// `simd_gemm_int8 AVX2` measures another instruction set.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include <unistd.h>

#include <abi/core/thread_pool.hpp>
#include <abi/simd/gemm_int8.hpp>
#include <abi/simd/targets.hpp>

#include "blas_peers.hpp"
#include "suites/simd/peaks.hpp"
#include "timing.hpp"

namespace {

using abikit::bars::median;
using abikit::bars::seconds_of;

namespace simd = abikit::simd;
namespace bars = abikit::bars;
using abikit::ThreadPool;

constexpr double kBar = 0.65;

std::vector<std::int8_t> random_bytes(std::size_t count, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<std::int8_t> bytes(count);
    std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::int8_t>(random()); });
    return bytes;
}

double peak_of(ThreadPool& pool, unsigned threads) {
    return abikit::suites::Peaks(&pool).int8(threads);
}

void must(const abikit::Status& status) {
    if (!status) {
        std::abort();
    }
}

bool measure(std::size_t n, ThreadPool& pool, const bars::BlasPeer* peer) {
    const unsigned threads = pool.threads();
    const std::vector<std::int8_t> a = random_bytes(n * n, 1);
    const std::vector<std::int8_t> b = random_bytes(n * n, 2);
    std::vector<std::int32_t> c(n * n);
    std::vector<std::int32_t> other(n * n);
    std::vector<std::byte> packed(simd::packed_int8_bytes(n, n));
    const simd::MatrixView<const std::int8_t> weights = {
        .values = b, .rows = n, .columns = n, .stride = n};
    simd::GemmInt8<std::int8_t> product;
    product.a = {.values = a, .rows = n, .columns = n, .stride = n};
    product.b = {.bytes = packed, .k = n, .n = n};
    product.c = {.values = c, .rows = n, .columns = n, .stride = n};
    const int size = static_cast<int>(n);
    const bars::PeerProduct<std::int8_t, std::int32_t> theirs = {.m = size,
                                                                 .n = size,
                                                                 .k = size,
                                                                 .a = a.data(),
                                                                 .lda = size,
                                                                 .b = b.data(),
                                                                 .ldb = size,
                                                                 .c = other.data(),
                                                                 .ldc = size};
    std::vector<double> own_s;
    std::vector<double> pack_s;
    std::vector<double> peer_s;
    const double before = peak_of(pool, threads);
    const int rounds = n <= 512 ? 101 : n <= 1024 ? 15 : 5;
    for (int round = 0; round < rounds; ++round) {
        pack_s.push_back(seconds_of(
            [&] { must(simd::pack_int8(weights, simd::Transpose::kNo, packed, &pool)); }));
        own_s.push_back(seconds_of([&] { must(simd::gemm_int8(product, {}, &pool)); }));
        if (peer != nullptr) {
            peer_s.push_back(seconds_of([&] { peer->int8(theirs); }));
            if (threads > 1) {
                usleep(2000);  // until its threads have gone to sleep
            }
        }
    }
    const double peak = std::max(before, peak_of(pool, threads));
    const double operations = 2.0 * static_cast<double>(n * n * n);
    const double own = median(own_s);
    const double share = operations / own / peak;
    std::printf("int8 %4zu^3, %u thread%s: %7.3f ms, %6.1f GOP/s, %.2f of peak (bar %.2f)", n,
                threads, threads == 1 ? " " : "s", own * 1e3, operations / own * 1e-9, share, kBar);
    if (peer != nullptr) {
        std::printf(", %.2f x %s, with packing %.2f x", median(peer_s) / own, peer->name.c_str(),
                    median(peer_s) / (own + median(pack_s)));
    }
    const bool same = peer == nullptr || c == other;
    std::printf("%s%s\n", share >= kBar ? "" : "  MISSED", same ? "" : "  DIFFERENT RESULT");
    return share >= kBar && same;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1 && !simd::force_target(argv[1])) {
        std::printf("this machine does not have %s\n", argv[1]);
        return EXIT_FAILURE;
    }
    std::printf("simd_gemm_int8: medians of alternating passes, target %s\n",
                simd::chosen_target().c_str());
    bool met = true;
    for (const unsigned threads : {1U, 2U}) {
        if (threads > std::max(1U, std::thread::hardware_concurrency())) {
            continue;
        }
        const std::vector<bars::BlasPeer> peers = bars::open_blas_peers(static_cast<int>(threads));
        const auto found = std::find_if(peers.begin(), peers.end(), [](const bars::BlasPeer& peer) {
            return static_cast<bool>(peer.int8);
        });
        ThreadPool pool(threads);
        for (const std::size_t n : {256, 512, 1024, 2048}) {
            met &= measure(n, pool, found == peers.end() ? nullptr : &*found);
        }
    }
    return met ? EXIT_SUCCESS : EXIT_FAILURE;
}
