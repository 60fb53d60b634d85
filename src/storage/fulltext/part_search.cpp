// MaxScore (Turtle and Flood, "Query evaluation: strategies and optimizations", 1995) with bounds
// of blocks (Ding and Suel, "Faster top-k document retrieval using block-max indexes", 2011). Words
// whose bounds together cannot reach the k-th score are not walked, only looked up.
#include "part_search.hpp"

#include <algorithm>

namespace abikit::storage::fulltext {

namespace {
// What both searches share: the cursors, and the bounds that hold up to some row.
class Walk {
public:
    explicit Walk(PartSearch& search) : search_(search) {}

    Status open(std::span<const WeightedItem> items, std::span<const WeightedItem> excluded) {
        cursors_.resize(items.size());
        for (std::size_t i = 0; i < items.size(); ++i) {
            ABI_CHECK(
                items[i].postings->open(cursors_[i], search_.part, search_.bm25, items[i].weight));
        }
        excluded_.resize(excluded.size());
        for (std::size_t i = 0; i < excluded.size(); ++i) {
            ABI_CHECK(excluded[i].postings->open(excluded_[i], search_.part, search_.bm25, 0.0F));
        }
        bounds_before_.resize(items.size() + 1);
        return {};
    }
    Status finish() const {
        const auto bad = [](const PostingCursor& cursor) { return !cursor.ok(); };
        if (std::any_of(cursors_.begin(), cursors_.end(), bad) ||
            std::any_of(excluded_.begin(), excluded_.end(), bad)) {
            return fail(
                search_.part.bytes().damage(search_.part.entry().data_offset,
                                            "postings of the full-text index cannot be read"));
        }
        return {};
    }

protected:
    bool cannot_win(std::uint64_t bound) const noexcept {
        return static_cast<std::int64_t>(bound) <= search_.best.threshold();
    }
    // Bounds for `row` and those behind it, up to window_last_.
    void open_window(std::uint32_t row) noexcept {
        window_last_ = PostingCursor::kEnd;
        for (std::size_t i = 0; i < cursors_.size(); ++i) {
            const PostingCursor::Bound bound = cursors_[i].bound(row);
            window_last_ = std::min(window_last_, bound.last_row);
            bounds_before_[i + 1] = bounds_before_[i] + bound.score;
        }
    }
    void offer(std::uint64_t score, std::uint32_t row) {
        if (cannot_win(score) || !search_.allowed(row)) {
            return;
        }
        for (PostingCursor& cursor : excluded_) {
            cursor.advance(row);
            if (cursor.row() == row) {
                return;
            }
        }
        search_.best.offer(score, search_.first + row);
    }

    PartSearch& search_;
    std::vector<PostingCursor> cursors_, excluded_;
    std::uint32_t window_last_ = 0;
    bool window_open_ = false;
    std::vector<std::uint64_t> bounds_before_;  // in the window, of the cursors before each
};

class AnyWalk : public Walk {
public:
    using Walk::Walk;

    void run() {
        std::sort(cursors_.begin(), cursors_.end(),
                  [](const PostingCursor& a, const PostingCursor& b) {
                      return a.highest() < b.highest();
                  });
        while (raise_essential()) {
            const std::uint32_t row = lowest_row();
            if (row == PostingCursor::kEnd) {
                return;
            }
            if (!window_open_ || row > window_last_) {
                open_window(row);
                window_open_ = true;
            }
            if (!cannot_win(bounds_before_.back())) {
                evaluate(row);
            } else if (window_last_ == PostingCursor::kEnd) {
                return;
            } else {
                for (std::size_t i = essential_; i < cursors_.size(); ++i) {
                    cursors_[i].advance(window_last_ + 1);
                }
            }
        }
    }

private:
    // Cursors before essential_ cannot make a row win by themselves. False when none can.
    bool raise_essential() {
        while (essential_ < cursors_.size() &&
               cannot_win(not_essential_ + cursors_[essential_].highest())) {
            not_essential_ += cursors_[essential_].highest();
            ++essential_;
        }
        return essential_ < cursors_.size();
    }
    std::uint32_t lowest_row() const noexcept {
        std::uint32_t row = PostingCursor::kEnd;
        for (std::size_t i = essential_; i < cursors_.size(); ++i) {
            row = std::min(row, cursors_[i].row());
        }
        return row;
    }
    void evaluate(std::uint32_t row) {
        std::uint64_t score = 0;
        for (std::size_t i = essential_; i < cursors_.size(); ++i) {
            if (cursors_[i].row() == row) {
                score += cursors_[i].score();
                cursors_[i].next();
            }
        }
        for (std::size_t i = essential_; i-- > 0;) {
            if (cannot_win(score + bounds_before_[i + 1])) {
                return;
            }
            cursors_[i].advance(row);
            if (cursors_[i].row() == row) {
                score += cursors_[i].score();
            }
        }
        offer(score, row);
    }

    std::size_t essential_ = 0;
    std::uint64_t not_essential_ = 0;  // the bounds of those before, summed
};

class AllWalk : public Walk {
public:
    using Walk::Walk;

    // The first cursor leads: give the item of the fewest rows first.
    void run() {
        PostingCursor& lead = cursors_.front();
        while (lead.row() != PostingCursor::kEnd) {
            const std::uint32_t row = lead.row();
            if (!window_open_ || row > window_last_) {
                open_window(row);
                window_open_ = true;
            }
            if (cannot_win(bounds_before_.back())) {
                if (window_last_ == PostingCursor::kEnd) {
                    return;
                }
                lead.advance(window_last_ + 1);
            } else if (const std::uint32_t next = meet(row); next != row) {
                if (next == PostingCursor::kEnd) {
                    return;
                }
                lead.advance(next);
            } else {
                std::uint64_t score = 0;
                for (PostingCursor& cursor : cursors_) {
                    score += cursor.score();
                }
                offer(score, row);
                lead.next();
            }
        }
    }

private:
    // The row when all cursors stand on it, else the first row where they could meet.
    std::uint32_t meet(std::uint32_t row) noexcept {
        for (std::size_t i = 1; i < cursors_.size(); ++i) {
            cursors_[i].advance(row);
            if (cursors_[i].row() != row) {
                return cursors_[i].row();
            }
        }
        return row;
    }
};
}  // namespace

Status PartSearch::any(std::span<const WeightedItem> items,
                       std::span<const WeightedItem> excluded) {
    AnyWalk walk(*this);
    ABI_CHECK(walk.open(items, excluded));
    walk.run();
    return walk.finish();
}

Status PartSearch::all(std::span<const WeightedItem> items,
                       std::span<const WeightedItem> excluded) {
    std::vector<WeightedItem> ordered(items.begin(), items.end());
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const WeightedItem& a, const WeightedItem& b) {
                         return a.postings->documents() < b.postings->documents();
                     });
    AllWalk walk(*this);
    ABI_CHECK(walk.open(ordered, excluded));
    walk.run();
    return walk.finish();
}

}  // namespace abikit::storage::fulltext
