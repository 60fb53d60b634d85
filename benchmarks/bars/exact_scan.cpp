// The bar of exact search: one thread's top-10 scan over 200,000 x 128 float32 takes at most 1.3
// times as long as merely reading that memory. Prints one line for each metric and exits 1 when
// one is above the bar. The passes alternate, and times are processor times of the one thread:
// neither a slow phase of the machine nor other programs on it count for one side only.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>
#include <vector>

#include <abi/simd/distance.hpp>
#include <abi/simd/targets.hpp>
#include <abi/simd/topk.hpp>

#include "random_vectors.hpp"
#include "suites/simd/yardsticks.hpp"
#include "timing.hpp"

namespace {

using abikit::bars::median;

using abikit::bars::RandomVectors;
using abikit::simd::Neighbour;
using abikit::simd::TopK;
using Kernel = void (*)(const float*, const float*, std::size_t, std::size_t, float*) noexcept;

constexpr std::size_t kRows = 200'000;
constexpr std::size_t kDim = 128;
constexpr std::size_t kBlock = 1024;  // rows whose distances are held at a time
constexpr std::size_t kNearest = 10;
constexpr std::size_t kRounds = 41;
constexpr double kBar = 1.30;
constexpr double kGigabytes = static_cast<double>(kRows * kDim * sizeof(float)) * 1e-9;

std::vector<Neighbour> scan(Kernel kernel, const float* query, const RandomVectors& rows) {
    float distances[kBlock];
    TopK nearest(kNearest);
    for (std::size_t first = 0; first < kRows; first += kBlock) {
        const std::size_t count = std::min(kBlock, kRows - first);
        kernel(query, rows.data() + first * kDim, kDim, count, distances);
        nearest.offer(distances, count, first);
    }
    return nearest.take_sorted();
}

template <class Pass>
double time_ms(Pass pass) {
    const std::clock_t begin = std::clock();
    pass();
    return static_cast<double>(std::clock() - begin) * 1e3 / CLOCKS_PER_SEC;
}

bool measure(const char* name, Kernel kernel, const RandomVectors& rows) {
    const float* query = rows.data() + 777 * kDim;
    std::vector<double> read_ms;
    std::vector<double> scan_ms;
    std::uint64_t seen = 0;  // keeps the results alive
    for (std::size_t round = 0; round < kRounds; ++round) {
        read_ms.push_back(time_ms([&] {
            seen ^= abikit::suites::read_memory(rows.data(), kRows * kDim * sizeof(float));
        }));
        scan_ms.push_back(time_ms([&] { seen ^= scan(kernel, query, rows).front().row; }));
    }
    const double read = median(std::move(read_ms));
    const double top = median(std::move(scan_ms));
    std::printf(
        "exact_scan %s: read %.2f ms (%.1f GB/s), top-10 %.2f ms (%.1f GB/s), ratio %.2f "
        "(bar %.2f)%s\n",
        name, read, kGigabytes / read * 1e3, top, kGigabytes / top * 1e3, top / read, kBar,
        seen == 0 ? " " : "");
    return top / read <= kBar;
}

}  // namespace

int main() {
    const RandomVectors rows(kRows * kDim);
    const auto hits = scan(abikit::simd::l2_squared_rows, rows.data() + 777 * kDim, rows);
    if (hits.size() != kNearest || hits.front().row != 777 || hits.front().distance != 0.0F) {
        std::puts("exact_scan: the nearest row of a stored row is not itself");
        return EXIT_FAILURE;
    }
    std::printf("exact_scan: %zu x %zu float32, one thread, medians of processor time, target %s\n",
                kRows, kDim, abikit::simd::chosen_target().c_str());
    const bool l2 = measure("l2", abikit::simd::l2_squared_rows, rows);
    const bool dot = measure("dot", abikit::simd::dot_rows, rows);
    return l2 && dot ? EXIT_SUCCESS : EXIT_FAILURE;
}
