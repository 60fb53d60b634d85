// What each thread commits is known before it starts.
#include "thread_work.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace abikit::storage::test {

namespace {

// The same change to ids of one thread alone.
void take_over(Change& change, const std::string& prefix, std::size_t number) {
    change.mode = WriteMode::kUpsert;
    std::size_t nameless = 0;
    for (Row& row : change.rows) {
        row.id = prefix + row.id.value_or("new-" + std::to_string(number) + "-" +
                                          std::to_string(nameless++));
    }
    for (std::string& id : change.deletes) {
        id = prefix + id;
    }
    if (change.rows.empty() && change.deletes.empty()) {
        change.deletes.push_back(prefix + "none");
    }
}

}  // namespace

ThreadWork::ThreadWork(std::uint64_t seed, std::size_t threads, std::size_t commits) {
    for (std::size_t thread = 0; thread < threads; ++thread) {
        Plan plan;
        plan.prefix = "t" + std::to_string(thread) + "/";
        ChangeMaker maker(seed * 1000 + thread, kDimension);
        Oracle oracle;
        plan.rows.push_back({});
        for (std::size_t i = 0; i < commits; ++i) {
            Change change = maker.change();
            take_over(change, plan.prefix, i);
            oracle.apply(change);
            plan.rows.push_back(oracle.rows());
            plan.changes.push_back(std::move(change));
        }
        plans_.push_back(std::move(plan));
    }
}

bool ThreadWork::run(Database& database, const std::vector<std::size_t>& done,
                     const Hooks& hooks) const {
    std::atomic<bool> sound = true;
    std::vector<std::thread> running;
    for (std::size_t thread = 0; thread < plans_.size(); ++thread) {
        running.emplace_back([&, thread] {
            const Plan& plan = plans_[thread];
            for (std::size_t i = done[thread]; sound && i < plan.changes.size(); ++i) {
                const Change& change = plan.changes[i];
                const auto done_now = commit(database, change.rows, change.mode, change.deletes);
                if (!done_now) {
                    sound = false;
                    return;
                }
                hooks.acknowledged(thread, i + 1, done_now->lsn);
                if (thread == 0 && i % 16 == 9) {
                    hooks.checkpoint(false);
                    if (!database.checkpoint()) {
                        sound = false;
                        return;
                    }
                    hooks.checkpoint(true);
                }
            }
        });
    }
    for (std::thread& thread : running) {
        thread.join();
    }
    return sound;
}

std::vector<std::vector<Row>> ThreadWork::rows_by_thread(const std::vector<Row>& rows) const {
    std::vector<std::vector<Row>> by_thread(plans_.size());
    std::size_t seen = 0;
    for (std::size_t thread = 0; thread < plans_.size(); ++thread) {
        std::copy_if(
            rows.begin(), rows.end(), std::back_inserter(by_thread[thread]),
            [&](const Row& row) { return row.id.value_or("").starts_with(plans_[thread].prefix); });
        seen += by_thread[thread].size();
    }
    if (seen != rows.size()) {
        throw Violation(Violation::Kind::kPartial, "there are rows of nobody");
    }
    return by_thread;
}

void ThreadWork::check_order(const std::vector<Row>& rows,
                             const std::vector<std::vector<std::uint64_t>>& lsns,
                             std::uint64_t durable,
                             const std::vector<std::size_t>& acknowledged) const {
    const auto by_thread = rows_by_thread(rows);
    const auto are_all_up_to = [&](std::uint64_t lsn) {
        for (std::size_t thread = 0; thread < plans_.size(); ++thread) {
            std::size_t count = 0;
            while (count < lsns[thread].size() && lsns[thread][count] <= lsn) {
                ++count;
            }
            if (count > acknowledged[thread] + 1 ||
                plans_[thread].rows[count] != by_thread[thread]) {
                return false;
            }
        }
        return true;
    };
    std::vector<std::uint64_t> numbers{0};
    for (const auto& own : lsns) {
        numbers.insert(numbers.end(), own.begin(), own.end());
    }
    std::sort(numbers.begin(), numbers.end());
    bool older = false;
    for (const std::uint64_t lsn : numbers) {
        if (are_all_up_to(lsn)) {
            if (lsn >= durable) {
                return;
            }
            older = true;
        }
    }
    throw Violation(older ? Violation::Kind::kLost : Violation::Kind::kPartial,
                    "all up to commit " + std::to_string(durable) + " had to be there");
}

std::vector<std::size_t> ThreadWork::check(const std::vector<Row>& rows,
                                           const std::vector<std::size_t>& acknowledged,
                                           const std::vector<std::size_t>& latest) const {
    std::vector<std::size_t> held;
    const auto by_thread = rows_by_thread(rows);
    for (std::size_t thread = 0; thread < plans_.size(); ++thread) {
        const Plan& plan = plans_[thread];
        const std::vector<Row>& own = by_thread[thread];
        std::size_t at = acknowledged[thread];
        const std::size_t last = std::min(latest[thread] + 1, plan.changes.size());
        while (at < last && plan.rows[at] != own) {
            ++at;
        }
        if (plan.rows[at] != own) {
            const bool older =
                std::find(plan.rows.begin(), plan.rows.end(), own) != plan.rows.end();
            throw Violation(older ? Violation::Kind::kLost : Violation::Kind::kPartial,
                            "thread " + std::to_string(thread) + ", " +
                                std::to_string(acknowledged[thread]) + " commits acknowledged");
        }
        held.push_back(at);
    }
    return held;
}

}  // namespace abikit::storage::test
