// The query language: items between white space, and what their marks mean.
#include <algorithm>

#include <fmt/format.h>

#include <abi/storage/text_search.hpp>
#include <abi/text/utf8.hpp>

#include "../../text/search_words.hpp"
#include "../guard.hpp"

namespace abikit::storage {

namespace {
constexpr std::size_t kMaxItems = 1024;
constexpr std::size_t kMaxPhraseWords = 1024;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

// The character, counted from 1, that starts at this byte.
std::size_t character_at(std::string_view query, std::size_t byte) {
    return 1 + static_cast<std::size_t>(
                   std::count_if(query.begin(), query.begin() + static_cast<std::ptrdiff_t>(byte),
                                 [](char c) { return text::starts_code_point(c); }));
}

// The words of one item. Of unspaced scripts the pairs, and single characters where they stand
// alone: a pair says more than its two halves.
std::vector<TextQuery::Word> words_of(text::SearchWords& cutter, std::string_view text) {
    struct Found {
        TextQuery::Word word;
        text::SearchWordKind kind;
    };
    std::vector<Found> found;
    cutter.visit(text, [&](const text::SearchWord& word) {
        found.push_back({{std::string(word.bytes), word.position, false}, word.kind});
    });
    std::vector<TextQuery::Word> words;
    for (std::size_t i = 0; i < found.size(); ++i) {
        // A pair comes right behind its second character, and has the position of its first.
        const auto pair_at = [&](std::size_t at, std::uint32_t position) {
            return at < found.size() && found[at].kind == text::SearchWordKind::kPair &&
                   found[at].word.position == position;
        };
        const std::uint32_t position = found[i].word.position;
        const bool drop = found[i].kind == text::SearchWordKind::kCharacter &&
                          (pair_at(i + 1, position - 1) || pair_at(i + 2, position));
        if (!drop) {
            words.push_back(std::move(found[i].word));
        }
    }
    return words;
}

bool same(const TextQuery::Item& a, const TextQuery::Item& b) {
    return a.excluded == b.excluded &&
           std::equal(a.words.begin(), a.words.end(), b.words.begin(), b.words.end(),
                      [](const TextQuery::Word& x, const TextQuery::Word& y) {
                          return x.bytes == y.bytes && x.prefix == y.prefix &&
                                 x.position == y.position;
                      });
}

class Parser {
public:
    Parser(std::string_view query, std::vector<TextQuery::Item>& items)
        : query_(query), items_(items) {}

    Status run() {
        ABI_CHECK(check_text());
        while (skip_blanks()) {
            const std::size_t start = at_;
            const bool excluded = query_[at_] == '-';
            at_ += excluded ? 1 : 0;
            if (at_ < query_.size() && query_[at_] == '"') {
                ABI_CHECK(phrase(start, excluded));
            } else {
                bare(excluded);
            }
            if (items_.size() > kMaxItems) {
                return fail(Code::kLimit, fmt::format("a query has at most {} items", kMaxItems));
            }
        }
        return check_sense();
    }
    Status run_plain() {
        ABI_CHECK(check_text());
        for (TextQuery::Word& word : words_of(cutter_, query_)) {
            word.position = 0;
            if (items_.size() < kMaxItems) {
                TextQuery::Item item;
                item.words.push_back(std::move(word));
                add(std::move(item));
            }
        }
        return check_sense();
    }

private:
    Status check_text() const {
        const std::size_t valid = text::utf8_valid_prefix(query_);
        return valid == query_.size()
                   ? Status()
                   : fail(Code::kInvalidArgument,
                          fmt::format("the query is not valid UTF-8 at byte {}", valid));
    }
    Status check_sense() const {
        if (std::any_of(items_.begin(), items_.end(),
                        [](const TextQuery::Item& item) { return !item.excluded; })) {
            return {};
        }
        return items_.empty()
                   ? fail(Code::kInvalidArgument, "the query has no word to look for",
                          "words are made of letters and digits")
                   : fail(Code::kInvalidArgument, "the query only says what to leave out",
                          "add a word, a \"phrase\" or a beginning* to look for");
    }
    bool skip_blanks() {
        while (at_ < query_.size() && is_blank(query_[at_])) {
            ++at_;
        }
        return at_ < query_.size();
    }
    void add(TextQuery::Item&& item) {
        const bool known = std::any_of(items_.begin(), items_.end(),
                                       [&](const auto& other) { return same(item, other); });
        if (!item.words.empty() && !known) {
            items_.push_back(std::move(item));
        }
    }
    // An item's text without its marks; a star behind it makes its last word a beginning.
    void item(std::string_view text, bool excluded, bool prefix) {
        TextQuery::Item item{words_of(cutter_, text), excluded};
        if (prefix && !item.words.empty()) {
            item.words.back().prefix = true;
        }
        add(std::move(item));
    }
    void bare(bool excluded) {
        const std::size_t begin = at_;
        while (at_ < query_.size() && !is_blank(query_[at_]) && query_[at_] != '"') {
            ++at_;
        }
        const std::string_view text = query_.substr(begin, at_ - begin);
        item(text, excluded, text.ends_with('*'));
    }
    Status phrase(std::size_t start, bool excluded) {
        const std::size_t begin = ++at_;
        at_ = query_.find('"', begin);
        if (at_ == std::string_view::npos) {
            return fail(Code::kInvalidArgument,
                        fmt::format("the query goes wrong at character {}: the quotation mark is "
                                    "never closed",
                                    character_at(query_, begin - 1)),
                        "close the phrase with another \"");
        }
        const std::string_view text = query_.substr(begin, at_ - begin);
        ++at_;
        const bool star = at_ < query_.size() && query_[at_] == '*';
        at_ += star ? 1 : 0;
        const std::size_t before = items_.size();
        item(text, excluded, star || text.ends_with('*'));
        if (items_.size() != before && items_.back().words.size() > kMaxPhraseWords) {
            return fail(Code::kLimit,
                        fmt::format("the phrase at character {} has more than {} words",
                                    character_at(query_, start), kMaxPhraseWords));
        }
        return {};
    }

    std::string_view query_;
    std::vector<TextQuery::Item>& items_;
    text::SearchWords cutter_;
    std::size_t at_ = 0;
};
}  // namespace

Result<TextQuery> TextQuery::parse(std::string_view query) {
    return guarded([&]() -> Result<TextQuery> {
        TextQuery parsed;
        ABI_CHECK(Parser(query, parsed.items_).run());
        return parsed;
    });
}

Result<TextQuery> TextQuery::of_words(std::string_view text) {
    return guarded([&]() -> Result<TextQuery> {
        TextQuery parsed;
        ABI_CHECK(Parser(text, parsed.items_).run_plain());
        return parsed;
    });
}

}  // namespace abikit::storage
