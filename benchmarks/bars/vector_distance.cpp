// The bars of float32 and int8 distances: rows in the second-level cache against FAISS, OpenBLAS
// and the bandwidth of that cache; rows in memory, with one and two threads, against reading it.
// Figures are medians of interleaved rounds. ABI_BENCH_TARGET picks the instruction set. Exits 1
// when a bar is missed.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

#include <abi/simd/distance.hpp>
#include <abi/simd/distance_bytes.hpp>
#include <abi/simd/targets.hpp>

#include "interleaved.hpp"
#include "random_vectors.hpp"
#include "suites/simd/yardsticks.hpp"
#if ABI_HAVE_FAISS
#include <faiss/utils/distances.h>
#endif
#if ABI_HAVE_OPENBLAS
extern "C" void cblas_sgemv(int order, int transpose, int rows, int columns, float alpha,
                            const float* matrix, int stride, const float* x, int step_x, float beta,
                            float* y, int step_y);
extern "C" void openblas_set_num_threads(int count);
#endif

namespace {

using namespace abikit;
using bars::Candidate;
using bars::RandomVectors;

constexpr std::size_t kCacheBytes = std::size_t{256} << 10;
constexpr std::size_t kMemoryBytes = std::size_t{192} << 20;
constexpr std::size_t kBlockRows = 1024;                // rows whose distances are held at a time
constexpr std::size_t kInt8BlockRows = 4 * kBlockRows;  // of as many bytes
constexpr std::size_t kCacheRounds = 41;
constexpr std::size_t kCacheRepeats = 16;
constexpr std::size_t kFmaSteps = 1000;
constexpr std::size_t kMemoryRounds = 15;
constexpr double kPeerBar = 1.0;
constexpr double kCacheShareBar = 0.85;
constexpr double kMemoryShareBar = 0.90;
constexpr double kInt8CacheBar = 2.0;
constexpr double kInt8MemoryBar = 3.5;

enum class Metric { kL2, kDot };

const char* name_of(Metric metric) {
    return metric == Metric::kL2 ? "l2 " : "dot";
}

struct Scan {
    Metric metric = Metric::kL2;
    std::size_t dim = 0;
    std::size_t count = 0;
    const float* query = nullptr;
    const float* rows = nullptr;
    float* out = nullptr;
};

void scan_own(const Scan& s) {
    const auto kernel = [&](const float* rows, std::size_t count, float* out) {
        s.metric == Metric::kL2 ? simd::l2_squared_rows(s.query, rows, s.dim, count, out)
                                : simd::dot_rows(s.query, rows, s.dim, count, out);
    };
    for (std::size_t first = 0; first < s.count; first += kBlockRows) {
        kernel(s.rows + first * s.dim, std::min(kBlockRows, s.count - first), s.out);
    }
}

std::vector<Candidate> peers([[maybe_unused]] const Scan& s) {
    std::vector<Candidate> list;
#if ABI_HAVE_FAISS
    if (s.metric == Metric::kL2) {
        list.push_back(
            {"faiss ny", [=] { faiss::fvec_L2sqr_ny(s.out, s.query, s.rows, s.dim, s.count); }});
        list.push_back({"faiss loop", [=] {
                            for (std::size_t i = 0; i < s.count; ++i) {
                                s.out[i] = faiss::fvec_L2sqr(s.query, s.rows + i * s.dim, s.dim);
                            }
                        }});
    } else {
        list.push_back({"faiss ny", [=] {
                            faiss::fvec_inner_products_ny(s.out, s.query, s.rows, s.dim, s.count);
                        }});
        list.push_back({"faiss loop", [=] {
                            for (std::size_t i = 0; i < s.count; ++i) {
                                s.out[i] =
                                    faiss::fvec_inner_product(s.query, s.rows + i * s.dim, s.dim);
                            }
                        }});
    }
#endif
#if ABI_HAVE_OPENBLAS
    if (s.metric == Metric::kDot) {
        list.push_back({"sgemv", [=] {
                            constexpr int kRowMajor = 101;
                            constexpr int kNoTranspose = 111;
                            const int dim = static_cast<int>(s.dim);
                            cblas_sgemv(kRowMajor, kNoTranspose, static_cast<int>(s.count), dim,
                                        1.0F, s.rows, dim, s.query, 1, 0.0F, s.out, 1);
                        }});
    }
#endif
    return list;
}

// Keeps what reads return alive.
volatile std::uint64_t g_seen = 0;

void read_bytes(const void* data, std::size_t size_bytes,
                suites::ReadPattern pattern = suites::ReadPattern::kForward) {
    g_seen = g_seen ^ suites::read_memory(data, size_bytes, pattern);
}

bool measure_in_cache(Metric metric, std::size_t dim, const RandomVectors& data) {
    const std::size_t count = kCacheBytes / sizeof(float) / dim;
    std::vector<float> out(count + kBlockRows);
    const Scan scan{metric, dim, count, data.data() + data.size() - 2048, data.data(), out.data()};
    const double bytes = static_cast<double>(count * dim * sizeof(float));
    double operations = 0.0;
    std::vector<Candidate> all{{"own", [=] { scan_own(scan); }},
                               {"read", [=] { read_bytes(scan.rows, count * dim * 4); }},
                               {"fma", [&] { operations = suites::fma_steps(kFmaSteps); }}};
    for (Candidate& peer : peers(scan)) {
        all.push_back(std::move(peer));
    }
    bars::measure_interleaved(all, kCacheRounds, kCacheRepeats);
    const double own = all[0].median();
    // Two operations for each value: the lower of the two limits takes longer.
    const double fma_seconds = bytes / 2.0 * all[2].median() / operations;
    const double share = std::max(all[1].median(), fma_seconds) / own;
    bool met = share >= kCacheShareBar;
    std::printf("  L2 cache  %s %4zu  %6.1f GB/s, %4.2f of the %s (bar %.2f)", name_of(metric), dim,
                bytes / own * 1e-9, share,
                fma_seconds > all[1].median() ? "FMA peak" : "read bandwidth", kCacheShareBar);
    for (std::size_t i = 3; i < all.size(); ++i) {
        const double ratio = all[i].median() / own;
        met = met && ratio >= kPeerBar;
        std::printf(", %.2fx %s", ratio, all[i].name.c_str());
    }
    std::puts(met ? "" : "  MISSED");
    return met;
}

void on_threads(std::size_t threads, const std::function<void(std::size_t)>& body) {
    std::vector<std::jthread> others;
    for (std::size_t t = 1; t < threads; ++t) {
        others.emplace_back(body, t);
    }
    body(0);
}

bool measure_in_memory(Metric metric, std::size_t dim, std::size_t threads,
                       const RandomVectors& data) {
    const std::size_t per_thread = kMemoryBytes / sizeof(float) / dim / threads;
    std::vector<float> out(threads * kBlockRows);
    const float* query = data.data() + data.size() - 2048;
    const auto part = [&](std::size_t t) { return data.data() + t * per_thread * dim; };
    std::vector<Candidate> all{
        {"own", [&] {
             on_threads(threads, [&](std::size_t t) {
                 scan_own({metric, dim, per_thread, query, part(t), out.data() + t * kBlockRows});
             });
         }}};
    for (const auto pattern : {suites::ReadPattern::kForward, suites::ReadPattern::kPrefetch,
                               suites::ReadPattern::kFourStreams}) {
        all.push_back({"read", [=] {
                           on_threads(threads, [&](std::size_t t) {
                               read_bytes(part(t), per_thread * dim * 4, pattern);
                           });
                       }});
    }
    bars::measure_interleaved(all, kMemoryRounds, 1);
    const double bytes = static_cast<double>(threads * per_thread * dim * sizeof(float));
    // Against the fastest way of reading.
    const double read = std::min({all[1].median(), all[2].median(), all[3].median()});
    const double share = read / all[0].median();
    const bool met = share >= kMemoryShareBar;
    std::printf("  memory x%zu %s %4zu  %6.1f GB/s, %4.2f of the read bandwidth (bar %.2f)%s\n",
                threads, name_of(metric), dim, bytes / all[0].median() * 1e-9, share,
                kMemoryShareBar, met ? "" : "  MISSED");
    return met;
}

// Rows a second of both, from as many bytes each.
bool measure_int8(std::size_t dim, std::size_t size_bytes, const char* place, double bar,
                  const RandomVectors& data) {
    const std::size_t floats = size_bytes / sizeof(float) / dim;
    const std::size_t count = size_bytes / dim;
    std::vector<float> out(kBlockRows);
    std::vector<std::int32_t> out8(kInt8BlockRows);
    const auto* codes = reinterpret_cast<const std::int8_t*>(data.data());
    const Scan scan{Metric::kDot, dim,       floats, data.data() + data.size() - 2048,
                    data.data(),  out.data()};
    std::vector<Candidate> all{
        {"int8",
         [&] {
             for (std::size_t first = 0; first < count; first += kInt8BlockRows) {
                 simd::dot_rows(codes, codes + first * dim, dim,
                                std::min(kInt8BlockRows, count - first), out8.data());
             }
         }},
        {"f32", [&] { scan_own(scan); }}};
    const bool small = size_bytes <= kCacheBytes;
    bars::measure_interleaved(all, small ? kCacheRounds : kMemoryRounds, small ? kCacheRepeats : 1);
    const double rate = static_cast<double>(count) / all[0].median();
    const double ratio = rate * all[1].median() / static_cast<double>(floats);
    std::printf("  %s  int8 dot %4zu  %7.1f million rows/s, %.2fx float32 (bar %.2f)%s\n", place,
                dim, rate * 1e-6, ratio, bar, ratio >= bar ? "" : "  MISSED");
    return ratio >= bar;
}

}  // namespace

