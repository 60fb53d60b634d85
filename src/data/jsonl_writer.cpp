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
            for (std::size_t row = 0; row < batch.rows; ++row) {
                ABI_CHECK(append_row(batch, row));
                ABI_CHECK(out_.drain_if_full());
                ++rows_;
            }
            return {};
        });
    }
    Status finish() override { return out_.finish(); }

private:
    Status append_row(const RecordBatch& batch, std::size_t row) {
        std::string& text = out_.text();
        const std::size_t begin = text.size();
        text += '{';
        if (batch.ids.has(row)) {
            append_name("id", begin);
            append_json_string(text, batch.ids[row]);
        }
        if (batch.dimension > 0) {
            append_name("vector", begin);
            const auto values = batch.vectors.subspan(row * batch.dimension, batch.dimension);
            if (auto status = append_vector(values); !status) {
                text.resize(begin);  // the rows before it stay writable
                return status;
            }
        }
        if (batch.texts.has(row)) {
            append_name("text", begin);
            append_json_string(text, batch.texts[row]);
        }
        if (batch.metadata.has(row)) {
            append_name("metadata", begin);
            text += batch.metadata[row];
        }
        text += "}\n";
        return {};
    }

    void append_name(std::string_view name, std::size_t begin) {
        std::string& text = out_.text();
        text += text.size() > begin + 1 ? ",\"" : "\"";
        text += name;
        text += "\":";
    }

    Status append_vector(std::span<const float> values) {
        std::string& text = out_.text();
        char mark = '[';
        for (const float value : values) {
            if (!std::isfinite(value)) {
                return fail(Code::kInvalidData,
                            fmt::format("row {} has a vector with {}, which JSON cannot hold",
                                        rows_, value));
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
