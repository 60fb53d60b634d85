// The words that full-text search compares: cut, folded, without accents, each with its place in
// the text. The scheme is part of the stored format (docs/formats/wdbx.md, "Words"): a change here
// needs a new scheme number.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "features.hpp"
#include "utf8_decode.hpp"

namespace abikit::text {

// The number of this scheme, stored with every index that was made by it.
inline constexpr std::uint32_t kSearchWordScheme = 1;

enum class SearchWordKind : std::uint8_t {
    kWord,
    kCharacter,  // one character of a script that puts no spaces between words
    kPair,       // two such characters that are neighbours
};

struct SearchWord {
    std::string_view bytes;      // folded, at most kMaxWordBytes; lives until the next word
    std::uint64_t hash = 0;      // of the bytes
    std::uint32_t position = 0;  // how many words stand before it; a pair counts as its first half
    std::size_t begin = 0;       // bytes of the text that it stands for
    std::size_t end = 0;
    SearchWordKind kind = SearchWordKind::kWord;
};

// Cuts texts into words. Keeps scratch memory between texts; single thread.
//
// A word is a run of letters, marks, digits and format characters (such as soft hyphens). It is
// folded as `fold` does, and loses its accents: combining marks of the blocks for Latin, Greek and
// Cyrillic, also those inside composed letters. Pieces longer than kMaxWordBytes are cut. Runs of
// scripts without spaces give each character, and each pair of neighbours.
class SearchWords {
public:
    // Calls visit(const SearchWord&) for each word of `text`, in order.
    template <class Visit>
    void visit(std::string_view text, Visit&& visit) {
        position_ = 0;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t begin = at;
            while (at < text.size() && lower(text[at]) != 0) {
                ++at;
            }
            if (at < text.size() && byte_at(text, at) >= 0x80) {
                at = run_end(text, at);
                if (at == begin) {
                    at += decode_utf8(text, at).bytes;
                } else {
                    visit_folded(text.substr(begin, at - begin), begin, visit);
                }
            } else if (at != begin) {
                visit_ascii(text.substr(begin, at - begin), begin, visit);
            } else {
                ++at;
            }
        }
    }

private:
    // The folded form of an ASCII letter or digit; 0 for anything else.
    static char lower(char byte) noexcept { return kLower[static_cast<std::uint8_t>(byte)]; }
    static constexpr std::array<char, 256> kLower = [] {
        std::array<char, 256> table{};
        for (char c = '0'; c <= '9'; ++c) {
            table[static_cast<std::size_t>(c)] = c;
        }
        for (char c = 'a'; c <= 'z'; ++c) {
            table[static_cast<std::size_t>(c)] = c;
            table[static_cast<std::size_t>(c - 'a' + 'A')] = c;
        }
        return table;
    }();

    // The end of the run of word characters that text[at] may go on with.
    static std::size_t run_end(std::string_view text, std::size_t at) noexcept;
    // Folds a run into folded_, strips its accents and fills origins_.
    void fold_run(std::string_view run);

    template <class Visit>
    void visit_ascii(std::string_view run, std::size_t begin, Visit& visit) {
        for (std::size_t at = 0; at < run.size(); at += kMaxWordBytes) {
            const std::string_view piece = run.substr(at, kMaxWordBytes);
            for (std::size_t i = 0; i < piece.size(); ++i) {
                word_[i] = lower(piece[i]);
            }
            const std::string_view bytes(word_.data(), piece.size());
            visit(SearchWord{bytes, hash_bytes(bytes, kWordSeed), position_++, begin + at,
                             begin + at + piece.size(), SearchWordKind::kWord});
        }
    }
    template <class Visit>
    void visit_folded(std::string_view run, std::size_t begin, Visit& visit) {
        fold_run(run);
        std::uint32_t next = position_;
        for_each_word(folded_, [&](const Word& word) {
            const auto from = static_cast<std::size_t>(word.bytes.data() - folded_.data());
            SearchWord found{word.bytes, word.hash,          next,
                             begin,      begin + run.size(), SearchWordKind::kWord};
            if (!word.has_ngrams) {
                const Utf8Step first = decode_utf8(word.bytes, 0);
                found.kind = first.bytes == word.bytes.size() ? SearchWordKind::kCharacter
                                                              : SearchWordKind::kPair;
            }
            // A pair comes behind its second character and has the position of its first.
            found.position = found.kind == SearchWordKind::kPair ? next - 2 : next++;
            if (!origins_.empty()) {
                found.begin = begin + origins_[from];
                found.end = begin + origins_[from + word.bytes.size()];
            }
            visit(found);
        });
        position_ = next;
    }

    std::uint32_t position_ = 0;
    std::array<char, kMaxWordBytes> word_;
    std::string folded_, stripped_;
    // For each byte of folded_, and its end: the byte of the run that its character came from.
    // Empty when characters do not correspond one to one.
    std::vector<std::uint32_t> origins_;
};

}  // namespace abikit::text
