// .npy: rows of a one- or two-dimensional array. A mapped float32 file in C order is handed out as
// it lies; everything else is converted batch by batch. Columns first (fortran_order) need the
// whole array at hand: the mapping, or a bounded buffer.
#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "input_buffer.hpp"
#include "npy_dtype.hpp"
#include "npy_header.hpp"
#include "reader_base.hpp"

namespace abikit::data {
namespace {

// A column-major array that is not mapped is held whole up to this size.
constexpr std::uint64_t kMaxHeldBytes = std::uint64_t{1} << 30;
constexpr std::size_t kStepBytes = std::size_t{4} << 20;

struct NpyLayout {
    std::uint64_t rows = 0;
    std::uint64_t dimension = 0;
    std::uint64_t row_bytes = 0;
    std::uint64_t payload_bytes = 0;
    NpyDtype dtype;
    bool by_column = false;
};

bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
    return !__builtin_mul_overflow(a, b, &product);
}

Error not_a_matrix(const ReaderOptions& options, const NpyHeader& header) {
    return Error(Code::kIncompatible, fmt::format("{} has {} axes, expected 2", input_name(options),
                                                  header.shape.size()))
        .with_hint("reshape it to rows of vectors: numpy.save(path, a.reshape(len(a), -1))");
}

// Rows and values per row. One axis is a single vector, unless vectors of one value are expected.
Status take_shape(const ReaderOptions& options, const NpyHeader& header, NpyLayout& layout) {
    if (header.shape.empty() || header.shape.size() > 2) {
        return fail(not_a_matrix(options, header));
    }
    if (header.shape.size() == 2) {
        layout.rows = header.shape[0];
        layout.dimension = header.shape[1];
        layout.by_column = header.fortran_order && layout.rows > 1 && layout.dimension > 1;
        return {};
    }
    const bool is_column = options.dimension == 1;
    layout.rows = is_column ? header.shape[0] : std::uint64_t{header.shape[0] > 0};
    layout.dimension = is_column ? 1 : header.shape[0];
    return {};
}

Result<NpyLayout> make_layout(const ReaderOptions& options, const NpyHeader& header) {
    NpyLayout layout;
    auto dtype = parse_npy_dtype(header.descr);
    if (!dtype) {
        return fail(std::move(dtype).error().with_context(input_name(options)));
    }
    layout.dtype = *dtype;
    ABI_CHECK(take_shape(options, header, layout));
    if (!multiply(layout.dimension, layout.dtype.size_bytes, layout.row_bytes) ||
        !multiply(layout.rows, layout.row_bytes, layout.payload_bytes) ||
        layout.payload_bytes > std::numeric_limits<std::uint64_t>::max() / 2) {
        return fail(Code::kCorrupt,
                    fmt::format("{} claims {} rows of {}, more than any file holds",
                                input_name(options), layout.rows, layout.dimension));
    }
    if (layout.rows == 0) {
        return layout;
    }
    if (layout.dimension == 0 || layout.dimension > kMaxDimension) {
        return fail(Code::kIncompatible,
                    fmt::format("{} has rows of {} values, expected 1 to {}", input_name(options),
                                layout.dimension, kMaxDimension));
    }
    ABI_CHECK(check_dimension(options, layout.dimension));
    return layout;
}

Error truncated(const ReaderOptions& options, const NpyLayout& layout, std::uint64_t found) {
    return Error(Code::kCorrupt,
                 fmt::format("{} is truncated: header promises {} rows of {} ({} bytes), found {}",
                             input_name(options), layout.rows, layout.dimension,
                             layout.payload_bytes, found));
}

Error overlong(const ReaderOptions& options, std::uint64_t extra) {
    return Error(Code::kCorrupt, fmt::format("{} goes on for {} bytes behind its array",
                                             input_name(options), extra))
        .with_hint("save one array per file");
}

class NpyReader final : public RecordReader {
public:
    NpyReader(InputBuffer input, ReaderOptions options, const NpyLayout& layout,
              std::uint64_t header_bytes)
        : options_(std::move(options)),
          input_(std::move(input)),
          layout_(layout),
          header_bytes_(header_bytes) {}

    Result<bool> next(RecordBatch& out, std::size_t max_rows) override {
        out.clear();
        if (gate_.failed()) {
            return gate_.settle(out, {});
        }
        return gate_.settle(out, guarded([&] { return fill(out, max_rows); }));
    }
    std::uint64_t bytes_read() const noexcept override {
        return header_bytes_ + row_ * layout_.row_bytes;
    }
    std::uint64_t rows_total() const noexcept override { return layout_.rows; }

private:
    Status fill(RecordBatch& out, std::size_t max_rows) {
        const std::uint64_t rows =
            std::min<std::uint64_t>(std::max<std::size_t>(max_rows, 1), layout_.rows - row_);
        if (rows == 0) {
            return check_end();
        }
        if (layout_.by_column) {
            return fill_by_column(out, rows);
        }
        if (is_in_place()) {
            return give_in_place(out, rows);
        }
        return fill_by_row(out, rows);
    }

    bool is_in_place() {
        const auto bytes = input_.peek(0);
        return layout_.dtype.is_native_float && input_.is_mapped() && bytes &&
               reinterpret_cast<std::uintptr_t>(bytes->data()) % alignof(float) == 0;
    }

    Status give_in_place(RecordBatch& out, std::uint64_t rows) {
        ABI_TRY(const auto bytes, input_.peek(0));
        const std::uint64_t here = std::min(rows, bytes.size() / layout_.row_bytes);
        out.vectors = {reinterpret_cast<const float*>(bytes.data()),
                       static_cast<std::size_t>(here * layout_.dimension)};
        return step(out, rows, here, bytes.size());
    }

