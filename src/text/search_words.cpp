// Runs of word characters outside ASCII, and the stripping of accents.
#include "search_words.hpp"

#include <array>

#include <utf8proc.h>

#include <abi/text/utf8.hpp>

namespace abikit::text {
namespace {

// Blocks of combining marks that are accents: those of other scripts are vowels and stay.
constexpr bool is_accent(char32_t code_point) noexcept {
    return (code_point >= 0x0300 && code_point <= 0x036F) ||
           (code_point >= 0x1AB0 && code_point <= 0x1AFF) ||
           (code_point >= 0x1DC0 && code_point <= 0x1DFF) ||
           (code_point >= 0x20D0 && code_point <= 0x20FF) ||
           (code_point >= 0xFE20 && code_point <= 0xFE2F);
}

// The letter without its accents; 0 when nothing is left.
char32_t strip_accents(char32_t code_point) noexcept {
    if (is_accent(code_point)) {
        return 0;
    }
    std::array<utf8proc_int32_t, 8> parts{};
    int boundary = 0;
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code_point), parts.data(),
                                parts.size(), UTF8PROC_DECOMPOSE, &boundary);
    for (utf8proc_ssize_t i = 1; i < count; ++i) {
        if (count > static_cast<utf8proc_ssize_t>(parts.size()) ||
            !is_accent(static_cast<char32_t>(parts[static_cast<std::size_t>(i)]))) {
            return code_point;  // no letter with accents: a syllable, or a vowel with its sign
        }
    }
    return count < 1 ? code_point : static_cast<char32_t>(parts[0]);
}

void append_utf8(char32_t code_point, std::string& out) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code_point), bytes.data());
    out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
}

bool continues_word(char32_t code_point) noexcept {
    return char_class(code_point) != CharClass::kSeparator ||
           utf8proc_category(static_cast<utf8proc_int32_t>(code_point)) == UTF8PROC_CATEGORY_CF;
}

}  // namespace

std::size_t SearchWords::run_end(std::string_view text, std::size_t at) noexcept {
    while (at < text.size()) {
        if (byte_at(text, at) < 0x80) {
            if (lower(text[at]) == 0) {
                break;
            }
            ++at;
            continue;
        }
        const Utf8Step step = decode_utf8(text, at);
        if (!step.valid || !continues_word(step.code_point)) {
            break;
        }
        at += step.bytes;
    }
    return at;
}

void SearchWords::fold_run(std::string_view run) {
    fold_into(run, stripped_);
    folded_.clear();
    for (std::size_t at = 0; at < stripped_.size();) {
        if (byte_at(stripped_, at) < 0x80) {
            folded_ += stripped_[at++];
            continue;
        }
        const Utf8Step step = decode_utf8(stripped_, at);
        if (const char32_t letter = strip_accents(step.code_point); letter != 0) {
            append_utf8(letter, folded_);
        }
        at += step.bytes;
    }
    origins_.clear();
    std::size_t from = 0;
    for (std::size_t at = 0; at < folded_.size(); ++at) {
        if (starts_code_point(folded_[at])) {
            if (from >= run.size()) {
                origins_.clear();
                return;
            }
            origins_.resize(at + 1, static_cast<std::uint32_t>(from));
            origins_.back() = static_cast<std::uint32_t>(from);
            from += decode_utf8(run, from).bytes;
        }
    }
    origins_.resize(folded_.size() + 1, static_cast<std::uint32_t>(run.size()));
    if (from != run.size()) {
        origins_.clear();
    }
}

}  // namespace abikit::text
