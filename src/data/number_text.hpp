// Numbers as text: the JSON grammar, and float32 read and written without loss.
#pragma once

#include <string>
#include <string_view>

namespace abikit::data {

// RFC 8259, section 6: no plus sign, no leading zero, digits on both sides of the point.
bool is_json_number(std::string_view text) noexcept;
// A JSON number without fraction and exponent.
bool is_json_integer(std::string_view text) noexcept;
// Whether a JSON number fits into a finite double. Precondition: is_json_number.
bool is_finite_number(std::string_view text) noexcept;

enum class FloatResult { kOk, kMalformed, kOutOfRange };

// Reads all of `text` as the nearest float: decimal or scientific, "nan", "inf", "infinity" in any
// case. What is too small becomes zero with its sign. `out` is untouched unless kOk.
FloatResult parse_float(std::string_view text, float& out) noexcept;

// Appends the shortest text that parse_float reads back to the same bits (any NaN but NaN).
void append_float(std::string& out, float value);

}  // namespace abikit::data
