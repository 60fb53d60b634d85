// Timing of the yardsticks on one or several threads. Read yardsticks.cpp for the loops.
#include "peaks.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <functional>
#include <memory>
#include <new>
#include <vector>

#include <abi/core/time.hpp>
#include <abi/simd/targets.hpp>

#include "yardsticks.hpp"

namespace abikit::suites {
namespace {

constexpr unsigned kRuns = 7;
constexpr std::uint64_t kRunNs = 4'000'000;       // of one run
constexpr std::uint64_t kBarrierNs = 20'000'000;  // longest wait for the other threads
constexpr std::size_t kLineBytes = 64;
constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kMaxSetBytes = std::size_t{256} << 20;

// Work of one thread: does `rounds` rounds as thread number `thread` of the team and returns how
// much that was, in operations or bytes.
using Round = std::function<double(unsigned thread, std::size_t rounds)>;

// Runs `rounds` rounds on each thread of a team at the same time; a rate in units a nanosecond.
// The threads wait for one another before they begin, but not for ever: a busy pool may run two
// parts one after the other.
double run_team(ThreadPool* pool, unsigned threads, std::size_t rounds, const Round& round) {
    if (threads == 1) {
        const std::uint64_t begin = monotonic_ns();
        const double done = round(0, rounds);
        return done / static_cast<double>(std::max<std::uint64_t>(monotonic_ns() - begin, 1));
    }
    std::atomic<unsigned> arrived{0};
    std::vector<std::uint64_t> begins(threads);
    std::vector<std::uint64_t> ends(threads);
    std::vector<double> done(threads);
    pool->parallel_for(0, threads, 1, [&](std::size_t first, std::size_t) {
        const std::uint64_t patience = monotonic_ns() + kBarrierNs;
        arrived.fetch_add(1);
        while (arrived.load() < threads && monotonic_ns() < patience) {
        }
        begins[first] = monotonic_ns();
        done[first] = round(static_cast<unsigned>(first), rounds);
        ends[first] = monotonic_ns();
    });
    double total = 0.0;
    for (const double part : done) {
        total += part;
    }
    const std::uint64_t begin = *std::min_element(begins.begin(), begins.end());
    const std::uint64_t end = *std::max_element(ends.begin(), ends.end());
    return total / static_cast<double>(std::max<std::uint64_t>(end - begin, 1));
}

// Rounds that take about kRunNs, found by doubling, which warms up as well.
std::size_t calibrate(const Round& round) {
    for (std::size_t rounds = 1;; rounds *= 2) {
        const std::uint64_t begin = monotonic_ns();
        round(0, rounds);
        const std::uint64_t elapsed = monotonic_ns() - begin;
        if (elapsed >= kRunNs / 2) {
            return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(rounds) *
                                                                     static_cast<double>(kRunNs) /
                                                                     static_cast<double>(elapsed)));
        }
    }
}

// Units a second.
double best_rate(ThreadPool* pool, unsigned threads, const Round& round) {
    const std::size_t rounds = calibrate(round);
    double best = 0.0;
    for (unsigned run = 0; run < kRuns; ++run) {
        best = std::max(best, run_team(pool, threads, rounds, round));
    }
    return best * 1e9;
}

// Rounds a working set up in steps of a quarter octave, so that few sizes are measured.
std::size_t round_set(std::size_t size) {
    size = std::clamp<std::size_t>(size, 4 * kPageBytes, kMaxSetBytes);
    const std::size_t step = std::bit_floor(size) / 4;
    return (size + step - 1) / step * step;
}

// Page-aligned bytes that every page of was written to, so that each has memory behind it.
class PageBuffer {
public:
    explicit PageBuffer(std::size_t size)
        : data_(static_cast<std::byte*>(::operator new (size, std::align_val_t{kPageBytes}))) {
        std::fill_n(data_.get(), size, std::byte{1});
    }
    std::byte* data() const { return data_.get(); }

private:
    struct Free {
        void operator()(std::byte* data) const {
            ::operator delete (data, std::align_val_t{kPageBytes});
        }
    };
    std::unique_ptr<std::byte[], Free> data_;
};

