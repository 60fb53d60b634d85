// Comma-separated values by RFC 4180: a header, CRLF line ends, quotes where they are needed.
#include "humanise.hpp"
#include "lookup.hpp"
#include "renderer.hpp"

namespace abikit::report {
namespace {

void append_cell(std::string_view text, std::string& out) {
    if (text.find_first_of("\",\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (const char c : text) {
        if (c == '"') {
            out += '"';
        }
        out += c;
    }
    out += '"';
}

}  // namespace

void render_csv(const Report& report, const RenderOptions&, std::string& out) {
    const auto rows = rows_of(report);
    const auto columns = columns_of(report, rows);
    if (columns.empty()) {
        return;  // no row ever had a member: there is no header to write
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
        out += i == 0 ? "" : ",";
        append_cell(columns[i].key, out);
    }
    out += "\r\n";
    for (const data::Value* row : rows) {
        for (std::size_t i = 0; i < columns.size(); ++i) {
            out += i == 0 ? "" : ",";
            if (const data::Value* value = lookup(*row, columns[i].key)) {
                append_cell(raw_text(*value), out);
            }
        }
        out += "\r\n";
    }
}

}  // namespace abikit::report
