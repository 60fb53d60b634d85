// Histograms: checks of the arguments, and the counting of bin numbers. Read
// kernels/histogram_f32.cpp for where those come from.
#include <abi/simd/histogram.hpp>

#include <algorithm>
#include <array>
#include <cmath>

#include "histogram.hpp"

namespace abikit::simd {
namespace {

constexpr std::size_t kMostBins = std::size_t{1} << 23;
constexpr std::size_t kBlock = 1024;  // bin numbers that are held at a time
// Up to here counts go to four tables in turn: equal neighbours would wait for one another in one.
constexpr std::size_t kTableBins = 1024;
constexpr std::size_t kTables = 4;
constexpr std::size_t kKinds = 3;  // below, above and NaN follow the bins

using Tables = std::array<std::array<std::uint32_t, kTableBins + kKinds>, kTables>;

void count_in_tables(const std::int32_t* bins, std::size_t count, Tables& tables) {
    std::size_t i = 0;
    for (; i + kTables <= count; i += kTables) {
        ++tables[0][static_cast<std::size_t>(bins[i])];
        ++tables[1][static_cast<std::size_t>(bins[i + 1])];
        ++tables[2][static_cast<std::size_t>(bins[i + 2])];
        ++tables[3][static_cast<std::size_t>(bins[i + 3])];
    }
    for (; i < count; ++i) {
        ++tables[0][static_cast<std::size_t>(bins[i])];
    }
}

void empty_tables(Tables& tables, std::span<std::uint64_t> counts,
                  std::array<std::uint64_t, kKinds>& outside) {
    for (auto& table : tables) {
        for (std::size_t b = 0; b < counts.size(); ++b) {
            counts[b] += table[b];
        }
        for (std::size_t k = 0; k < kKinds; ++k) {
            outside[k] += table[counts.size() + k];
        }
        table.fill(0);
    }
}

void count_directly(const std::int32_t* bins, std::size_t count, std::span<std::uint64_t> counts,
                    std::array<std::uint64_t, kKinds>& outside) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto bin = static_cast<std::size_t>(bins[i]);
        ++(bin < counts.size() ? counts[bin] : outside[bin - counts.size()]);
    }
}

Result<HistogramBins> bins_between(float low, float high, std::size_t count) {
    if (count == 0 || count > kMostBins) {
        return std::unexpected(
            Error(Code::kInvalidArgument,
                  "a histogram needs 1 to 8388608 bins, not " + std::to_string(count)));
    }
    const float per_unit = static_cast<float>(count) / (high - low);
    // Written so that NaN fails.
    if (!(low < high) || !std::isfinite(high - low) || !std::isfinite(per_unit)) {
        return std::unexpected(
            Error(Code::kInvalidArgument,
                  "no histogram from " + std::to_string(low) + " to " + std::to_string(high))
                .with_hint("the lower end must be below the upper end, and both finite"));
    }
    return HistogramBins{low, high, per_unit, static_cast<std::int32_t>(count)};
}

}  // namespace

Result<OutsideCounts> histogram(const float* x, std::size_t count, float low, float high,
                                std::span<std::uint64_t> counts) {
    const Result<HistogramBins> bins = bins_between(low, high, counts.size());
    if (!bins) {
        return std::unexpected(bins.error().clone());
    }
    std::ranges::fill(counts, 0);
    std::array<std::uint64_t, kKinds> outside{};
    std::array<std::int32_t, kBlock> numbers;
    // Filling and adding up the tables must be worth it.
    const bool tabled = counts.size() <= kTableBins && count >= 4 * kTables * counts.size();
    Tables tables{};
    std::size_t tabled_values = 0;
    for (std::size_t i = 0; i < count; i += kBlock) {
        const std::size_t n = std::min(kBlock, count - i);
        histogram_bins(x + i, n, *bins, numbers.data());
        if (!tabled) {
            count_directly(numbers.data(), n, counts, outside);
            continue;
        }
        count_in_tables(numbers.data(), n, tables);
        tabled_values += n;
        if (tabled_values > (std::size_t{1} << 31)) {
            empty_tables(tables, counts, outside);  // before a count leaves 32 bits
            tabled_values = 0;
        }
    }
    if (tabled) {
        empty_tables(tables, counts, outside);
    }
    return OutsideCounts{outside[0], outside[1], outside[2]};
}

}  // namespace abikit::simd
