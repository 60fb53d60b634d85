// The distinct words of one text with their counts; scratch that is reused from text to text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "features.hpp"

namespace abikit::text {

struct CountedWord {
    Word word;  // points into the set's folded text
    std::uint32_t count = 0;
};

// Words in the order of their first appearance. Refilling reuses the memory of earlier texts.
class WordSet {
public:
    // Folds `text` and counts its words.
    void fill(std::string_view text);
    const std::vector<CountedWord>& words() const noexcept { return words_; }

private:
    void count(const Word& word);
    void grow();

    std::string folded_;
    std::vector<CountedWord> words_;
    std::vector<std::uint32_t> slots_;  // 1 + index into words_; 0: free; a power of two of them
};

}  // namespace abikit::text
