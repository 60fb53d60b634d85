// JSON lines by simdjson's on-demand parser: it finds the structure, the values are checked here,
// because it does not look at what it skips. A line that it refuses is read again by parse_json,
// which tells people where and why.
#include "jsonl_record.hpp"

#include <bit>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <simdjson.h>

#include <abi/data/value.hpp>

#include "json_text.hpp"
#include "number_text.hpp"
#include "reader_base.hpp"
#include "utf8.hpp"

namespace abikit::data {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Lines up to this length share one simdjson parser; longer ones get theirs for the one line, so
// that its memory (about six bytes per byte of the line) does not stay.
constexpr std::size_t kSharedCapacity = std::size_t{1} << 20;

std::string_view trim_end(std::string_view text) {
    return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

// "a string": what a JSON value is, by its first character.
std::string_view describe_value(std::string_view token) {
    switch (token.empty() ? '\0' : token.front()) {
        case '"':
            return "a string";
        case '{':
            return "an object";
        case '[':
            return "an array";
        case 't':
        case 'f':
            return "a boolean";
        case 'n':
            return "null";
        default:
            return is_json_integer(token) ? "an integer" : "a number";
    }
}

// The double nearest to a decimal, rounded to float, is the float nearest to the decimal unless
// the double lies exactly between two floats (or the float is denormal, where the spacing differs).
bool rounds_twice_safely(double value) {
    constexpr std::uint64_t kDroppedBits = (std::uint64_t{1} << 29) - 1;
    constexpr std::uint64_t kHalfway = std::uint64_t{1} << 28;
    return (std::bit_cast<std::uint64_t>(value) & kDroppedBits) != kHalfway &&
           (std::abs(value) >= double{FLT_MIN} || value == 0.0);
}

bool looks_like_number(std::string_view token) {
    return !token.empty() &&
           (token.front() == '-' || (token.front() >= '0' && token.front() <= '9'));
}

}  // namespace

void ParsedLines::clear() {
    rows.clear();
    bad.clear();
    values.clear();
    ids.clear();
    texts.clear();
    metadata.clear();
    lines = 0;
}

class JsonlParser::Impl {
public:
    void parse(const TextBlock& block, ParsedLines& out) {
        out.clear();
        out_ = &out;
        if (block.too_long) {
            reason_ = fmt::format("line is longer than {} MiB", kMaxRecordBytes >> 20);
            add_bad();
            ++out.lines;
            return;
        }
        block_end_ = block.bytes.data() + block.bytes.size();
        std::string_view rest = block.text();
        while (!rest.empty()) {
            const std::size_t feed = std::min(rest.find('\n'), rest.size());
            parse_line(trim_end(rest.substr(0, feed)));
            rest.remove_prefix(std::min(feed + 1, rest.size()));
            ++out.lines;
        }
    }

private:
    void parse_line(std::string_view line) {
        const std::size_t begin = line.find_first_not_of(kSpace);
        if (begin == std::string_view::npos) {
            return;
        }
        line_ = line;
        const std::size_t values = out_->values.size();
        id_.reset();
        text_.reset();
        metadata_.reset();
        if (line[begin] != '{' ? not_an_object() : read_record(begin)) {
            add_row();
        } else {
            out_->values.resize(values);
            add_bad();
        }
    }

    void add_row() {
        append(out_->ids, id_);
        append(out_->texts, text_);
        append(out_->metadata, metadata_);
        out_->rows.push_back({out_->lines, out_->values.size()});
    }
    void add_bad() { out_->bad.push_back({out_->lines, out_->rows.size(), std::move(reason_)}); }

    static void append(StringColumn& column, const std::optional<std::string_view>& value) {
        if (value) {
            column.append(*value);
        } else {
            column.append_null();
        }
    }

    // Sets the reason; false, so that it can be returned.
    bool refuse(std::string reason) {
        reason_ = std::move(reason);
        return false;
    }

    // Says why the line is no JSON text.
    bool refuse_syntax() {
        if (!is_utf8(line_)) {
            return refuse(fmt::format("not valid UTF-8 at byte {}", first_ill_formed(line_)));
        }
        if (const auto value = parse_json(line_); !value) {
            return refuse(value.error().message());
        }
        if (line_.starts_with(kByteOrderMark)) {
            return refuse("not valid JSON at byte 0: unexpected byte order mark");
        }
        return refuse("not a valid record");
    }

