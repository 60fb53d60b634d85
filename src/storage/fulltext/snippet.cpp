// Excerpts: where the items of a query stand in a text, and which stretch shows most of them.
#include <algorithm>
#include <set>

#include <abi/storage/text_search.hpp>
#include <abi/text/utf8.hpp>

#include "../../text/search_words.hpp"
#include "../guard.hpp"

namespace abikit::storage {

namespace {
struct Place {
    std::size_t begin = 0, end = 0;  // bytes of the text
    std::uint32_t position = 0;
};
struct Match {
    std::size_t begin = 0, end = 0;
    std::size_t item = 0;
};

// Where each word of each item stands, then which of them make a whole item.
class Finder {
public:
    explicit Finder(const TextQuery& query) : query_(query) {
        places_.resize(query.items().size());
        for (std::size_t i = 0; i < places_.size(); ++i) {
            places_[i].resize(query.items()[i].words.size());
        }
    }
    std::vector<Match> run(std::string_view text) {
        text::SearchWords cutter;
        cutter.visit(text, [&](const text::SearchWord& word) { note(word); });
        std::vector<Match> matches;
        for (std::size_t i = 0; i < places_.size(); ++i) {
            if (!query_.items()[i].excluded) {
                add_matches(i, matches);
            }
        }
        std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
            return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
        });
        return matches;
    }

private:
    void note(const text::SearchWord& found) {
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const auto& words = query_.items()[i].words;
            for (std::size_t j = 0; j < words.size(); ++j) {
                if (words[j].prefix ? found.bytes.starts_with(words[j].bytes)
                                    : found.bytes == words[j].bytes) {
                    places_[i][j].push_back({found.begin, found.end, found.position});
                }
            }
        }
    }
    // The place of a word at this position.
    static const Place* at(const std::vector<Place>& places, std::uint32_t position) {
        const auto found = std::lower_bound(
            places.begin(), places.end(), position,
            [](const Place& place, std::uint32_t wanted) { return place.position < wanted; });
        return found != places.end() && found->position == position ? &*found : nullptr;
    }
    void add_matches(std::size_t item, std::vector<Match>& matches) const {
        const auto& words = query_.items()[item].words;
        for (const Place& start : places_[item].front()) {
            Match match{start.begin, start.end, item};
            bool whole = true;
            for (std::size_t j = 1; whole && j < words.size(); ++j) {
                const Place* const next =
                    at(places_[item][j], start.position + words[j].position - words[0].position);
                whole = next != nullptr;
                match.end = whole ? std::max(match.end, next->end) : match.end;
            }
            if (whole) {
                matches.push_back(match);
            }
        }
    }

    const TextQuery& query_;
    std::vector<std::vector<std::vector<Place>>> places_;  // by item, by word
};

// The matches [first, last) that fit into `room` bytes and show most different items, then most.
std::pair<std::size_t, std::size_t> best_stretch(const std::vector<Match>& matches,
                                                 std::size_t room) {
    std::pair<std::size_t, std::size_t> best{0, 0}, best_value{0, 0};
    std::vector<std::size_t> counts;
    std::size_t different = 0, last = 0;
    for (std::size_t first = 0; first < matches.size(); ++first) {
        for (; last < matches.size() &&
               (last == first || matches[last].end <= matches[first].begin + room);
             ++last) {
            counts.resize(std::max(counts.size(), matches[last].item + 1));
            different += counts[matches[last].item]++ == 0 ? 1U : 0U;
        }
        if (const std::pair value{different, last - first}; value > best_value) {
            best_value = value;
            best = {first, last};
        }
        different -= --counts[matches[first].item] == 0 ? 1U : 0U;
    }
    return best;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Moves a cut to the nearest white space ahead of it that is not beyond `limit`, else to the
// beginning of a character.
std::size_t cut_forward(std::string_view text, std::size_t at, std::size_t limit) {
    for (std::size_t i = at; i < limit; ++i) {
        if (is_blank(text[i])) {
            return i + 1;
        }
    }
    while (at < limit && !text::starts_code_point(text[at])) {
        ++at;
    }
    return at;
}
std::size_t cut_backward(std::string_view text, std::size_t at, std::size_t limit) {
    for (std::size_t i = at; i > limit; --i) {
        if (is_blank(text[i - 1])) {
            return i - 1;
        }
    }
    while (at > limit && at < text.size() && !text::starts_code_point(text[at])) {
        --at;
    }
    return at;
}
}  // namespace

Result<Snippet> make_snippet(std::string_view text, const TextQuery& query,
                             const SnippetOptions& options) {
    return guarded([&]() -> Result<Snippet> {
        const std::vector<Match> matches = Finder(query).run(text);
        const auto [first, last] = best_stretch(matches, options.max_bytes);
        std::size_t inner_begin = 0, inner_end = 0;
        if (first != last) {
            inner_begin = inner_end = matches[first].begin;
            for (std::size_t i = first; i < last; ++i) {
                inner_end = std::max(inner_end, matches[i].end);
            }
        }
        const std::size_t inner = inner_end - inner_begin;
        const std::size_t room = options.max_bytes > inner ? options.max_bytes - inner : 0;
        // What is left is shared out to both sides; what one side has no use for goes to the other.
        const std::size_t behind = text.size() - inner_end;
        const std::size_t before =
            std::min(inner_begin, std::max(room / 2, room - std::min(room, behind)));
        const std::size_t after = std::min(behind, room - std::min(room, before));
        std::size_t begin = inner_begin - before, end = inner_end + after;
        begin = begin == 0 ? 0 : cut_forward(text, begin, inner_begin);
        end = end == text.size() ? end : cut_backward(text, end, inner_end);
        Snippet snippet;
        snippet.text = text.substr(begin, end - begin);
        snippet.cut_before = begin != 0;
        snippet.cut_after = end != text.size();
        for (const Match& match : matches) {
            if (match.begin < begin || match.end > end) {
                continue;
            }
            const std::size_t from = match.begin - begin, to = match.end - begin;
            if (!snippet.marks.empty() && from <= snippet.marks.back().second) {
                snippet.marks.back().second = std::max(snippet.marks.back().second, to);
            } else {
                snippet.marks.emplace_back(from, to);
            }
        }
        return snippet;
    });
}

}  // namespace abikit::storage
