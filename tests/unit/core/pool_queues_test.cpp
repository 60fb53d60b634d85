// The two queues beneath the thread pool: order, growth, and nothing lost or doubled under
// contention.
#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

#include "core/injection_queue.hpp"
#include "core/work_deque.hpp"

using namespace abikit;

namespace {

struct Item {
    std::atomic<int> taken{0};
};

int count_not_taken_once(const std::vector<Item>& items) {
    int wrong = 0;
    for (const Item& item : items) {
        wrong += item.taken.load() != 1 ? 1 : 0;
    }
    return wrong;
}

}  // namespace

TEST_SUITE("core/work_deque") {
    TEST_CASE("the owner takes the newest, a thief the oldest") {
        std::vector<Item> items(3);
        WorkDeque<Item> deque(2);  // grows on the third
        CHECK(deque.empty());
        CHECK(deque.pop() == nullptr);
        CHECK(deque.steal() == nullptr);
        for (Item& item : items) {
            deque.push(&item);
        }
        CHECK_FALSE(deque.empty());
        CHECK(deque.steal() == &items[0]);
        CHECK(deque.pop() == &items[2]);
        CHECK(deque.pop() == &items[1]);
        CHECK(deque.pop() == nullptr);
        CHECK(deque.empty());
    }

    TEST_CASE("growing keeps order after the ring has wrapped") {
        std::vector<Item> items(40);
        WorkDeque<Item> deque(4);
        for (std::size_t i = 0; i < 3; ++i) {
            deque.push(&items[i]);
            REQUIRE(deque.steal() == &items[i]);
        }
        for (Item& item : items) {
            deque.push(&item);
        }
        for (Item& item : items) {
            REQUIRE(deque.steal() == &item);
        }
        CHECK(deque.empty());
    }

    TEST_CASE("each item is taken exactly once while thieves and owner race") {
        constexpr std::size_t kItems = 40000;
        std::vector<Item> items(kItems);
        WorkDeque<Item> deque(2);
        std::atomic<bool> done{false};
        std::vector<std::thread> thieves;
        for (int i = 0; i < 3; ++i) {
            thieves.emplace_back([&] {
                while (!done.load()) {
                    if (Item* const item = deque.steal()) {
                        item->taken.fetch_add(1);
                    } else {
                        std::this_thread::yield();
                    }
                }
            });
        }
        for (std::size_t i = 0; i < kItems; ++i) {
            deque.push(&items[i]);
            if (i % 3 != 0) {  // keeps the deque short, so that the last item is often contended
                if (Item* const item = deque.pop()) {
                    item->taken.fetch_add(1);
                }
            }
        }
        while (Item* const item = deque.pop()) {
            item->taken.fetch_add(1);
        }
        done.store(true);
        for (std::thread& thief : thieves) {
            thief.join();
        }
        CHECK(count_not_taken_once(items) == 0);
    }
}

TEST_SUITE("core/injection_queue") {
    TEST_CASE("first in, first out, over several chunks of nodes") {
        std::vector<Item> items(1000);
        InjectionQueue<Item> queue;
        CHECK(queue.empty());
        CHECK(queue.pop() == nullptr);
        for (int round = 0; round < 3; ++round) {  // later rounds run on recycled nodes
            for (Item& item : items) {
                queue.push(&item);
            }
            CHECK_FALSE(queue.empty());
            for (Item& item : items) {
                REQUIRE(queue.pop() == &item);
            }
            CHECK(queue.pop() == nullptr);
            CHECK(queue.empty());
        }
    }

    TEST_CASE("many producers and consumers: once each, in each producer's order") {
        constexpr std::size_t kProducers = 3;
        constexpr std::size_t kEach = 8000;
        std::vector<Item> items(kProducers * kEach);
        InjectionQueue<Item> queue;
        std::atomic<std::size_t> taken{0};
        std::atomic<int> out_of_order{0};
        std::vector<std::thread> threads;
        for (std::size_t p = 0; p < kProducers; ++p) {
            threads.emplace_back([&, p] {
                for (std::size_t i = 0; i < kEach; ++i) {
                    queue.push(&items[p * kEach + i]);
                }
            });
        }
        for (int c = 0; c < 2; ++c) {
            threads.emplace_back([&] {
                std::vector<std::ptrdiff_t> last(kProducers, -1);
                while (taken.load() < items.size()) {
                    Item* const item = queue.pop();
                    if (item == nullptr) {
                        std::this_thread::yield();
                        continue;
                    }
                    item->taken.fetch_add(1);
                    taken.fetch_add(1);
                    const std::ptrdiff_t position = item - items.data();
                    std::ptrdiff_t& before = last[static_cast<std::size_t>(position) / kEach];
                    out_of_order.fetch_add(position < before ? 1 : 0);
                    before = position;
                }
            });
        }
        for (std::thread& thread : threads) {
            thread.join();
        }
        CHECK(count_not_taken_once(items) == 0);
        CHECK(out_of_order.load() == 0);
        CHECK(queue.empty());
    }
}
