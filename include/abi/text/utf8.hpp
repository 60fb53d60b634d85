// UTF-8: validation (RFC 3629) and whether bytes look like text at all.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace abikit::text {

// Bytes of the longest valid prefix; equal to text.size() when all of it is valid. Overlong forms,
// surrogates and code points past U+10FFFF are invalid.
std::size_t utf8_valid_prefix(std::string_view text) noexcept;
inline bool utf8_valid(std::string_view text) noexcept {
    return utf8_valid_prefix(text) == text.size();
}
// Text that a person wrote: valid UTF-8, no NUL, few control characters.
bool looks_like_text(std::string_view text) noexcept;
// NFKC, case-folded (Unicode's full folding), for tokenising and comparison.
std::string fold(std::string_view text);

}  // namespace abikit::text
