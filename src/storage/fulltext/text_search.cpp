// Full-text search of a snapshot: what the items find everywhere, what they weigh therefore, and
// the best rows of each part in turn.
#include <algorithm>
#include <optional>

#include <abi/storage/row_set.hpp>
#include <abi/storage/snapshot.hpp>
#include <abi/storage/text_search.hpp>

#include "../guard.hpp"
#include "../state.hpp"
#include "part_search.hpp"
#include "text_units.hpp"

namespace abikit::storage {

namespace {
using namespace fulltext;

class Search {
public:
    // `matching`: the rows of the filter; null without one.
    Search(const Context& context, const TextQuery& query, const TextSearchOptions& options,
           const RowSet* matching, std::vector<TextUnit>& units)
        : context_(context),
          query_(query),
          options_(options),
          matching_(matching),
          units_(units),
          best_(options.k),
          documents_(query.items().size()) {}

    // An error of a unit sets `failed` to it.
    Status run(TextUnit*& failed) {
        ABI_CHECK(gather(failed));
        weigh();
        for (Part& part : parts_) {
            failed = part.unit;
            ABI_CHECK(search(part));
        }
        failed = nullptr;
        return {};
    }
    std::vector<TextHit> hits() {
        std::vector<TextHit> hits;
        for (const ScoredRow& found : best_.take_sorted()) {
            hits.push_back({found.row, static_cast<double>(found.score) / kScoreUnit});
        }
        return hits;
    }

private:
    struct Part {
        TextUnit* unit;
        const TextPart* part;
        std::vector<ItemPostings> items;  // as in the query
    };

    Status gather(TextUnit*& failed) {
        for (TextUnit& unit : units_) {
            failed = &unit;
            all_documents_ += unit.index->documents();
            all_words_ += unit.index->words();
            for (const TextPart& part : unit.index->parts()) {
                ABI_CHECK(context_.cancel.check());
                Part& gathered = parts_.emplace_back(Part{&unit, &part, {}});
                for (std::size_t i = 0; i < documents_.size(); ++i) {
                    ABI_TRY(ItemPostings found, find_item(part, query_.items()[i]));
                    documents_[i] += found.documents();
                    gathered.items.push_back(std::move(found));
                }
            }
        }
        failed = nullptr;
        return {};
    }

    void weigh() {
        bm25_ = Bm25(all_documents_, all_words_);
        for (const std::uint64_t documents : documents_) {
            weights_.push_back(bm25_.weight(documents));
        }
    }

    Status search(const Part& part) {
        ABI_CHECK(context_.cancel.check());
        std::vector<WeightedItem> items, excluded;
        bool missing = false;
        for (std::size_t i = 0; i < part.items.size(); ++i) {
            const WeightedItem item{&part.items[i], weights_[i]};
            if (part.items[i].documents() == 0) {
                missing = missing || !query_.items()[i].excluded;
            } else {
                (query_.items()[i].excluded ? excluded : items).push_back(item);
            }
        }
        const bool all = options_.match == TextMatch::kAll;
        if (items.empty() || (all && missing)) {
            return {};
        }
        const RowNumber first = part.unit->first + part.part->entry().first_row;
        const RowTest allowed = [&](std::uint32_t row) {
            return !part.unit->dead(part.part->entry().first_row + row) &&
                   (options_.rows == nullptr || options_.rows->contains(first + row)) &&
                   (matching_ == nullptr || matching_->contains(first + row));
        };
        PartSearch search{*part.part, bm25_, first, allowed, best_};
        return all ? search.all(items, excluded) : search.any(items, excluded);
    }

    const Context& context_;
    const TextQuery& query_;
    const TextSearchOptions& options_;
    const RowSet* matching_;
    std::vector<TextUnit>& units_;
    TopRows best_;
    std::vector<Part> parts_;
    std::uint64_t all_documents_ = 0, all_words_ = 0;
    std::vector<std::uint64_t> documents_;  // that have each item
    std::vector<float> weights_;
    Bm25 bm25_;
};

// Damage of a segment's index is mended in memory, and the search begins again: its counts go into
// every score.
Result<std::vector<TextHit>> search_units(const Context& context, const TextQuery& query,
                                          const TextSearchOptions& options, const RowSet* matching,
                                          std::vector<TextUnit>& units) {
    while (true) {
        Search search(context, query, options, matching, units);
        TextUnit* failed = nullptr;
        Status status = search.run(failed);
        if (status) {
            return search.hits();
        }
        const bool mendable = status.error().code() == Code::kCorrupt && failed != nullptr &&
                              failed->segment != nullptr && failed->note.empty();
        if (!mendable) {
            return fail(std::move(status).error());
        }
        ABI_CHECK(failed->rebuild(context, status.error()));
    }
}
}  // namespace

Result<TextSearchResult> Snapshot::search_text(const Context& context, const TextQuery& query,
                                               const TextSearchOptions& options) const {
    return guarded([&]() -> Result<TextSearchResult> {
        const TraceSpan span(context.trace, "storage", "text_search");
        if (options.k == 0) {
            return fail(Code::kInvalidArgument, "k must be at least 1");
        }
        TextSearchResult result;
        std::optional<RowSet> matching;
        if (options.filter != nullptr) {
            ABI_TRY(matching, match(context, *options.filter));
        }
        ABI_TRY(std::vector<TextUnit> units, text_units(context, *state_));
        ABI_TRY(result.hits,
                search_units(context, query, options, matching ? &*matching : nullptr, units));
        for (TextUnit& unit : units) {
            if (!unit.note.empty()) {
                result.notes.push_back(std::move(unit.note));
            }
        }
        return result;
    });
}

}  // namespace abikit::storage
