// Finding the rows and members that a report's dotted paths name.
#pragma once

#include <string_view>
#include <vector>

#include "report.hpp"

namespace abikit::report {

// The value at a dotted path below `root`: member names and array positions ("queries.0.hits"). A
// member whose own name contains the dots is found first. Null when there is none; "" is the root.
const data::Value* lookup(const data::Value& root, std::string_view path) noexcept;

// What a block's path names: looked up in the view, then in the body.
const data::Value* shown(const Report& report, std::string_view path) noexcept;

// The rows that CSV and JSON lines write: the array at rows_path, or the body alone when rows_path
// is empty or names no array. The pointers live as long as the report.
std::vector<const data::Value*> rows_of(const Report& report);

// The columns to write: the report's own, or the scalar members of the rows in the order in which
// they first appear.
std::vector<Column> columns_of(const Report& report, const std::vector<const data::Value*>& rows);

// The blocks to show: the report's own, or ones derived from the body: its scalar members as
// fields, then each array of objects as a table.
std::vector<Block> blocks_of(const Report& report);

}  // namespace abikit::report
