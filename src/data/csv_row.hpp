// One CSV record to one row: the vector's numbers, the texts, the typed metadata.
#pragma once

#include <string>
#include <vector>

#include "batch_builder.hpp"
#include "csv_columns.hpp"
#include "csv_scanner.hpp"

namespace abikit::data {

// Single thread.
class CsvRowReader {
public:
    explicit CsvRowReader(CsvColumns columns);

    // Fills row(). False when the record cannot be used; reason() then says why.
    bool read(const CsvRecord& record);
    // Views of the record and of this object; valid until either changes.
    const RowView& row() const noexcept { return row_; }
    const std::string& reason() const noexcept { return reason_; }

private:
    bool refuse(std::string reason);
    bool read_texts(const CsvRecord& record);
    bool read_vector(const CsvRecord& record);
    bool read_number(std::size_t column, std::string_view cell);
    bool read_array(std::size_t column, std::string_view cell);
    bool read_metadata(const CsvRecord& record);
    bool read_metadata_object(std::string_view cell);
    bool append_member(std::size_t other, std::string_view cell);
    bool merge_members();

    CsvColumns columns_;
    std::vector<std::string> keys_;  // of columns_.others, as JSON: "\"name\":"
    RowView row_;
    std::vector<float> values_;
    std::string metadata_;  // of the column named so
    std::string members_;   // of the other columns, as a JSON object
    std::string reason_;
};

}  // namespace abikit::data
