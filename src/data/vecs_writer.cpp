// fvecs and bvecs: each row is its dimension as a little-endian int32, then the values.
#include <bit>

#include <fmt/format.h>

#include "number_text.hpp"
#include "reader_base.hpp"
#include "writer_base.hpp"

namespace abikit::data {
namespace {

class VecsWriter final : public RecordWriter {
public:
    VecsWriter(Format format, ByteSink& sink, WriterOptions options)
        : format_(format), out_(sink), options_(options) {}

    Columns columns() const noexcept override { return kVectorsOnly; }
    Status write(const RecordBatch& batch) override {
        return guarded([&]() -> Status {
            ABI_CHECK(check_batch(batch, options_));
            ABI_CHECK(check_vectors(batch, format_, rows_));
            for (std::size_t row = 0; row < batch.rows; ++row) {
                const auto values = batch.vectors.subspan(row * batch.dimension, batch.dimension);
                append_u32(out_.text(), batch.dimension);
                ABI_CHECK(append(values));
                ABI_CHECK(out_.drain_if_full());
                ++rows_;
            }
            return {};
        });
    }
    Status finish() override { return out_.finish(); }

private:
    Status append(std::span<const float> values) {
        if (format_ == Format::kFvecs) {
            append_floats(out_.text(), values);
            return {};
        }
        std::string& text = out_.text();
        const std::size_t begin = text.size();
        text.resize(begin + values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            // Nothing that would come back as other bits is taken: no -0, no fraction.
            const float value = values[i];
            const bool inside = value >= 0.0F && value <= 255.0F;
            const auto byte = inside ? static_cast<std::uint8_t>(value) : std::uint8_t{0};
            if (std::bit_cast<std::uint32_t>(static_cast<float>(byte)) !=
                std::bit_cast<std::uint32_t>(value)) {
                text.resize(begin - sizeof(std::uint32_t));  // the rows before it stay writable
                return refuse(value, i);
            }
            text[begin + i] = static_cast<char>(byte);
        }
        return {};
    }

    Status refuse(float value, std::size_t position) const {
        std::string shown;
        append_float(shown, value);
        return fail(Code::kInvalidData,
                    fmt::format("row {} has the value {} at position {}; bvecs holds integers from "
                                "0 to 255",
                                rows_, shown, position),
                    "write fvecs");
    }

    Format format_;
    TextOut out_;
    WriterOptions options_;
    std::uint64_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordWriter>> make_vecs_writer(Format format, ByteSink& sink,
                                                       WriterOptions options) {
    ABI_CHECK(need_dimension(format, options));
    return std::unique_ptr<RecordWriter>(std::make_unique<VecsWriter>(format, sink, options));
}

}  // namespace abikit::data