double steps_rate(ThreadPool* pool, unsigned threads, double (*steps)(std::size_t)) {
    constexpr std::size_t kSteps = 1000;
    return best_rate(pool, threads,
                     [steps](unsigned, std::size_t rounds) { return steps(rounds * kSteps); });
}

}  // namespace

double Peaks::measure_memory(Peak limit, std::size_t working_set_bytes, unsigned threads) {
    const std::size_t part = working_set_bytes / threads / (2 * kLineBytes) * (2 * kLineBytes);
    const PageBuffer buffer(part * threads);
    std::byte* const data = buffer.data();
    const auto reading = [=](ReadPattern pattern) {
        return [=](unsigned thread, std::size_t rounds) {
            for (std::size_t i = 0; i < rounds; ++i) {
                read_memory(data + thread * part, part, pattern);
            }
            return static_cast<double>(part) * static_cast<double>(rounds);
        };
    };
    const auto copying = [=](CopyPattern pattern) {
        return [=](unsigned thread, std::size_t rounds) {
            std::byte* const from = data + thread * part;
            for (std::size_t i = 0; i < rounds; ++i) {
                copy_memory(from + part / 2, from, part / 2, pattern);
            }
            return static_cast<double>(part) * static_cast<double>(rounds);
        };
    };
    double best = 0.0;
    if (limit == Peak::kRead) {
        for (const ReadPattern pattern :
             {ReadPattern::kForward, ReadPattern::kPrefetch, ReadPattern::kFourStreams}) {
            best = std::max(best, best_rate(pool_, threads, reading(pattern)));
        }
    } else {
        for (const CopyPattern pattern : {CopyPattern::kStore, CopyPattern::kStream}) {
            best = std::max(best, best_rate(pool_, threads, copying(pattern)));
        }
    }
    return best;
}

double Peaks::measure(Peak limit, std::size_t working_set_bytes, unsigned threads) {
    switch (limit) {
        case Peak::kFma:
            return steps_rate(pool_, threads, fma_steps);
        case Peak::kInt8:
            return steps_rate(pool_, threads, int8_steps);
        case Peak::kBf16:
            return steps_rate(pool_, threads, bf16_steps);
        case Peak::kRead:
        case Peak::kCopy:
            return measure_memory(limit, working_set_bytes, threads);
        case Peak::kNone:
            break;
    }
    return 0.0;
}

double Peaks::rate(Peak limit, std::size_t working_set_bytes, unsigned threads) {
    const bool memory = limit == Peak::kRead || limit == Peak::kCopy;
    const std::size_t set = memory ? round_set(working_set_bytes) : 0;
    const unsigned team = std::clamp(threads, 1U, pool_ == nullptr ? 1U : pool_->threads());
    const auto [found, added] = rates_.try_emplace(Key(limit, set, team, simd::chosen_target()));
    if (added) {
        found->second = measure(limit, set, team);
    }
    return found->second;
}

double Peaks::fma(unsigned threads) {
    return rate(Peak::kFma, 0, threads);
}

double Peaks::int8(unsigned threads) {
    return rate(Peak::kInt8, 0, threads);
}

double Peaks::bf16(unsigned threads) {
    return rate(Peak::kBf16, 0, threads);
}

double Peaks::read(std::size_t working_set_bytes, unsigned threads) {
    return rate(Peak::kRead, working_set_bytes, threads);
}

double Peaks::copy(std::size_t working_set_bytes, unsigned threads) {
    return rate(Peak::kCopy, working_set_bytes, threads);
}

Peaks::Bound Peaks::bound(const PreparedBenchmark& row) {
    Bound slowest;
    for (const Peak limit : row.limits) {
        const bool memory = limit == Peak::kRead || limit == Peak::kCopy;
        const double work = memory ? row.bytes : row.operations;
        const double limit_rate = rate(limit, row.working_set_bytes, row.threads);
        if (work > 0.0 && limit_rate > 0.0 && work / limit_rate > slowest.seconds) {
            slowest = {.limit = limit,
                       .working_set_bytes = memory ? round_set(row.working_set_bytes) : 0,
                       .rate = limit_rate,
                       .seconds = work / limit_rate};
        }
    }
    return slowest;
}

}  // namespace abikit::suites
