// The dispatch to each format's writer, and the check that all of them make.
#include <fmt/format.h>

#include "reader_base.hpp"
#include "writer_base.hpp"

namespace abikit::data {

Status check_batch(const RecordBatch& batch, const WriterOptions& options) {
    if (batch.dimension == 0) {
        return {};
    }
    if (batch.dimension != options.dimension) {
        return fail(Code::kInvalidArgument,
                    fmt::format("rows have vectors of {} values, {} were announced",
                                batch.dimension, options.dimension));
    }
    if (batch.vectors.size() != batch.rows * batch.dimension) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} rows of {} values, but {} values", batch.rows, batch.dimension,
                                batch.vectors.size()));
    }
    return {};
}

Result<std::unique_ptr<RecordWriter>> make_writer(Format format, ByteSink& sink,
                                                  WriterOptions options) {
    return guarded([&]() -> Result<std::unique_ptr<RecordWriter>> {
        switch (format) {
            case Format::kNpy:
                return make_npy_writer(sink, options);
            case Format::kCsv:
                return make_csv_writer(sink, options);
            case Format::kJsonl:
                return make_jsonl_writer(sink, options);
            case Format::kFvecs:
            case Format::kBvecs:
                break;
        }
        return fail(Code::kInvalidArgument,
                    fmt::format("{} cannot be written", format_name(format)),
                    "use one of npy, csv, jsonl");
    });
}

}  // namespace abikit::data
