// The address forms of RFC 3986 section 3.2.2.
#include "url_grammar.hpp"

namespace abikit::url {
namespace {

// "0" to "255" without leading zeros.
bool is_decimal_octet(std::string_view text) {
    if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) {
        return false;
    }
    int value = 0;
    for (const char c : text) {
        if (!is_digit(c)) {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    return value <= 255;
}

// One to four hexadecimal digits.
bool is_h16(std::string_view text) {
    if (text.empty() || text.size() > 4) {
        return false;
    }
    for (const char c : text) {
        if (hex_value(c) < 0) {
            return false;
        }
    }
    return true;
}

// How many 16-bit groups "a:b:c" stands for, where the last may be an IPv4 address when `last` says
// that the address ends here; -1 when malformed. Empty text is no group.
int count_groups(std::string_view text, bool last) {
    int groups = 0;
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        const std::string_view group = text.substr(0, colon);
        const bool at_end = colon == std::string_view::npos;
        if (is_h16(group)) {
            groups += 1;
        } else if (at_end && last && is_ipv4(group)) {
            groups += 2;
        } else {
            return -1;
        }
        if (at_end) {
            return groups;
        }
        text.remove_prefix(colon + 1);
        if (text.empty()) {
            return -1;  // a colon with nothing behind it
        }
    }
    return groups;
}

}  // namespace

bool is_ipv4(std::string_view text) {
    for (int i = 0; i < 3; ++i) {
        const std::size_t dot = text.find('.');
        if (dot == std::string_view::npos || !is_decimal_octet(text.substr(0, dot))) {
            return false;
        }
        text.remove_prefix(dot + 1);
    }
    return is_decimal_octet(text);
}

bool is_ipv6(std::string_view text) {
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) {
        return count_groups(text, true) == 8;
    }
    // One "::" stands for at least one group of zeros; a second one makes an empty group, which
    // count_groups refuses.
    const int before = count_groups(text.substr(0, gap), false);
    const int after = count_groups(text.substr(gap + 2), true);
    return before >= 0 && after >= 0 && before + after <= 7;
}

bool is_ip_future(std::string_view text) {
    if (text.empty() || to_lower(text[0]) != 'v') {
        return false;
    }
    const std::size_t dot = text.find('.');
    if (dot == std::string_view::npos || dot < 2 || dot + 1 == text.size()) {
        return false;
    }
    for (const char c : text.substr(1, dot - 1)) {
        if (hex_value(c) < 0) {
            return false;
        }
    }
    for (const char c : text.substr(dot + 1)) {
        if (!is_unreserved(c) && !is_sub_delim(c) && c != ':') {
            return false;
        }
    }
    return true;
}

}  // namespace abikit::url
