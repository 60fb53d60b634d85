// The k nearest of a stream of distances, without a full sort. Distances come in blocks as the
// kernels of distance.hpp write them; several TopK, one a thread, merge into one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <abi/core/export.h>

namespace abikit::simd {

// One row and how far it is.
struct Neighbour {
    float distance = 0.0F;
    std::uint64_t row = 0;
};

// Which rows of a block to leave out: bit (first_bit + i) is set when value i of the block is dead.
// Bit b stands in words[b / 64] at position b % 64. words == nullptr: none is dead.
struct DeadRows {
    const std::uint64_t* words = nullptr;
    std::uint64_t first_bit = 0;
};

// Keeps the k nearest rows seen so far; of equal distances the lower row is nearer. The result
// depends only on the set of (distance, row) pairs offered, not on how they were split into blocks,
// their order, or the order of merges, as long as no row is offered twice. NaN never enters;
// infinities do. Memory: at most max(k + 64, 1.5 k) neighbours of 16 bytes, allocated as they come
// in, so a k far above the number of rows costs nothing. Time: one vector compare for each value,
// and amortised constant time for each that passes. Thread-compatible. May throw bad_alloc.
class ABI_API TopK {
public:
    explicit TopK(std::size_t k) noexcept;

    // Offers values distances[i] of rows first_row + i for i in [0, count).
    void offer(const float* distances, std::size_t count, std::uint64_t first_row);
    // The same without the dead rows.
    void offer_masked(const float* distances, std::size_t count, std::uint64_t first_row,
                      DeadRows dead);
    // Offers one row, as graph and inverted indexes find them.
    void offer_one(float distance, std::uint64_t row);

    // No row farther than this can enter any more; one at this distance still may. Infinity while
    // fewer than k are held; minus infinity for k = 0. It may lag behind the true k-th distance,
    // never below it, and never rises.
    float threshold() const noexcept { return threshold_; }
    std::size_t k() const noexcept { return k_; }

    // Takes over what the other holds. Both need the same k. The other is left empty.
    void merge(TopK&& other);

    // The min(k, offered) nearest, ascending by (distance, row). Leaves it empty, ready for reuse.
    std::vector<Neighbour> take_sorted();

private:
    void push(float distance, std::uint64_t row);
    void keep_nearest();
    void clear() noexcept;

    std::size_t k_;
    std::size_t capacity_;  // neighbours held at most before the farther ones are dropped
    float threshold_;
    std::uint64_t threshold_row_;  // at the threshold, only lower rows enter
    std::vector<Neighbour> held_;  // in no order
};

}  // namespace abikit::simd
