// Text for a person: aligned fields and tables that fit the terminal. This view may change freely;
// scripts read JSON or CSV.
#include <algorithm>

#include "humanise.hpp"
#include "lookup.hpp"
#include "renderer.hpp"
#include "text_width.hpp"

namespace abikit::report {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 8;  // a column is not squeezed below this

struct Cell {
    std::string text;
    std::size_t width = 0;
};

std::string styled(std::string_view text, std::string_view code, const RenderOptions& options) {
    if (!options.colour || text.empty()) {
        return std::string(text);
    }
    return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

void pad(std::string& out, std::size_t count) {
    out.append(count, ' ');
}

void append_fields(const Report& report, const Block& block, const RenderOptions& options,
                   std::string& out) {
    std::size_t widest = 0;
    for (const Field& field : block.fields) {
        if (shown(report, field.path) != nullptr) {
            widest = std::max(widest, display_width(field.label));
        }
    }
    for (const Field& field : block.fields) {
        const data::Value* value = shown(report, field.path);
        if (value == nullptr) {
            continue;
        }
        out += styled(field.label, "2", options);
        pad(out, widest - display_width(field.label) + kGap);
        out += printable(humanise(*value, field.unit));
        out += '\n';
    }
}

Cell make_cell(const data::Value* value, const Column& column) {
    Cell cell;
    cell.text = value == nullptr ? "-" : printable(humanise(*value, column.unit));
    if (column.max_width > 0) {
        cell.text = truncate(cell.text, column.max_width);
    }
    cell.width = display_width(cell.text);
    return cell;
}

// Narrows the widest left-aligned columns, one column of text at a time from the widest down, until
// the table fits. Numbers are never cut: a cut number would lie.
void fit(std::vector<std::size_t>& widths, const std::vector<Column>& columns, std::size_t limit) {
    std::size_t total = kGap * (widths.size() - 1);
    for (const std::size_t width : widths) {
        total += width;
    }
    while (total > limit) {
        std::size_t widest = widths.size();
        std::size_t second = kNarrowest;
        for (std::size_t i = 0; i < widths.size(); ++i) {
            if (columns[i].align != Align::kLeft || widths[i] <= kNarrowest) {
                continue;
            }
            if (widest == widths.size() || widths[i] > widths[widest]) {
                second = widest == widths.size() ? second : widths[widest];
                widest = i;
            } else {
                second = std::max(second, widths[i]);
            }
        }
        if (widest == widths.size()) {
            return;
        }
        const std::size_t step = std::max<std::size_t>(1, widths[widest] - second);
        const std::size_t cut = std::min(step, total - limit);
        widths[widest] -= cut;
        total -= cut;
    }
}

void append_line(const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                 const std::vector<Column>& columns, std::string_view style,
                 const RenderOptions& options, std::string& out) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string text = truncate(cells[i].text, widths[i]);
        const std::size_t room = widths[i] - std::min(widths[i], display_width(text));
        const bool last = i + 1 == cells.size();
        if (columns[i].align == Align::kRight) {
            pad(out, room);
        }
        out += styled(text, style, style.empty() ? RenderOptions{} : options);
        if (columns[i].align == Align::kLeft && !last) {
            pad(out, room);
        }
        if (!last) {
            pad(out, kGap);
        }
    }
    out += '\n';
}

void append_table(const Report& report, const Block& block, const RenderOptions& options,
                  std::string& out) {
    if (!block.text.empty()) {
        out += styled(printable_lines(block.text), "1", options) + "\n";
    }
    const data::Value* rows = shown(report, block.rows_path);
    if (block.columns.empty() || rows == nullptr || !rows->is_array()) {
        return;
    }
    std::vector<Cell> header;
    std::vector<std::size_t> widths;
    for (const Column& column : block.columns) {
        header.push_back({column.header, display_width(column.header)});
        widths.push_back(header.back().width);
    }
    std::vector<std::vector<Cell>> lines;
    for (const data::Value& row : rows->as_array()) {
        std::vector<Cell>& cells = lines.emplace_back();
        for (std::size_t i = 0; i < block.columns.size(); ++i) {
            cells.push_back(make_cell(lookup(row, block.columns[i].key), block.columns[i]));
            widths[i] = std::max(widths[i], cells.back().width);
        }
    }
    if (options.width > 0) {
        fit(widths, block.columns, options.width);
    }
    append_line(header, widths, block.columns, "1", options, out);
    for (const auto& cells : lines) {
        append_line(cells, widths, block.columns, "", options, out);
    }
}

}  // namespace

void render_console(const Report& report, const RenderOptions& options, std::string& out) {
    bool first = true;
    for (const Block& block : blocks_of(report)) {
        out += first ? "" : "\n";
        first = false;
        switch (block.kind) {
            case Block::Kind::kText:
                out += printable_lines(block.text) + "\n";
                break;
            case Block::Kind::kFields:
                append_fields(report, block, options, out);
                break;
            case Block::Kind::kTable:
                append_table(report, block, options, out);
                break;
        }
    }
}

}  // namespace abikit::report
