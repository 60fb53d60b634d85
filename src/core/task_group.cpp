// TaskGroup: counts its tasks that have not ended; whoever ends the last one wakes the waiter.
#include <utility>

#include "thread_pool_impl.hpp"

namespace abikit {

struct TaskGroup::State {
    explicit State(ThreadPool::Impl* impl) : pool(impl) {}

    void finish_one() noexcept {
        if (pending.fetch_sub(1) == 1) {
            pool->announce_completion();
        }
    }

    ThreadPool::Impl* pool;  // null: tasks run at once
    std::atomic<std::size_t> pending{0};
    FirstError error;

    struct TaskJob;
};

// A task with the group it belongs to, which it keeps alive: the group's owner may be gone by the
// time that the last task has woken it.
struct TaskGroup::State::TaskJob : Job {
    TaskJob(Task function, std::shared_ptr<State> state) noexcept
        : Job(&TaskJob::run_and_delete), task(std::move(function)), group(std::move(state)) {}

    static void run_and_delete(Job& job) noexcept {
        std::unique_ptr<TaskJob> self(static_cast<TaskJob*>(&job));
        const std::shared_ptr<State> group = std::move(self->group);
        try {
            self->task();
        } catch (...) {
            group->error.capture();
        }
        self.reset();  // what the task captured ends before wait() returns
        group->finish_one();
    }

    Task task;
    std::shared_ptr<State> group;
};

TaskGroup::TaskGroup(ThreadPool* pool)
    : state_(std::make_shared<State>(pool != nullptr ? pool->impl_.get() : nullptr)) {}

TaskGroup::~TaskGroup() {
    if (state_->pool != nullptr) {
        state_->pool->help_until([this] { return state_->pending.load() == 0; });
    }
}

void TaskGroup::run(Task task) {
    if (state_->pool == nullptr) {
        try {
            task();
        } catch (...) {
            state_->error.capture();
        }
        return;
    }
    auto job = std::make_unique<State::TaskJob>(std::move(task), state_);
    state_->pending.fetch_add(1);
    try {
        state_->pool->submit(job.get());
    } catch (...) {
        state_->pending.fetch_sub(1);
        throw;
    }
    static_cast<void>(job.release());  // whoever runs it deletes it
    state_->pool->announce(1);
}

void TaskGroup::wait() {
    if (state_->pool != nullptr) {
        state_->pool->help_until([this] { return state_->pending.load() == 0; });
    }
    if (const std::exception_ptr error = state_->error.take()) {
        std::rethrow_exception(error);
    }
}

}  // namespace abikit
