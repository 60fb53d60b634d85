// Merging the rows of all words that begin alike; intersecting the words of a phrase, the rarest
// first.
#include "item_postings.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace abikit::storage::fulltext {

namespace {
using Terms = std::vector<TermEntry>;

Result<Terms> terms_of(const TextPart& part, const TextQuery::Word& word) {
    Terms terms;
    if (word.prefix) {
        ABI_CHECK(part.visit_prefix(word.bytes, [&](std::string_view, const TermEntry& term) {
            terms.push_back(term);
            return Status();
        }));
    } else {
        ABI_TRY(const auto term, part.find(word.bytes));
        if (term) {
            terms.push_back(*term);
        }
    }
    return terms;
}

std::uint64_t postings_of(const Terms& terms) {
    return std::accumulate(
        terms.begin(), terms.end(), std::uint64_t{0},
        [](std::uint64_t sum, const TermEntry& term) { return sum + term.documents; });
}

Status unreadable(const TextPart& part, const TermEntry& term) {
    return fail(part.bytes().damage(term.offset, "postings of the full-text index cannot be read"));
}

// The rows of any of the terms, their frequencies summed.
Result<PostingList> unite(const TextPart& part, const Terms& terms) {
    std::vector<std::uint32_t> sums;  // of each row; empty while there are few
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    const bool many = postings_of(terms) > part.entry().rows / 16;
    if (many) {
        sums.resize(part.entry().rows);
    }
    PostingCursor cursor;
    for (const TermEntry& term : terms) {
        ABI_CHECK(cursor.open(part, term, Bm25(), 1.0F));
        for (; cursor.row() != PostingCursor::kEnd; cursor.next()) {
            if (many) {
                sums[cursor.row()] += cursor.frequency();
            } else {
                pairs.emplace_back(cursor.row(), cursor.frequency());
            }
        }
        if (!cursor.ok()) {
            ABI_CHECK(unreadable(part, term));
        }
    }
    PostingList list;
    for (std::uint32_t row = 0; row < sums.size(); ++row) {
        if (sums[row] != 0) {
            list.rows.push_back(row);
            list.frequencies.push_back(sums[row]);
        }
    }
    std::sort(pairs.begin(), pairs.end());
    for (const auto& [row, frequency] : pairs) {
        if (list.rows.empty() || list.rows.back() != row) {
            list.rows.push_back(row);
            list.frequencies.push_back(0);
        }
        list.frequencies.back() += frequency;
    }
    return list;
}

// Where a phrase may begin.
struct Start {
    std::uint32_t row = 0, position = 0;
    bool kept = false;
    friend bool operator<(const Start& a, const Start& b) {
        return std::pair(a.row, a.position) < std::pair(b.row, b.position);
    }
};

// Every place of these terms, `before` words back.
Result<std::vector<Start>> starts_of(const TextPart& part, const Terms& terms,
                                     std::uint32_t before) {
    std::vector<Start> starts;
    std::vector<std::uint32_t> positions;
    PostingCursor cursor;
    for (const TermEntry& term : terms) {
        ABI_CHECK(cursor.open(part, term, Bm25(), 1.0F, PostingCursor::Positions::kYes));
        for (; cursor.row() != PostingCursor::kEnd; cursor.next()) {
            if (!cursor.positions(positions)) {
                break;
            }
            for (const std::uint32_t position : positions) {
                if (position >= before) {
                    starts.push_back({cursor.row(), position - before});
                }
            }
        }
        if (!cursor.ok()) {
            ABI_CHECK(unreadable(part, term));
        }
    }
    if (terms.size() > 1) {
        std::sort(starts.begin(), starts.end());
    }
    return starts;
}

// Marks the starts that have `term` at their distance.
Status keep_with(const TextPart& part, const TermEntry& term, std::uint32_t distance,
                 std::vector<Start>& starts) {
    std::vector<std::uint32_t> positions;
    PostingCursor cursor;
    ABI_CHECK(cursor.open(part, term, Bm25(), 1.0F, PostingCursor::Positions::kYes));
    for (auto at = starts.begin(); at != starts.end();) {
        const std::uint32_t row = at->row;
        const auto end =
            std::find_if(at, starts.end(), [row](const Start& start) { return start.row != row; });
        cursor.advance(row);
        if (cursor.row() == row && cursor.positions(positions)) {
            for (; at != end; ++at) {
                const std::uint64_t wanted = std::uint64_t{at->position} + distance;
                at->kept = at->kept || (wanted < PostingCursor::kEnd &&
                                        std::binary_search(positions.begin(), positions.end(),
                                                           static_cast<std::uint32_t>(wanted)));
            }
        }
        at = end;
    }
    return cursor.ok() ? Status() : unreadable(part, term);
}

Result<PostingList> intersect(const TextPart& part, const TextQuery::Item& item) {
    std::vector<Terms> terms;
    std::vector<std::size_t> order;
    for (const TextQuery::Word& word : item.words) {
        order.push_back(terms.size());
        ABI_TRY(terms.emplace_back(), terms_of(part, word));
        if (terms.back().empty()) {
            return PostingList();
        }
    }
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::pair(postings_of(terms[a]), a) < std::pair(postings_of(terms[b]), b);
    });
    ABI_TRY(std::vector<Start> starts,
            starts_of(part, terms[order[0]], item.words[order[0]].position));
    for (std::size_t i = 1; i < order.size(); ++i) {
        for (const TermEntry& term : terms[order[i]]) {
            ABI_CHECK(keep_with(part, term, item.words[order[i]].position, starts));
        }
        std::erase_if(starts, [](const Start& start) { return !start.kept; });
        for (Start& start : starts) {
            start.kept = false;
        }
    }
    PostingList list;
    for (const Start& start : starts) {
        if (list.rows.empty() || list.rows.back() != start.row) {
            list.rows.push_back(start.row);
            list.frequencies.push_back(0);
        }
        ++list.frequencies.back();
    }
    return list;
}
}  // namespace

Result<ItemPostings> find_item(const TextPart& part, const TextQuery::Item& item) {
    ItemPostings found;
    if (item.words.size() > 1) {
        ABI_TRY(found.list, intersect(part, item));
        return found;
    }
    const TextQuery::Word& word = item.words.front();
    if (!word.prefix) {
        ABI_TRY(found.term, part.find(word.bytes));
        return found;
    }
    ABI_TRY(const Terms terms, terms_of(part, word));
    if (terms.size() == 1) {
        found.term = terms.front();
    } else {
        ABI_TRY(found.list, unite(part, terms));
    }
    return found;
}

}  // namespace abikit::storage::fulltext
