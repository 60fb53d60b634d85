// The k best rows so far.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <abi/storage/text_search.hpp>

namespace abikit::storage::fulltext {

struct ScoredRow {
    std::uint64_t score = 0;
    RowNumber row = 0;
    // Whether it comes first: higher scores do, then earlier rows.
    friend bool operator<(const ScoredRow& a, const ScoredRow& b) {
        return a.score != b.score ? a.score > b.score : a.row < b.row;
    }
};

// Rows must be offered in ascending order: a later one of the same score never displaces another.
class TopRows {
public:
    explicit TopRows(std::size_t k) : k_(k) {}

    // Only rows that score more than this are taken; -1 while there is room.
    std::int64_t threshold() const noexcept { return threshold_; }
    void offer(std::uint64_t score, RowNumber row) {
        if (static_cast<std::int64_t>(score) <= threshold_) {
            return;
        }
        if (heap_.size() == k_) {
            std::pop_heap(heap_.begin(), heap_.end());
            heap_.pop_back();
        }
        heap_.push_back({score, row});
        std::push_heap(heap_.begin(), heap_.end());
        if (heap_.size() == k_) {
            threshold_ = static_cast<std::int64_t>(heap_.front().score);
        }
    }
    std::vector<ScoredRow> take_sorted() {
        std::sort(heap_.begin(), heap_.end());
        return std::move(heap_);
    }

private:
    std::size_t k_;
    std::int64_t threshold_ = -1;
    std::vector<ScoredRow> heap_;  // the worst in front
};

}  // namespace abikit::storage::fulltext
