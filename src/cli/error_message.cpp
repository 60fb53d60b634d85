// Wording of errors.
#include "error_message.hpp"

#include <abi/core/version.h>

#include "../report/text_width.hpp"
#include "exit_code.hpp"

namespace abikit::cli {

data::Value error_document(const Error& error) {
    data::Value inner;
    inner.set("code", code_name(error.code()));
    inner.set("message", error.describe());
    inner.set("hint", error.hint().empty() ? data::Value() : data::Value(error.hint()));
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
