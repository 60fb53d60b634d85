// Dotted paths, and the views that are derived when a command gives none.
#include "lookup.hpp"

#include <charconv>

namespace abikit::report {
namespace {

bool is_scalar(const data::Value& value) noexcept {
    return !value.is_array() && !value.is_object();
}

bool is_table(const data::Value& value) noexcept {
    return value.is_array() && !value.as_array().empty() && value.as_array().front().is_object();
}

const data::Value* child(const data::Value& value, std::string_view name) noexcept {
    if (value.is_object()) {
        return value.find(name);
    }
    if (value.is_array()) {
        std::size_t index = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
        const bool whole = error == std::errc{} && end == name.data() + name.size();
        return whole && index < value.as_array().size() ? &value.as_array()[index] : nullptr;
    }
    return nullptr;
}

// "build_seconds" reads "build seconds" to a person.
std::string label_of(std::string_view key) {
    std::string label(key);
    for (char& c : label) {
        c = c == '_' ? ' ' : c;
    }
    return label;
}

void add_scalar_columns(const data::Value& row, std::vector<Column>& columns) {
    if (!row.is_object()) {
        return;
    }
    for (const auto& [key, value] : row.as_object()) {
        if (!is_scalar(value)) {
            continue;
        }
        bool known = false;
        for (const Column& column : columns) {
            known = known || column.key == key;
        }
        if (!known) {
            const Align align = value.is_number() ? Align::kRight : Align::kLeft;
            columns.push_back(
                {.key = key, .header = label_of(key), .unit = Unit::kNone, .align = align});
        }
    }
}

}  // namespace

const data::Value* lookup(const data::Value& root, std::string_view path) noexcept {
    if (path.empty()) {
        return &root;
    }
    if (const data::Value* whole = child(root, path)) {
        return whole;
    }
    for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
        const data::Value* next = child(root, path.substr(0, dot));
        if (next == nullptr) {
            continue;
        }
        if (const data::Value* found = lookup(*next, path.substr(dot + 1))) {
            return found;
        }
    }
    return nullptr;
}

const data::Value* shown(const Report& report, std::string_view path) noexcept {
    const data::Value* const found = lookup(report.view, path);
    return found != nullptr && !found->is_null() ? found : lookup(report.body, path);
}

std::vector<const data::Value*> rows_of(const Report& report) {
    std::vector<const data::Value*> rows;
    if (report.flat_rows) {
        for (const data::Value& row : *report.flat_rows) {
            rows.push_back(&row);
        }
        return rows;
    }
    const data::Value* array =
        report.rows_path.empty() ? nullptr : lookup(report.body, report.rows_path);
    if (array == nullptr || !array->is_array()) {
        rows.push_back(&report.body);
        return rows;
    }
    rows.reserve(array->as_array().size());
    for (const data::Value& row : array->as_array()) {
        rows.push_back(&row);
    }
    return rows;
}

std::vector<Column> columns_of(const Report& report, const std::vector<const data::Value*>& rows) {
    if (!report.columns.empty()) {
        return report.columns;
    }
    std::vector<Column> columns;
    for (const data::Value* row : rows) {
        add_scalar_columns(*row, columns);
    }
    return columns;
}

std::vector<Block> blocks_of(const Report& report) {
    if (!report.blocks.empty() || !report.body.is_object()) {
        return report.blocks;
    }
    Block fields{.kind = Block::Kind::kFields};
    std::vector<Block> tables;
    for (const auto& [key, value] : report.body.as_object()) {
        if (is_table(value)) {
            Block table{.kind = Block::Kind::kTable, .text = label_of(key), .rows_path = key};
            for (const data::Value& row : value.as_array()) {
                add_scalar_columns(row, table.columns);
            }
            tables.push_back(std::move(table));
        } else {
            fields.fields.push_back({.path = key, .label = label_of(key)});
        }
    }
    std::vector<Block> blocks;
    if (!fields.fields.empty()) {
        blocks.push_back(std::move(fields));
    }
    blocks.insert(blocks.end(), tables.begin(), tables.end());
    return blocks;
}

}  // namespace abikit::report
