// .npz: vectors first, then one member a pass over the rows, so that memory does not grow with
// them. Strings become fixed-width text, which numpy reads as such; where padding would waste much
// or a value ends with a zero character, UTF-8 bytes and their ends.
#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include <fmt/format.h>

#include "npy_header.hpp"
#include "reader_base.hpp"
#include "utf8.hpp"
#include "writer_base.hpp"
#include "zip_writer.hpp"

namespace abikit::data {
namespace {

// Padded text may take this much when numpy loads it.
constexpr std::uint64_t kMaxPaddedBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kPointBytes = 4;
constexpr std::array<std::string_view, 3> kNames = {"ids", "texts", "metadata"};
constexpr std::size_t kTexts = 1;

// What the first pass learns about a column of strings.
struct Extent {
    std::uint64_t present = 0;
    std::uint64_t bytes = 0;
    std::uint64_t points = 0;  // of the longest
    bool ends_with_zero = false;
};

enum class Part { kVectors, kPadded, kBytes, kEnds, kPresent };
struct Step {
    Part part = Part::kVectors;
    std::size_t column = 0;
};

std::size_t count_points(std::string_view text) {
    std::size_t continuations = 0;
    for (const char byte : text) {
        continuations += (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U ? 1U : 0U;
    }
    return text.size() - continuations;
}

// Precondition: `text` is valid UTF-8.
void append_utf32(std::string& out, std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_sequence_length(text.substr(at));
        const auto first = static_cast<unsigned char>(text[at]);
        constexpr std::array<std::uint32_t, 5> kMasks = {0, 0x7F, 0x1F, 0x0F, 0x07};
        std::uint32_t point = first & kMasks[length];
        for (std::size_t i = 1; i < length; ++i) {
            point = point << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
        }
        append_u32(out, point);
        at += length;
    }
}

class NpzWriter final : public RecordWriter {
public:
    NpzWriter(ByteSink& sink, WriterOptions options) : zip_(sink), options_(options) {}

    Status open() {
        return options_.dimension == 0
                   ? Status()
                   : begin_member("vectors", "<f4", {options_.rows_total, options_.dimension},
                                  options_.rows_total * options_.dimension * sizeof(float),
                                  ZipMethod::kStored);
    }

    Columns columns() const noexcept override {
        if (!measured_) {
            return {};
        }
        Columns columns{.ids = false, .texts = false, .metadata = false, .vectors = false};
        if (step_ < steps_.size()) {
            (steps_[step_].column == 0        ? columns.ids
             : steps_[step_].column == kTexts ? columns.texts
                                              : columns.metadata) = true;
        }
        return columns;
    }
    Status write(const RecordBatch& batch) override {
        return guarded([&] { return write_rows(batch); });
    }
    Result<bool> next_pass() override {
        return guarded([&] { return turn(); });
    }
    Status finish() override {
        return guarded([&]() -> Status {
            ABI_TRY(const bool more, turn());
            if (more) {
                return fail(Code::kInvalidArgument, "npz needs another pass over the rows");
            }
            return zip_.finish();
        });
    }

private:
    static const StringColumn& column_of(const RecordBatch& batch, std::size_t column) {
        return column == 0 ? batch.ids : column == kTexts ? batch.texts : batch.metadata;
    }

    Status write_rows(const RecordBatch& batch) {
        if (batch.rows > options_.rows_total - rows_) {
            return wrong_count(options_, rows_ + batch.rows);
        }
        if (!measured_) {
            ABI_CHECK(measure(batch));
        } else if (step_ < steps_.size()) {
            ABI_CHECK(write_strings(column_of(batch, steps_[step_].column), batch.rows));
        }
        rows_ += batch.rows;
        return {};
    }

    Status measure(const RecordBatch& batch) {
        ABI_CHECK(check_batch(batch, options_));
        if (options_.dimension != 0) {
            ABI_CHECK(check_vectors(batch, Format::kNpz, rows_));
        }
        for (std::size_t column = 0; column < kNames.size(); ++column) {
            const StringColumn& strings = column_of(batch, column);
            for (std::size_t row = 0; row < strings.size(); ++row) {
                ABI_CHECK(!strings.has(row) ? Status()
                                            : measure_value(extents_[column], strings[row],
                                                            kNames[column], rows_ + row));
            }
        }
        if constexpr (std::endian::native == std::endian::little) {
            return options_.dimension == 0 ? Status() : zip_.write(std::as_bytes(batch.vectors));
        } else {
            append_floats(buffer_, batch.vectors);
            return drain();
        }
    }

    static Status measure_value(Extent& extent, std::string_view value, std::string_view name,
                                std::uint64_t row) {
        if (!is_utf8(value)) {
            return fail(Code::kInvalidData,
                        fmt::format("row {}: its value in '{}' is not valid UTF-8", row, name));
        }
        ++extent.present;
        extent.bytes += value.size();
        extent.points = std::max<std::uint64_t>(extent.points, count_points(value));
        extent.ends_with_zero = extent.ends_with_zero || value.ends_with('\0');
        return {};
    }

