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
                     const std::function<void(std::size_t, std::size_t)>& acknowledged) const {
    std::atomic<bool> sound = true;
    std::vector<std::thread> running;
    for (std::size_t thread = 0; thread < plans_.size(); ++thread) {
        running.emplace_back([&, thread] {
            const Plan& plan = plans_[thread];
            for (std::size_t i = done[thread]; sound && i < plan.changes.size(); ++i) {
                const Change& change = plan.changes[i];
                if (!commit(database, change.rows, change.mode, change.deletes) ||
                    (thread == 0 && i % 16 == 9 && !database.checkpoint())) {
                    sound = false;
                    return;
                }
                acknowledged(thread, i + 1);
            }
        });
    }
    for (std::thread& thread : running) {
        thread.join();
    }
    return sound;
}

std::vector<std::size_t> ThreadWork::check(const std::vector<Row>& rows,
                                           const std::vector<std::size_t>& acknowledged,
                                           const std::vector<std::size_t>& latest) const {
    std::vector<std::size_t> held;
    std::size_t seen = 0;
    for (std::size_t thread = 0; thread < plans_.size(); ++thread) {
        const Plan& plan = plans_[thread];
        std::vector<Row> own;
        std::copy_if(rows.begin(), rows.end(), std::back_inserter(own),
                     [&](const Row& row) { return row.id.value_or("").starts_with(plan.prefix); });
        seen += own.size();
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
    if (seen != rows.size()) {
        throw Violation(Violation::Kind::kPartial, "there are rows of nobody");
    }
    return held;
}

}  // namespace abikit::storage::test
