// A strict scanner that copies an object's tokens. What it does not like, or does not want to
// decide (repeated and escaped keys), goes through parse_json: that one is the judge.
#include "json_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "json_parse.hpp"
#include "number_text.hpp"
#include "utf8.hpp"

namespace abikit::data {
namespace {

// Four hexadecimal digits at `at`, or -1.
std::int32_t hex4(std::string_view raw, std::size_t at) {
    if (raw.size() < at + 4) {
        return -1;
    }
    std::int32_t code = 0;
    for (const char c : raw.substr(at, 4)) {
        const auto letter = static_cast<char>(c | 0x20);
        std::int32_t digit = -1;
        if (c >= '0' && c <= '9') {
            digit = c - '0';
        } else if (letter >= 'a' && letter <= 'f') {
            digit = letter - 'a' + 10;
        } else {
            return -1;
        }
        code = code * 16 + digit;
    }
    return code;
}

void append_code_point(std::string& out, std::int32_t code) {
    const auto push = [&out](std::int32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
        push(code);
    } else if (code < 0x800) {
        push(0xC0 | (code >> 6));
        push(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        push(0xE0 | (code >> 12));
        push(0x80 | ((code >> 6) & 0x3F));
        push(0x80 | (code & 0x3F));
    } else {
        push(0xF0 | (code >> 18));
        push(0x80 | ((code >> 12) & 0x3F));
        push(0x80 | ((code >> 6) & 0x3F));
        push(0x80 | (code & 0x3F));
    }
}

// The \u escape whose digits begin at `at`, with the low surrogate that must follow a high one.
// Returns the characters used, 0 when malformed.
std::size_t append_unicode_escape(std::string& out, std::string_view raw, std::size_t at) {
    const std::int32_t code = hex4(raw, at);
    if (code < 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
        return 0;
    }
    if (code < 0xD800 || code > 0xDBFF) {
        append_code_point(out, code);
        return 4;
    }
    if (raw.substr(std::min(at + 4, raw.size()), 2) != "\\u") {
        return 0;
    }
    const std::int32_t low = hex4(raw, at + 6);
    if (low < 0xDC00 || low > 0xDFFF) {
        return 0;
    }
    append_code_point(out, 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00));
    return 10;
}

// What a one-letter escape stands for, or 0.
char simple_escape(char letter) {
    switch (letter) {
        case '"':
        case '\\':
        case '/':
            return letter;
        case 'b':
            return '\b';
        case 'f':
            return '\f';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        default:
            return 0;
    }
}

// Characters that end a run inside a string: quote, backslash, controls.
constexpr std::array<bool, 256> make_string_stops() {
    std::array<bool, 256> stops{};
    for (std::size_t i = 0; i < 0x20; ++i) {
        stops[i] = true;
    }
    stops['"'] = true;
    stops['\\'] = true;
    return stops;
}
constexpr std::array<bool, 256> kStringStops = make_string_stops();

class CompactScanner {
public:
    CompactScanner(std::string& out, std::string_view text) : out_(out), text_(text) {}

    // False: not valid, or for parse_json to decide.
    bool scan() {
        skip_space();
        if (!at('{') || !value(0)) {
            return false;
        }
        skip_space();
        return pos_ == text_.size();
    }

private:
    bool at(char c) const { return pos_ < text_.size() && text_[pos_] == c; }
    bool take(char c) {
        if (!at(c)) {
            return false;
        }
        out_ += c;
        ++pos_;
        return true;
    }
    void skip_space() {
        while (at(' ') || at('\n') || at('\r') || at('\t')) {
            ++pos_;
        }
    }

    bool value(std::size_t depth) {
        if (pos_ >= text_.size()) {
            return false;
        }
        switch (text_[pos_]) {
            case '{':
                return depth < kMaxJsonDepth && object(depth);
            case '[':
                return depth < kMaxJsonDepth && array(depth);
            case '"':
                return string();
            case 't':
                return word("true");
            case 'f':
                return word("false");
            case 'n':
                return word("null");
            default:
                return number();
        }
    }

