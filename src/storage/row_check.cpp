// The limits of ids, texts and metadata.
#include "row_check.hpp"

#include <limits>

#include <fmt/format.h>

#include <abi/storage/database.hpp>
#include <abi/text/utf8.hpp>

#include "format.hpp"

namespace abikit::storage {

std::string row_label(const data::RecordBatch& rows, std::size_t row) {
    if (rows.ids.has(row)) {
        return fmt::format("row '{}'", rows.ids[row]);
    }
    return row < rows.lines.size() ? fmt::format("row at {}", rows.lines[row])
                                   : fmt::format("row {}", row);
}

Status check_id(std::string_view id) {
    if (id.empty()) {
        return fail(Code::kInvalidData, "an id is empty",
                    "leave the id out to get the next ordinal");
    }
    if (id.size() > kMaxIdBytes) {
        return fail(Code::kInvalidData, fmt::format("an id of {} bytes is too long (at most {})",
                                                    id.size(), kMaxIdBytes));
    }
    if (!text::utf8_valid(id) || id.find('\0') != std::string_view::npos) {
        return fail(Code::kInvalidData, "an id is not valid UTF-8 or holds a zero byte");
    }
    if (canonical_integer(id) == std::numeric_limits<std::uint64_t>::max()) {
        return fail(Code::kInvalidData,
                    fmt::format("id '{}' is too large: no ordinal would be left", id));
    }
    return {};
}

Status check_row_strings(const data::RecordBatch& rows, std::size_t row) {
    if (rows.ids.has(row)) {
        ABI_CHECK(check_id(rows.ids[row]));
    }
    const std::string_view text = rows.texts[row];
    if (text.size() > kMaxTextBytes) {
        return fail(Code::kInvalidData,
                    fmt::format("the text of {} is longer than 64 MiB", row_label(rows, row)),
                    "split it into smaller documents");
    }
    if (!text::utf8_valid(text)) {
        return fail(Code::kInvalidData,
                    fmt::format("the text of {} is not valid UTF-8", row_label(rows, row)));
    }
    if (rows.metadata[row].size() > kMaxMetadataBytes) {
        return fail(Code::kInvalidData,
                    fmt::format("the metadata of {} are larger than 1 MiB", row_label(rows, row)));
    }
    return {};
}

}  // namespace abikit::storage
