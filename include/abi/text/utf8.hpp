// UTF-8: validation (RFC 3629), whether bytes look like text at all, and the folding that makes
// words comparable. Everything here is pure and thread-safe. Read `chunk.hpp` next.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace abikit::text {

// Bytes of the longest valid prefix; equal to text.size() when all of it is valid. Overlong forms,
// surrogates and code points past U+10FFFF are invalid (The Unicode Standard, Table 3-7). A cut
// sequence at the end is not part of the prefix, so text.substr(0, utf8_valid_prefix(text)) is how
// a caller shortens a buffer that ends inside a character. Linear time.
std::size_t utf8_valid_prefix(std::string_view text) noexcept;
inline bool utf8_valid(std::string_view text) noexcept {
    return utf8_valid_prefix(text) == text.size();
}

// Text that a person wrote: valid UTF-8, no NUL, few control characters (at most one in 64
// characters besides tab, line feed, vertical tab, form feed, carriage return, escape and NEL).
// Empty text looks like text.
bool looks_like_text(std::string_view text) noexcept;

// Unicode's NFKC_Casefold (The Unicode Standard, 3.13, R5): compatibility-composed, fully
// case-folded, without default-ignorable characters such as soft hyphens. For tokenising and
// comparison. Each maximal ill-formed part of invalid UTF-8 becomes one U+FFFD. Throws only
// std::bad_alloc.
std::string fold(std::string_view text);
// The same, written over `out`, whose capacity is reused. `text` must not lie in `out`.
void fold_into(std::string_view text, std::string& out);

}  // namespace abikit::text
