// .npy and .fbin: a header with the announced row count, then the vectors as they lie.
#include <limits>

#include <fmt/format.h>

#include "npy_header.hpp"
#include "reader_base.hpp"
#include "writer_base.hpp"

namespace abikit::data {
namespace {

class ArrayWriter final : public RecordWriter {
public:
    ArrayWriter(Format format, ByteSink& sink, WriterOptions options)
        : format_(format), sink_(sink), options_(options) {}

    Status open(std::string_view header) { return sink_.write(header); }

    Columns columns() const noexcept override { return kVectorsOnly; }
    Status write(const RecordBatch& batch) override {
        return guarded([&] { return write_rows(batch); });
    }
    Status finish() override {
        if (rows_ != options_.rows_total) {
            return wrong_count(options_, rows_);
        }
        return sink_.flush();
    }

private:
    Status write_rows(const RecordBatch& batch) {
        ABI_CHECK(check_batch(batch, options_));
        ABI_CHECK(check_vectors(batch, format_, rows_));
        if (batch.rows > options_.rows_total - rows_) {
            return wrong_count(options_, rows_ + batch.rows);
        }
        rows_ += batch.rows;
        return write_floats(sink_, batch.vectors);
    }

    Format format_;
    ByteSink& sink_;
    WriterOptions options_;
    std::uint64_t rows_ = 0;
};

Result<std::unique_ptr<RecordWriter>> make_array_writer(Format format, ByteSink& sink,
                                                        WriterOptions options,
                                                        std::string_view header) {
    auto writer = std::make_unique<ArrayWriter>(format, sink, options);
    ABI_CHECK(writer->open(header));
    return std::unique_ptr<RecordWriter>(std::move(writer));
}

}  // namespace

Result<std::unique_ptr<RecordWriter>> make_npy_writer(ByteSink& sink, WriterOptions options) {
    ABI_CHECK(need_dimension(Format::kNpy, options));
    return make_array_writer(Format::kNpy, sink, options,
                             make_npy_header("<f4", {options.rows_total, options.dimension}));
}

Result<std::unique_ptr<RecordWriter>> make_fbin_writer(ByteSink& sink, WriterOptions options) {
    ABI_CHECK(need_dimension(Format::kFbin, options));
    if (options.rows_total > std::numeric_limits<std::uint32_t>::max()) {
        return fail(Code::kLimit,
                    fmt::format("fbin counts rows in 32 bits, {} are more", options.rows_total),
                    "write npy");
    }
    std::string header;
    append_u32(header, static_cast<std::uint32_t>(options.rows_total));
    append_u32(header, options.dimension);
    return make_array_writer(Format::kFbin, sink, options, header);
}

}  // namespace abikit::data