    Status fill_by_row(RecordBatch& out, std::uint64_t rows) {
        const std::uint64_t widest =
            std::max<std::uint64_t>(layout_.row_bytes, layout_.dimension * sizeof(float));
        rows = std::min(rows, std::max<std::uint64_t>(1, kMaxBatchBytes / widest));
        ABI_TRY(const auto bytes, input_.peek(static_cast<std::size_t>(rows * layout_.row_bytes)));
        const std::uint64_t here = std::min(rows, bytes.size() / layout_.row_bytes);
        const auto count = static_cast<std::size_t>(here * layout_.dimension);
        out.owned_vectors.resize(count);
        layout_.dtype.convert(bytes.data(), count, out.owned_vectors.data(), 1);
        out.vectors = out.owned_vectors;
        return step(out, rows, here, bytes.size());
    }

    // Counts `here` rows, which the batch has by now; fewer than asked means that the file ends.
    Status step(RecordBatch& out, std::uint64_t asked, std::uint64_t here, std::size_t at_hand) {
        const std::uint64_t done = row_ * layout_.row_bytes;
        set_rows(out, here);
        input_.consume(static_cast<std::size_t>(here * layout_.row_bytes));
        if (here < asked) {
            return fail(truncated(options_, layout_, done + at_hand));
        }
        return {};
    }

    void set_rows(RecordBatch& out, std::uint64_t rows) {
        out.rows = static_cast<std::size_t>(rows);
        out.dimension = rows > 0 ? static_cast<std::uint32_t>(layout_.dimension) : 0;
        out.lines.reserve(out.rows);
        for (std::uint64_t i = 0; i < rows; ++i) {
            out.lines.push_back(row_ + i);
        }
        row_ += rows;
    }

    Status fill_by_column(RecordBatch& out, std::uint64_t rows) {
        ABI_CHECK(hold_all());
        const auto dimension = static_cast<std::size_t>(layout_.dimension);
        rows = std::min(rows,
                        std::max<std::uint64_t>(1, kMaxBatchBytes / (dimension * sizeof(float))));
        out.owned_vectors.resize(static_cast<std::size_t>(rows) * dimension);
        for (std::size_t column = 0; column < dimension; ++column) {
            const std::uint64_t first = column * layout_.rows + row_;
            layout_.dtype.convert(held_.data() + first * layout_.dtype.size_bytes,
                                  static_cast<std::size_t>(rows), out.owned_vectors.data() + column,
                                  dimension);
        }
        out.vectors = out.owned_vectors;
        set_rows(out, rows);
        return {};
    }

    // Makes held_ the whole array.
    Status hold_all() {
        if (!held_.empty()) {
            return {};
        }
        const auto size = static_cast<std::size_t>(layout_.payload_bytes);
        if (input_.is_mapped()) {
            ABI_TRY(const auto bytes, input_.peek(0));
            if (bytes.size() < size) {
                return fail(truncated(options_, layout_, bytes.size()));
            }
            held_ = bytes.first(size);
            input_.consume(size);
            return {};
        }
        if (layout_.payload_bytes > kMaxHeldBytes) {
            return fail(Code::kLimit,
                        fmt::format("{} stores columns first and takes {} bytes, more than the {} "
                                    "that are held for an input that is no file",
                                    input_name(options_), layout_.payload_bytes, kMaxHeldBytes),
                        "give the file itself, or save it in C order: "
                        "numpy.save(path, numpy.ascontiguousarray(a))");
        }
        return read_all(size);
    }

    // In steps: memory follows the bytes that are there, not those that the header promises.
    Status read_all(std::size_t size) {
        while (storage_.size() < size) {
            ABI_TRY(const auto bytes, input_.peek(std::min(size - storage_.size(), kStepBytes)));
            if (bytes.empty()) {
                return fail(truncated(options_, layout_, storage_.size()));
            }
            const auto piece = bytes.first(std::min(bytes.size(), size - storage_.size()));
            storage_.insert(storage_.end(), piece.begin(), piece.end());
            input_.consume(piece.size());
        }
        held_ = storage_;
        return {};
    }

    Status check_end() {
        ABI_TRY(const std::uint64_t extra, input_.drain());
        if (extra > 0) {
            return fail(overlong(options_, extra));
        }
        return {};
    }

    ReaderOptions options_;
    InputBuffer input_;
    NpyLayout layout_;
    std::uint64_t header_bytes_;
    std::uint64_t row_ = 0;  // given so far
    FailureGate gate_;
    std::span<const std::byte> held_;  // by column: the whole array
    std::vector<std::byte> storage_;   // behind held_ when the input is not mapped
};

// Where the size is known, a file of the wrong length is refused before its first row.
Status check_size(const ReaderOptions& options, const ByteSource& source, const NpyLayout& layout,
                  std::uint64_t header_bytes) {
    const auto size = source.size();
    if (!size || *size < header_bytes) {
        return {};
    }
    const std::uint64_t found = *size - header_bytes;
    if (found < layout.payload_bytes) {
        return fail(truncated(options, layout, found));
    }
    if (found > layout.payload_bytes) {
        return fail(overlong(options, found - layout.payload_bytes));
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<RecordReader>> make_npy_reader(ByteSource& source, ReaderOptions options) {
    InputBuffer input(source);
    auto header = read_npy_header(input);
    if (!header) {
        return fail(std::move(header).error().with_context(input_name(options)));
    }
    ABI_TRY(const NpyLayout layout, make_layout(options, *header));
    ABI_CHECK(check_size(options, source, layout, header->size_bytes));
    return std::unique_ptr<RecordReader>(std::make_unique<NpyReader>(
        std::move(input), std::move(options), layout, header->size_bytes));
}

}  // namespace abikit::data
