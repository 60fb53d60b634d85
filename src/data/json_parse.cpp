// JSON text to Value: events of nlohmann's SAX parser build the value without a second tree, and
// its errors are put into our words. Printing is in json_print.cpp.
#include "json_parse.hpp"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace abikit::data {
namespace {

// Up to this many members a plain double loop finds duplicates faster than sorting does.
constexpr std::size_t kSmallObject = 16;

// Moves the value of each repeated key to the key's first place and drops the rest.
void keep_last_of_each_key(Object& object) {
    std::vector<std::size_t> order(object.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&object](std::size_t a, std::size_t b) {
        return object[a].first < object[b].first;
    });
    std::vector<bool> dropped(object.size(), false);
    for (std::size_t i = 1, first = 0; i < order.size(); ++i) {
        if (object[order[i]].first == object[order[first]].first) {
            object[order[first]].second = std::move(object[order[i]].second);
            dropped[order[i]] = true;
        } else {
            first = i;
        }
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < object.size(); ++i) {
        if (!dropped[i]) {
            if (kept != i) {
                object[kept] = std::move(object[i]);
            }
            ++kept;
        }
    }
    object.resize(kept);
}

bool has_repeated_key(const Object& object) {
    if (object.size() > kSmallObject) {
        return true;  // not known: let the sort tell
    }
    for (std::size_t i = 1; i < object.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            if (object[i].first == object[j].first) {
                return true;
            }
        }
    }
    return false;
}

// Where the 0-based nesting level `depth` is first exceeded. The text before is known to be valid.
std::size_t offset_of_depth(std::string_view text, std::size_t depth) {
    bool in_string = false;
    std::size_t open = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if ((c == '[' || c == '{') && ++open > depth) {
            return i;
        } else if (c == ']' || c == '}') {
            --open;
        }
    }
    return text.size();
}

// What the parser expected or disliked: its message without its prefix and without the token,
// which may be long and ill-formed.
std::string detail_of(std::string message, const std::string& token) {
    constexpr std::string_view kLead = "syntax error while parsing ";
    if (const auto lead = message.find(kLead); lead != std::string::npos) {
        const auto dash = message.find(" - ", lead);
        message.erase(0, dash == std::string::npos ? lead : dash + 3);
    }
    const std::string last_read = "; last read: '" + token + "'";
    if (const auto at = message.find(last_read); at != std::string::npos) {
        message.erase(at, last_read.size());
    }
    return message;
}

// The parser tells how many characters it has read; the error begins where the last token does.
std::size_t offset_of(std::size_t read, const std::string& token, std::string_view detail,
                      std::size_t size) {
    std::size_t length = 1;
    if (detail.starts_with("unexpected end of input")) {
        return size;
    }
    if (detail.starts_with("unexpected string") || detail.starts_with("unexpected number")) {
        length = token.size();
    } else if (detail.starts_with("unexpected true") || detail.starts_with("unexpected null")) {
        length = 4;
    } else if (detail.starts_with("unexpected false")) {
        length = 5;
    }
    return std::min(size, read > length ? read - length : 0);
}

Error invalid_json(std::size_t offset, std::string_view detail) {
    return Error(Code::kInvalidData, fmt::format("not valid JSON at byte {}: {}", offset, detail));
}

// Receives the parser's events. One frame per open array or object.
class ValueBuilder : public nlohmann::json_sax<nlohmann::json> {
public:
    ValueBuilder(std::string_view text, std::size_t max_depth)
        : text_(text), max_depth_(max_depth) {}

    bool null() override { return add(Value()); }
    bool boolean(bool value) override { return add(Value(value)); }
    bool number_integer(number_integer_t value) override { return add(Value(std::int64_t{value})); }
    bool number_unsigned(number_unsigned_t value) override {
        return add(Value(std::uint64_t{value}));
    }
    // Integers too long for 64 bits arrive here too.
    bool number_float(number_float_t value, const string_t&) override { return add(Value(value)); }
    bool string(string_t& value) override { return add(Value(std::move(value))); }
    bool binary(binary_t&) override { return false; }  // not in JSON texts
    bool key(string_t& name) override {
        open_.back().key = std::move(name);
        return true;
    }
    bool start_object(std::size_t) override { return open(Value(Object{})); }
    bool start_array(std::size_t) override { return open(Value(Array{})); }
    bool end_object() override {
        Object& object = open_.back().value.as_object();
        if (has_repeated_key(object)) {
            keep_last_of_each_key(object);
        }
        return close();
    }
    bool end_array() override { return close(); }
    bool parse_error(std::size_t read, const std::string& token,
                     const nlohmann::detail::exception& error) override {
        const std::string message = error.what();
        if (message.find("number overflow") != std::string::npos) {
            error_ =
                invalid_json(read > token.size() ? read - token.size() : 0,
                             fmt::format("number '{}' is out of range",
                                         token.size() > 40 ? token.substr(0, 40) + "..." : token));
            return false;
        }
        const std::string detail = detail_of(message, token);
        error_ = invalid_json(offset_of(read, token, detail, text_.size()), detail);
        return false;
    }

    Result<Value> take() && {
        if (error_) {
            return fail(*std::move(error_));
        }
        return std::move(root_);
    }

private:
    struct Frame {
        Value value;
        std::string key;  // of the member that is being read, in an object
    };

    bool add(Value value) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (Frame& frame = open_.back(); frame.value.is_array()) {
            frame.value.as_array().push_back(std::move(value));
        } else {
            frame.value.as_object().emplace_back(std::move(frame.key), std::move(value));
        }
        return true;
    }
    bool open(Value value) {
        if (open_.size() >= max_depth_) {
            error_ = invalid_json(offset_of_depth(text_, max_depth_),
                                  fmt::format("nested deeper than {} levels", max_depth_));
            return false;
        }
        open_.push_back({std::move(value), {}});
        return true;
    }
    bool close() {
        Value value = std::move(open_.back().value);
        open_.pop_back();
        return add(std::move(value));
    }

    std::string_view text_;
    std::size_t max_depth_;
    Value root_;
    std::vector<Frame> open_;
    std::optional<Error> error_;
};

}  // namespace

Result<Value> parse_json_nested(std::string_view text, std::size_t max_depth) {
    // The parser takes a NUL for the end of the text and would ignore what follows.
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        return fail(invalid_json(nul, "unexpected NUL byte"));
    }
    try {
        ValueBuilder builder(text, max_depth);
        // The verdict is in the builder; the returned bool says the same.
        static_cast<void>(nlohmann::json::sax_parse(text.begin(), text.end(), &builder));
        return std::move(builder).take();
    } catch (...) {
        return fail(error_from_current_exception());
    }
}

Result<Value> parse_json(std::string_view text) {
    return parse_json_nested(text, kMaxJsonDepth);
}

}  // namespace abikit::data