int main() {
    if (const char* target = std::getenv("ABI_BENCH_TARGET"); target != nullptr) {
        if (!simd::force_target(target)) {
            std::fprintf(stderr, "vector_distance: cannot use target %s\n", target);
            return EXIT_FAILURE;
        }
    }
#if ABI_HAVE_OPENBLAS
    openblas_set_num_threads(1);
#else
    std::puts("vector_distance: OpenBLAS is absent");
#endif
#if !ABI_HAVE_FAISS
    std::puts("vector_distance: FAISS is absent");
#endif
    std::printf("vector_distance: target %s\n", simd::chosen_target().c_str());
    const RandomVectors data(kMemoryBytes / sizeof(float) + 2048);
    bool met = true;
    for (const Metric metric : {Metric::kL2, Metric::kDot}) {
        for (const std::size_t dim : {96, 128, 256, 384, 768, 1024, 1536}) {
            met = measure_in_cache(metric, dim, data) && met;
        }
    }
    for (const Metric metric : {Metric::kL2, Metric::kDot}) {
        for (const std::size_t dim : {96, 128, 384, 768, 1536}) {
            met = measure_in_memory(metric, dim, 1, data) && met;
            met = measure_in_memory(metric, dim, 2, data) && met;
        }
    }
    for (const std::size_t dim : {96, 128, 384, 768, 1536}) {
        met = measure_int8(dim, kCacheBytes, "L2 cache", kInt8CacheBar, data) && met;
        met = measure_int8(dim, kMemoryBytes, "memory  ", kInt8MemoryBar, data) && met;
    }
    return met ? EXIT_SUCCESS : EXIT_FAILURE;
}
