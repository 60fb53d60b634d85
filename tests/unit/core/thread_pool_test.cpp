// ThreadPool and TaskGroup: everything runs exactly once, exceptions arrive, nesting does not
// deadlock, rooms travel with tasks.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <abi/core/memory.hpp>
#include <abi/core/thread_pool.hpp>

using namespace abikit;

namespace {

// Sums 1..n by splitting in two, with a task group at each level: deep nesting on few threads.
std::uint64_t nested_sum(ThreadPool* pool, std::uint64_t first, std::uint64_t last) {
    if (last - first < 8) {
        std::uint64_t sum = 0;
        for (std::uint64_t i = first; i <= last; ++i) {
            sum += i;
        }
        return sum;
    }
    const std::uint64_t middle = (first + last) / 2;
    std::uint64_t left = 0;
    TaskGroup group(pool);
    group.run([&] { left = nested_sum(pool, first, middle); });
    const std::uint64_t right = nested_sum(pool, middle + 1, last);
    group.wait();
    return left + right;
}

}  // namespace

TEST_SUITE("core/thread_pool") {
    TEST_CASE("the thread count is what was asked for, at least one by default") {
        CHECK(ThreadPool(1).threads() == 1);
        CHECK(ThreadPool(3).threads() == 3);
        const ThreadPool automatic;
        CHECK(automatic.threads() >= 1);
        CHECK(automatic.threads() <= std::max(1U, std::thread::hardware_concurrency()));
    }

    TEST_CASE("parallel_for covers the range once, in pieces that depend on the grain alone") {
        for (const unsigned threads : {1U, 2U, 5U}) {
            ThreadPool pool(threads);
            for (const std::size_t size : {0U, 1U, 6U, 7U, 8U, 1000U}) {
                for (const std::size_t grain : {0U, 1U, 7U, 5000U}) {
                    std::vector<std::atomic<int>> seen(size);
                    std::mutex mutex;
                    std::set<std::pair<std::size_t, std::size_t>> pieces;
                    pool.parallel_for(10, 10 + size, grain, [&](std::size_t a, std::size_t b) {
                        for (std::size_t i = a; i < b; ++i) {
                            seen[i - 10].fetch_add(1);
                        }
                        const std::lock_guard lock(mutex);
                        pieces.emplace(a, b);
                    });
                    for (const auto& count : seen) {
                        REQUIRE(count.load() == 1);
                    }
                    std::set<std::pair<std::size_t, std::size_t>> expected;
                    const std::size_t step = grain == 0 ? 1 : grain;
                    for (std::size_t i = 0; i < size; i += step) {
                        expected.emplace(10 + i, 10 + std::min(i + step, size));
                    }
                    CHECK(pieces == expected);
                }
            }
        }
    }

    TEST_CASE("ranges at the end of the number line do not overflow") {
        ThreadPool pool(2);
        const std::size_t end = std::numeric_limits<std::size_t>::max();
        std::atomic<std::size_t> covered{0};
        pool.parallel_for(end - 100, end, 33,
                          [&](std::size_t a, std::size_t b) { covered.fetch_add(b - a); });
        CHECK(covered.load() == 100);
        pool.parallel_for(5, 3, 1, [](std::size_t, std::size_t) { FAIL("empty range"); });
    }

    TEST_CASE("a pool of one runs everything on the calling thread") {
        ThreadPool pool(1);
        const auto self = std::this_thread::get_id();
        std::vector<std::size_t> order;
        pool.parallel_for(0, 5, 2, [&](std::size_t a, std::size_t) {
            CHECK(std::this_thread::get_id() == self);
            order.push_back(a);
        });
        CHECK(order == std::vector<std::size_t>{0, 2, 4});
        TaskGroup group(&pool);
        bool ran = false;
        group.run([&] {
            CHECK(std::this_thread::get_id() == self);
            ran = true;
        });
        CHECK_FALSE(ran);
        group.wait();
        CHECK(ran);
    }

    TEST_CASE("other threads do take part") {
        ThreadPool pool(3);
        REQUIRE(pool.threads() == 3);
        // Each piece waits until all three are running: it only ends with three threads.
        std::atomic<int> running{0};
        pool.parallel_for(0, 3, 1, [&](std::size_t, std::size_t) {
            running.fetch_add(1);
            while (running.load() < 3) {
                std::this_thread::yield();
            }
        });
        CHECK(running.load() == 3);
    }

    TEST_CASE("the first exception arrives after all started pieces ended") {
        for (const unsigned threads : {1U, 4U}) {
            ThreadPool pool(threads);
            std::atomic<int> inside{0};
            std::atomic<int> started{0};
            bool caught = false;
            try {
                pool.parallel_for(0, 1000000, 1, [&](std::size_t a, std::size_t) {
                    inside.fetch_add(1);
                    started.fetch_add(1);
                    const bool bad = a == 37;
                    inside.fetch_sub(1);
                    if (bad) {
                        throw std::runtime_error("piece 37");
                    }
                });
            } catch (const std::runtime_error& error) {
                caught = std::string(error.what()) == "piece 37";
            }
            CHECK(caught);
            CHECK(inside.load() == 0);
            CHECK(started.load() >= 1);
            if (threads == 1) {
                CHECK(started.load() == 38);
            }
        }
    }

    TEST_CASE("every piece may throw") {
        ThreadPool pool(3);
        for (int round = 0; round < 50; ++round) {
            CHECK_THROWS_AS(pool.parallel_for(0, 64, 1,
                                              [](std::size_t a, std::size_t) {
                                                  throw std::out_of_range(std::to_string(a));
                                              }),
                            std::out_of_range);
        }
    }

    TEST_CASE("nested loops finish and are complete") {
        for (const unsigned threads : {1U, 2U, 4U}) {
            ThreadPool pool(threads);
            std::vector<std::atomic<int>> cells(12 * 12 * 12);
            pool.parallel_for(0, 12, 1, [&](std::size_t x, std::size_t) {
                pool.parallel_for(0, 12, 1, [&](std::size_t y, std::size_t) {
                    pool.parallel_for(0, 12, 5, [&](std::size_t a, std::size_t b) {
                        for (std::size_t z = a; z < b; ++z) {
                            cells[(x * 12 + y) * 12 + z].fetch_add(1);
                        }
                    });
                });
            });
            for (const auto& cell : cells) {
                REQUIRE(cell.load() == 1);
            }
        }
    }

    TEST_CASE("an exception in an inner loop crosses the outer one") {
        ThreadPool pool(2);
        CHECK_THROWS_AS(pool.parallel_for(0, 4, 1,
                                          [&](std::size_t, std::size_t) {
                                              pool.parallel_for(
                                                  0, 4, 1, [](std::size_t, std::size_t) {
                                                      throw std::domain_error("inner");
                                                  });
                                          }),
                        std::domain_error);
    }

    TEST_CASE("many short loops in a row") {
        ThreadPool pool(4);
        std::atomic<std::uint64_t> sum{0};
        for (int round = 0; round < 5000; ++round) {
            pool.parallel_for(0, 4, 1, [&](std::size_t a, std::size_t) { sum.fetch_add(a); });
        }
        CHECK(sum.load() == 5000 * 6);
    }

    TEST_CASE("several outside threads share one pool") {
        ThreadPool pool(3);
        std::atomic<std::uint64_t> sum{0};
        std::vector<std::thread> callers;
        for (int c = 0; c < 4; ++c) {
            callers.emplace_back([&] {
                for (int round = 0; round < 100; ++round) {
                    pool.parallel_for(0, 100, 9,
                                      [&](std::size_t a, std::size_t b) { sum.fetch_add(b - a); });
                    TaskGroup group(&pool);
                    for (int t = 0; t < 5; ++t) {
                        group.run([&] { sum.fetch_add(1); });
                    }
                    group.wait();
                }
            });
        }
        for (std::thread& caller : callers) {
            caller.join();
        }
        CHECK(sum.load() == 4 * 100 * 105);
    }

    TEST_CASE("one pool may be used from a task of another") {
        ThreadPool outer(2);
        ThreadPool inner(2);
        std::atomic<int> count{0};
        outer.parallel_for(0, 8, 1, [&](std::size_t, std::size_t) {
            inner.parallel_for(0, 8, 1, [&](std::size_t, std::size_t) { count.fetch_add(1); });
        });
        CHECK(count.load() == 64);
    }

    TEST_CASE("pools come and go") {
        for (int round = 0; round < 100; ++round) {
            ThreadPool pool(4);
            std::atomic<int> count{0};
            pool.parallel_for(0, 16, 1, [&](std::size_t, std::size_t) { count.fetch_add(1); });
            REQUIRE(count.load() == 16);
        }
    }

    TEST_CASE("work that comes before, while and after workers fall asleep is all done") {
        ThreadPool pool(2);
        std::uint32_t random = 1;
        for (int round = 0; round < 300; ++round) {
            random = random * 1664525 + 1013904223;
            const std::chrono::microseconds pause(random >> 25);  // up to 127
            const auto begin = std::chrono::steady_clock::now();
            while (std::chrono::steady_clock::now() - begin < pause) {
            }
            std::atomic<int> done = 0;
            pool.parallel_for(0, 4, 1, [&](std::size_t, std::size_t) { ++done; });
            TaskGroup group(&pool);
            for (int i = 0; i < 3; ++i) {
                group.run([&] { ++done; });
            }
            group.wait();
            REQUIRE(done == 7);
        }
    }

    TEST_CASE("idle workers leave the processor alone") {
        ThreadPool pool(2);
        pool.parallel_for(0, 8, 1, [](std::size_t, std::size_t) {});
        const std::clock_t begin = std::clock();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        const double spent = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
        CHECK(spent < 0.03);
    }
}

