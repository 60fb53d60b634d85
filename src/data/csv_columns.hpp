// What the columns of a CSV file are: id, text, vector, metadata.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <abi/core/error.hpp>
#include <abi/data/reader.hpp>

#include "csv_scanner.hpp"

namespace abikit::data {

struct CsvColumns {
    std::vector<std::string> names;
    std::optional<std::size_t> id;
    std::optional<std::size_t> text;
    std::optional<std::size_t> metadata;  // named "metadata": may hold a JSON object
    std::vector<std::size_t> vector;      // in the order of the vector's values
    std::vector<std::size_t> others;      // become members of the metadata
};

// Reads the header and finds the columns that the options name or, where they name none, the usual
// ones (reader.hpp). kInvalidArgument, with the columns that there are, for one that is missing;
// kCorrupt for a header that is no text or repeats a name.
Result<CsvColumns> find_csv_columns(const CsvRecord& header, const ReaderOptions& options);

// "v0..v127" to its names; one name stands for itself. kInvalidArgument for more than 1,000,000.
Result<std::vector<std::string>> expand_column_range(const std::string& range);

}  // namespace abikit::data
