// Small helpers of the files that cut a matrix product into tasks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <abi/core/thread_pool.hpp>

namespace abikit::simd {

constexpr std::size_t divide_up(std::size_t a, std::size_t b) noexcept {
    return a / b + (a % b != 0 ? 1 : 0);
}

constexpr std::size_t round_up(std::size_t a, std::size_t b) noexcept {
    return divide_up(a, b) * b;
}

// body(i) for each i below count, on the threads of `pool`, or in order on this one without a pool
// that could help. Throws what the pool throws.
template <class Body>
void for_each_task(std::size_t count, ThreadPool* pool, Body body) {
    if (pool == nullptr || pool->threads() == 1 || count <= 1) {
        for (std::size_t i = 0; i < count; ++i) {
            body(i);
        }
        return;
    }
    pool->parallel_for(0, count, 1, [&](std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last; ++i) {
            body(i);
        }
    });
}

}  // namespace abikit::simd
