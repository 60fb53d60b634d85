// Value to JSON text. Parsing is in json_parse.cpp.
#include <array>
#include <charconv>
#include <cmath>

#include <abi/data/value.hpp>

#include "utf8.hpp"

namespace abikit::data {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kHexDigits = "0123456789abcdef";

bool needs_escape(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void append_escape(std::string& out, char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    const auto code = static_cast<unsigned char>(c);
    out += "\\u00";
    out += kHexDigits[code >> 4];
    out += kHexDigits[code & 15];
}

// Escapes well-formed UTF-8, copying the runs between.
void append_escaped(std::string& out, std::string_view text) {
    std::size_t run = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (needs_escape(text[i])) {
            out.append(text, run, i - run);
            append_escape(out, text[i]);
            run = i + 1;
        }
    }
    out.append(text, run);
}

void append_sanitized(std::string& out, std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_sequence_length(text);
        append_escaped(out, length == 0 ? kReplacement : text.substr(0, length));
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

void append_double(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += "null";
        return;
    }
    std::array<char, 32> text;  // the shortest form of a double has at most 24 characters
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    const std::string_view digits(text.data(), static_cast<std::size_t>(end - text.data()));
    out += digits;
    if (digits.find_first_of(".e") == std::string_view::npos) {
        out += ".0";  // it stays a double when it is read again
    }
}

class Printer {
public:
    Printer(std::string& out, JsonStyle style) : out_(out), pretty_(style == JsonStyle::kPretty) {}

    void print(const Value& value) {
        std::visit([this](const auto& held) { print_held(held); }, value.storage());
    }

private:
    void print_held(std::nullptr_t) { out_ += "null"; }
    void print_held(bool value) { out_ += value ? "true" : "false"; }
    void print_held(std::int64_t value) { print_integer(value); }
    void print_held(std::uint64_t value) { print_integer(value); }
    void print_held(double value) { append_double(out_, value); }
    void print_held(const std::string& value) { append_json_string(out_, value); }
    void print_held(const Array& array) {
        print_list(array, '[', ']', [this](const Value& element) { print(element); });
    }
    void print_held(const Object& object) {
        print_list(object, '{', '}', [this](const Member& member) {
            append_json_string(out_, member.first);
            out_ += pretty_ ? ": " : ":";
            print(member.second);
        });
    }

    template <class Integer>
    void print_integer(Integer value) {
        std::array<char, 24> text;
        const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
        out_.append(text.data(), end);
    }

    template <class List, class PrintItem>
    void print_list(const List& list, char open, char close, PrintItem&& print_item) {
        out_ += open;
        ++depth_;
        bool first = true;
        for (const auto& item : list) {
            if (!first) {
                out_ += ',';
            }
            first = false;
            break_line();
            print_item(item);
        }
        --depth_;
        if (!first) {
            break_line();
        }
        out_ += close;
    }

    void break_line() {
        if (pretty_) {
            out_ += '\n';
            out_.append(2 * depth_, ' ');
        }
    }

    std::string& out_;
    bool pretty_;
    std::size_t depth_ = 0;
};

}  // namespace

std::string to_json(const Value& value, JsonStyle style) {
    std::string out;
    Printer(out, style).print(value);
    return out;
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    if (is_utf8(text)) {
        append_escaped(out, text);
    } else {
        append_sanitized(out, text);
    }
    out += '"';
}

}  // namespace abikit::data
