// Counts the distinct words of a text in an open-addressing table.
#include "word_set.hpp"

#include <algorithm>
#include <bit>

#include <abi/text/utf8.hpp>

namespace abikit::text {
namespace {

constexpr std::size_t kMinSlots = 256;
constexpr std::size_t kBytesPerSlot = 8;  // a first guess; grow() corrects it

}  // namespace

void WordSet::fill(std::string_view text) {
    fold_into(text, folded_);
    words_.clear();
    slots_.assign(std::bit_ceil(std::max(kMinSlots, folded_.size() / kBytesPerSlot)), 0);
    for_each_word(folded_, [this](const Word& word) { count(word); });
}

void WordSet::count(const Word& word) {
    if (2 * words_.size() >= slots_.size()) {
        grow();
    }
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = word.hash & mask;
    while (slots_[at] != 0) {
        CountedWord& known = words_[slots_[at] - 1];
        if (known.word.hash == word.hash) {
            ++known.count;
            return;
        }
        at = (at + 1) & mask;
    }
    words_.push_back({.word = word, .count = 1});
    slots_[at] = static_cast<std::uint32_t>(words_.size());
}

void WordSet::grow() {
    slots_.assign(slots_.size() * 2, 0);
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t index = 0; index < words_.size(); ++index) {
        std::size_t at = words_[index].word.hash & mask;
        while (slots_[at] != 0) {
            at = (at + 1) & mask;
        }
        slots_[at] = static_cast<std::uint32_t>(index + 1);
    }
}

}  // namespace abikit::text
