// The meaning of conditions, on values as they were parsed.
#include "evaluate.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "lexer.hpp"

namespace abikit::storage {

namespace {
TypeMask scalar_type(const data::Value& value) noexcept {
    return value.is_bool()     ? field_type::kBool
           : value.is_number() ? field_type::kNumber
           : value.is_string() ? field_type::kString
                               : TypeMask{0};
}

TypeMask element_type(const data::Value& value) noexcept {
    return value.is_bool()     ? field_type::kArrayOfBool
           : value.is_number() ? field_type::kArrayOfNumber
           : value.is_string() ? field_type::kArrayOfString
                               : field_type::kArrayOfOther;
}

bool is_operand(Operand operand, const data::Value& value) noexcept {
    switch (operand) {
        case Operand::kBool:
            return value.is_bool();
        case Operand::kNumber:
            return value.is_number();
        case Operand::kString:
            break;
    }
    return value.is_string();
}

bool inside(const Condition& condition, const Literal& value) noexcept {
    if (condition.low) {
        const int order = compare(value, condition.low->value);
        if (order < 0 || (order == 0 && !condition.low->inclusive)) {
            return false;
        }
    }
    if (condition.high) {
        const int order = compare(value, condition.high->value);
        if (order > 0 || (order == 0 && !condition.high->inclusive)) {
            return false;
        }
    }
    return true;
}
}  // namespace

TypeMask types_of(const data::Value& value) noexcept {
    if (value.is_null()) {
        return field_type::kNull;
    }
    if (value.is_object()) {
        return field_type::kObject | (point_of(value) ? field_type::kGeo : TypeMask{0});
    }
    if (!value.is_array()) {
        return scalar_type(value);
    }
    TypeMask types = field_type::kArray;
    for (const data::Value& element : value.as_array()) {
        types |= element_type(element);
    }
    return types;
}

std::string name_types(TypeMask types) {
    static constexpr std::array<std::pair<TypeMask, std::string_view>, 6> kNames = {
        {{field_type::kNull, "null"},
         {field_type::kBool, "truth values"},
         {field_type::kNumber, "numbers"},
         {field_type::kString, "strings"},
         {field_type::kObject, "objects"},
         {field_type::kGeo, "points"}}};
    static constexpr std::array<std::pair<TypeMask, std::string_view>, 4> kElements = {
        {{field_type::kArrayOfBool, "truth values"},
         {field_type::kArrayOfNumber, "numbers"},
         {field_type::kArrayOfString, "strings"},
         {field_type::kArrayOfOther, "other values"}}};
    std::vector<std::string> words;
    for (const auto& [type, name] : kNames) {
        if ((types & type) != 0) {
            words.emplace_back(name);
        }
    }
    if ((types & field_type::kArray) != 0) {
        std::string of;
        for (const auto& [type, name] : kElements) {
            if ((types & type) != 0) {
                of += (of.empty() ? " of " : " and ") + std::string(name);
            }
        }
        words.push_back(of.empty() ? "empty arrays" : "arrays" + of);
    }
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        out += (i == 0 ? "" : (i + 1 == words.size() ? " and " : ", ")) + words[i];
    }
    return out;
}

std::optional<GeoPoint> point_of(const data::Value& value) noexcept {
    const data::Value* const lat = value.find("lat");
    const data::Value* const lon = value.find("lon");
    if (lat == nullptr || lon == nullptr || !lat->is_number() || !lon->is_number()) {
        return std::nullopt;
    }
    return GeoPoint{lat->as_double(), lon->as_double()};
}

std::optional<Literal> literal_of(const data::Value& value) {
    if (value.is_bool()) {
        return value.as_bool();
    }
    if (value.is_number()) {
        return Number::of(value);
    }
    return value.is_string() ? std::optional<Literal>(value.as_string()) : std::nullopt;
}

bool holds(const Condition& condition, const Literal& value) noexcept {
    switch (condition.kind) {
        case ConditionKind::kIn:
        case ConditionKind::kContains: {
            const auto at = std::lower_bound(
                condition.values.begin(), condition.values.end(), value,
                [](const Literal& a, const Literal& b) { return compare(a, b) < 0; });
            return at != condition.values.end() && compare(*at, value) == 0;
        }
        case ConditionKind::kRange:
            return inside(condition, value);
        case ConditionKind::kPrefix:
            return std::get_if<std::string>(&value)->starts_with(
                *std::get_if<std::string>(&condition.values.front()));
        case ConditionKind::kIsNull:
        case ConditionKind::kWithin:
            break;
    }
    return false;
}

RowFilter::RowFilter(const FilterProgram& program)
    : program_(program), values_(program.fields.size()), seen_(program.fields.size()) {
    for (const FieldPath& path : program.fields) {
        needs_metadata_ = needs_metadata_ || !path.is_id;
    }
}

Result<bool> RowFilter::matches(std::string_view id, std::optional<std::string_view> metadata) {
    if (needs_metadata_ && metadata) {
        auto document = data::parse_json(*metadata);
        if (!document && document.error().code() != Code::kInvalidData) {
            return fail(std::move(document).error());  // no memory
        }
        if (!document) {
            return fail(Code::kCorrupt, fmt::format("the metadata of row '{}' are no JSON: {}", id,
                                                    document.error().describe()));
        }
        document_ = *std::move(document);
    } else {
        document_ = data::Value();
    }
    for (std::size_t i = 0; i < values_.size(); ++i) {
        const FieldPath& path = program_.fields[i];
        if (path.is_id) {
            id_ = id;
            values_[i] = &id_;
        } else {
            values_[i] = &document_;
            for (const std::string& key : path.keys) {
                values_[i] = values_[i] == nullptr ? nullptr : values_[i]->find(key);
            }
        }
        seen_[i] |= values_[i] == nullptr ? TypeMask{0} : types_of(*values_[i]);
    }
    return evaluate(program_.root);
}