    // Ends what this pass wrote and begins the next member; false when there is none.
    Result<bool> turn() {
        if (!measured_) {
            ABI_CHECK(end_pass(options_.dimension != 0));
            measured_ = true;
            plan();
        } else if (step_ < steps_.size()) {
            ABI_CHECK(drain());
            ABI_CHECK(end_pass(true));
            ++step_;
        }
        if (step_ == steps_.size()) {
            rows_ = options_.rows_total;
            return false;
        }
        ABI_CHECK(begin_step(steps_[step_]));
        rows_ = 0;
        end_ = 0;
        return true;
    }

    Status end_pass(bool has_member) {
        if (rows_ != options_.rows_total) {
            return wrong_count(options_, rows_);
        }
        return has_member ? zip_.end() : Status();
    }

    void plan() {
        for (std::size_t column = 0; column < kNames.size(); ++column) {
            const Extent& extent = extents_[column];
            if (extent.present == 0) {
                continue;
            }
            const bool pad =
                !extent.ends_with_zero &&
                width_of(extent) <= kMaxPaddedBytes / kPointBytes / options_.rows_total;
            if (pad) {
                steps_.push_back({Part::kPadded, column});
            } else {
                steps_.push_back({Part::kBytes, column});
                steps_.push_back({Part::kEnds, column});
            }
            // Absent and empty are one in ids and metadata, which are never empty.
            if (column == kTexts && extent.present < options_.rows_total) {
                steps_.push_back({Part::kPresent, column});
            }
        }
    }

    // numpy knows no text of no characters.
    static std::uint64_t width_of(const Extent& extent) {
        return std::max<std::uint64_t>(extent.points, 1);
    }

    Status begin_step(Step step) {
        const std::string name(kNames[step.column]);
        const Extent& extent = extents_[step.column];
        const std::uint64_t rows = options_.rows_total;
        switch (step.part) {
            case Part::kPadded:
                return begin_member(name, fmt::format("<U{}", width_of(extent)), {rows},
                                    rows * width_of(extent) * kPointBytes);
            case Part::kBytes:
                return begin_member(name + "_utf8", "|u1", {extent.bytes}, extent.bytes);
            case Part::kEnds:
                return begin_member(name + "_ends", "<u8", {rows}, rows * sizeof(std::uint64_t));
            case Part::kPresent:
                return begin_member(name + "_present", "|b1", {rows}, rows);
            case Part::kVectors:
                break;
        }
        return {};
    }

    Status begin_member(const std::string& name, std::string_view descr,
                        const std::vector<std::uint64_t>& shape, std::uint64_t payload_bytes,
                        ZipMethod method = ZipMethod::kDeflated) {
        const std::string header = make_npy_header(descr, shape);
        ABI_CHECK(zip_.begin(name + ".npy", method, header.size() + payload_bytes));
        return zip_.write(std::as_bytes(std::span(header)));
    }

    Status write_strings(const StringColumn& column, std::size_t rows) {
        constexpr std::size_t kFull = std::size_t{256} << 10;
        const Step step = steps_[step_];
        const std::uint64_t padded = width_of(extents_[step.column]) * kPointBytes;
        for (std::size_t row = 0; row < rows; ++row) {
            const std::string_view value = column[row];
            switch (step.part) {
                case Part::kPadded: {
                    const std::size_t end = buffer_.size() + static_cast<std::size_t>(padded);
                    append_utf32(buffer_, value);
                    buffer_.resize(end);
                    break;
                }
                case Part::kBytes:
                    buffer_ += value;
                    break;
                case Part::kEnds:
                    end_ += value.size();
                    append_u32(buffer_, static_cast<std::uint32_t>(end_));
                    append_u32(buffer_, static_cast<std::uint32_t>(end_ >> 32));
                    break;
                case Part::kPresent:
                    buffer_ += column.has(row) ? '\x01' : '\0';
                    break;
                case Part::kVectors:
                    break;
            }
            ABI_CHECK(buffer_.size() < kFull ? Status() : drain());
        }
        return {};
    }

    Status drain() {
        ABI_CHECK(zip_.write(std::as_bytes(std::span(std::string_view(buffer_)))));
        buffer_.clear();
        return {};
    }

    ZipWriter zip_;
    WriterOptions options_;
    std::array<Extent, kNames.size()> extents_;
    bool measured_ = false;
    std::vector<Step> steps_;  // after the vectors
    std::size_t step_ = 0;
    std::uint64_t rows_ = 0;  // of this pass
    std::uint64_t end_ = 0;   // of the last value, for kEnds
    std::string buffer_;
};

}  // namespace

Result<std::unique_ptr<RecordWriter>> make_npz_writer(ByteSink& sink, WriterOptions options) {
    auto writer = std::make_unique<NpzWriter>(sink, options);
    ABI_CHECK(writer->open());
    return std::unique_ptr<RecordWriter>(std::move(writer));
}

}  // namespace abikit::data
