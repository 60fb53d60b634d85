// Wording of errors.
#include "error_message.hpp"

#include <algorithm>

#include <abi/core/version.h>

#include "../report/text_width.hpp"
#include "exit_code.hpp"

namespace abikit::cli {

namespace {
constexpr std::size_t kExcerptBefore = 48, kExcerptAfter = 24;  // bytes around the place

// Moves `at` to where a character begins, downwards.
std::size_t character_start(std::string_view text, std::size_t at) {
    while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u) {
        --at;
    }
    return at;
}

// The part of the excerpt around the place, and a caret below it.
std::string excerpt_lines(const std::string& text, std::size_t at) {
    const std::size_t begin = at <= kExcerptBefore ? 0 : character_start(text, at - kExcerptBefore);
    const std::size_t end = character_start(text, std::min(text.size(), at + kExcerptAfter));
    const std::string lead = begin == 0 ? "" : "...";
    const std::string before =
        lead + report::printable(std::string_view(text).substr(begin, at - begin));
    const std::string after = report::printable(std::string_view(text).substr(at, end - at));
    return "  " + before + after + (end == text.size() ? "" : "...") + "\n  " +
           std::string(report::display_width(before), ' ') + "^\n";
}
}  // namespace

data::Value error_document(const Error& error) {
    data::Value inner;
    inner.set("code", code_name(error.code()));
    inner.set("message", error.describe());
    inner.set("hint", error.hint().empty() ? data::Value() : data::Value(error.hint()));
    if (!error.excerpt().empty()) {
        data::Value excerpt;
        excerpt.set("text", error.excerpt());
        excerpt.set("byte", std::uint64_t{error.excerpt_at()});
        inner.set("excerpt", std::move(excerpt));
    }
    inner.set("exit_code", exit_code(error.code()));
    data::Value document;
    document.set("schema", "abi.error/1");
    document.set("abi", ABI_VERSION);
    document.set("error", std::move(inner));
    return document;
}

std::string error_text(const Error& error, const MessageStyle& style) {
    if (style.json) {
        return data::to_json(error_document(error)) + "\n";
    }
    std::string out = style.colour ? "abi: \x1b[1;31merror:\x1b[0m " : "abi: error: ";
    out += report::printable(error.describe()) + "\n";
    if (!error.excerpt().empty()) {
        out += excerpt_lines(error.excerpt(), error.excerpt_at());
    }
    if (style.verbose) {
        out += "  code: " + std::string(code_name(error.code())) + "\n";
    }
    if (!error.hint().empty()) {
        out += (style.colour ? "  \x1b[1mhint:\x1b[0m " : "  hint: ") +
               report::printable(error.hint()) + "\n";
    }
    return out;
}

}  // namespace abikit::cli
