// The words of the filter language. parse.cpp puts them together.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <abi/core/error.hpp>

#include "number.hpp"

namespace abikit::storage {

enum class TokenKind : std::uint8_t {
    kWord,    // a name or a keyword: letters, digits, '_', '-', anything beyond ASCII
    kQuoted,  // a name in backquotes
    kString,  // in double or single quotes
    kNumber,
    kSymbol,  // ( ) , . = != < <= > >=
    kEnd,
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    std::size_t at = 0, length = 0;  // bytes of the text
    std::string value;               // of a name or string, escapes resolved; of a symbol, itself
    Number number;
};

// The mistake at byte `at` of a filter: one line, with the place in the error's excerpt.
Error filter_error(std::string_view text, std::size_t at, std::string_view what);

class FilterLexer {
public:
    // `text` outlives the lexer and is valid UTF-8.
    explicit FilterLexer(std::string_view text) : text_(text) {}
    Result<Token> next();

private:
    Result<Token> quoted(char quote);
    Result<Token> number();
    Token word();
    Result<Token> symbol();
    Token take(TokenKind kind, std::size_t length);

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace abikit::storage
