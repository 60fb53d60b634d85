// Percent-coding and query parameters.
#include <fmt/format.h>

#include <abi/core/url.hpp>

#include "url_grammar.hpp"

namespace abikit {
namespace {

enum class Plus { kStays, kIsSpace };

Result<std::string> decode(std::string_view text, Plus plus) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (!url::is_escape(text, i)) {
                return fail(
                    Code::kInvalidArgument,
                    fmt::format("malformed escape: '%' without two hexadecimal digits at offset {}",
                                i),
                    "write a percent sign as '%25'");
            }
            bytes +=
                static_cast<char>(url::hex_value(text[i + 1]) * 16 + url::hex_value(text[i + 2]));
            i += 2;
        } else {
            bytes += plus == Plus::kIsSpace && text[i] == '+' ? ' ' : text[i];
        }
    }
    return bytes;
}

bool is_kept(char c, PercentSet keep) {
    if (url::is_unreserved(c)) {
        return true;
    }
    return keep == PercentSet::kPath && (url::is_sub_delim(c) || c == '/' || c == ':' || c == '@');
}

}  // namespace

std::string percent_encode(std::string_view bytes, PercentSet keep) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string text;
    text.reserve(bytes.size());
    for (const char c : bytes) {
        if (is_kept(c, keep)) {
            text += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return text;
}

Result<std::string> percent_decode(std::string_view text) {
    return decode(text, Plus::kStays);
}

Result<std::vector<QueryParameter>> parse_query(std::string_view query) {
    std::vector<QueryParameter> parameters;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.empty()) {
            continue;
        }
        const std::size_t equals = std::min(pair.find('='), pair.size());
        ABI_TRY(std::string name, decode(pair.substr(0, equals), Plus::kIsSpace));
        ABI_TRY(std::string value,
                decode(pair.substr(std::min(equals + 1, pair.size())), Plus::kIsSpace));
        parameters.emplace_back(std::move(name), std::move(value));
    }
    return parameters;
}

std::string build_query(std::span<const QueryParameter> parameters) {
    std::string query;
    for (const auto& [name, value] : parameters) {
        if (!query.empty()) {
            query += '&';
        }
        query += percent_encode(name) + "=" + percent_encode(value);
    }
    return query;
}

}  // namespace abikit
