// Filters as text in one fixed spelling, and the order of literals.
#include <algorithm>
#include <charconv>

#include <abi/storage/filter.hpp>

#include "program.hpp"

namespace abikit::storage {

namespace {
// A word that the lexer reads as one and that is no keyword. Conservative: the rest is quoted.
bool is_plain(std::string_view key) noexcept {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    const bool upper = std::any_of(key.begin(), key.end(),
                                   [&](char c) { return !letter(c) && !(c >= '0' && c <= '9'); });
    static constexpr std::string_view kWords[] = {"and",     "or",   "not",   "in",       "is",
                                                  "between", "null", "id",    "contains", "within",
                                                  "starts",  "true", "false", ""};
    return !upper && std::find(std::begin(kWords), std::end(kWords), key) == std::end(kWords) &&
           letter(key.front());
}

std::string print_number(Number number) {
    if (number.form() == Number::Form::kInteger) {
        return std::to_string(std::bit_cast<std::int64_t>(number.bits()));
    }
    if (number.form() == Number::Form::kUnsigned) {
        return std::to_string(number.bits());
    }
    return data::to_json(data::Value(number.as_double()));
}

std::string print_values(const Condition& condition) {
    std::string out;
    for (const Literal& value : condition.values) {
        out += (out.empty() ? "" : ", ") + print_literal(value);
    }
    return out;
}

std::string print_range(const Condition& condition) {
    if (condition.low && condition.high) {
        return " BETWEEN " + print_literal(condition.low->value) + " AND " +
               print_literal(condition.high->value);
    }
    const bool is_low = condition.low.has_value();
    const Bound& bound = is_low ? *condition.low : *condition.high;
    return std::string(is_low ? " >" : " <") + (bound.inclusive ? "= " : " ") +
           print_literal(bound.value);
}

std::string print_condition(const Condition& condition, const FieldPath& path) {
    const std::string field = print_path(path);
    const std::string inverted = condition.negated ? " NOT" : "";
    switch (condition.kind) {
        case ConditionKind::kIn:
            return condition.values.size() == 1
                       ? field + (condition.negated ? " != " : " = ") + print_values(condition)
                       : field + inverted + " IN (" + print_values(condition) + ")";
        case ConditionKind::kRange:
            return (condition.negated ? "NOT " : "") + field + print_range(condition);
        case ConditionKind::kPrefix:
            return field + inverted + " STARTS WITH " + print_values(condition);
        case ConditionKind::kIsNull:
            return field + " IS" + inverted + " NULL";
        case ConditionKind::kContains:
            return field + inverted + " CONTAINS " + print_values(condition);
        case ConditionKind::kWithin:
            break;
    }
    const GeoBox& box = condition.box;
    std::string out = field + inverted + " WITHIN BOX(";
    for (const double value : {box.south, box.west, box.north, box.east}) {
        out += (out.ends_with('(') ? "" : ", ") + print_number(Number(value));
    }
    return out + ")";
}

std::string print_node(const FilterProgram& program, const FilterNode& node) {
    if (node.kind == FilterNode::Kind::kCondition) {
        return print_condition(node.condition, program.fields[node.condition.field]);
    }
    const bool is_and = node.kind == FilterNode::Kind::kAnd;
    std::string out;
    for (const FilterNode& child : node.children) {
        out += out.empty() ? "" : (is_and ? " AND " : " OR ");
        const bool wrap = is_and && child.kind == FilterNode::Kind::kOr;
        out += wrap ? "(" + print_node(program, child) + ")" : print_node(program, child);
    }
    return out;
}
}  // namespace

int compare(const Literal& a, const Literal& b) noexcept {
    switch (operand_of(a)) {
        case Operand::kBool:
            return int{*std::get_if<bool>(&a)} - int{*std::get_if<bool>(&b)};
        case Operand::kNumber:
            return Number::compare(*std::get_if<Number>(&a), *std::get_if<Number>(&b));
        case Operand::kString:
            break;
    }
    return std::get_if<std::string>(&a)->compare(*std::get_if<std::string>(&b));
}

std::string print_path(const FieldPath& path) {
    std::string out;
    for (const std::string& key : path.keys) {
        out += out.empty() ? "" : ".";
        if (path.is_id || is_plain(key)) {
            out += key;
            continue;
        }
        std::string quoted;
        data::append_json_string(quoted, key);
        out += '`';
        for (const char c : std::string_view(quoted).substr(1, quoted.size() - 2)) {
            out += c == '`' ? "\\`" : std::string(1, c);
        }
        out += '`';
    }
    return out;
}

std::string print_literal(const Literal& literal) {
    if (const bool* const truth = std::get_if<bool>(&literal)) {
        return *truth ? "true" : "false";
    }
    if (const Number* const number = std::get_if<Number>(&literal)) {
        return print_number(*number);
    }
    std::string out;
    data::append_json_string(out, *std::get_if<std::string>(&literal));
    return out;
}

std::string Filter::to_string() const {
    return print_node(*program_, program_->root);
}

}  // namespace abikit::storage
