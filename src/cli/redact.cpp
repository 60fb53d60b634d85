// Three passes: known values, names that announce a secret, passwords in URLs.
#include "redact.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace abikit::cli {
namespace {

constexpr std::string_view kMask = "***";
constexpr std::array<std::string_view, 8> kNames{"password", "passwd",  "secret", "token",
                                                 "api_key",  "api-key", "apikey", "authorization"};

char fold(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with_folded(std::string_view text, std::string_view prefix) noexcept {
    return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(),
                                                      [](char a, char b) { return a == fold(b); });
}

std::size_t skip_spaces(std::string_view text, std::size_t at) noexcept {
    while (at < text.size() && text[at] == ' ') {
        ++at;
    }
    return at;
}

// Where the value that starts at `at` ends.
std::size_t value_end(std::string_view text, std::size_t at) noexcept {
    if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
        const auto close = text.find(text[at], at + 1);
        return close == std::string_view::npos ? text.size() : close;
    }
    for (const std::string_view scheme : {"bearer ", "basic "}) {
        if (starts_with_folded(text.substr(at), scheme)) {
            at = skip_spaces(text, at + scheme.size());
        }
    }
    return std::min(text.find_first_of(" ,;&\n\t)]}\"'", at), text.size());
}

// Length of the secret name at the start of `text`, its assignment sign and quotes; 0 for none.
std::size_t announcement(std::string_view text) noexcept {
    for (const std::string_view name : kNames) {
        if (!starts_with_folded(text, name)) {
            continue;
        }
        std::size_t at = name.size();
        at += at < text.size() && (text[at] == '"' || text[at] == '\'') ? 1 : 0;
        at = skip_spaces(text, at);
        if (at < text.size() && (text[at] == '=' || text[at] == ':')) {
            return skip_spaces(text, at + 1);
        }
    }
    return 0;
}

std::string redact_named(std::string_view text) {
    std::string out;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t length = announcement(text.substr(at));
        if (length == 0) {
            out += text[at++];
            continue;
        }
        std::size_t value = at + length;
        const std::size_t end = value_end(text, value);
        value += value < text.size() && (text[value] == '"' || text[value] == '\'') ? 1 : 0;
        out += text.substr(at, value - at);
        out += end > value ? kMask : "";
        at = std::max(end, value);
    }
    return out;
}

std::string redact_urls(std::string text) {
    for (auto at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
        const auto authority_end = std::min(text.find_first_of("/?# \n\t\"'", at + 3), text.size());
        const auto sign = text.rfind('@', authority_end);
        const auto colon = text.find(':', at + 3);
        if (sign != std::string::npos && sign > at && colon < sign && sign < authority_end) {
            text.replace(colon + 1, sign - colon - 1, kMask);
        }
    }
    return text;
}

}  // namespace

void Redactor::add(std::string secret) {
    if (secret.size() >= 4) {
        secrets_.push_back(std::move(secret));
        // Longest first, so that a secret inside another one does not leave the rest behind.
        std::ranges::sort(secrets_, std::ranges::greater(), &std::string::size);
    }
}

std::string Redactor::redact(std::string_view text) const {
    std::string out(text);
    for (const std::string& secret : secrets_) {
        for (auto at = out.find(secret); at != std::string::npos; at = out.find(secret, at)) {
            out.replace(at, secret.size(), kMask);
            at += kMask.size();
        }
    }
    return redact_urls(redact_named(out));
}

}  // namespace abikit::cli
