// CSV: id,text,metadata,v0..v<n-1> (RFC 4180, but lines end with LF). An absent field is empty, a
// text that is present and empty is "".
#include <fmt/format.h>

#include "number_text.hpp"
#include "reader_base.hpp"
#include "writer_base.hpp"

namespace abikit::data {
namespace {

void append_cell(std::string& out, const StringColumn& column, std::size_t row) {
    const std::string_view text = column[row];
    if (!column.has(row)) {
        return;
    }
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
        out += text;
        return;
    }
    out += '"';
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t quote = std::min(text.find('"', begin), text.size());
        out += text.substr(begin, quote - begin);
        out += quote < text.size() ? "\"\"" : "";
        begin = quote + 1;
    }
    out += '"';
}

class CsvWriter final : public RecordWriter {
public:
    CsvWriter(ByteSink& sink, WriterOptions options) : out_(sink), options_(options) {
        out_.text() = "id,text,metadata";
        for (std::uint32_t i = 0; i < options_.dimension; ++i) {
            out_.text() += fmt::format(",v{}", i);
        }
        out_.text() += '\n';
    }

    Status write(const RecordBatch& batch) override {
        return guarded([&]() -> Status {
            ABI_CHECK(check_batch(batch, options_));
            return print_rows(out_, options_.pool, batch.rows,
                              [&](std::string& text, std::size_t row) -> Status {
                                  append_row(text, batch, row);
                                  return {};
                              });
        });
    }
    Status finish() override { return out_.finish(); }

private:
    static void append_row_strings(std::string& text, const RecordBatch& batch, std::size_t row) {
        append_cell(text, batch.ids, row);
        text += ',';
        append_cell(text, batch.texts, row);
        text += ',';
        append_cell(text, batch.metadata, row);
    }
    void append_row(std::string& text, const RecordBatch& batch, std::size_t row) const {
        append_row_strings(text, batch, row);
        if (batch.dimension == 0) {
            text.append(options_.dimension, ',');
        } else {
            for (const float value :
                 batch.vectors.subspan(row * batch.dimension, batch.dimension)) {
                text += ',';
                append_float(text, value);
            }
        }
        text += '\n';
    }

    TextOut out_;
    WriterOptions options_;
};

}  // namespace

Result<std::unique_ptr<RecordWriter>> make_csv_writer(ByteSink& sink, WriterOptions options) {
    return std::unique_ptr<RecordWriter>(std::make_unique<CsvWriter>(sink, options));
}

}  // namespace abikit::data