    bool object(std::size_t depth) {
        take('{');
        skip_space();
        if (take('}')) {
            return true;
        }
        const std::size_t first_key = keys_.size();
        do {
            skip_space();
            if (!key(first_key)) {
                return false;
            }
            skip_space();
            if (!take(':')) {
                return false;
            }
            skip_space();
            if (!value(depth + 1)) {
                return false;
            }
            skip_space();
        } while (take(','));
        keys_.resize(first_key);
        return take('}');
    }

    bool array(std::size_t depth) {
        take('[');
        skip_space();
        if (take(']')) {
            return true;
        }
        do {
            skip_space();
            if (!value(depth + 1)) {
                return false;
            }
            skip_space();
        } while (take(','));
        return take(']');
    }

    // A key that is new to the object whose keys begin at `first_key`. Objects with many keys and
    // keys with escapes are left to parse_json.
    bool key(std::size_t first_key) {
        constexpr std::size_t kManyKeys = 64;
        const std::size_t begin = pos_;
        if (!at('"') || !string()) {
            return false;
        }
        const std::string_view name = text_.substr(begin, pos_ - begin);
        const auto seen = keys_.begin() + static_cast<std::ptrdiff_t>(first_key);
        if (name.find('\\') != std::string_view::npos || keys_.size() - first_key >= kManyKeys ||
            std::find(seen, keys_.end(), name) != keys_.end()) {
            return false;
        }
        keys_.push_back(name);
        return true;
    }

    bool string() {
        const std::size_t begin = pos_++;
        while (pos_ < text_.size()) {
            const char c = text_[pos_];
            if (!kStringStops[static_cast<unsigned char>(c)]) {
                ++pos_;
            } else if (c == '"') {
                ++pos_;
                out_.append(text_, begin, pos_ - begin);
                return true;
            } else if (c != '\\' || !escape()) {
                return false;
            }
        }
        return false;
    }

    bool escape() {
        if (pos_ + 1 >= text_.size()) {
            return false;
        }
        if (text_[pos_ + 1] != 'u') {
            const bool known = simple_escape(text_[pos_ + 1]) != 0;
            pos_ += 2;
            return known;
        }
        scratch_.clear();
        const std::size_t used = append_unicode_escape(scratch_, text_, pos_ + 2);
        pos_ += 2 + used;
        return used != 0;
    }

    bool word(std::string_view expected) {
        if (text_.substr(pos_, expected.size()) != expected) {
            return false;
        }
        out_ += expected;
        pos_ += expected.size();
        return true;
    }

    bool number() {
        const std::size_t end =
            std::min(text_.find_first_not_of("+-.0123456789eE", pos_), text_.size());
        const std::string_view token = text_.substr(pos_, end - pos_);
        if (!is_json_number(token) || !is_finite_number(token)) {
            return false;
        }
        out_ += token;
        pos_ = end;
        return true;
    }

    std::string& out_;
    std::string_view text_;
    std::size_t pos_ = 0;
    std::vector<std::string_view> keys_;  // of the open objects, with their quotes
    std::string scratch_;
};

}  // namespace

bool append_unescaped(std::string& out, std::string_view raw) {
    std::size_t at = 0;
    while (true) {
        const std::size_t slash = std::min(raw.find('\\', at), raw.size());
        out.append(raw, at, slash - at);
        if (slash == raw.size()) {
            return true;
        }
        if (slash + 1 == raw.size()) {
            return false;
        }
        const char letter = raw[slash + 1];
        at = slash + 2;
        if (letter == 'u') {
            const std::size_t used = append_unicode_escape(out, raw, at);
            if (used == 0) {
                return false;
            }
            at += used;
        } else if (const char meant = simple_escape(letter); meant != 0) {
            out += meant;
        } else {
            return false;
        }
    }
}

Status append_compact_object(std::string& out, std::string_view text) {
    const std::size_t before = out.size();
    if (is_utf8(text) && CompactScanner(out, text).scan()) {
        return {};
    }
    out.resize(before);
    ABI_TRY(const Value value, parse_json(text));
    if (!value.is_object()) {
        return fail(Code::kInvalidData, "not a JSON object");
    }
    out += to_json(value);
    return {};
}

}  // namespace abikit::data
