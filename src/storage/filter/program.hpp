// A filter after parsing: a tree of AND and OR over conditions, NOT moved down into them, so that
// evaluation only ever asks which rows a condition is true for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <abi/core/error.hpp>

#include "number.hpp"

namespace abikit::storage {

// A constant; the alternatives are numbered by Operand.
using Literal = std::variant<bool, Number, std::string>;
enum class Operand : std::uint8_t { kBool = 0, kNumber = 1, kString = 2 };
inline Operand operand_of(const Literal& literal) noexcept {
    return static_cast<Operand>(literal.index());
}
// Of two literals of one operand: negative, 0 or positive.
int compare(const Literal& a, const Literal& b) noexcept;

struct FieldPath {
    std::vector<std::string> keys;  // a.b is {"a", "b"}
    bool is_id = false;             // the row's own id; keys is {"id"}
    friend bool operator==(const FieldPath&, const FieldPath&) = default;
};

struct GeoBox {
    double south = 0, west = 0, north = 0, east = 0;  // degrees; west > east crosses 180
    bool contains(double lat, double lon) const noexcept {
        const bool inside = west <= east ? lon >= west && lon <= east : lon >= west || lon <= east;
        return lat >= south && lat <= north && inside;
    }
};

enum class ConditionKind : std::uint8_t {
    kIn,        // equals one of `values`
    kRange,     // between `low` and `high`
    kPrefix,    // a string that starts with values[0]
    kIsNull,    // absent or null
    kContains,  // an array with an element equal to values[0]
    kWithin,    // an object with numbers lat and lon inside `box`
};

// One end of a range; absent: open.
struct Bound {
    Literal value;
    bool inclusive = true;
};

struct Condition {
    ConditionKind kind = ConditionKind::kIn;
    bool negated = false;  // true where the plain condition is false (not where it is unknown)
    Operand operand = Operand::kString;
    std::uint32_t field = 0;      // index into FilterProgram::fields
    std::vector<Literal> values;  // kIn: ascending, each once
    std::optional<Bound> low, high;
    GeoBox box;
    std::size_t field_at = 0, value_at = 0;  // bytes in the text, for messages
};

struct FilterNode {
    enum class Kind : std::uint8_t { kAnd, kOr, kCondition };
    Kind kind = Kind::kCondition;
    std::vector<FilterNode> children;  // of kAnd and kOr: at least two
    Condition condition;               // of kCondition
};

struct FilterProgram {
    std::string text;
    std::vector<FieldPath> fields;  // each once
    FilterNode root;
};

// Reads one field as filters name it.
Result<FieldPath> parse_field(std::string_view text);
// "a.b", with backquotes where a key needs them.
std::string print_path(const FieldPath& path);
std::string print_literal(const Literal& literal);

}  // namespace abikit::storage
