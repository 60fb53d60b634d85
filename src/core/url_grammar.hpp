// Character classes and host forms of RFC 3986, appendix A. Read url.cpp next.
#pragma once

#include <cstddef>
#include <string_view>

namespace abikit::url {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_unreserved(char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}
constexpr bool is_sub_delim(char c) {
    return std::string_view("!$&'()*+,;=").find(c) != std::string_view::npos;
}
// The value of a hexadecimal digit, -1 for anything else.
constexpr int hex_value(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}
constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
constexpr char to_upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

// Whether text[at] starts a complete escape.
constexpr bool is_escape(std::string_view text, std::size_t at) {
    return text.size() - at >= 3 && text[at] == '%' && hex_value(text[at + 1]) >= 0 &&
           hex_value(text[at + 2]) >= 0;
}

// Whole-string checks of addresses, without brackets.
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);
bool is_ip_future(std::string_view text);

}  // namespace abikit::url
