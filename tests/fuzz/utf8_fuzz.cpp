// Validation and folding of arbitrary bytes: the valid prefix is valid and cannot be longer,
// folding gives valid UTF-8, does nothing to what is folded already, and each half of a text that
// is cut before an ASCII character folds on its own.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <abi/text/utf8.hpp>

namespace {

using namespace abikit::text;

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

bool is_ascii(char byte) {
    return static_cast<std::uint8_t>(byte) < 0x80;
}

void check_prefix(std::string_view text) {
    const std::size_t prefix = utf8_valid_prefix(text);
    require(prefix <= text.size());
    require(utf8_valid(text.substr(0, prefix)));
    require(utf8_valid(text) == (prefix == text.size()));
    // Nothing valid follows: neither does the rest start with a character, nor did one get lost.
    for (std::size_t bytes = 1; bytes <= 4 && prefix + bytes <= text.size(); ++bytes) {
        require(!utf8_valid(text.substr(prefix, bytes)));
    }
    require(!looks_like_text(text) || (utf8_valid(text) && !text.contains('\0')));
}

void check_fold(std::string_view text) {
    const std::string folded = fold(text);
    require(utf8_valid(folded));
    for (const char byte : folded) {
        require(byte < 'A' || byte > 'Z');
    }
    std::string reused = "earlier";
    fold_into(text, reused);
    require(reused == folded);
    for (std::size_t at = 1; at < text.size(); at += 1 + at / 4) {
        if (is_ascii(text[at])) {
            require(fold(text.substr(0, at)) + fold(text.substr(at)) == folded);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_prefix(text);
    check_fold(text);
    return 0;
}
