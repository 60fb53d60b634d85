// The bar of bit distances at 1024 bits: against a loop of scalar population counts, FAISS's
// HammingComputer, and the bandwidth of memory. Figures are medians of interleaved rounds.
// ABI_BENCH_TARGET picks the instruction set. Exits 1 when a bar is missed.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include <abi/simd/distance_bits.hpp>
#include <abi/simd/targets.hpp>

#include "interleaved.hpp"
#include "random_vectors.hpp"
#include "suites/simd/yardsticks.hpp"

// The peers count by instruction, whatever the build's baseline is.
#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("popcnt")
#endif
#if ABI_HAVE_FAISS
#include <faiss/utils/hamming.h>
#endif

namespace {

constexpr std::size_t kRowBytes = 1024 / 8;

void scalar_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t count,
                 std::uint32_t* out) {
    for (std::size_t i = 0; i < count; ++i) {
        int bits = 0;
        for (std::size_t j = 0; j < kRowBytes; j += 8) {
            std::uint64_t a = 0;
            std::uint64_t b = 0;
            std::memcpy(&a, query + j, 8);
            std::memcpy(&b, rows + i * kRowBytes + j, 8);
            bits += __builtin_popcountll(a ^ b);
        }
        out[i] = static_cast<std::uint32_t>(bits);
    }
}

#if ABI_HAVE_FAISS
void faiss_rows(const std::uint8_t* query, const std::uint8_t* rows, std::size_t count,
                std::uint32_t* out) {
    const faiss::HammingComputerDefault computer(query, kRowBytes);
    for (std::size_t i = 0; i < count; ++i) {
        out[i] = static_cast<std::uint32_t>(computer.hamming(rows + i * kRowBytes));
    }
}
#endif

}  // namespace
#if defined(__x86_64__)
#pragma GCC pop_options
#endif

namespace {

using namespace abikit;
using bars::Candidate;

constexpr std::size_t kCacheBytes = std::size_t{256} << 10;
constexpr std::size_t kMemoryBytes = std::size_t{192} << 20;
constexpr double kScalarBar = 1.5;
constexpr double kPeerBar = 1.0;
constexpr double kMemoryBar = 0.90;

volatile std::uint64_t g_seen = 0;

bool report(const char* place, const Candidate& own, const Candidate& other, double bar) {
    const double ratio = other.median() / own.median();
    std::printf("  %s  %.2fx %s (bar %.2f)%s\n", place, ratio, other.name.c_str(), bar,
                ratio >= bar ? "" : "  MISSED");
    return ratio >= bar;
}

bool measure_in_cache(const std::uint8_t* query, const std::uint8_t* rows) {
    constexpr std::size_t kCount = kCacheBytes / kRowBytes;
    std::vector<std::uint32_t> out(kCount);
    std::vector<Candidate> all {
        {"own", [&] { simd::hamming_rows(query, rows, kRowBytes, kCount, out.data()); }},
            {"scalar popcnt", [&] { scalar_rows(query, rows, kCount, out.data()); }},
#if ABI_HAVE_FAISS
            {"faiss", [&] { faiss_rows(query, rows, kCount, out.data()); }},
#endif
    };
    bars::measure_interleaved(all, 41, 32);
    std::printf("  L2 cache  %.0f million rows/s\n",
                static_cast<double>(kCount) / all[0].median() * 1e-6);
    bool met = report("L2 cache", all[0], all[1], kScalarBar);
    for (std::size_t i = 2; i < all.size(); ++i) {
        met = report("L2 cache", all[0], all[i], kPeerBar) && met;
    }
    return met;
}

bool measure_in_memory(const std::uint8_t* query, const std::uint8_t* rows) {
    constexpr std::size_t kCount = kMemoryBytes / kRowBytes;
    constexpr std::size_t kBlockRows = 4096;
    std::vector<std::uint32_t> out(kBlockRows);
    std::vector<Candidate> all{
        {"own", [&] {
             for (std::size_t first = 0; first < kCount; first += kBlockRows) {
                 simd::hamming_rows(query, rows + first * kRowBytes, kRowBytes,
                                    std::min(kBlockRows, kCount - first), out.data());
             }
         }}};
    for (const auto pattern : {suites::ReadPattern::kForward, suites::ReadPattern::kPrefetch,
                               suites::ReadPattern::kFourStreams}) {
        all.push_back({"read bandwidth", [=] {
                           g_seen = g_seen ^ suites::read_memory(rows, kMemoryBytes, pattern);
                       }});
    }
    bars::measure_interleaved(all, 15, 1);
    const auto fastest = std::min_element(
        all.begin() + 1, all.end(),
        [](const Candidate& a, const Candidate& b) { return a.median() < b.median(); });
    return report("memory  ", all[0], *fastest, kMemoryBar);
}

}  // namespace

int main() {
    if (const char* target = std::getenv("ABI_BENCH_TARGET"); target != nullptr) {
        if (!simd::force_target(target)) {
            std::fprintf(stderr, "hamming: cannot use target %s\n", target);
            return EXIT_FAILURE;
        }
    }
    std::printf("hamming: 1024 bits, target %s\n", simd::chosen_target().c_str());
#if !ABI_HAVE_FAISS
    std::puts("hamming: FAISS is absent");
#endif
    const bars::RandomVectors data(kMemoryBytes / sizeof(float) + kRowBytes);
    const auto* rows = reinterpret_cast<const std::uint8_t*>(data.data());
    const std::uint8_t* query = rows + kMemoryBytes;
    const bool in_cache = measure_in_cache(query, rows);
    const bool in_memory = measure_in_memory(query, rows);
    return in_cache && in_memory ? EXIT_SUCCESS : EXIT_FAILURE;
}
