// The benchmark of approximate search: builds a subject, and measures recall and queries per second
// at rising efforts. Queries run one by one on the calling thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <abi/core/context.hpp>
#include <abi/core/error.hpp>

#include "judge.hpp"
#include "subject.hpp"

namespace abikit::suites {

struct SweepOptions {
    std::size_t k = 10;
    unsigned rounds = 3;                 // timed passes over all queries and efforts; at least 1
    std::vector<std::uint32_t> efforts;  // empty: from k on, until nearly all is found
    std::vector<double> recalls;         // asked for instead of efforts
};

struct SweepPoint {
    std::optional<std::uint32_t> effort;
    std::optional<double> asked_recall;
    double recall = 0.0;
    double qps = 0.0;  // median of the rounds
    double latency_us_p50 = 0.0, latency_us_p99 = 0.0;
};

// Rounds go over all efforts in turn, so that a disturbance does not fall on one of them.
// kCancelled between efforts.
Result<std::vector<SweepPoint>> sweep(const Context& context, AnnSubject& subject,
                                      const Vectors& queries, const Judge& judge,
                                      const SweepOptions& options);

}  // namespace abikit::suites
