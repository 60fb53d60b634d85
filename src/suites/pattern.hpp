// Selecting benchmarks by name: "simd", "simd/vector", "simd/*/dot_rows*".
#pragma once

#include <string_view>

namespace abikit::suites {

// Whether `pattern` names `name` or a group above it: it must match the whole name, or the name up
// to one of its slashes. `*` stands for any text, slashes included, `?` for one byte. Case counts.
// O(|pattern| |name|) at worst. Thread-safe.
bool matches_pattern(std::string_view pattern, std::string_view name) noexcept;

}  // namespace abikit::suites
