// Parsing of JSON texts that stand inside others: parse_json (value.hpp) with its own depth limit.
#pragma once

#include <cstddef>
#include <string_view>

#include <abi/data/value.hpp>

namespace abikit::data {

// Levels of arrays and objects that a JSON text may nest.
inline constexpr std::size_t kMaxJsonDepth = 512;

// As parse_json, at most `max_depth` levels deep.
Result<Value> parse_json_nested(std::string_view text, std::size_t max_depth);

}  // namespace abikit::data