bool RowFilter::evaluate(const FilterNode& node) const {
    const auto holds_for = [this](const FilterNode& child) { return evaluate(child); };
    switch (node.kind) {
        case FilterNode::Kind::kAnd:
            return std::all_of(node.children.begin(), node.children.end(), holds_for);
        case FilterNode::Kind::kOr:
            return std::any_of(node.children.begin(), node.children.end(), holds_for);
        case FilterNode::Kind::kCondition:
            break;
    }
    return evaluate(node.condition);
}

bool RowFilter::evaluate(const Condition& condition) const {
    const data::Value* const value = values_[condition.field];
    if (condition.kind == ConditionKind::kIsNull) {
        return (value == nullptr || value->is_null()) != condition.negated;
    }
    if (value == nullptr) {
        return false;
    }
    if (condition.kind == ConditionKind::kWithin) {
        const auto point = point_of(*value);
        return point && condition.box.contains(point->lat, point->lon) != condition.negated;
    }
    if (condition.kind == ConditionKind::kContains) {
        if (!value->is_array()) {
            return false;
        }
        const data::Array& elements = value->as_array();
        return std::any_of(elements.begin(), elements.end(), [&](const data::Value& element) {
                   return is_operand(condition.operand, element) &&
                          holds(condition, *literal_of(element));
               }) != condition.negated;
    }
    return is_operand(condition.operand, *value) &&
           holds(condition, *literal_of(*value)) != condition.negated;
}

namespace {
struct Asked {
    TypeMask types = 0;
    std::string_view how;  // completes "but is ..."
};

Asked asked_of(const Condition& condition) noexcept {
    static constexpr std::array<TypeMask, 3> kScalar = {field_type::kBool, field_type::kNumber,
                                                        field_type::kString};
    static constexpr std::array<std::string_view, 3> kCompared = {
        "compared with a truth value", "compared with a number", "compared with a string"};
    static constexpr std::array<TypeMask, 3> kElement = {
        field_type::kArrayOfBool, field_type::kArrayOfNumber, field_type::kArrayOfString};
    static constexpr std::array<std::string_view, 3> kSearched = {
        "asked whether it contains a truth value", "asked whether it contains a number",
        "asked whether it contains a string"};
    const auto operand = static_cast<std::size_t>(condition.operand);
    switch (condition.kind) {
        case ConditionKind::kContains:
            return {kElement[operand], kSearched[operand]};
        case ConditionKind::kWithin:
            return {field_type::kGeo, "asked whether it lies in a box"};
        case ConditionKind::kIsNull:
            return {};
        default:
            return {kScalar[operand], kCompared[operand]};
    }
}

std::string_view hint_for(const Condition& condition, TypeMask seen) noexcept {
    if (condition.kind == ConditionKind::kWithin) {
        return "a point is an object with the numbers lat and lon";
    }
    if (condition.kind == ConditionKind::kContains) {
        return (seen & field_type::kArray) != 0 ? "the elements are of another type"
                                                : "CONTAINS is for arrays; compare others with =";
    }
    return (seen & field_type::kArray) != 0 ? "arrays are asked with CONTAINS"
                                            : "strings stand in quotes, numbers do not";
}

Status check_condition(const FilterProgram& program, const Condition& condition, TypeMask seen,
                       std::string_view known) {
    const Asked asked = asked_of(condition);
    // A field that is null wherever it is, or an empty array, may hold anything.
    const TypeMask open = field_type::kNull | field_type::kArray;
    const bool empty_arrays = condition.kind == ConditionKind::kContains && (seen & ~open) == 0;
    if (asked.types == 0 || (seen & asked.types) != 0 || seen == field_type::kNull ||
        (empty_arrays && seen != 0)) {
        return {};
    }
    const std::string path = print_path(program.fields[condition.field]);
    if (seen == 0) {
        return fail(filter_error(program.text, condition.field_at,
                                 fmt::format("no row has the field '{}'", path))
                        .with_hint(known.empty() ? std::string("no row has metadata")
                                                 : fmt::format("there are {}", known)));
    }
    return fail(filter_error(program.text, condition.value_at,
                             fmt::format("the field '{}' holds {}, but is {}", path,
                                         name_types(seen & ~field_type::kNull), asked.how))
                    .with_hint(std::string(hint_for(condition, seen))));
}

Status check_node(const FilterProgram& program, const FilterNode& node,
                  const std::vector<TypeMask>& seen, std::string_view known) {
    if (node.kind == FilterNode::Kind::kCondition) {
        return check_condition(program, node.condition, seen[node.condition.field], known);
    }
    for (const FilterNode& child : node.children) {
        ABI_CHECK(check_node(program, child, seen, known));
    }
    return {};
}
}  // namespace

Status check_types(const FilterProgram& program, const std::vector<TypeMask>& seen,
                   std::string_view known) {
    return check_node(program, program.root, seen, known);
}

}  // namespace abikit::storage
