// Cells to values. Metadata is put together as JSON text; only where a JSON object and further
// columns meet is it parsed.
#include "csv_row.hpp"

#include <fmt/format.h>

#include <abi/data/value.hpp>

#include "json_text.hpp"
#include "number_text.hpp"
#include "reader_base.hpp"
#include "utf8.hpp"

namespace abikit::data {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n";
    const std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
    return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// Numbers, true, false and null keep their type; everything else is a string.
void append_typed(std::string& out, std::string_view cell) {
    const std::string_view word = trim(cell);
    const bool is_literal = word == "true" || word == "false" || word == "null";
    if (is_literal || (is_json_number(word) && is_finite_number(word))) {
        out += word;
    } else {
        append_json_string(out, cell);
    }
}

}  // namespace

CsvRowReader::CsvRowReader(CsvColumns columns) : columns_(std::move(columns)) {
    for (const std::size_t column : columns_.others) {
        std::string key;
        append_json_string(key, columns_.names[column]);
        key += ':';
        keys_.push_back(std::move(key));
    }
}

bool CsvRowReader::refuse(std::string reason) {
    reason_ = std::move(reason);
    return false;
}

bool CsvRowReader::read(const CsvRecord& record) {
    row_ = {};
    row_.line = record.line;
    if (!record.reason.empty()) {
        return refuse(record.reason);
    }
    if (record.width != columns_.names.size()) {
        return refuse(fmt::format("record has {} fields, the header has {}", record.width,
                                  columns_.names.size()));
    }
    if (!read_texts(record) || !read_vector(record) || !read_metadata(record)) {
        return false;
    }
    return row_.vector.empty() && !row_.text ? refuse("neither vector nor text") : true;
}

// An empty field is absent; the text alone may be present and empty, in quotes.
bool CsvRowReader::read_texts(const CsvRecord& record) {
    if (columns_.id && !record[*columns_.id].empty()) {
        row_.id = record[*columns_.id];
    }
    if (columns_.text &&
        (!record[*columns_.text].empty() || record.fields[*columns_.text].quoted)) {
        row_.text = record[*columns_.text];
    }
    for (const auto& column : {columns_.id, columns_.text}) {
        if (column && !is_utf8(record[*column])) {
            return refuse(
                fmt::format("column {} is not valid UTF-8", quote(columns_.names[*column])));
        }
    }
    return true;
}

bool CsvRowReader::read_vector(const CsvRecord& record) {
    values_.clear();
    std::size_t empty = 0;
    std::size_t first_empty = 0;
    for (const std::size_t column : columns_.vector) {
        const std::string_view cell = trim(record[column]);
        if (cell.empty()) {
            first_empty = empty++ == 0 ? column : first_empty;
        } else if (columns_.vector.size() == 1 && cell.starts_with('[')) {
            if (!read_array(column, cell)) {
                return false;
            }
        } else if (!read_number(column, cell)) {
            return false;
        }
    }
    if (empty > 0 && empty < columns_.vector.size()) {
        return refuse(fmt::format("column {} is empty", quote(columns_.names[first_empty])));
    }
    row_.vector = values_;
    return true;
}

bool CsvRowReader::read_number(std::size_t column, std::string_view cell) {
    const bool has_plus = cell.size() > 1 && cell[0] == '+' && cell[1] != '-';
    float value = 0.0F;
    switch (parse_float(cell.substr(has_plus ? 1 : 0), value)) {
        case FloatResult::kOk:
            values_.push_back(value);
            return true;
        case FloatResult::kOutOfRange:
            return refuse(fmt::format("column {}: value out of float32 range",
                                      quote(columns_.names[column])));
        case FloatResult::kMalformed:
            break;
    }
    return refuse(fmt::format("column {}: {} is not a number{}", quote(columns_.names[column]),
                              quote(cell),
                              columns_.vector.size() == 1 ? " nor a JSON array of numbers" : ""));
}

bool CsvRowReader::read_array(std::size_t column, std::string_view cell) {
    const auto broken = [&] {
        return refuse(fmt::format("column {}: {} is not a JSON array of numbers",
                                  quote(columns_.names[column]), quote(cell)));
    };
    if (!cell.ends_with(']')) {
        return broken();
    }
    std::string_view rest = cell.substr(1, cell.size() - 2);
    while (true) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view token = trim(rest.substr(0, comma));
        if (!is_json_number(token)) {
            return broken();
        }
        float value = 0.0F;
        if (parse_float(token, value) != FloatResult::kOk) {
            return refuse(fmt::format("column {}: value out of float32 range",
                                      quote(columns_.names[column])));
        }
        values_.push_back(value);
        if (comma == rest.size()) {
            return true;
        }
        rest.remove_prefix(comma + 1);
    }
}

bool CsvRowReader::read_metadata(const CsvRecord& record) {
    metadata_.clear();
    members_.assign(1, '{');
    for (std::size_t other = 0; other < columns_.others.size(); ++other) {
        const std::size_t column = columns_.others[other];
        const std::string_view cell = record[column];
        if (cell.empty()) {
            continue;
        }
        const bool is_object = column == columns_.metadata && trim(cell).starts_with('{');
        if (is_object ? !read_metadata_object(trim(cell)) : !append_member(other, cell)) {
            return false;
        }
    }
    members_ += '}';
    if (metadata_.empty()) {
        row_.metadata =
            members_.size() > 2 ? std::optional<std::string_view>(members_) : std::nullopt;
        return true;
    }
    if (members_.size() > 2 && !merge_members()) {
        return false;
    }
    row_.metadata = metadata_;
    return true;
}

bool CsvRowReader::read_metadata_object(std::string_view cell) {
    if (const auto status = append_compact_object(metadata_, cell); !status) {
        return refuse("column 'metadata': " + status.error().message());
    }
    return true;
}

bool CsvRowReader::append_member(std::size_t other, std::string_view cell) {
    if (!is_utf8(cell)) {
        return refuse(fmt::format("column {} is not valid UTF-8",
                                  quote(columns_.names[columns_.others[other]])));
    }
    members_ += members_.size() > 1 ? "," : "";
    members_ += keys_[other];
    append_typed(members_, cell);
    return true;
}

// The columns' members go over those of the object.
bool CsvRowReader::merge_members() {
    auto object = parse_json(metadata_);
    auto members = parse_json(members_);
    if (!object || !members) {
        return refuse("metadata is no JSON object");
    }
    for (Member& member : members->as_object()) {
        object->set(member.first, std::move(member.second));
    }
    metadata_ = to_json(*object);
    return true;
}

}  // namespace abikit::data
