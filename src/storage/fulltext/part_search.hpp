// Finds the best rows of one part without looking at those that cannot be among them.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "item_postings.hpp"
#include "top_rows.hpp"

namespace abikit::storage::fulltext {

// One item as it is searched for: its postings in this part, and what it weighs in all of them.
struct WeightedItem {
    const ItemPostings* postings = nullptr;
    float weight = 0;
};

// Whether a row of the part may be returned at all.
using RowTest = std::function<bool(std::uint32_t)>;

// The rows that a part adds to `best`. `first` is the number of its first row.
struct PartSearch {
    const TextPart& part;
    const Bm25& bm25;
    RowNumber first = 0;
    const RowTest& allowed;
    TopRows& best;

    // Rows with any of the items: block-max MaxScore.
    Status any(std::span<const WeightedItem> items, std::span<const WeightedItem> excluded);
    // Rows with all of them, none of which may be empty.
    Status all(std::span<const WeightedItem> items, std::span<const WeightedItem> excluded);
};

}  // namespace abikit::storage::fulltext
