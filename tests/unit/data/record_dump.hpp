// Helpers of the tests and fuzz entries of this room: sources that give awkward pieces, and readers
// run to the end with everything they gave in comparable form.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <abi/core/io.hpp>
#include <abi/data/reader.hpp>
#include <abi/data/record.hpp>

namespace abikit::data {

// Gives one to seven bytes a read, in a fixed pattern. Neither mapped nor of known size, as a pipe.
class TrickleSource final : public ByteSource {
public:
    explicit TrickleSource(std::string_view bytes) : bytes_(bytes) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
        const std::size_t piece = 1 + (step_++ * 5) % 7;
        const std::size_t count = std::min({piece, out.size(), bytes_.size()});
        if (count != 0) {  // an empty view may have no address at all
            std::memcpy(out.data(), bytes_.data(), count);
        }
        bytes_.remove_prefix(count);
        return count;
    }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    std::optional<std::span<const std::byte>> mapped() const override { return std::nullopt; }

private:
    std::string_view bytes_;
    std::size_t step_ = 0;
};

// Gives all that is asked, as a large pipe; fails with kIo once `fail_at` bytes are given.
class PipeSource final : public ByteSource {
public:
    explicit PipeSource(std::string_view bytes, std::size_t fail_at = SIZE_MAX)
        : bytes_(bytes), left_(fail_at) {}
    Result<std::size_t> read(std::span<std::byte> out) override {
        if (left_ == 0) {
            return fail(Code::kIo, "the pipe broke");
        }
        const std::size_t count = std::min({out.size(), bytes_.size(), left_});
        if (count != 0) {
            std::memcpy(out.data(), bytes_.data(), count);
        }
        bytes_.remove_prefix(count);
        left_ -= count;
        return count;
    }
    std::optional<std::uint64_t> size() const override { return std::nullopt; }
    std::optional<std::span<const std::byte>> mapped() const override { return std::nullopt; }

private:
    std::string_view bytes_;
    std::size_t left_;
};

inline std::unique_ptr<ByteSource> mapped_source(std::string_view bytes) {
    return memory_source(std::as_bytes(std::span(bytes)));
}

struct DumpRow {
    std::uint64_t line = 0;
    std::optional<std::string> id;
    std::optional<std::string> text;
    std::optional<std::string> metadata;
    std::vector<std::uint32_t> vector;  // bits, so that NaN and -0 compare
    friend bool operator==(const DumpRow&, const DumpRow&) = default;
};

// All that a reader gave. `broken` tells a batch that contradicts its own contract.
struct Dump {
    std::vector<DumpRow> rows;
    std::vector<std::pair<std::uint64_t, std::string>> rejected;
    std::optional<Code> code;
    std::string error;  // with its contexts
    std::string hint;
    std::string broken;
    std::size_t batches = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t rows_total = 0;
};

inline bool same_outcome(const Dump& a, const Dump& b) {
    return a.rows == b.rows && a.rejected == b.rejected && a.code == b.code && a.error == b.error;
}

inline std::string batch_fault(const RecordBatch& batch, std::size_t max_rows) {
    const auto is_column = [&batch](const StringColumn& column) {
        return column.empty() || column.size() == batch.rows;
    };
    if (batch.rows == 0 || batch.rows > max_rows) {
        return "a batch of no or too many rows";
    }
    if (batch.vectors.size() != batch.rows * batch.dimension) {
        return "vectors are not rows x dimension";
    }
    if (!is_column(batch.ids) || !is_column(batch.texts) || !is_column(batch.metadata)) {
        return "a column is neither empty nor whole";
    }
    return batch.lines.size() == batch.rows ? "" : "lines are not rows long";
}

inline DumpRow dump_row(const RecordBatch& batch, std::size_t row) {
    const auto text = [row](const StringColumn& column) {
        return column.has(row) ? std::optional(std::string(column[row])) : std::nullopt;
    };
    DumpRow dump{batch.lines[row], text(batch.ids), text(batch.texts), text(batch.metadata), {}};
    dump.vector.resize(batch.dimension);
    if (batch.dimension > 0) {
        std::memcpy(dump.vector.data(), batch.vectors.data() + row * batch.dimension,
                    batch.dimension * sizeof(float));
    }
    return dump;
}

inline void note_error(Dump& dump, const Error& error) {
    dump.code = error.code();
    dump.error = error.describe();
    dump.hint = error.hint();
}

// Reads everything, skipping and noting rejections.
inline Dump read_all(Format format, ByteSource& source, ReaderOptions options = {},
                     std::size_t max_rows = 1000) {
    Dump dump;
    if (!options.on_reject) {
        options.on_reject = [&dump](const Rejection& rejection) -> Status {
            dump.rejected.emplace_back(rejection.line, rejection.reason);
            return {};
        };
    }
    auto reader = make_reader(format, source, std::move(options));
    if (!reader) {
        note_error(dump, reader.error());
        return dump;
    }
    dump.rows_total = (*reader)->rows_total();
    RecordBatch batch;
    while (true) {
        const auto more = (*reader)->next(batch, max_rows);
        dump.bytes_read = (*reader)->bytes_read();
        if (!more || !*more) {
            dump.broken = batch.rows == 0 ? dump.broken : "rows together with an end or error";
            if (!more) {
                note_error(dump, more.error());
            }
            return dump;
        }
        const std::string fault = batch_fault(batch, max_rows);
        if (!fault.empty()) {
            dump.broken = fault;
            return dump;
        }
        ++dump.batches;
        for (std::size_t row = 0; row < batch.rows; ++row) {
            dump.rows.push_back(dump_row(batch, row));
        }
    }
}

inline Dump read_text(Format format, std::string_view text, ReaderOptions options = {},
                      std::size_t max_rows = 1000) {
    const auto source = mapped_source(text);
    return read_all(format, *source, std::move(options), max_rows);
}

inline std::vector<float> floats_of(const DumpRow& row) {
    std::vector<float> values(row.vector.size());
    if (!values.empty()) {
        std::memcpy(values.data(), row.vector.data(), values.size() * sizeof(float));
    }
    return values;
}

}  // namespace abikit::data
