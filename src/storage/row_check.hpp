// What a row may hold: the one place that says so, for commits and for imports.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <abi/core/error.hpp>
#include <abi/data/record.hpp>

namespace abikit::storage {

// 1 to kMaxIdBytes bytes of UTF-8 without NUL, and not so large an integer that no ordinal is left.
Status check_id(std::string_view id);
// Id, text and metadata of one row; the vector is checked by the batch. kInvalidData.
Status check_row_strings(const data::RecordBatch& rows, std::size_t row);
// "row 'a'", "row at line 7" or "row 3".
std::string row_label(const data::RecordBatch& rows, std::size_t row);

}  // namespace abikit::storage
