// Measuring several candidates so that a slow phase of the machine hits all of them alike: the
// rounds go through the candidates in turn, and medians are compared.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace abikit::bars {

struct Candidate {
    std::string name;
    std::function<void()> pass;  // empty: absent on this machine
    std::vector<double> seconds{};

    bool present() const { return static_cast<bool>(pass); }
    // Median seconds of one pass; infinite when absent.
    double median() const {
        if (seconds.empty()) {
            return std::numeric_limits<double>::infinity();
        }
        std::vector<double> sorted = seconds;
        const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
        std::nth_element(sorted.begin(), middle, sorted.end());
        return *middle;
    }
};

// Runs each candidate `repeats` times in each of `rounds` rounds, after one pass to warm up. Times
// are wall times: meant for a machine that does nothing else.
inline void measure_interleaved(std::vector<Candidate>& candidates, std::size_t rounds,
                                std::size_t repeats) {
    for (std::size_t round = 0; round <= rounds; ++round) {
        for (Candidate& candidate : candidates) {
            if (!candidate.present()) {
                continue;
            }
            candidate.pass();
            const auto begin = std::chrono::steady_clock::now();
            for (std::size_t i = 0; i < repeats; ++i) {
                candidate.pass();
            }
            const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
            if (round > 0) {
                candidate.seconds.push_back(elapsed.count() / static_cast<double>(repeats));
            }
        }
    }
}

}  // namespace abikit::bars
