// Markdown as GitHub reads it: every block a paragraph or a table.
#include "humanise.hpp"
#include "lookup.hpp"
#include "renderer.hpp"
#include "text_width.hpp"

namespace abikit::report {
namespace {

bool is_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}

// Escapes what Markdown would take for markup. An underscore inside a word is text already.
std::string escape(std::string_view text) {
    const std::string line = printable(text);
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        const bool inside =
            i > 0 && i + 1 < line.size() && is_word(line[i - 1]) && is_word(line[i + 1]);
        if (std::string_view("\\|`*[]<").find(c) != std::string_view::npos ||
            (c == '_' && !inside)) {
            out += '\\';
        }
        out += c;
    }
    return out;
}

void append_fields(const Report& report, const Block& block, std::string& out) {
    out += "| | |\n| --- | --- |\n";
    for (const Field& field : block.fields) {
        if (const data::Value* value = shown(report, field.path)) {
            out +=
                "| " + escape(field.label) + " | " + escape(humanise(*value, field.unit)) + " |\n";
        }
    }
}

void append_table(const Report& report, const Block& block, std::string& out) {
    if (!block.text.empty()) {
        out += "**" + escape(block.text) + "**\n\n";
    }
    std::string rule = "|";
    out += "|";
    for (const Column& column : block.columns) {
        out += " " + escape(column.header) + " |";
        rule += column.align == Align::kRight ? " ---: |" : " --- |";
    }
    out += "\n" + rule + "\n";
    const data::Value* rows = shown(report, block.rows_path);
    if (rows == nullptr || !rows->is_array()) {
        return;
    }
    for (const data::Value& row : rows->as_array()) {
        out += "|";
        for (const Column& column : block.columns) {
            const data::Value* value = lookup(row, column.key);
            out += " " + (value == nullptr ? "" : escape(humanise(*value, column.unit))) + " |";
        }
        out += "\n";
    }
}

}  // namespace

void render_markdown(const Report& report, const RenderOptions&, std::string& out) {
    bool first = true;
    for (const Block& block : blocks_of(report)) {
        out += first ? "" : "\n";
        first = false;
        switch (block.kind) {
            case Block::Kind::kText:
                out += printable_lines(block.text) + "\n";
                break;
            case Block::Kind::kFields:
                append_fields(report, block, out);
                break;
            case Block::Kind::kTable:
                append_table(report, block, out);
                break;
        }
    }
}

}  // namespace abikit::report
