// Which characters make words. The scheme is described in docs/formats/hash-embedder.md.
#include "features.hpp"

#include <algorithm>
#include <array>

#include <utf8proc.h>

namespace abikit::text {
namespace {

struct Range {
    char32_t first;
    char32_t last;
};

// Scripts whose words are not set apart by spaces, and Hangul, whose particles stick to the words
// they follow. Sorted.
constexpr std::array kUnspaced{
    Range{0x0E00, 0x0EFF},    // Thai, Lao
    Range{0x0F00, 0x109F},    // Tibetan, Myanmar
    Range{0x1100, 0x11FF},    // Hangul Jamo
    Range{0x1780, 0x17FF},    // Khmer
    Range{0x2E80, 0x2FDF},    // CJK and Kangxi radicals
    Range{0x3005, 0x3007},    // ideographic iteration mark, closing mark, zero
    Range{0x3021, 0x3029},    // Hangzhou numerals
    Range{0x3031, 0x303C},    // kana repeat marks and further numerals
    Range{0x3041, 0x31FF},    // Hiragana, Katakana, Bopomofo, Hangul Compatibility Jamo
    Range{0x3400, 0x4DBF},    // CJK Extension A
    Range{0x4E00, 0xA4CF},    // CJK Unified Ideographs, Yi
    Range{0xA960, 0xA97F},    // Hangul Jamo Extended-A
    Range{0xAC00, 0xD7FF},    // Hangul syllables, Jamo Extended-B
    Range{0xF900, 0xFAFF},    // CJK compatibility ideographs
    Range{0x1AFF0, 0x1B2FF},  // Kana extensions, Nushu
    Range{0x20000, 0x3FFFD},  // the ideographic planes
};

bool in_unspaced_block(char32_t code_point) noexcept {
    const auto* const after =
        std::upper_bound(kUnspaced.begin(), kUnspaced.end(), code_point,
                         [](char32_t value, const Range& range) { return value < range.first; });
    return after != kUnspaced.begin() && code_point <= std::prev(after)->last;
}

}  // namespace

CharClass char_class(char32_t code_point) noexcept {
    const utf8proc_category_t category =
        utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
    // Letters, marks and numbers are numbered 1 to 11 without a gap.
    if (category < UTF8PROC_CATEGORY_LU || category > UTF8PROC_CATEGORY_NO) {
        return CharClass::kSeparator;
    }
    return in_unspaced_block(code_point) ? CharClass::kUnspaced : CharClass::kWord;
}

}  // namespace abikit::text
