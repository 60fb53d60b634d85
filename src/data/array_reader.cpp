// A mapped float32 array in C order is handed out as it lies; everything else is converted batch by
// batch. Columns first (Fortran order) need the whole array at hand: the mapping, or a bounded
// buffer.
#include "array_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "reader_base.hpp"

namespace abikit::data {
namespace {

// A column-major array that is not mapped is held whole up to this size.
constexpr std::uint64_t kMaxHeldBytes = std::uint64_t{1} << 30;
constexpr std::size_t kStepBytes = std::size_t{4} << 20;

bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t& product) {
    return !__builtin_mul_overflow(a, b, &product);
}

Error truncated(const ReaderOptions& options, const ArrayLayout& layout, std::uint64_t found) {
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

class ArrayReader final : public RecordReader {
public:
    ArrayReader(InputBuffer input, ReaderOptions options, const ArrayLayout& layout)
        : options_(std::move(options)), input_(std::move(input)), layout_(layout) {}

    Result<bool> next(RecordBatch& out, std::size_t max_rows) override {
        out.clear();
        if (gate_.failed()) {
            return gate_.settle(out, {});
        }
        return gate_.settle(out, guarded([&] { return fill(out, max_rows); }));
    }
    std::uint64_t bytes_read() const noexcept override {
        return layout_.header_bytes + row_ * layout_.row_bytes;
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
    ArrayLayout layout_;
    std::uint64_t row_ = 0;  // given so far
    FailureGate gate_;
    std::span<const std::byte> held_;  // by column: the whole array
    std::vector<std::byte> storage_;   // behind held_ when the input is not mapped
};

// Where the size is known, a file of the wrong length is refused before its first row.
Status check_size(const ReaderOptions& options, const ByteSource& source,
                  const ArrayLayout& layout) {
    const auto size = source.size();
    if (!size || *size < layout.header_bytes) {
        return {};
    }
    const std::uint64_t found = *size - layout.header_bytes;
    if (found < layout.payload_bytes) {
        return fail(truncated(options, layout, found));
    }
    if (found > layout.payload_bytes) {
        return fail(overlong(options, found - layout.payload_bytes));
    }
    return {};
}

}  // namespace

Status finish_layout(const ReaderOptions& options, ArrayLayout& layout) {
    if (!multiply(layout.dimension, layout.dtype.size_bytes, layout.row_bytes) ||
        !multiply(layout.rows, layout.row_bytes, layout.payload_bytes) ||
        layout.payload_bytes > std::numeric_limits<std::uint64_t>::max() / 2) {
        return fail(Code::kCorrupt,
                    fmt::format("{} claims {} rows of {}, more than any file holds",
                                input_name(options), layout.rows, layout.dimension));
    }
    if (layout.rows == 0) {
        return {};
    }
    if (layout.dimension == 0 || layout.dimension > kMaxDimension) {
        return fail(Code::kIncompatible,
                    fmt::format("{} has rows of {} values, expected 1 to {}", input_name(options),
                                layout.dimension, kMaxDimension));
    }
    return check_dimension(options, layout.dimension);
}

Result<std::unique_ptr<RecordReader>> make_array_reader(InputBuffer input, const ByteSource& source,
                                                        ReaderOptions options,
                                                        const ArrayLayout& layout) {
    ABI_CHECK(check_size(options, source, layout));
    return std::unique_ptr<RecordReader>(
        std::make_unique<ArrayReader>(std::move(input), std::move(options), layout));
}

}  // namespace abikit::data
