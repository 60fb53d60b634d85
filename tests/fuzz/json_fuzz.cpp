// parse_json, to_json and append_compact_object: printing and parsing are inverse, and compacting
// accepts exactly the objects that parsing accepts.
#include <cstdint>
#include <string_view>

#include <abi/data/value.hpp>

#include "data/json_text.hpp"

using namespace abikit;
using namespace abikit::data;

namespace {

void require(bool holds) {
    if (!holds) {
        __builtin_trap();
    }
}

void check_printing(const Value& value) {
    for (const JsonStyle style : {JsonStyle::kCompact, JsonStyle::kPretty}) {
        const std::string text = to_json(value, style);
        const auto again = parse_json(text);
        require(again.has_value());
        require(*again == value);
        require(to_json(*again, style) == text);
    }
}

void check_compacting(std::string_view text, const Result<Value>& value) {
    std::string compact = "before";
    const auto status = append_compact_object(compact, text);
    require(status.has_value() == (value && value->is_object()));
    if (!status) {
        require(compact == "before");
        return;
    }
    const std::string once = compact.substr(6);
    const auto again = parse_json(once);
    require(again.has_value());
    require(*again == *value);
    std::string twice;
    require(append_compact_object(twice, once).has_value());
    require(twice == once);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto value = parse_json(text);
    if (value) {
        check_printing(*value);
    } else {
        require(value.error().code() == Code::kInvalidData);
        require(!value.error().message().empty());
    }
    check_compacting(text, value);
    // Any bytes at all make a valid JSON string.
    std::string quoted;
    append_json_string(quoted, text);
    const auto string = parse_json(quoted);
    require(string.has_value() && string->is_string());
    return 0;
}
