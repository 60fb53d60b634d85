// The columns section of a segment: for each field of the metadata and each type it holds, the
// different values in order, how many rows have each, and which. Derived from the metadata; bytes
// in docs/formats/wdbx.md. Written by columns_writer.hpp, read by columns.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluate.hpp"

namespace abikit::storage {

// What a column is about: the number of a bit of TypeMask.
enum class ColumnKind : std::uint32_t {
    kNull = 0,
    kBool = 1,
    kNumber = 2,
    kString = 3,
    kObject = 4,
    kGeo = 5,
    kArray = 6,
    kArrayOfBool = 7,
    kArrayOfNumber = 8,
    kArrayOfString = 9,
    kArrayOfOther = 10,
};
inline constexpr std::uint32_t kColumnKinds = 11;
inline constexpr TypeMask mask_of(ColumnKind kind) noexcept {
    return TypeMask{1} << static_cast<std::uint32_t>(kind);
}

inline constexpr std::uint32_t kColumnsVersion = 1;
inline constexpr std::uint32_t kSomeFieldsMissing = 1;  // flag of the section
inline constexpr std::uint32_t kValuesMissing = 1;      // flag of a column
inline constexpr std::size_t kColumnsHeaderBytes = 24;
inline constexpr std::uint64_t kPlainBits = std::uint64_t{1} << 63;  // of a posting's place

// Limits of what is written; beyond them the metadata themselves are asked.
inline constexpr std::size_t kMaxColumnFields = 256;
inline constexpr std::size_t kMaxColumnDepth = 16;
inline constexpr std::size_t kMaxColumnString = 1024;
inline constexpr std::uint64_t kMaxColumnsMemory = std::uint64_t{512} << 20;

// A column as the directory names it. Places are bytes from the start of the data.
struct ColumnEntry {
    ColumnKind kind = ColumnKind::kNull;
    std::uint32_t flags = 0;
    std::vector<std::string> keys;  // the path of the field
    std::uint64_t values = 0;       // different ones; of kGeo: points
    std::uint64_t pairs = 0;        // of a value and a row that has it
    std::uint64_t known_rows = 0;   // rows that hold this type
    std::uint64_t known_at = 0;     // posting of those rows
    std::uint64_t ends_at = 0;      // values x u64: pairs up to and with each value
    std::uint64_t postings_at = 0;  // values x u64: where the rows of each value stand
    std::uint64_t values_at = 0;
    std::uint64_t text_at = 0;  // of strings: their bytes
};

}  // namespace abikit::storage
