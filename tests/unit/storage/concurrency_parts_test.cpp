// The parts that threads meet in: published values, the index that is read while it grows, the
// queue of commits. Small enough for ThreadSanitizer.
#include <atomic>
#include <map>
#include <thread>

#include "storage/commit_queue.hpp"
#include "storage/format.hpp"
#include "storage/id_index.hpp"
#include "storage/published.hpp"
#include "support.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::test;

namespace {

// Says when it is gone, and whether it is whole.
struct Watched {
    Watched(std::atomic<int>& counter, std::uint64_t number)
        : alive(counter), first(number), second(number) {
        ++alive;
    }
    ~Watched() {
        first = second = 0;
        --alive;
    }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    std::atomic<int>& alive;
    std::uint64_t first, second;
};

std::vector<MemRow> rows_of_hash(const IdIndex& index, std::uint64_t hash) {
    std::vector<MemRow> rows;
    index.for_each(hash, [&rows](MemRow row) {
        rows.push_back(row);
        return false;
    });
    return rows;
}

struct Wish {
    int number = 0;
    int served_as = -1;
};

}  // namespace

TEST_SUITE("storage") {
    TEST_CASE("published: the last value is there, the ones before are gone at once") {
        std::atomic<int> alive = 0;
        {
            Published<Watched> published;
            CHECK(published.load() == nullptr);
            for (std::uint64_t i = 1; i <= 300; ++i) {  // more often than there are slots
                published.store(std::make_shared<const Watched>(alive, i));
                CHECK(alive == 1);
                CHECK(published.load()->first == i);
            }
            const auto kept = published.load();
            published.store(std::make_shared<const Watched>(alive, 999));
            CHECK(alive == 2);
            CHECK(kept->second == 300);
            published.store(nullptr);
            CHECK(published.load() == nullptr);
            CHECK(alive == 1);
        }
        CHECK(alive == 0);
    }

    TEST_CASE("published: threads read whole values that never go back") {
        std::atomic<int> alive = 0;
        std::atomic<int> wrong = 0;
        {
            Published<Watched> published;
            published.store(std::make_shared<const Watched>(alive, 1));
            std::atomic<bool> done = false;
            std::vector<std::jthread> readers;
            for (int reader = 0; reader < 4; ++reader) {
                readers.emplace_back([&] {
                    std::uint64_t last = 0;
                    for (int turn = 0; turn < 2000 || !done; ++turn) {
                        const auto value = published.load();
                        wrong += value->first != value->second || value->first < last ? 1 : 0;
                        last = value->first;
                    }
                });
            }
            for (std::uint64_t i = 2; i < 4000; ++i) {
                published.store(std::make_shared<const Watched>(alive, i));
            }
            done = true;
        }
        CHECK(wrong == 0);
        CHECK(alive == 0);
    }

    TEST_CASE("id index: rows of a hash come newest first, through every growth") {
        auto index = std::make_shared<IdIndex>(0);
        CHECK(rows_of_hash(*index, 7).empty());
        Random random(5);
        std::map<std::uint64_t, std::vector<MemRow>> expected;
        for (MemRow row = 0; row < 20'000; ++row) {
            if (row == index->capacity()) {
                index = std::make_shared<IdIndex>(*index, row, 0);
                REQUIRE(index->capacity() >= std::size_t{row} * 2);
            }
            // Few hashes, and some that meet in one slot.
            const std::uint64_t hash = random.below(3000) << (random.chance(0.5) ? 0 : 20);
            index->insert(hash, row);
            expected[hash].insert(expected[hash].begin(), row);
        }
        for (const auto& [hash, rows] : expected) {
            REQUIRE(rows_of_hash(*index, hash) == rows);
        }
        CHECK(rows_of_hash(*index, 0xffff'ffff'ffffu).empty());
    }

    TEST_CASE("id index: what is in it is found by threads while more comes") {
        constexpr MemRow kRows = 30'000;
        IdIndex index(kRows);
        std::atomic<MemRow> inserted = 0;
        std::atomic<int> missed = 0;
        {
            std::vector<std::jthread> readers;
            for (std::uint64_t seed = 0; seed < 3; ++seed) {
                readers.emplace_back([&, seed] {
                    Random random(seed);
                    while (inserted < kRows) {
                        const MemRow there = inserted.load(std::memory_order_acquire);
                        if (there == 0) {
                            continue;
                        }
                        const auto row = static_cast<MemRow>(random.below(there));
                        bool found = false;
                        index.for_each(hash_id(std::to_string(row % 10'000)), [&](MemRow seen) {
                            found = seen == row;
                            return found;
                        });
                        missed += found ? 0 : 1;
                    }
                });
            }
            for (MemRow row = 0; row < kRows; ++row) {
                index.insert(hash_id(std::to_string(row % 10'000)), row);
                inserted.store(row + 1, std::memory_order_release);
            }
        }
        CHECK(missed == 0);
    }

    TEST_CASE("commit queue: a lone thread leads groups of one") {
        CommitQueue<Wish> queue(100);
        for (int i = 0; i < 5; ++i) {
            Wish wish{i};
            bool after = false;
            queue.submit(
                wish, 1000,  // heavier than a group may be: alone, but served
                [&](CommitQueue<Wish>::Group group) noexcept {
                    CHECK(group.size() == 1);
                    group[0]->served_as = group[0]->number;
                },
                [&]() noexcept { after = true; });
            CHECK(wish.served_as == i);
            CHECK(after);
        }
        CHECK(queue.alone([] { return 17; }) == 17);
        CHECK_THROWS_AS(queue.alone([]() -> int { throw std::runtime_error("no"); }),
                        std::runtime_error);
        CHECK(queue.alone([] { return 18; }) == 18);
        CHECK(queue.counts().groups == 5);
    }

    TEST_CASE("commit queue: those that wait are served together, in order, within the weight") {
        CommitQueue<Wish> queue(3);
        std::vector<std::size_t> sizes;
        std::vector<int> order;
        std::atomic<int> arrived = 0;
        std::atomic<bool> go = false;
        const auto submit = [&](int number) {
            Wish wish{number};
            queue.submit(
                wish, 1,
                [&](CommitQueue<Wish>::Group group) noexcept {
                    sizes.push_back(group.size());
                    for (Wish* const served : group) {
                        order.push_back(served->number);
                        served->served_as = served->number;
                    }
                    while (number == 0 && !go) {
                        std::this_thread::yield();
                    }
                },
                []() noexcept {});
            CHECK(wish.served_as == number);
        };
        std::vector<std::jthread> threads;
        for (int i = 0; i <= 7; ++i) {
            threads.emplace_back([&, i] {
                ++arrived;
                submit(i);
            });
            while (arrived <= i) {
                std::this_thread::yield();
            }
            // Until it stands in the queue, so that the order is known.
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        go = true;
        threads.clear();
        std::vector<int> sorted = order;
        std::sort(sorted.begin(), sorted.end());
        CHECK(sorted == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
        CHECK(sizes.front() == 1);
        CHECK(*std::max_element(sizes.begin(), sizes.end()) <= 3);
        CHECK(queue.counts().requests == 8);
    }

    TEST_CASE("commit queue: threads and lone bodies never meet") {
        CommitQueue<Wish> queue(1000);
        int inside = 0, total = 0, wrong = 0;  // not atomic: the queue is what protects them
        {
            std::vector<std::jthread> threads;
            for (int thread = 0; thread < 6; ++thread) {
                threads.emplace_back([&, thread] {
                    for (int i = 0; i < 300; ++i) {
                        if (thread == 0) {
                            queue.alone([&] {
                                wrong += inside++ == 0 ? 0 : 1;
                                --inside;
                            });
                            continue;
                        }
                        Wish wish{i};
                        queue.submit(
                            wish, 1,
                            [&](CommitQueue<Wish>::Group group) noexcept {
                                wrong += inside++ == 0 ? 0 : 1;
                                for (Wish* const served : group) {
                                    served->served_as = served->number;
                                    ++total;
                                }
                                --inside;
                            },
                            [&]() noexcept { wrong += inside == 0 ? 0 : 1; });
                        if (wish.served_as != i) {
                            queue.alone([&] { ++wrong; });
                        }
                    }
                });
            }
        }
        CHECK(wrong == 0);
        CHECK(total == 5 * 300);
    }
}
