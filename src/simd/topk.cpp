// The k nearest by a buffer with slack: values that pass the threshold are appended, and when the
// buffer is full a partial selection drops all but the k nearest and lowers the threshold. Read
// kernels/select_f32.cpp for the vector compare in front of it.
#include <abi/simd/topk.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <utility>

#include <abi/core/error.hpp>
#include <abi/simd/distance.hpp>

namespace abikit::simd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// Little, so that the threshold follows closely: each value that passes costs a wrong guess or two
// of the branch predictor.
constexpr std::size_t kMinSlack = 16;
// Values are compared in blocks whose indices fit on the stack. As long as there is no threshold,
// everything passes, so the first blocks are small, each as large as all before it.
constexpr std::size_t kFirstBlock = 64;
constexpr std::size_t kSelectBlock = 4096;

bool nearer(const Neighbour& a, const Neighbour& b) noexcept {
    return a.distance < b.distance || (a.distance == b.distance && a.row < b.row);
}

std::size_t capacity_for(std::size_t k) noexcept {
    const std::size_t slack = std::max(k / 2, kMinSlack);
    return k > std::numeric_limits<std::size_t>::max() - slack
               ? std::numeric_limits<std::size_t>::max()
               : k + slack;
}

// Blocks after the first start at a cache line: vectors that span two are read more slowly.
std::size_t next_block(const float* distances, std::size_t first) noexcept {
    constexpr std::size_t kLineFloats = 16;
    const std::size_t wanted = std::clamp(first, kFirstBlock, kSelectBlock);
    const auto place = reinterpret_cast<std::uintptr_t>(distances + first) / sizeof(float);
    return wanted - place % kLineFloats;
}

bool is_dead(const DeadRows& dead, std::uint64_t offset) noexcept {
    const std::uint64_t bit = dead.first_bit + offset;
    return ((dead.words[bit / 64] >> (bit % 64)) & 1U) != 0;
}

}  // namespace

TopK::TopK(std::size_t k) noexcept : k_(k), capacity_(capacity_for(k)) {
    clear();
}

void TopK::clear() noexcept {
    held_.clear();
    threshold_ = k_ == 0 ? -kInfinity : kInfinity;
    threshold_row_ = k_ == 0 ? 0 : std::numeric_limits<std::uint64_t>::max();
}

void TopK::offer(const float* distances, std::size_t count, std::uint64_t first_row) {
    offer_masked(distances, count, first_row, {});
}

void TopK::offer_masked(const float* distances, std::size_t count, std::uint64_t first_row,
                        DeadRows dead) {
    if (k_ == 0) {
        return;
    }
    std::array<std::uint32_t, kSelectBlock> passed;
    std::size_t block = 0;
    for (std::size_t first = 0; first < count; first += block) {
        block = std::min(next_block(distances, first), count - first);
        const std::size_t passes =
            select_not_above(distances + first, block, threshold_, passed.data());
        for (std::size_t i = 0; i < passes; ++i) {
            const std::size_t offset = first + passed[i];
            if (dead.words == nullptr || !is_dead(dead, offset)) {
                push(distances[offset], first_row + offset);
            }
        }
    }
}

void TopK::offer_one(float distance, std::uint64_t row) {
    // Written so that NaN fails.
    if (distance <= threshold_) {
        push(distance, row);
    }
}

// The threshold may have fallen since the block was compared, so it is tested again.
void TopK::push(float distance, std::uint64_t row) {
    if (!nearer({distance, row}, {threshold_, threshold_row_})) {
        return;
    }
    if (held_.size() == held_.capacity()) {
        held_.reserve(std::min(capacity_, std::max<std::size_t>(64, 2 * held_.size())));
    }
    held_.push_back({distance, row});
    if (held_.size() == capacity_) {
        keep_nearest();
    }
}

void TopK::keep_nearest() {
    if (held_.size() < k_ || k_ == 0) {
        return;
    }
    const auto last = held_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
    std::nth_element(held_.begin(), last, held_.end(), nearer);
    threshold_ = last->distance;
    threshold_row_ = last->row;
    held_.resize(k_);
}

void TopK::merge(TopK&& other) {
    ABI_ASSERT(k_ == other.k_ && this != &other);
    if (held_.empty()) {
        std::swap(held_, other.held_);
        threshold_ = other.threshold_;
        threshold_row_ = other.threshold_row_;
    } else {
        other.keep_nearest();
        for (const Neighbour& neighbour : other.held_) {
            push(neighbour.distance, neighbour.row);
        }
    }
    other.clear();
}

std::vector<Neighbour> TopK::take_sorted() {
    keep_nearest();
    std::sort(held_.begin(), held_.end(), nearer);
    std::vector<Neighbour> sorted = std::exchange(held_, {});
    clear();
    return sorted;
}

}  // namespace abikit::simd
