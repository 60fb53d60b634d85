// A typed JSON-like value: metadata, configuration and reports are made of it. Objects keep their
// order. Parsing is RFC 8259 (src/data/json_parse.cpp), and so is printing
// (src/data/json_print.cpp). Read `record.hpp` next.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <abi/core/error.hpp>

namespace abikit::data {

class Value;
using Array = std::vector<Value>;
using Member = std::pair<std::string, Value>;
using Object =
    std::vector<Member>;  // insertion order; keys are unique by convention of whoever builds it

// Value semantics. Integers keep 64 bits exactly and have one form: int64 where it fits, else
// uint64, so that equal numbers compare equal whatever type they were made of. Numbers outside
// both become double. Thread-compatible.
class Value {
public:
    Value() noexcept : data_(nullptr) {}
    Value(std::nullptr_t) noexcept : data_(nullptr) {}
    Value(bool value) noexcept : data_(value) {}
    Value(int value) noexcept : data_(std::int64_t{value}) {}
    Value(std::int64_t value) noexcept : data_(value) {}
    Value(std::uint64_t value) noexcept : data_(value) {
        if (value <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
            data_ = static_cast<std::int64_t>(value);
        }
    }
    Value(unsigned value) noexcept : data_(std::int64_t{value}) {}
    Value(double value) noexcept : data_(value) {}
    Value(const char* value) : data_(std::string(value)) {}
    Value(std::string_view value) : data_(std::string(value)) {}
    Value(std::string value) noexcept : data_(std::move(value)) {}
    Value(Array value) noexcept : data_(std::move(value)) {}
    Value(Object value) noexcept : data_(std::move(value)) {}

    bool is_null() const noexcept { return std::holds_alternative<std::nullptr_t>(data_); }
    bool is_bool() const noexcept { return std::holds_alternative<bool>(data_); }
    bool is_integer() const noexcept {
        return std::holds_alternative<std::int64_t>(data_) ||
               std::holds_alternative<std::uint64_t>(data_);
    }
    bool is_number() const noexcept {
        return is_integer() || std::holds_alternative<double>(data_);
    }
    bool is_string() const noexcept { return std::holds_alternative<std::string>(data_); }
    bool is_array() const noexcept { return std::holds_alternative<Array>(data_); }
    bool is_object() const noexcept { return std::holds_alternative<Object>(data_); }

    // Preconditions: the matching is_*() holds.
    bool as_bool() const { return std::get<bool>(data_); }
    double as_double() const;
    const std::string& as_string() const { return std::get<std::string>(data_); }
    const Array& as_array() const { return std::get<Array>(data_); }
    Array& as_array() { return std::get<Array>(data_); }
    const Object& as_object() const { return std::get<Object>(data_); }
    Object& as_object() { return std::get<Object>(data_); }

    // The number as an exact integer of that type; nullopt when this is no integer or does not fit.
    // A double is no integer, also when it is whole.
    std::optional<std::int64_t> to_int64() const noexcept;
    std::optional<std::uint64_t> to_uint64() const noexcept;

    // The member of an object, or null when this is no object or has no such key. Linear in the
    // members.
    const Value* find(std::string_view key) const noexcept;
    // Sets or replaces a member; a null value becomes an object first. Precondition: null or
    // object.
    Value& set(std::string_view key, Value value);

    using Storage = std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double,
                                 std::string, Array, Object>;
    const Storage& storage() const noexcept { return data_; }
    friend bool operator==(const Value&, const Value&) = default;

private:
    Storage data_;
};

enum class JsonStyle { kCompact, kPretty };

// One JSON text, whole, at most 512 levels deep. Duplicate keys: the last value wins, at the place
// of the first. kInvalidData with the byte offset (from 0) and what was expected: "not valid JSON
// at byte 9: unexpected '}'; expected string literal". Ill-formed UTF-8 and lone surrogates are
// refused, a number that no double holds too. A byte order mark at the start is skipped.
Result<Value> parse_json(std::string_view text);
// Non-finite doubles print as null; doubles print shortest round-trip, locale-independent and
// always recognisable as such ("1.0"), so that parse_json gives the same value back. kPretty puts
// one member or element a line, two spaces a level. Strings as append_json_string.
std::string to_json(const Value& value, JsonStyle style = JsonStyle::kCompact);
// Appends `text` quoted and escaped as a JSON string. UTF-8 passes through; an ill-formed sequence
// (a file name may hold one) becomes U+FFFD, so that the output is always valid JSON.
void append_json_string(std::string& out, std::string_view text);

}  // namespace abikit::data
