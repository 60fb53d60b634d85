// The principal axes of a sample: the one place that solves eigenproblems.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/core/thread_pool.hpp>

namespace abikit::storage::ann {

struct Axes {
    std::size_t count = 0;
    std::vector<float> values;  // count x dimension, orthonormal, most variance first
    std::vector<double> share;  // of the sample's variance that axes [0, i] hold together
};

// sample: rows x dimension, centred. At most `most` axes. Needs rows >= 2. The same axes for any
// number of threads; between vector targets they differ by roundings.
Result<Axes> principal_axes(std::span<const float> sample, std::size_t dimension, std::size_t most,
                            ThreadPool* pool);

// Turns `count` axes of `dimension` at random among themselves, the same for a seed.
void turn_axes(std::span<float> axes, std::size_t count, std::size_t dimension, std::uint64_t seed);

}  // namespace abikit::storage::ann
