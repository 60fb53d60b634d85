// UTF-8 checks: simdjson's vector kernel for whole texts, a scalar one to find the place.
#include "utf8.hpp"

#include <simdjson.h>

namespace abikit::data {
namespace {

// The ranges of The Unicode Standard, Table 3-7: by lead byte, the length and the allowed second
// byte. Later bytes are always 80..BF.
struct Lead {
    unsigned char first;
    unsigned char last;
    unsigned char second_first;
    unsigned char second_last;
    std::size_t length;
};
constexpr Lead kLeads[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

bool matches(const Lead& lead, std::string_view text) noexcept {
    if (text.size() < lead.length) {
        return false;
    }
    const auto second = static_cast<unsigned char>(text[1]);
    if (second < lead.second_first || second > lead.second_last) {
        return false;
    }
    for (std::size_t i = 2; i < lead.length; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
            return false;
        }
    }
    return true;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    return text.empty() || simdjson::validate_utf8(text.data(), text.size());
}

std::size_t utf8_sequence_length(std::string_view text) noexcept {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) {
        return 1;
    }
    for (const Lead& lead : kLeads) {
        if (first >= lead.first && first <= lead.last) {
            return matches(lead, text) ? lead.length : 0;
        }
    }
    return 0;
}

std::size_t first_ill_formed(std::string_view text) noexcept {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = utf8_sequence_length(text.substr(at));
        if (length == 0) {
            break;
        }
        at += length;
    }
    return at;
}

}  // namespace abikit::data
