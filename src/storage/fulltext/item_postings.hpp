// What one item of a query finds in one part: the postings of its word as they are stored, or, for
// beginnings and phrases, a list gathered from those of several words.
#pragma once

#include <cstdint>
#include <optional>

#include <abi/storage/text_search.hpp>

#include "posting_cursor.hpp"

namespace abikit::storage::fulltext {

struct ItemPostings {
    std::optional<TermEntry> term;
    PostingList list;  // when there is no term

    std::uint32_t documents() const noexcept {
        return term ? term->documents : static_cast<std::uint32_t>(list.rows.size());
    }
    Status open(PostingCursor& cursor, const TextPart& part, const Bm25& bm25, float weight) const {
        if (term) {
            return cursor.open(part, *term, bm25, weight);
        }
        cursor.open(part, list, bm25, weight);
        return {};
    }
};

Result<ItemPostings> find_item(const TextPart& part, const TextQuery::Item& item);

}  // namespace abikit::storage::fulltext
