// Group commit: of the threads that want to write, one leads and does the work of all that wait.
#pragma once

#include <array>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <type_traits>

namespace abikit::storage {

// Orders the writers of a database. Requests are served in the order of their arrival, in groups: a
// thread that finds nobody leading leads; those that arrive meanwhile wait, and the first of them
// leads the next group, which is all of them. So one sync serves as many commits as arrive during
// the sync before it, and a lone thread waits for nobody.
//
// `Request` is what a thread wants and where it finds the outcome; it stays on that thread's stack.
// Needs no memory.
template <class Request>
class CommitQueue {
public:
    static constexpr std::size_t kMaxGroup = 256;
    using Group = std::span<Request* const>;

    explicit CommitQueue(std::uint64_t max_weight) : max_weight_(max_weight) {}

    // Returns once the request was served by serve(group), on this thread or another. `weight`
    // counts towards the most that one group may have. after() then runs on the leading thread,
    // still alone, when the others of the group may already have gone on.
    template <class Serve, class After>
    void submit(Request& request, std::uint64_t weight, Serve serve, After after) {
        static_assert(noexcept(serve(Group()))&& noexcept(after()),
                      "the threads of a group rely on the leader");
        Waiter waiter{&request, weight};
        std::unique_lock lock(mutex_);
        enqueue(waiter);
        wait(lock, waiter);
        if (waiter.served) {
            return;
        }
        std::array<Request*, kMaxGroup> requests;
        std::array<Waiter*, kMaxGroup> waiters;
        const std::size_t count = take_group(requests, waiters);
        groups_ += 1;
        requests_ += count;
        lock.unlock();
        serve(Group(requests.data(), count));
        lock.lock();
        for (std::size_t i = 1; i < count; ++i) {
            waiters[i]->served = true;
            waiters[i]->wake.notify_one();  // under the lock: it may be gone right after
        }
        lock.unlock();
        after();
        lock.lock();
        hand_over();
    }

    // Runs `body` while no group is being served; what it returns is returned.
    template <class Body>
    auto alone(Body body) -> decltype(body()) {
        Waiter waiter{nullptr, 0};
        {
            std::unique_lock lock(mutex_);
            enqueue(waiter);
            wait(lock, waiter);
            first_ = waiter.next;
        }
        const Leadership leadership(*this);
        return body();
    }

    // How many groups there were, and how many requests in them.
    struct Counts {
        std::uint64_t groups = 0, requests = 0;
    };
    Counts counts() const {
        const std::scoped_lock lock(mutex_);
        return {groups_, requests_};
    }

private:
    struct Waiter {
        Request* request;  // null: wants to be alone
        std::uint64_t weight;
        Waiter* next = nullptr;
        bool leads = false, served = false;
        std::condition_variable wake = {};
    };
    struct Leadership {
        explicit Leadership(CommitQueue& queue) : queue_(queue) {}
        ~Leadership() {
            const std::scoped_lock lock(queue_.mutex_);
            queue_.hand_over();
        }
        Leadership(const Leadership&) = delete;
        Leadership& operator=(const Leadership&) = delete;
        CommitQueue& queue_;
    };

    void enqueue(Waiter& waiter) {
        (first_ == nullptr ? first_ : last_->next) = &waiter;
        last_ = &waiter;
        if (!led_) {
            led_ = waiter.leads = true;
        }
    }
    static void wait(std::unique_lock<std::mutex>& lock, Waiter& waiter) {
        waiter.wake.wait(lock, [&waiter] { return waiter.leads || waiter.served; });
    }
    // Takes the leader, who is first, and those behind it that fit into one group.
    std::size_t take_group(std::array<Request*, kMaxGroup>& requests,
                           std::array<Waiter*, kMaxGroup>& waiters) {
        std::size_t count = 0;
        std::uint64_t weight = 0;
        while (first_ != nullptr && first_->request != nullptr && count < kMaxGroup &&
               (count == 0 || weight + first_->weight <= max_weight_)) {
            weight += first_->weight;
            requests[count] = first_->request;
            waiters[count++] = first_;
            first_ = first_->next;
        }
        return count;
    }
    void hand_over() {
        led_ = first_ != nullptr;
        if (led_) {
            first_->leads = true;
            first_->wake.notify_one();
        }
    }

    const std::uint64_t max_weight_;
    mutable std::mutex mutex_;
    Waiter* first_ = nullptr;  // waiting and not yet in a group
    Waiter* last_ = nullptr;
    bool led_ = false;  // somebody leads
    std::uint64_t groups_ = 0, requests_ = 0;
};

}  // namespace abikit::storage
