// Cuts a filter into words, resolving escapes and numbers on the way.
#include "lexer.hpp"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "../../data/json_text.hpp"

namespace abikit::storage {

namespace {
bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool starts_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool in_word(char c) noexcept {
    return starts_word(c) || is_digit(c) || c == '-';
}
}  // namespace

Error filter_error(std::string_view text, std::size_t at, std::string_view what) {
    std::size_t characters = 1;
    for (const char c : text.substr(0, at)) {
        characters += (static_cast<unsigned char>(c) & 0xC0u) == 0x80u ? 0u : 1u;
    }
    return Error(Code::kInvalidArgument,
                 fmt::format("the filter is wrong at character {}: {}", characters, what))
        .with_excerpt(std::string(text), at);
}

Token FilterLexer::take(TokenKind kind, std::size_t length) {
    Token token;
    token.kind = kind;
    token.at = at_;
    token.length = length;
    token.value = text_.substr(at_, length);
    at_ += length;
    return token;
}

Result<Token> FilterLexer::next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) {
        ++at_;
    }
    if (at_ == text_.size()) {
        return take(TokenKind::kEnd, 0);
    }
    const char c = text_[at_];
    if (c == '"' || c == '\'' || c == '`') {
        return quoted(c);
    }
    if (is_digit(c) || (c == '-' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]))) {
        return number();
    }
    return starts_word(c) ? Result<Token>(word()) : symbol();
}

Token FilterLexer::word() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && in_word(text_[end])) {
        ++end;
    }
    return take(TokenKind::kWord, end - at_);
}

// Escapes are those of JSON, and the quote itself.
Result<Token> FilterLexer::quoted(char quote) {
    std::string raw;
    for (std::size_t at = at_ + 1; at < text_.size(); ++at) {
        const char c = text_[at];
        if (c == quote) {
            std::string value;
            if (!data::append_unescaped(value, raw)) {
                return fail(filter_error(text_, at_, "an escape in the string is malformed")
                                .with_hint("write a backslash as \\\\, others as in JSON"));
            }
            Token token =
                take(quote == '`' ? TokenKind::kQuoted : TokenKind::kString, at + 1 - at_);
            token.value = std::move(value);
            return token;
        }
        if (c == '\\' && at + 1 < text_.size()) {
            ++at;
            const bool own = text_[at] == '\'' || text_[at] == '`';
            raw += own ? "" : "\\";
            raw += text_[at];
            continue;
        }
        raw += c;
    }
    return fail(filter_error(text_, at_, fmt::format("the quote {} is never closed", quote)));
}

Result<Token> FilterLexer::number() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && (in_word(text_[end]) || text_[end] == '.' ||
                                  (text_[end] == '+' && (text_[end - 1] | 0x20) == 'e'))) {
        ++end;
    }
    Token token = take(TokenKind::kNumber, end - at_);
    const char* const first = token.value.data();
    const char* const last = first + token.value.size();
    std::int64_t integer = 0;
    if (const auto [stop, error] = std::from_chars(first, last, integer);
        error == std::errc() && stop == last) {
        token.number = Number(integer);
        return token;
    }
    std::uint64_t large = 0;
    if (const auto [stop, error] = std::from_chars(first, last, large);
        error == std::errc() && stop == last) {
        token.number = Number(large);
        return token;
    }
    double value = 0;
    const auto [stop, error] = std::from_chars(first, last, value);
    if (stop != last || (error != std::errc() && error != std::errc::result_out_of_range)) {
        return fail(filter_error(text_, token.at, fmt::format("'{}' is no number", token.value)));
    }
    if (error != std::errc() || !std::isfinite(value)) {
        return fail(filter_error(text_, token.at,
                                 fmt::format("'{}' is out of the range of numbers", token.value)));
    }
    token.number = Number(value);
    return token;
}

Result<Token> FilterLexer::symbol() {
    const std::string_view rest = text_.substr(at_);
    for (const std::string_view two : {"!=", "<=", ">=", "<>", "=="}) {
        if (rest.starts_with(two)) {
            Token token = take(TokenKind::kSymbol, 2);
            token.value = two == "<>" ? "!=" : (two == "==" ? "=" : two);
            return token;
        }
    }
    if (std::string_view("(),.=<>").contains(rest.front())) {
        return take(TokenKind::kSymbol, 1);
    }
    return fail(filter_error(text_, at_, fmt::format("'{}' means nothing here", rest.front())));
}

}  // namespace abikit::storage