    bool not_an_object() {
        refuse_syntax();
        if (parse_json(line_) && !line_.starts_with(kByteOrderMark)) {
            const auto begin = line_.find_first_not_of(kSpace);
            refuse(fmt::format("expected a JSON object, found {}",
                               describe_value(line_.substr(begin))));
        }
        return false;
    }

    // The line as a record, all but the checks that need other lines.
    bool read_record(std::size_t begin) {
        std::optional<ondemand::parser> own;
        ondemand::parser& parser =
            line_.size() > kSharedCapacity ? own.emplace() : shared_parser(line_.size());
        const char* first = line_.data() + begin;
        ondemand::document document;
        ondemand::object object;
        if (parser
                .iterate(first, line_.size() - begin, static_cast<std::size_t>(block_end_ - first))
                .get(document) ||
            document.get_object().get(object)) {
            return refuse_syntax();
        }
        first_value_ = out_->values.size();
        for (auto entry : object) {
            ondemand::field field;
            if (std::move(entry).get(field)) {
                return refuse_syntax();
            }
            if (!read_member(field)) {
                return false;
            }
        }
        // Inside the text the location is known; behind its last token it is not.
        if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
            return refuse_syntax();
        }
        if (out_->values.size() == first_value_ && !text_) {
            return refuse("neither 'vector' nor 'text'");
        }
        return true;
    }

    // Grown by doubling, because simdjson would allocate anew for each slightly longer line.
    ondemand::parser& shared_parser(std::size_t length) {
        if (parser_.capacity() < length) {
            const std::size_t capacity = std::max(length, 2 * parser_.capacity());
            if (parser_.allocate(capacity) != simdjson::SUCCESS) {
                throw std::bad_alloc();
            }
        }
        return parser_;
    }

    bool read_member(ondemand::field& field) {
        std::string_view key = raw_string(field.key().raw());
        if (key.find('\\') != std::string_view::npos) {
            key_text_.clear();
            if (!append_unescaped(key_text_, key)) {
                return refuse_syntax();
            }
            key = key_text_;
        }
        ondemand::value value = field.value();
        if (key == "id") {
            return read_id(value);
        }
        if (key == "vector") {
            return read_vector(value);
        }
        if (key == "text") {
            return read_text(value);
        }
        if (key == "metadata") {
            return read_metadata(value);
        }
        return refuse(fmt::format("unknown member {}: it belongs under 'metadata'", quote(key)));
    }

    // What stands between the quotes, by its first character. Stage one has made sure that the
    // string ends.
    std::string_view raw_string(const char* first) const {
        const char* last = first;
        while (*last != '"') {
            last += *last == '\\' ? 2 : 1;
        }
        return {first, static_cast<std::size_t>(last - first)};
    }

    // True when the member is null, which stands for absent. Sets `ok` to false when the value
    // only looks like it.
    bool absent(ondemand::value& value, bool& ok) {
        const std::string_view token = trim_end(value.raw_json_token());
        ok = !token.starts_with('n') || token == "null" || refuse_syntax();
        return token.starts_with('n');
    }

    // The value is of a type that the member cannot have, or no JSON value at all.
    bool wrong_type(std::string_view member, std::string_view token, std::string_view expected) {
        const bool scalar_is_valid = !token.empty() && (token.front() == '"' || token == "true" ||
                                                        token == "false" || is_json_number(token));
        if (!scalar_is_valid && token.front() != '{' && token.front() != '[') {
            return refuse_syntax();
        }
        return refuse(
            fmt::format("'{}' is {}; expected {}", member, describe_value(token), expected));
    }

    bool read_id(ondemand::value& value) {
        id_.reset();
        bool ok = true;
        if (absent(value, ok)) {
            return ok;
        }
        const std::string_view token = trim_end(value.raw_json_token());
        if (token.starts_with('"')) {
            if (!read_string(value, id_text_, id_)) {
                return false;
            }
            return id_->empty() ? refuse("'id' is an empty string") : true;
        }
        if (!is_json_integer(token)) {
            return wrong_type("id", token, "a string or an integer");
        }
        id_ = token == "-0" ? "0" : token;
        return true;
    }

