// The work-stealing deque of one worker: Chase, Lev, "Dynamic Circular Work-Stealing Deque" (SPAA
// 2005), with the C11 formulation of Le et al. (PPoPP 2013). Where that paper uses fences this uses
// sequentially consistent operations: as fast on x86-64 and ARM64, and ThreadSanitizer understands
// them. Read injection_queue.hpp next.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace abikit {

// Holds pointers, never null; owns nothing. push and pop belong to one thread, steal to any.
template <class T>
class WorkDeque {
public:
    explicit WorkDeque(std::size_t capacity = 256) {
        rings_.push_back(std::make_unique<Ring>(std::bit_ceil(capacity)));
        ring_.store(rings_.back().get(), std::memory_order_relaxed);
    }

    // Adds at the bottom. May allocate, and then throw without effect.
    void push(T* item) {
        const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
        const std::int64_t top = top_.load();
        Ring* ring = ring_.load(std::memory_order_relaxed);
        if (bottom - top >= ring->capacity()) {
            ring = grow(*ring, top, bottom);
        }
        ring->put(bottom, item);
        bottom_.store(bottom + 1);
    }

    // Takes from the bottom (newest first); null when empty.
    T* pop() noexcept {
        const std::int64_t bottom = bottom_.load(std::memory_order_relaxed) - 1;
        Ring* const ring = ring_.load(std::memory_order_relaxed);
        bottom_.store(bottom);  // announce before looking at the top: a thief does the reverse
        std::int64_t top = top_.load();
        if (top > bottom) {
            bottom_.store(bottom + 1);
            return nullptr;
        }
        T* item = ring->get(bottom);
        if (top == bottom) {  // the last one: race the thieves for it
            if (!top_.compare_exchange_strong(top, top + 1)) {
                item = nullptr;
            }
            bottom_.store(bottom + 1);
        }
        return item;
    }

    // Takes from the top (oldest first); null only when there was a moment without items.
    T* steal() noexcept {
        std::int64_t top = top_.load();
        while (top < bottom_.load()) {
            T* const item = ring_.load(std::memory_order_acquire)->get(top);
            if (top_.compare_exchange_strong(top, top + 1)) {
                return item;
            }
        }
        return nullptr;
    }

    // A snapshot, for any thread.
    bool empty() const noexcept { return top_.load() >= bottom_.load(); }

private:
    class Ring {
    public:
        explicit Ring(std::size_t capacity) : slots_(capacity) {}
        std::int64_t capacity() const noexcept { return static_cast<std::int64_t>(slots_.size()); }
        T* get(std::int64_t i) const noexcept {
            return slots_[slot(i)].load(std::memory_order_relaxed);
        }
        void put(std::int64_t i, T* item) noexcept {
            slots_[slot(i)].store(item, std::memory_order_relaxed);
        }

    private:
        std::size_t slot(std::int64_t i) const noexcept {
            return static_cast<std::size_t>(i) & (slots_.size() - 1);
        }
        std::vector<std::atomic<T*>> slots_;
    };

    Ring* grow(const Ring& old, std::int64_t top, std::int64_t bottom) {
        // Old rings live as long as the deque: a slow thief may still read from one.
        rings_.push_back(std::make_unique<Ring>(static_cast<std::size_t>(old.capacity()) * 2));
        Ring* const ring = rings_.back().get();
        for (std::int64_t i = top; i < bottom; ++i) {
            ring->put(i, old.get(i));
        }
        ring_.store(ring, std::memory_order_release);
        return ring;
    }

    alignas(64) std::atomic<std::int64_t> top_{0};
    alignas(64) std::atomic<std::int64_t> bottom_{0};
    std::atomic<Ring*> ring_{nullptr};
    std::vector<std::unique_ptr<Ring>> rings_;  // the owner's
};

}  // namespace abikit
