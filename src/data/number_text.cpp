// Numbers as text, by std::from_chars and std::to_chars: exact and independent of the locale.
#include "number_text.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace abikit::data {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

// The end of the digits that begin at `at`.
std::size_t skip_digits(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && is_digit(text[at])) {
        ++at;
    }
    return at;
}

// The end of "-" and an integer part without leading zeros, or npos.
std::size_t skip_integer(std::string_view text) noexcept {
    const std::size_t first = text.starts_with('-') ? 1 : 0;
    const std::size_t end = skip_digits(text, first);
    const bool leading_zero = end > first + 1 && text[first] == '0';
    return end == first || leading_zero ? std::string_view::npos : end;
}

// Whether the magnitude of a decimal number is at least one: tells too large from too small where
// from_chars only says "out of range". An exponent too long for 64 bits saturates.
bool is_large(std::string_view text) noexcept {
    const std::size_t mark = text.find_first_of("eE");
    std::int64_t exponent = 0;
    if (mark != std::string_view::npos) {
        const char* first = text.data() + mark + 1;
        const char* last = text.data() + text.size();
        first += first != last && *first == '+';
        const bool negative = first != last && *first == '-';
        if (std::from_chars(first, last, exponent).ec == std::errc::result_out_of_range) {
            return !negative;
        }
    }
    const std::string_view digits = text.substr(0, mark);
    const std::size_t point = std::min(digits.find('.'), digits.size());
    const std::size_t leading = digits.find_first_of("123456789");
    if (leading == std::string_view::npos) {
        return false;
    }
    const auto place = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(leading) -
                       (leading < point ? 1 : 0);
    return exponent >= -place;  // text lengths cannot overflow the sum, exponents could
}

}  // namespace

bool is_json_number(std::string_view text) noexcept {
    std::size_t at = skip_integer(text);
    if (at == std::string_view::npos) {
        return false;
    }
    if (at < text.size() && text[at] == '.') {
        const std::size_t end = skip_digits(text, at + 1);
        if (end == at + 1) {
            return false;
        }
        at = end;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        at += at < text.size() && (text[at] == '+' || text[at] == '-');
        const std::size_t end = skip_digits(text, at);
        if (end == at) {
            return false;
        }
        at = end;
    }
    return at == text.size();
}

bool is_json_integer(std::string_view text) noexcept {
    return !text.empty() && skip_integer(text) == text.size();
}

bool is_finite_number(std::string_view text) noexcept {
    constexpr std::size_t kAlwaysFinite = 300;  // digits without an exponent
    if (text.size() <= kAlwaysFinite && text.find_first_of("eE") == std::string_view::npos) {
        return true;
    }
    double value = 0.0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    return parsed.ec == std::errc() || !is_large(text);
}

FloatResult parse_float(std::string_view text, float& out) noexcept {
    float value = 0.0F;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec == std::errc::invalid_argument || parsed.ptr != end) {
        return FloatResult::kMalformed;
    }
    if (parsed.ec == std::errc::result_out_of_range) {
        if (is_large(text)) {
            return FloatResult::kOutOfRange;
        }
        value = text.starts_with('-') ? -0.0F : 0.0F;
    }
    out = value;
    return FloatResult::kOk;
}

void append_float(std::string& out, float value) {
    std::array<char, 24> text;  // the shortest form of a float has at most 15 characters
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    out.append(text.data(), end);
}

}  // namespace abikit::data
