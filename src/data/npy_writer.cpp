// .npy: the header with the announced row count, then the vectors as they lie.
#include <bit>
#include <span>

#include <fmt/format.h>

#include "npy_header.hpp"
#include "reader_base.hpp"
#include "writer_base.hpp"

namespace abikit::data {
namespace {

class NpyWriter final : public RecordWriter {
public:
    NpyWriter(ByteSink& sink, WriterOptions options) : sink_(sink), options_(options) {}

    Status open() { return sink_.write(make_npy_header(options_.rows_total, options_.dimension)); }

    Status write(const RecordBatch& batch) override {
        return guarded([&] { return write_rows(batch); });
    }
    Status finish() override {
        if (rows_ != options_.rows_total) {
            return wrong_count(rows_);
        }
        return sink_.flush();
    }

private:
    Status write_rows(const RecordBatch& batch) {
        ABI_CHECK(check_batch(batch, options_));
        if (batch.rows > 0 && batch.dimension == 0) {
            return fail(Code::kInvalidArgument,
                        fmt::format("row {} has no vector, and npy holds vectors only", rows_),
                        "write csv or jsonl");
        }
        if (batch.rows > options_.rows_total - rows_) {
            return wrong_count(rows_ + batch.rows);
        }
        rows_ += batch.rows;
        return write_floats(batch.vectors);
    }

    Status write_floats(std::span<const float> values) {
        if constexpr (std::endian::native == std::endian::little) {
            return sink_.write(std::as_bytes(values));
        } else {
            std::string bytes;
            bytes.reserve(values.size() * sizeof(float));
            for (const float value : values) {
                const auto bits = std::bit_cast<std::uint32_t>(value);
                for (int shift = 0; shift < 32; shift += 8) {
                    bytes += static_cast<char>(bits >> shift & 0xFF);
                }
            }
            return sink_.write(std::string_view(bytes));
        }
    }

    Status wrong_count(std::uint64_t rows) const {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} rows were announced, {} given", options_.rows_total, rows));
    }

    ByteSink& sink_;
    WriterOptions options_;
    std::uint64_t rows_ = 0;
};

}  // namespace

Result<std::unique_ptr<RecordWriter>> make_npy_writer(ByteSink& sink, WriterOptions options) {
    if (options.dimension == 0) {
        return fail(Code::kInvalidArgument, "npy needs vectors of a known dimension");
    }
    auto writer = std::make_unique<NpyWriter>(sink, options);
    ABI_CHECK(writer->open());
    return std::unique_ptr<RecordWriter>(std::move(writer));
}

}  // namespace abikit::data