TEST_SUITE("core/task_group") {
    TEST_CASE("without a pool each task runs at once, its exception waits") {
        TaskGroup group(nullptr);
        int ran = 0;
        group.run([&] { ++ran; });
        CHECK(ran == 1);
        group.run([&] {
            ++ran;
            throw std::runtime_error("late");
        });
        group.run([&] { ++ran; });
        CHECK(ran == 3);
        CHECK_THROWS_AS(group.wait(), std::runtime_error);
        group.wait();  // told once
    }

    TEST_CASE("tens of thousands of tasks run once each") {
        ThreadPool pool(4);
        TaskGroup group(&pool);
        std::vector<std::atomic<int>> seen(20000);
        for (auto& cell : seen) {
            group.run([&cell] { cell.fetch_add(1); });
        }
        group.wait();
        for (const auto& cell : seen) {
            REQUIRE(cell.load() == 1);
        }
    }

    TEST_CASE("a group is used again after waiting, and after an exception") {
        ThreadPool pool(2);
        TaskGroup group(&pool);
        int value = 0;
        group.run([&] { value = 1; });
        group.wait();
        CHECK(value == 1);
        group.run([] { throw std::runtime_error("first"); });
        CHECK_THROWS_WITH(group.wait(), "first");
        group.run([&] { value = 2; });
        group.wait();
        CHECK(value == 2);
    }

    TEST_CASE("what a task captured is gone when wait returns") {
        ThreadPool pool(3);
        for (int round = 0; round < 200; ++round) {
            const auto token = std::make_shared<int>(7);
            TaskGroup group(&pool);
            for (int t = 0; t < 4; ++t) {
                group.run([copy = token] { CHECK(*copy == 7); });
            }
            group.wait();
            REQUIRE(token.use_count() == 1);
        }
    }

    TEST_CASE("a sleeping worker always wakes up for a lone task") {
        // The submitting threads do not help, so a lost wake-up would hang here.
        ThreadPool pool(3);
        REQUIRE(pool.threads() == 3);
        std::vector<std::thread> submitters;
        std::atomic<int> ran{0};
        for (int s = 0; s < 2; ++s) {
            submitters.emplace_back([&] {
                for (int round = 0; round < 2000; ++round) {
                    std::atomic<bool> done{false};
                    TaskGroup group(&pool);
                    group.run([&] {
                        ran.fetch_add(1);
                        done.store(true);
                    });
                    while (!done.load()) {
                        std::this_thread::yield();
                    }
                }
            });
        }
        for (std::thread& submitter : submitters) {
            submitter.join();
        }
        CHECK(ran.load() == 4000);
    }

    TEST_CASE("tasks may own what cannot be copied") {
        ThreadPool pool(2);
        TaskGroup group(&pool);
        int result = 0;
        group.run([&result, owned = std::make_unique<int>(42)] { result = *owned; });
        group.wait();
        CHECK(result == 42);
    }

    TEST_CASE("the destructor waits and swallows the exception nobody asked for") {
        ThreadPool pool(2);
        std::atomic<int> ran{0};
        {
            TaskGroup group(&pool);
            for (int t = 0; t < 100; ++t) {
                group.run([&] { ran.fetch_add(1); });
            }
            group.run([] { throw std::runtime_error("unheard"); });
        }
        CHECK(ran.load() == 100);
    }

    TEST_CASE("deep nesting on one, two and four threads") {
        for (const unsigned threads : {1U, 2U, 4U}) {
            ThreadPool pool(threads);
            for (int round = 0; round < 5; ++round) {
                CHECK(nested_sum(&pool, 1, 10000) == 50005000);
            }
        }
        CHECK(nested_sum(nullptr, 1, 10000) == 50005000);
    }

    TEST_CASE("a task starts with the room of the thread that submitted it") {
        ThreadPool pool(3);
        std::atomic<int> wrong{0};
        const RoomScope scope(Room::kStorage);
        TaskGroup group(&pool);
        for (int t = 0; t < 200; ++t) {
            const RoomScope inner(t % 2 == 0 ? Room::kText : Room::kData);
            group.run([&wrong, want = current_room()] {
                wrong.fetch_add(current_room() != want ? 1 : 0);
            });
        }
        group.wait();
        pool.parallel_for(0, 500, 1, [&](std::size_t, std::size_t) {
            wrong.fetch_add(current_room() != Room::kStorage ? 1 : 0);
        });
        CHECK(wrong.load() == 0);
        CHECK(current_room() == Room::kStorage);
    }
}
