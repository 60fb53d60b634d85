// fvecs and bvecs: each row is its dimension as a little-endian int32, then that many float32 or
// bytes (http://corpus-texmex.irisa.fr).
#include <algorithm>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "input_buffer.hpp"
#include "reader_base.hpp"

namespace abikit::data {
namespace {

constexpr std::size_t kPrefixBytes = 4;

std::uint32_t load_u32(const std::byte* from) {
    std::uint32_t value = 0;
    for (std::size_t i = kPrefixBytes; i > 0; --i) {
        value = value << 8 | std::to_integer<std::uint32_t>(from[i - 1]);
    }
    return value;
}

void append_floats(std::span<const std::byte> payload, std::vector<float>& out) {
    const std::size_t begin = out.size();
    const std::size_t count = payload.size() / sizeof(float);
    out.resize(begin + count);
    if constexpr (std::endian::native == std::endian::little) {
        std::memcpy(out.data() + begin, payload.data(), payload.size());
    } else {
        for (std::size_t i = 0; i < count; ++i) {
            out[begin + i] = std::bit_cast<float>(load_u32(payload.data() + i * sizeof(float)));
        }
    }
}

void append_bytes(std::span<const std::byte> payload, std::vector<float>& out) {
    for (const std::byte value : payload) {
        out.push_back(static_cast<float>(std::to_integer<unsigned>(value)));
    }
}

class VecsReader final : public RecordReader {
public:
    VecsReader(Format format, ByteSource& source, ReaderOptions options)
        : options_(std::move(options)),
          format_(format),
          value_bytes_(format == Format::kFvecs ? sizeof(float) : 1),
          input_(source),
          source_bytes_(source.size()) {}

    // The first row tells the dimension of all and, with the size, how many there are.
    Status open() {
        ABI_TRY(const auto bytes, input_.peek(kPrefixBytes));
        if (bytes.empty()) {
            return {};
        }
        if (bytes.size() < kPrefixBytes) {
            return fail(truncated(kPrefixBytes, bytes.size()));
        }
        ABI_TRY(dimension_, read_dimension(bytes));
        ABI_CHECK(check_dimension(options_, dimension_));
        row_bytes_ = kPrefixBytes + dimension_ * value_bytes_;
        return {};
    }

    Result<bool> next(RecordBatch& out, std::size_t max_rows) override {
        out.clear();
        if (gate_.failed()) {
            return gate_.settle(out, {});
        }
        Status status = guarded([&] { return fill(out, std::max<std::size_t>(max_rows, 1)); });
        out.vectors = out.owned_vectors;
        return gate_.settle(out, std::move(status));
    }
    std::uint64_t bytes_read() const noexcept override { return input_.position(); }
    std::uint64_t rows_total() const noexcept override {
        return source_bytes_ && row_bytes_ > 0 ? *source_bytes_ / row_bytes_ : 0;
    }

private:
    Status fill(RecordBatch& out, std::size_t max_rows) {
        const std::size_t fitting = static_cast<std::size_t>(
            kMaxBatchBytes / std::max<std::uint64_t>(1, dimension_ * sizeof(float)));
        const std::size_t limit = std::min(max_rows, std::max<std::size_t>(1, fitting));
        while (out.rows < limit) {
            ABI_TRY(const auto bytes, input_.peek(std::max<std::size_t>(row_bytes_, 1)));
            if (bytes.empty()) {
                return {};
            }
            ABI_CHECK(check_row(bytes));
            append_row(out, bytes.subspan(kPrefixBytes, row_bytes_ - kPrefixBytes));
        }
        return {};
    }

    void append_row(RecordBatch& out, std::span<const std::byte> payload) {
        if (format_ == Format::kFvecs) {
            append_floats(payload, out.owned_vectors);
        } else {
            append_bytes(payload, out.owned_vectors);
        }
        out.dimension = static_cast<std::uint32_t>(dimension_);
        out.lines.push_back(row_++);
        ++out.rows;
        input_.consume(row_bytes_);
    }

    // Whether the row at the position is whole and as long as the first.
    Status check_row(std::span<const std::byte> bytes) const {
        if (bytes.size() >= kPrefixBytes) {
            ABI_TRY(const std::uint64_t dimension, read_dimension(bytes));
            if (dimension != dimension_) {
                return fail(
                    Code::kCorrupt,
                    fmt::format("{} changes its dimension from {} to {} at row {} (byte {})",
                                input_name(options_), dimension_, dimension, row_,
                                input_.position()));
            }
        }
        if (bytes.size() < row_bytes_) {
            return fail(truncated(row_bytes_, bytes.size()));
        }
        return {};
    }

    Result<std::uint64_t> read_dimension(std::span<const std::byte> bytes) const {
        const auto dimension = static_cast<std::int32_t>(load_u32(bytes.data()));
        if (dimension <= 0 || dimension > static_cast<std::int32_t>(kMaxDimension)) {
            return fail(Code::kCorrupt,
                        fmt::format("{} claims {} values in row {} (byte {})", input_name(options_),
                                    dimension, row_, input_.position()),
                        format_ == Format::kFvecs ? "is this really an fvecs file?"
                                                  : "is this really a bvecs file?");
        }
        return static_cast<std::uint64_t>(dimension);
    }

    Error truncated(std::size_t promised, std::size_t found) const {
        return Error(Code::kCorrupt,
                     fmt::format("{} is truncated: row {} (byte {}) needs {} bytes, found {}",
                                 input_name(options_), row_, input_.position(), promised, found));
    }

    ReaderOptions options_;
    Format format_;
    std::size_t value_bytes_;
    InputBuffer input_;
    std::optional<std::uint64_t> source_bytes_;
    std::uint64_t dimension_ = 0;
    std::size_t row_bytes_ = 0;
    std::uint64_t row_ = 0;
    FailureGate gate_;
};

}  // namespace

Result<std::unique_ptr<RecordReader>> make_vecs_reader(Format format, ByteSource& source,
                                                       ReaderOptions options) {
    auto reader = std::make_unique<VecsReader>(format, source, std::move(options));
    ABI_CHECK(reader->open());
    return std::unique_ptr<RecordReader>(std::move(reader));
}

}  // namespace abikit::data
