// JSON text handled as text, where building a Value would cost too much: unescaping one string,
// compacting one object.
#pragma once

#include <string>
#include <string_view>

#include <abi/core/error.hpp>

namespace abikit::data {

// Appends what stands between the quotes of a JSON string, escapes resolved. False when an escape
// is malformed or names a lone surrogate; `out` then holds a part. Control characters and UTF-8
// are not checked.
bool append_unescaped(std::string& out, std::string_view raw);

// Appends `text`, which must be one JSON object, without the white space between its tokens.
// Numbers and strings keep their spelling; only where a key is repeated (the last one wins) the
// object is printed anew. Everything parse_json accepts is accepted, everything else is
// kInvalidData as parse_json tells it; then `out` is as it was.
Status append_compact_object(std::string& out, std::string_view text);

}  // namespace abikit::data
