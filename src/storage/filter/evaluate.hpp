// A filter on one row: the row's metadata as they are stored. What columns answer for many rows is
// defined by this.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <abi/data/value.hpp>

#include "program.hpp"

namespace abikit::storage {

// What a field was seen to hold, as bits.
using TypeMask = std::uint32_t;
namespace field_type {
inline constexpr TypeMask kNull = 1, kBool = 2, kNumber = 4, kString = 8, kObject = 16, kGeo = 32;
inline constexpr TypeMask kArray = 64;  // and what is in it:
inline constexpr TypeMask kArrayOfBool = 128, kArrayOfNumber = 256, kArrayOfString = 512;
inline constexpr TypeMask kArrayOfOther = 1024;
}  // namespace field_type
TypeMask types_of(const data::Value& value) noexcept;
// "numbers and strings".
std::string name_types(TypeMask types);

// An object with numbers lat and lon.
struct GeoPoint {
    double lat = 0, lon = 0;
};
std::optional<GeoPoint> point_of(const data::Value& value) noexcept;

// The literal that a scalar equals; nullopt for null, arrays and objects.
std::optional<Literal> literal_of(const data::Value& value);

// Whether a literal of the condition's operand satisfies the plain condition: kIn, kRange, kPrefix,
// kContains (for one element).
bool holds(const Condition& condition, const Literal& value) noexcept;

// Evaluates one program row by row. Single thread; the program outlives it.
class RowFilter {
public:
    explicit RowFilter(const FilterProgram& program);

    // Whether the row matches. kCorrupt when the metadata are no JSON.
    Result<bool> matches(std::string_view id, std::optional<std::string_view> metadata);
    // What the fields of the program held in the rows so far.
    const std::vector<TypeMask>& seen() const noexcept { return seen_; }

private:
    bool evaluate(const FilterNode& node) const;
    bool evaluate(const Condition& condition) const;

    const FilterProgram& program_;
    bool needs_metadata_ = false;
    data::Value document_, id_;
    std::vector<const data::Value*> values_;  // of each field in the row; null: absent
    std::vector<TypeMask> seen_;
};

// kInvalidArgument when a condition asks for what no row can hold: an unknown field, or a type that
// the field has nowhere. `known` names some fields that are there.
Status check_types(const FilterProgram& program, const std::vector<TypeMask>& seen,
                   std::string_view known);

}  // namespace abikit::storage
