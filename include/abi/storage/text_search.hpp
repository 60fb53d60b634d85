// Full-text search: what is asked for, how it is ranked, and the lines of a text that answer.
// Snapshot::search_text in snapshot.hpp
// runs it; search_hybrid adds the rows nearest to a vector.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <abi/core/export.h>
#include <abi/core/error.hpp>
#include <abi/storage/snapshot.hpp>

namespace abikit::storage {

// What to look for. Immutable once made; cheap to move.
//
// Words are compared without case and accents: runs of letters, marks and digits, folded as Unicode
// tells (NFKC_Casefold) and stripped of the accents of Latin, Greek and Cyrillic letters. Scripts
// that put no spaces between words are compared by pairs of characters.
class ABI_API TextQuery {
public:
    struct Word {
        std::string bytes;           // folded
        std::uint32_t position = 0;  // within its item
        bool prefix = false;         // any word that begins so
    };
    // Several words are a phrase: they stand in this order with nothing between them.
    struct Item {
        std::vector<Word> words;
        bool excluded = false;
    };

    // Words, "phrases in quotation marks", beginnings of words as in data*, and -exclusions of any
    // of them, with white space between. What holds several words without white space, such as
    // well-known, is a phrase. A repeated item counts once. kInvalidArgument tells at which
    // character a query goes wrong, or that it has no word to look for.
    static Result<TextQuery> parse(std::string_view query);
    // Plain text: each word of it counts, and no character has a meaning of its own.
    static Result<TextQuery> of_words(std::string_view text);

    const std::vector<Item>& items() const noexcept { return items_; }

private:
    std::vector<Item> items_;
};

enum class TextMatch {
    kAny,  // rows with at least one of the items
    kAll,  // rows with every one
};

struct TextSearchOptions {
    std::size_t k = 10;  // at least 1
    TextMatch match = TextMatch::kAny;
    // Borrowed for the call; with both a hit has to be in both.
    const Filter* filter = nullptr;  // only rows that match
    const RowSet* rows = nullptr;    // only these rows, of the same snapshot
};

struct TextHit {
    RowNumber row = 0;
    double score = 0;
};

struct TextSearchResult {
    std::vector<TextHit> hits;
    // What a person should know: segments whose index could not be used, so that their texts were
    // read instead. Empty in the ordinary case.
    std::vector<std::string> notes;
};

// How the ranks of a full-text and a vector search become one.
enum class FusionMethod {
    // The sum of 2 w / (c + rank) over both, ranks from 1 (Cormack, Clarke and Buettcher, SIGIR
    // 2009). w is text_weight for the text and 1 - text_weight for the vector, c is rank_constant.
    kReciprocalRank,
    // The sum of w times a score from 0 to 1: a text's share of the best one's score; a vector's
    // distance, 1 for the nearest candidate and 0 for the farthest.
    kWeighted,
};
struct FusionOptions {
    FusionMethod method = FusionMethod::kReciprocalRank;
    double rank_constant = 60;  // above 0
    double text_weight = 0.5;   // 0 to 1
};
struct FusedHit {
    RowNumber row = 0;
    double score = 0;
    // From 1; absent when the row was not among the candidates of that search.
    std::optional<std::size_t> text_rank = {}, vector_rank = {};
    std::optional<double> text_score = {};
    std::optional<float> distance = {};
};
// The k best rows of two results of one snapshot, best first (ties by insertion). kInvalidArgument
// for impossible options.
ABI_API Result<std::vector<FusedHit>> fuse(std::span<const TextHit> texts,
                                           std::span<const Hit> vectors, std::size_t k,
                                           const FusionOptions& options = {});

struct HybridOptions {
    TextSearchOptions text = {};  // its k is that of the result; its filter and rows hold for both
    SearchOptions vector = {};    // its k, filter and rows are not looked at
    FusionOptions fusion = {};
    // How many hits of each search are fused; 0: ten times k, at least 100.
    std::size_t candidates = 0;
};
struct HybridResult {
    std::vector<FusedHit> hits;
    std::vector<std::string> notes;  // as in TextSearchResult
};
// Both searches of one snapshot, fused. The vector has the collection's dimension.
ABI_API Result<HybridResult> search_hybrid(const Context& context, const Snapshot& snapshot,
                                           const TextQuery& query, std::span<const float> vector,
                                           const HybridOptions& options);

// How the excerpt of a text is cut.
struct SnippetOptions {
    std::size_t max_bytes = 160;  // about: never within a word or a character
};

// An excerpt of a text.
struct Snippet {
    std::string text;
    std::vector<std::pair<std::size_t, std::size_t>> marks;  // byte ranges of it that were found
    bool cut_before = false, cut_after = false;
};

// The stretch of `text` where most different items of the query stand; its beginning when none
// does. Thread-safe. Linear in the text.
ABI_API Result<Snippet> make_snippet(std::string_view text, const TextQuery& query,
                                     const SnippetOptions& options = {});

}  // namespace abikit::storage
