// The first-in-first-out queue through which threads from outside hand work to the pool: Michael,
// Scott, "Simple, Fast, and Practical Non-Blocking and Blocking Concurrent Queue Algorithms" (PODC
// 1996). Nodes are named by number and never given back before the queue dies, so a slow thread
// can read a recycled node but never freed memory; a count beside each number makes its
// compare-exchange fail then (the ABA problem).
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace abikit {

// Holds pointers, never null; owns nothing. Any thread may push and pop. Lock-free.
template <class T>
class InjectionQueue {
public:
    InjectionQueue() {
        const std::uint32_t dummy = acquire();
        node(dummy).next.store(link(kNil, 0));
        head_.store(link(dummy, 0));
        tail_.store(link(dummy, 0));
    }
    ~InjectionQueue() {
        for (std::atomic<Node*>& chunk : chunks_) {
            delete[] chunk.load();
        }
    }
    InjectionQueue(const InjectionQueue&) = delete;
    InjectionQueue& operator=(const InjectionQueue&) = delete;

    // Adds at the tail. May allocate, and then throw without effect.
    void push(T* item) {
        const std::uint32_t fresh = acquire();
        Node& added = node(fresh);
        added.item.store(item, std::memory_order_relaxed);
        added.next.store(link(kNil, count(added.next.load()) + 1));
        for (;;) {
            Link tail = tail_.load();
            std::atomic<Link>& end = node(index(tail)).next;
            Link next = end.load();
            if (tail != tail_.load()) {
                continue;
            }
            if (index(next) != kNil) {  // another push is half done: finish it for that thread
                tail_.compare_exchange_strong(tail, link(index(next), count(tail) + 1));
            } else if (end.compare_exchange_strong(next, link(fresh, count(next) + 1))) {
                tail_.compare_exchange_strong(tail, link(fresh, count(tail) + 1));
                return;
            }
        }
    }

    // Takes from the head; null when empty.
    T* pop() noexcept {
        for (;;) {
            Link head = head_.load();
            Link tail = tail_.load();
            const Link next = node(index(head)).next.load();
            if (head != head_.load()) {
                continue;
            }
            if (index(head) == index(tail)) {
                if (index(next) == kNil) {
                    return nullptr;
                }
                tail_.compare_exchange_strong(tail, link(index(next), count(tail) + 1));
                continue;
            }
            // Read before the exchange: afterwards the node may be recycled at once.
            T* const item = node(index(next)).item.load(std::memory_order_relaxed);
            if (head_.compare_exchange_strong(head, link(index(next), count(head) + 1))) {
                release(index(head));
                return item;
            }
        }
    }

    // A snapshot, for any thread; may miss a push that is not complete yet.
    bool empty() const noexcept { return index(head_.load()) == index(tail_.load()); }

private:
    // A node's number in the low half, how often the place was changed in the high half.
    using Link = std::uint64_t;
    static constexpr std::uint32_t kNil = 0xFFFFFFFF;
    static constexpr std::uint32_t kFirstChunk = 64;  // nodes; each chunk doubles

    struct Node {
        std::atomic<Link> next{link(kNil, 0)};
        std::atomic<T*> item{nullptr};
    };

    static constexpr Link link(std::uint32_t index, std::uint32_t count) noexcept {
        return (Link{count} << 32) | index;
    }
    static constexpr std::uint32_t index(Link link) noexcept {
        return static_cast<std::uint32_t>(link);
    }
    static constexpr std::uint32_t count(Link link) noexcept {
        return static_cast<std::uint32_t>(link >> 32);
    }

    // Chunk c holds the numbers [64 * (2^c - 1), 64 * (2^(c+1) - 1)).
    static std::size_t chunk_of(std::uint32_t number) noexcept {
        return static_cast<std::size_t>(std::bit_width(number / kFirstChunk + 1)) - 1;
    }
    static std::size_t chunk_size(std::size_t chunk) noexcept {
        return std::size_t{kFirstChunk} << chunk;
    }

    Node& node(std::uint32_t number) noexcept {
        const std::size_t chunk = chunk_of(number);
        return chunks_[chunk].load(
            std::memory_order_acquire)[number - (chunk_size(chunk) - kFirstChunk)];
    }

    std::uint32_t acquire() {
        Link top = free_.load();
        while (index(top) != kNil) {
            const Link next = node(index(top)).next.load();
            if (free_.compare_exchange_strong(top, link(index(next), count(top) + 1))) {
                return index(top);
            }
        }
        const std::uint32_t number = used_.fetch_add(1);
        ensure_chunk(chunk_of(number));
        return number;
    }

    void release(std::uint32_t number) noexcept {
        Node& freed = node(number);
        Link top = free_.load();
        do {
            freed.next.store(link(index(top), count(freed.next.load()) + 1));
        } while (!free_.compare_exchange_strong(top, link(number, count(top) + 1)));
    }

    void ensure_chunk(std::size_t chunk) {
        if (chunks_[chunk].load(std::memory_order_acquire) != nullptr) {
            return;
        }
        Node* const fresh = new Node[chunk_size(chunk)];
        Node* expected = nullptr;
        if (!chunks_[chunk].compare_exchange_strong(expected, fresh)) {
            delete[] fresh;  // another thread was faster
        }
    }

    alignas(64) std::atomic<Link> head_{0};
    alignas(64) std::atomic<Link> tail_{0};
    alignas(64) std::atomic<Link> free_{link(kNil, 0)};
    std::atomic<std::uint32_t> used_{0};
    std::array<std::atomic<Node*>, 26> chunks_{};
};

}  // namespace abikit
