// Full-text indexes. The bytes are taken as an index that no checksum guards: whatever opens can be
// walked everywhere, and ends with what is there or kCorrupt.
#include "storage/fulltext/item_postings.hpp"
#include "storage/fulltext/part_search.hpp"
#include "storage/fulltext/text_index.hpp"
#include "storage_fuzz.hpp"

using namespace abikit;
using namespace abikit::storage;
using namespace abikit::storage::fulltext;
using abikit::storage::fuzz::require;

namespace {

constexpr std::size_t kMaxTerms = 200;

template <class T>
bool sound(const Result<T>& result) {
    require(result.has_value() || result.error().code() == Code::kCorrupt ||
            result.error().code() == Code::kIncompatible);
    return result.has_value();
}

void walk(const TextPart& part, const TermEntry& term) {
    PostingCursor cursor;
    if (!sound(cursor.open(part, term, Bm25(100, 1000), 1000.0F, PostingCursor::Positions::kYes))) {
        return;
    }
    std::vector<std::uint32_t> positions;
    std::uint32_t before = 0;
    for (bool first = true; cursor.row() != PostingCursor::kEnd; first = false) {
        require(cursor.row() < part.entry().rows && (first || cursor.row() > before));
        before = cursor.row();
        static_cast<void>(cursor.score());
        static_cast<void>(cursor.bound(before));
        static_cast<void>(cursor.positions(positions));
        if (before % 3 == 0) {
            cursor.advance(before + 40);
        } else {
            cursor.next();
        }
    }
}

void search(const TextPart& part, const char* text) {
    const auto query = TextQuery::parse(text);
    const Bm25 bm25(100, 1000);
    std::vector<ItemPostings> found;
    for (const TextQuery::Item& item : query->items()) {
        auto postings = find_item(part, item);
        if (!sound(postings)) {
            return;
        }
        found.push_back(*std::move(postings));
    }
    std::vector<WeightedItem> items;
    for (const ItemPostings& postings : found) {
        if (postings.documents() != 0) {
            items.push_back({&postings, 1000.0F});
        }
    }
    if (items.empty()) {
        return;
    }
    const RowTest all = [&](std::uint32_t row) {
        require(row < part.entry().rows);
        return true;
    };
    TopRows best(5);
    PartSearch parted{part, bm25, 0, all, best};
    sound(parted.any(items, {}));
    TopRows both(5);
    PartSearch conjunct{part, bm25, 0, all, both};
    sound(conjunct.all(items, {}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::uint64_t rows = 0;  // as the footer has it, so that it fits
    if (size >= sizeof rows) {
        std::memcpy(&rows, data + size - sizeof rows, sizeof rows);
    }
    const auto index = TextIndex::adopt(std::string(fuzz::text_of(data, size)), rows);
    if (!sound(index)) {
        return 0;
    }
    sound((*index)->audit());
    for (const TextPart& part : (*index)->parts()) {
        std::size_t terms = 0;
        sound(part.visit_prefix("", [&](std::string_view name, const TermEntry& term) -> Status {
            walk(part, term);
            sound(part.find(name));
            return ++terms < kMaxTerms ? Status() : fail(Code::kCorrupt, "enough");
        }));
        search(part, "the quick \"brown fox\" \"lazy do\"* w1*");
    }
    return 0;
}
