// What the tests of the simd room share: running a check on every instruction set, and buffers that
// end exactly where their values end, so that AddressSanitizer sees each read beyond them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <abi/simd/targets.hpp>

namespace abikit::simd::test {

// For lists of sizes in range-for statements.
using Sizes = std::vector<std::size_t>;

// Lifts a forced target even when a check throws.
struct RestoreTarget {
    RestoreTarget() = default;
    RestoreTarget(const RestoreTarget&) = delete;
    RestoreTarget& operator=(const RestoreTarget&) = delete;
    ~RestoreTarget() { static_cast<void>(force_target("auto").has_value()); }
};

// Runs `check` once on each target that this machine has.
template <class Check>
void on_every_target(Check check) {
    const RestoreTarget restore;
    for (const TargetInfo& target : targets()) {
        if (!target.supported) {
            continue;
        }
        CAPTURE(target.name);
        REQUIRE(force_target(target.name).has_value());
        REQUIRE(chosen_target() == target.name);
        check();
    }
}

// `count` values that start `offset` values into an allocation and end with it.
template <class T>
class Buffer {
public:
    explicit Buffer(std::size_t count, std::size_t offset = 0)
        : memory_(new T[count + offset]()), offset_(offset), count_(count) {}

    T* data() { return memory_.get() + offset_; }
    const T* data() const { return memory_.get() + offset_; }
    T& operator[](std::size_t i) { return data()[i]; }
    const T& operator[](std::size_t i) const { return data()[i]; }
    std::size_t size() const { return count_; }

private:
    std::unique_ptr<T[]> memory_;
    std::size_t offset_;
    std::size_t count_;
};

// Values of both signs whose sizes span a few powers of two.
inline Buffer<float> random_values(std::size_t count, std::uint32_t seed, std::size_t offset = 0) {
    Buffer<float> values(count, offset);
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, 1.0F);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = normal(random);
    }
    return values;
}

}  // namespace abikit::simd::test
