// Makes the columns section while a segment is written.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "columns_format.hpp"

namespace abikit::storage {

// Takes the rows of a segment in order. Single thread. Memory: up to kMaxColumnsMemory, then the
// values of the largest column are given up.
class ColumnsWriter {
public:
    // Metadata that are no JSON object are taken for none: reading them tells of the damage. Fails
    // when memory runs out.
    Status add(std::uint32_t row, std::string_view metadata);
    // True when there is nothing to write.
    bool empty() const noexcept { return root_.children.empty(); }
    // The section. `rows` of the segment. Leaves the writer empty.
    std::string finish(std::uint64_t rows);

private:
    struct Point {
        double lat = 0, lon = 0;
        std::uint32_t row = 0;
    };
    struct Column {
        bool given_up = false;
        std::uint64_t bytes = 0;
        std::vector<std::uint32_t> known;  // rows, ascending
        std::vector<std::pair<Number, std::uint32_t>> numbers;
        std::unordered_map<std::string, std::uint32_t> codes;        // of strings, as they came
        std::vector<std::pair<std::uint32_t, std::uint32_t>> texts;  // code, row
        std::vector<Point> points;
    };
    struct Field {
        std::map<std::string, std::unique_ptr<Field>, std::less<>> children;
        std::array<std::unique_ptr<Column>, kColumnKinds> columns;
    };

    void add_object(Field& field, const data::Value& object, std::size_t depth);
    void add_value(Field& field, const data::Value& value, std::size_t depth);
    void add_array(Field& field, const data::Array& elements);
    Column& known(Field& field, ColumnKind kind);
    void put_number(Column& column, Number number);
    void put_text(Column& column, const std::string& text);
    void charge(Column& column, std::uint64_t bytes);
    void give_up(Column& column);
    void give_up_largest();

    class Encoding;

    Field root_;
    std::size_t fields_ = 0;
    bool some_missing_ = false;
    std::uint64_t bytes_ = 0;
    std::uint32_t row_ = 0;
};

}  // namespace abikit::storage
