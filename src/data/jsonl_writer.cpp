// JSON lines: one object a row, absent members left out.
#include <cmath>

#include <fmt/format.h>

#include <abi/data/value.hpp>

#include "number_text.hpp"
#include "reader_base.hpp"
#include "writer_base.hpp"

namespace abikit::data {
namespace {

class JsonlWriter final : public RecordWriter {
public:
    JsonlWriter(ByteSink& sink, WriterOptions options) : out_(sink), options_(options) {}

    Status write(const RecordBatch& batch) override {
        return guarded([&]() -> Status {
            ABI_CHECK(check_batch(batch, options_));
            ABI_CHECK(print_rows(
                out_, options_.pool, batch.rows,
                [&](std::string& text, std::size_t row) { return append_row(text, batch, row); }));
            rows_ += batch.rows;
            return {};
        });
    }
    Status finish() override { return out_.finish(); }

private:
    Status append_row(std::string& text, const RecordBatch& batch, std::size_t row) const {
        const std::size_t begin = text.size();
        text += '{';
        if (batch.ids.has(row)) {
            append_name(text, "id", begin);
            append_json_string(text, batch.ids[row]);
        }
        if (batch.dimension > 0) {
            append_name(text, "vector", begin);
            const auto values = batch.vectors.subspan(row * batch.dimension, batch.dimension);
            if (auto status = append_vector(text, values, rows_ + row); !status) {
                text.resize(begin);  // the rows before it stay writable
                return status;
            }
        }
        if (batch.texts.has(row)) {
            append_name(text, "text", begin);
            append_json_string(text, batch.texts[row]);
        }
        if (batch.metadata.has(row)) {
            append_name(text, "metadata", begin);
            text += batch.metadata[row];
        }
        text += "}\n";
        return {};
    }

    static void append_name(std::string& text, std::string_view name, std::size_t begin) {
        text += text.size() > begin + 1 ? ",\"" : "\"";
        text += name;
        text += "\":";
    }

    static Status append_vector(std::string& text, std::span<const float> values,
                                std::uint64_t row) {
        char mark = '[';
        for (const float value : values) {
            if (!std::isfinite(value)) {
                return fail(
                    Code::kInvalidData,
                    fmt::format("row {} has a vector with {}, which JSON cannot hold", row, value));
            }
            text += mark;
            append_float(text, value);
            mark = ',';
        }
        text += ']';
        return {};
    }

    TextOut out_;
    WriterOptions options_;
    std::uint64_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordWriter>> make_jsonl_writer(ByteSink& sink, WriterOptions options) {
    return std::unique_ptr<RecordWriter>(std::make_unique<JsonlWriter>(sink, options));
}

}  // namespace abikit::data
