// The nearest valid word for a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace abikit::cli {

// Optimal string alignment distance (Damerau-Levenshtein without overlapping edits): insertions,
// deletions, replacements and swaps of neighbours that turn `a` into `b`. Bytes, case ignored.
// O(|a| |b|) time.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word` when it is near enough to be meant (one edit in three letters, or
// the word is its beginning), the first on a tie; "" when none is.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace abikit::cli
