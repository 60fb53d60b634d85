// The dispatch to each format's writer, and what several of them check and write.
#include <algorithm>
#include <bit>
#include <vector>

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

Status print_rows(TextOut& out, ThreadPool* pool, std::size_t rows,
                  const std::function<Status(std::string& text, std::size_t row)>& print) {
    constexpr std::size_t kBlockRows = 64;
    if (pool == nullptr || rows <= kBlockRows) {
        for (std::size_t row = 0; row < rows; ++row) {
            ABI_CHECK(print(out.text(), row));
            ABI_CHECK(out.drain_if_full());
        }
        return {};
    }
    std::vector<std::string>& texts = out.blocks();  // kept, and with them their memory
    std::vector<Status> outcomes((rows + kBlockRows - 1) / kBlockRows);
    texts.resize(std::max(texts.size(), outcomes.size()));
    pool->parallel_for(0, rows, kBlockRows, [&](std::size_t first, std::size_t last) {
        const std::size_t block = first / kBlockRows;
        texts[block].clear();
        for (std::size_t row = first; row < last && outcomes[block]; ++row) {
            outcomes[block] = print(texts[block], row);
        }
    });
    for (std::size_t block = 0; block < outcomes.size(); ++block) {
        ABI_CHECK(out.put(texts[block]));
        ABI_CHECK(std::move(outcomes[block]));
    }
    return {};
}

Status check_vectors(const RecordBatch& batch, Format format, std::uint64_t first_row) {
    if (batch.rows == 0 || batch.dimension != 0) {
        return {};
    }
    const std::string_view name = format_name(format);
    return fail(Code::kInvalidArgument,
                fmt::format("row {} has no vector, and {} holds vectors only", first_row, name),
                "write npz, csv or jsonl");
}

Status need_dimension(Format format, const WriterOptions& options) {
    if (options.dimension == 0) {
        return fail(Code::kInvalidArgument,
                    fmt::format("{} needs vectors of a known dimension", format_name(format)));
    }
    return {};
}

Status wrong_count(const WriterOptions& options, std::uint64_t rows) {
    return fail(Code::kInvalidArgument,
                fmt::format("{} rows were announced, {} given", options.rows_total, rows));
}

void append_u32(std::string& out, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) {
        out += static_cast<char>(value >> shift & 0xFF);
    }
}

void append_floats(std::string& out, std::span<const float> values) {
    if constexpr (std::endian::native == std::endian::little) {
        out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
    } else {
        for (const float value : values) {
            append_u32(out, std::bit_cast<std::uint32_t>(value));
        }
    }
}

Status write_floats(ByteSink& sink, std::span<const float> values) {
    if constexpr (std::endian::native == std::endian::little) {
        return sink.write(std::as_bytes(values));
    } else {
        std::string bytes;
        bytes.reserve(values.size_bytes());
        append_floats(bytes, values);
        return sink.write(std::string_view(bytes));
    }
}

Result<std::unique_ptr<RecordWriter>> make_writer(Format format, ByteSink& sink,
                                                  WriterOptions options) {
    return guarded([&]() -> Result<std::unique_ptr<RecordWriter>> {
        switch (format) {
            case Format::kNpy:
                return make_npy_writer(sink, options);
            case Format::kNpz:
                return make_npz_writer(sink, options);
            case Format::kFvecs:
            case Format::kBvecs:
                return make_vecs_writer(format, sink, options);
            case Format::kFbin:
                return make_fbin_writer(sink, options);
            case Format::kCsv:
                return make_csv_writer(sink, options);
            case Format::kJsonl:
                return make_jsonl_writer(sink, options);
            case Format::kU8bin:
            case Format::kI8bin:
                break;
        }
        return fail(Code::kInvalidArgument,
                    fmt::format("{} cannot be written", format_name(format)),
                    "use one of npy, npz, fvecs, bvecs, fbin, csv, jsonl");
    });
}

}  // namespace abikit::data
