// What a reading handle takes down about each change while it follows a writer, for watch.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <abi/storage/watch.hpp>

#include "state.hpp"

namespace abikit::storage {

// Single thread. Changes become final when the state that holds them is published: work that fails
// half-way is done again, and its changes are told once.
class WatchNotes {
public:
    // Commits up to this number are known, and are not told.
    explicit WatchNotes(std::uint64_t seen) : seen_(seen) {}

    std::uint64_t seen() const noexcept { return seen_; }
    // The commit that the following changes belong to.
    void begin(std::uint64_t lsn, std::int64_t time_ns) {
        lsn_ = lsn;
        time_ns_ = time_ns;
    }
    void add(ChangeKind kind, const std::string& collection, std::string_view id) {
        if (lsn_ > seen_) {
            pending_.push_back({kind, lsn_, time_ns_, collection, std::string(id)});
        }
    }
    // What there is to tell between two states: collections that came and went; and rows, where
    // there were commits in between that cannot be read any more. `now` is of the commit begun.
    Status compare(const DatabaseState& before, const DatabaseState& now);

    void drop_pending() noexcept { pending_.clear(); }
    void settle(std::uint64_t lsn) {
        for (Change& change : pending_) {
            ready_.push_back(std::move(change));
        }
        pending_.clear();
        seen_ = lsn;
    }
    std::vector<Change> take() { return std::exchange(ready_, {}); }

private:
    Status compare_rows(const State& before, const State& now);

    std::uint64_t seen_;
    std::uint64_t lsn_ = 0;
    std::int64_t time_ns_ = 0;
    std::vector<Change> pending_, ready_;
};

}  // namespace abikit::storage
