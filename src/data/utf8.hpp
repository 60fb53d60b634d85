// UTF-8 checks of this room (RFC 3629). The text room has its own: data may not include it.
#pragma once

#include <cstddef>
#include <string_view>

namespace abikit::data {

// Whether all of `text` is well-formed. Vectorised.
bool is_utf8(std::string_view text) noexcept;

// Bytes of the well-formed sequence that `text` begins with, 1 to 4; 0 when it is ill-formed.
// Precondition: not empty.
std::size_t utf8_sequence_length(std::string_view text) noexcept;

// Offset of the first ill-formed sequence, or text.size(). Scalar: for error messages.
std::size_t first_ill_formed(std::string_view text) noexcept;

}  // namespace abikit::data
