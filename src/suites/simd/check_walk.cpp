// Checks of the distances between codes that carry their norm. Read check.hpp for how a check
// reports.
#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

#include <abi/simd/distance_walk.hpp>
#include <abi/simd/reference_distance.hpp>

#include "registry.hpp"

namespace abikit::suites {
namespace {

constexpr std::size_t kRows = 21;
constexpr std::size_t kMost = 37;  // distances in one call

// Codes with their alignment, and not a byte more, so that AddressSanitizer sees each access
// beyond.
class Codes {
public:
    Codes(std::size_t stride, std::size_t count)
        : stride_(stride), memory_(new (kAlignment) std::int8_t[stride * count]()) {}
    std::int8_t* at(std::size_t i) noexcept { return memory_.get() + i * stride_; }

private:
    static constexpr std::align_val_t kAlignment{simd::kWalkAlignment};
    struct Delete {
        void operator()(std::int8_t* memory) const noexcept {
            ::operator delete[](memory, kAlignment);
        }
    };
    std::size_t stride_;
    std::unique_ptr<std::int8_t[], Delete> memory_;
};

// Random values with any norm, right or not: its bytes are no values.
void fill(std::int8_t* code, std::size_t stride, std::mt19937& random, int lowest) {
    std::uniform_int_distribution<int> uniform(lowest, 127);
    for (std::size_t j = 0; j < stride - simd::kWalkNormBytes; ++j) {
        code[j] = static_cast<std::int8_t>(uniform(random));
    }
    const auto norm = static_cast<std::uint32_t>(random());
    std::memcpy(code + stride - simd::kWalkNormBytes, &norm, simd::kWalkNormBytes);
}

void check_stride(Checker& checker, std::size_t stride, int lowest) {
    std::mt19937 random(static_cast<std::uint32_t>(stride));
    Codes codes(stride, kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
        fill(codes.at(i), stride, random, lowest);
    }
    Codes query(stride, 1), room(stride, 1);
    fill(query.at(0), stride, random, lowest);
    const simd::WalkQuery made = simd::make_walk_query(query.at(0), stride, room.at(0));
    for (std::size_t count = 0; count <= kMost; ++count) {
        ExactBuffer<std::uint32_t> rows(count);
        ExactBuffer<std::int32_t> out(count, count % 4);
        std::generate(rows.begin(), rows.end(),
                      [&] { return static_cast<std::uint32_t>(random() % kRows); });
        simd::walk_distances(made, codes.at(0), stride, rows.data(), count, out.data());
        for (std::size_t i = 0; i < count; ++i) {
            const std::int64_t expected =
                simd::reference::walk_distance(query.at(0), codes.at(rows[i]), stride);
            checker.expect(
                static_cast<std::uint32_t>(out[i]) == static_cast<std::uint32_t>(expected), [&] {
                    return "stride " + std::to_string(stride) + ", " + std::to_string(i) + " of " +
                           std::to_string(count);
                });
        }
    }
    // A code may become the query where it stands.
    const simd::WalkQuery moved = simd::make_walk_query(query.at(0), stride, query.at(0));
    checker.expect(moved.norm == made.norm && moved.sum == made.sum &&
                       std::equal(room.at(0), room.at(0) + stride, query.at(0)),
                   [&] { return "query of stride " + std::to_string(stride); });
}

void check_walk(Checker& checker) {
    for (const std::size_t stride :
         std::vector<std::size_t>{64, 128, 192, 256, 320, 384, 448, 512, 1024, 4096}) {
        check_stride(checker, stride, -127);
        check_stride(checker, stride, 127);  // the largest sums
    }
}

}  // namespace

std::span<const KernelCheck> walk_checks() {
    static constexpr KernelCheck kChecks[] = {{"walk_distances/int8", "vector", check_walk}};
    return kChecks;
}

}  // namespace abikit::suites
