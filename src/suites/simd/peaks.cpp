// Timing of the yardsticks on one or several threads. Read yardsticks.cpp for the loops.
#include "peaks.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <functional>
#include <memory>
#include <new>
#include <span>
#include <thread>
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

// One stretch of one thread.
struct Stretch {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    double done = 0.0;
};

// Threads that start each run at the same time. They stay for all runs, because a thread that was
// just woken may share a processor for a while.
class Team {
public:
    Team(ThreadPool* pool, unsigned threads)
        : pool_(pool), threads_(threads), stretches_(std::size_t{threads} * kRuns) {}

    // Units a second of the best run.
    double best_rate(std::size_t rounds, const Round& round) {
        if (threads_ == 1) {
            take_part(0, rounds, round);
        } else {
            pool_->parallel_for(0, threads_, 1, [&](std::size_t first, std::size_t) {
                take_part(static_cast<unsigned>(first), rounds, round);
            });
        }
        double best = 0.0;
        for (unsigned run = 0; run < kRuns; ++run) {
            best = std::max(best, rate_of(run));
        }
        return best;
    }

private:
    void take_part(unsigned thread, std::size_t rounds, const Round& round) {
        for (unsigned run = 0; run < kRuns; ++run) {
            meet(threads_ * (run + 1));
            Stretch& mine = stretches_[run * threads_ + thread];
            mine.begin = monotonic_ns();
            mine.done = round(thread, rounds);
            mine.end = monotonic_ns();
        }
    }

    // Waits until that many arrivals were counted, but not for ever: a busy pool may run two parts
    // one after the other, and then waits once.
    void meet(unsigned arrivals) {
        arrived_.fetch_add(1);
        const std::uint64_t patience = monotonic_ns() + kBarrierNs;
        while (arrived_.load() < arrivals && !apart_.load()) {
            std::this_thread::yield();
            if (monotonic_ns() > patience) {
                apart_.store(true);
            }
        }
    }

    double rate_of(unsigned run) const {
        const std::span<const Stretch> parts =
            std::span(stretches_).subspan(std::size_t{run} * threads_, threads_);
        Stretch all = parts.front();
        for (const Stretch& part : parts.subspan(1)) {
            all.begin = std::min(all.begin, part.begin);
            all.end = std::max(all.end, part.end);
            all.done += part.done;
        }
        return all.done * 1e9 /
               static_cast<double>(std::max<std::uint64_t>(all.end - all.begin, 1));
    }

    ThreadPool* pool_;
    unsigned threads_;
    std::vector<Stretch> stretches_;  // run by run
    std::atomic<unsigned> arrived_{0};
    std::atomic<bool> apart_{false};
};

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
    return Team(pool, threads).best_rate(calibrate(round), round);
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
