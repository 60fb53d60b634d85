// One result model for every command and every output format. A command builds a Report; renderers
// (renderer.hpp) turn it into console text, JSON, JSON lines, CSV or Markdown. The JSON body is the
// contract; the console view may change freely.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <abi/data/value.hpp>

namespace abikit::report {

// How a number is shown to a person; machines get it raw.
enum class Unit {
    kNone,
    kCount,
    kBytes,
    kSeconds,
    kMicroseconds,
    kNanoseconds,
    kPerSecond,
    kBytesPerSecond,
    kPercent,
    kDistance
};
enum class Align { kLeft, kRight };

// A column of a table over an array of objects in the body.
struct Column {
    std::string key{};     // member of each row; dotted for nested ("metadata.path")
    std::string header{};  // for a person
    Unit unit = Unit::kNone;
    Align align = Align::kLeft;
    std::size_t max_width =
        0;  // console only: longer text is cut with an ellipsis; 0 = as wide as needed
};

// What a person sees, in order. `path` is the dotted place of the value in the body.
struct Field {
    std::string path{};
    std::string label{};
    Unit unit = Unit::kNone;
};
struct Block {
    enum class Kind { kText, kFields, kTable } kind = Kind::kText;
    std::string text{};           // kText: one line (may contain newlines); kTable: optional title
    std::vector<Field> fields{};  // kFields
    std::string rows_path{};      // kTable: dotted place of an array of objects; "queries.0.hits"
    std::vector<Column> columns{};  // kTable
};

struct Report {
    std::string schema{};         // "abi.db.query/1"
    data::Value body{};           // object; "schema" and "abi" are put in front by the renderers
    std::vector<Block> blocks{};  // console and Markdown; empty: derived from the body
    // Values for a person that the body does not hold: blocks look here first. Never written by
    // JSON, JSON lines or CSV.
    data::Value view{};
    // The table that CSV and JSON lines write, one row a line. Empty rows_path: the body itself is
    // the one row.
    std::string rows_path{};
    // Rows made for them where the body's nesting has none that is flat; goes before rows_path.
    std::optional<data::Array> flat_rows{};
    std::vector<Column>
        columns{};  // CSV columns in order; empty: union of the rows' scalar members
};

}  // namespace abikit::report
