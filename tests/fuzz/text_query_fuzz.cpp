// Full-text queries on arbitrary bytes, and snippets of the same bytes. What parses has items with
// words in order; a snippet lies inside its text, and its marks inside it.
#include <abi/storage/text_search.hpp>
#include <abi/text/utf8.hpp>

#include "storage_fuzz.hpp"

using namespace abikit;
using namespace abikit::storage;
using abikit::storage::fuzz::require;

namespace {

void check_items(const TextQuery& query) {
    bool positive = false;
    for (const TextQuery::Item& item : query.items()) {
        require(!item.words.empty() && item.words.front().position == 0);
        positive = positive || !item.excluded;
        for (std::size_t i = 0; i < item.words.size(); ++i) {
            require(!item.words[i].bytes.empty() && item.words[i].bytes.size() <= 64);
            require(text::utf8_valid(item.words[i].bytes));
            require(!item.words[i].prefix || i + 1 == item.words.size());
            require(i == 0 || item.words[i].position > item.words[i - 1].position);
        }
    }
    require(positive);
}

void check_snippet(std::string_view text, const TextQuery& query, std::size_t bytes) {
    const auto snippet = make_snippet(text, query, {.max_bytes = bytes});
    require(snippet.has_value());
    require(text.find(snippet->text) != std::string_view::npos);
    require(snippet->cut_before || text.starts_with(snippet->text));
    require(snippet->cut_after || text.ends_with(snippet->text));
    require(!text::utf8_valid(text) || text::utf8_valid(snippet->text));
    std::size_t at = 0;
    for (const auto& [begin, end] : snippet->marks) {
        require(begin >= at && begin < end && end <= snippet->text.size());
        at = end;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = fuzz::text_of(data, size);
    const auto query = TextQuery::parse(text);
    if (query) {
        check_items(*query);
        check_snippet(text, *query, 40);
        check_snippet(text, *query, size);
    } else {
        require(query.error().code() == Code::kInvalidArgument ||
                query.error().code() == Code::kLimit);
    }
    if (const auto words = TextQuery::of_words(text)) {
        check_items(*words);
        check_snippet(text, *words, 10);
    } else {
        require(words.error().code() == Code::kInvalidArgument);
    }
    return 0;
}
