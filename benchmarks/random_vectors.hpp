// Reproducible test data for the benchmark programs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <random>

namespace abikit::bars {

// Uniform values in [-1, 1), aligned to cache lines as vectors are in a database. The same count
// gives the same values.
class RandomVectors {
public:
    explicit RandomVectors(std::size_t count)
        : data_(static_cast<float*>(::operator new(count * sizeof(float), kAlignment))),
          size_(count) {
        std::mt19937 random(42);
        std::uniform_real_distribution<float> uniform(-1.0F, 1.0F);
        std::generate(data_, data_ + size_, [&] { return uniform(random); });
    }
    ~RandomVectors() { ::operator delete(data_, kAlignment); }
    RandomVectors(const RandomVectors&) = delete;
    RandomVectors& operator=(const RandomVectors&) = delete;

    const float* data() const { return data_; }
    std::size_t size() const { return size_; }

private:
    static constexpr std::align_val_t kAlignment{64};
    float* data_;
    std::size_t size_;
};

}  // namespace abikit::bars