    bool read_text(ondemand::value& value) {
        text_.reset();
        bool ok = true;
        if (absent(value, ok)) {
            return ok;
        }
        const std::string_view token = trim_end(value.raw_json_token());
        if (!token.starts_with('"')) {
            return wrong_type("text", token, "a string");
        }
        return read_string(value, text_text_, text_);
    }

    // Without escapes the line itself is the text. The string must be taken from the parser: one
    // that is merely looked at would pass for a key if a colon followed.
    bool read_string(ondemand::value& value, std::string& scratch,
                     std::optional<std::string_view>& out) {
        ondemand::raw_json_string token;
        if (value.get_raw_json_string().get(token)) {
            return refuse_syntax();
        }
        const std::string_view raw = raw_string(token.raw());
        if (std::memchr(raw.data(), '\\', raw.size()) == nullptr) {
            out = raw;
            return true;
        }
        scratch.clear();
        if (!append_unescaped(scratch, raw)) {
            return refuse_syntax();
        }
        out = scratch;
        return true;
    }

    bool read_metadata(ondemand::value& value) {
        metadata_.reset();
        bool ok = true;
        if (absent(value, ok)) {
            return ok;
        }
        const std::string_view token = trim_end(value.raw_json_token());
        if (!token.starts_with('{')) {
            return wrong_type("metadata", token, "an object");
        }
        ondemand::object object;
        std::string_view raw;
        if (value.get_object().get(object) || object.raw_json().get(raw)) {
            return refuse_syntax();
        }
        metadata_text_.clear();
        if (!append_compact_object(metadata_text_, trim_end(raw))) {
            return refuse_syntax();
        }
        metadata_ = metadata_text_;
        return true;
    }

    bool read_vector(ondemand::value& value) {
        out_->values.resize(first_value_);
        bool ok = true;
        if (absent(value, ok)) {
            return ok;
        }
        const std::string_view token = trim_end(value.raw_json_token());
        if (!token.starts_with('[')) {
            return wrong_type("vector", token, "an array of numbers");
        }
        ondemand::array array;
        if (value.get_array().get(array)) {
            return refuse_syntax();
        }
        for (auto entry : array) {
            ondemand::value element;
            if (std::move(entry).get(element)) {
                return refuse_syntax();
            }
            if (!read_element(element)) {
                return false;
            }
        }
        return out_->values.size() > first_value_ ? true : refuse("'vector' is empty");
    }

    bool read_element(ondemand::value& element) {
        const std::string_view token = element.raw_json_token();
        double number = 0.0;
        float narrow = 0.0F;
        if (element.get_double().get(number) == simdjson::SUCCESS) {
            narrow = static_cast<float>(number);
            if (rounds_twice_safely(number) && std::abs(narrow) <= FLT_MAX) [[likely]] {
                out_->values.push_back(narrow);
                return true;
            }
        }
        return read_element_exactly(trim_end(token));
    }

    bool read_element_exactly(std::string_view token) {
        float number = 0.0F;
        const std::size_t position = out_->values.size() - first_value_;
        if (!looks_like_number(token)) {
            if (token != "true" && token != "false" && token != "null" &&
                token.find_first_of("\"[{") != 0) {
                return refuse_syntax();
            }
            return refuse(fmt::format("'vector' holds {} at position {}; expected numbers",
                                      describe_value(token), position));
        }
        if (!is_json_number(token)) {
            return refuse_syntax();
        }
        if (parse_float(token, number) != FloatResult::kOk) {
            return refuse(
                fmt::format("value out of float32 range at position {} of 'vector'", position));
        }
        out_->values.push_back(number);
        return true;
    }

    ondemand::parser parser_;
    ParsedLines* out_ = nullptr;
    const char* block_end_ = nullptr;
    std::string_view line_;
    std::size_t first_value_ = 0;  // of the line's vector
    std::string reason_;
    // The members of the line, and the texts they point to where the line itself does not do.
    std::optional<std::string_view> id_;
    std::optional<std::string_view> text_;
    std::optional<std::string_view> metadata_;
    std::string key_text_;
    std::string id_text_;
    std::string text_text_;
    std::string metadata_text_;
};

JsonlParser::JsonlParser() : impl_(std::make_unique<Impl>()) {}
JsonlParser::~JsonlParser() = default;

void JsonlParser::parse(const TextBlock& block, ParsedLines& out) {
    impl_->parse(block, out);
}

}  // namespace abikit::data
