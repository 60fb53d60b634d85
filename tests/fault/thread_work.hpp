// Many threads that commit to one database, each to ids of its own, so that what each has
// done can be told from the rows that are there. crash_campaign.hpp cuts its power,
// kill_campaign.hpp kills its process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "workload.hpp"

namespace abikit::storage::test {

class ThreadWork {
public:
    static constexpr std::uint32_t kDimension = 3;

    ThreadWork(std::uint64_t seed, std::size_t threads, std::size_t commits);

    std::size_t threads() const { return plans_.size(); }
    std::size_t commits() const { return plans_.at(0).changes.size(); }

    struct Hooks {
        // Called by a thread after each commit of its own: how many these are, the number of this
        // one in the log.
        std::function<void(std::size_t thread, std::size_t commits, std::uint64_t lsn)>
            acknowledged;
        // Before and after a checkpoint, which some of the threads make.
        std::function<void(bool done)> checkpoint = [](bool) {};
    };
    // Goes on from `done` commits of each thread, all threads at once, until each has made all of
    // its own. False when a commit failed.
    bool run(Database& database, const std::vector<std::size_t>& done, const Hooks& hooks) const;

    // How many commits of each thread these rows hold. A violation unless each thread's rows are
    // what it had made after `acknowledged` commits of its own, or one more, or up to `latest`.
    std::vector<std::size_t> check(const std::vector<Row>& rows,
                                   const std::vector<std::size_t>& acknowledged,
                                   const std::vector<std::size_t>& latest) const;

    // The same where the order of all commits is known: lsns[thread][i] is the number of its commit
    // i, 0 where there was nothing to do. A violation unless the rows are what all commits up to
    // some number made, `durable` or later, of each thread at most one that was not acknowledged.
    void check_order(const std::vector<Row>& rows,
                     const std::vector<std::vector<std::uint64_t>>& lsns, std::uint64_t durable,
                     const std::vector<std::size_t>& acknowledged) const;

private:
    std::vector<std::vector<Row>> rows_by_thread(const std::vector<Row>& rows) const;
    struct Plan {
        std::string prefix;  // of its ids
        std::vector<Change> changes;
        std::vector<std::vector<Row>> rows;  // after none, one, two, ... of them
    };
    std::vector<Plan> plans_;
};

}  // namespace abikit::storage::test
