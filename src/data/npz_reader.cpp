// .npz: a ZIP file of .npy arrays. Members are read side by side, row by row; each is compared with
// its checksum before the first row is given, so that a damaged file gives none.
#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "array_reader.hpp"
#include "batch_builder.hpp"
#include "npz_column.hpp"
#include "reader_base.hpp"
#include "zip_member.hpp"

namespace abikit::data {
namespace {

// The table of contents stands at the end, so a pipe is held whole up to this size.
constexpr std::uint64_t kMaxHeldBytes = std::uint64_t{1} << 30;
constexpr std::size_t kStepBytes = std::size_t{64} << 10;
constexpr std::string_view kSuffix = ".npy";

constexpr std::array kUses = {ColumnUse::kId, ColumnUse::kText, ColumnUse::kMetadata};

std::string_view member_name(ColumnUse use) {
    return use == ColumnUse::kId ? "ids" : use == ColumnUse::kText ? "texts" : "metadata";
}

std::optional<std::string_view> value_of(const StringColumn& column, std::size_t row) {
    return column.has(row) ? std::optional(column[row]) : std::nullopt;
}

class NpzReader final : public RecordReader {
public:
    explicit NpzReader(ReaderOptions options) : options_(std::move(options)) {}

    Status open(ByteSource& source) {
        ABI_CHECK(hold(source));
        if (Status status = open_members(); !status) {
            return fail(std::move(status).error().with_context(input_name(options_)));
        }
        return {};
    }

    Result<bool> next(RecordBatch& out, std::size_t max_rows) override {
        out.clear();
        if (gate_.failed()) {
            return gate_.settle(out, {});
        }
        return gate_.settle(out, guarded([&] { return fill(out, max_rows); }));
    }
    // Members advance side by side: the share of rows is the share of bytes.
    std::uint64_t bytes_read() const noexcept override {
        const double share =
            rows_ == 0 ? 1.0 : static_cast<double>(row_) / static_cast<double>(rows_);
        return row_ == rows_
                   ? bytes_.size()
                   : static_cast<std::uint64_t>(share * static_cast<double>(bytes_.size()));
    }
    std::uint64_t rows_total() const noexcept override { return rows_; }

private:
    Status hold(ByteSource& source) {
        if (const auto mapped = source.mapped()) {
            bytes_ = *mapped;
            return {};
        }
        std::size_t filled = 0;
        while (true) {
            if (filled == held_.size()) {
                held_.resize(std::max(kStepBytes, 2 * filled));
            }
            ABI_TRY(const std::size_t got, source.read(std::span(held_).subspan(filled)));
            filled += got;
            if (got == 0) {
                break;
            }
            if (filled > kMaxHeldBytes) {
                return fail(Code::kLimit,
                            fmt::format("{} is more than the {} bytes that are held for an input "
                                        "that is no file",
                                        input_name(options_), kMaxHeldBytes),
                            "give the file itself");
            }
        }
        held_.resize(filled);
        bytes_ = held_;
        return {};
    }

    // A member by the name that numpy gives it; null when there is none.
    const ZipMember* find(std::string_view name) const {
        for (const ZipMember& member : members_) {
            if (member.name.size() == name.size() + kSuffix.size() &&
                member.name.starts_with(name) && member.name.ends_with(kSuffix)) {
                return &member;
            }
        }
        return nullptr;
    }

    Status open_members() {
        ABI_TRY(members_, read_zip_directory(bytes_));
        for (const ColumnUse use : kUses) {
            ABI_CHECK(open_column(use));
        }
        if (const ZipMember* const mask = find("texts_present"); mask != nullptr) {
            ABI_CHECK(check_zip_member(*mask));
            ABI_TRY(present_, open_npz_array(*mask));
            if (present_->kind != 'b') {
                return fail(Code::kIncompatible,
                            fmt::format("{} holds no booleans", quote(mask->name)));
            }
        }
        ABI_TRY(const ZipMember* const vectors, find_vectors());
        if (vectors != nullptr) {
            ABI_CHECK(open_vectors(*vectors));
        }
        return check_rows();
    }

    Status open_column(ColumnUse use) {
        const std::string name(member_name(use));
        const ZipMember* const array = find(name);
        const ZipMember* const bytes = find(name + "_utf8");
        const ZipMember* const ends = find(name + "_ends");
        std::unique_ptr<NpzColumn>& column = columns_[static_cast<std::size_t>(use)];
        if (array != nullptr) {
            ABI_CHECK(check_zip_member(*array));
            ABI_TRY(column, open_npz_array_column(*array, use));
        } else if (bytes != nullptr && ends != nullptr) {
            ABI_CHECK(check_zip_member(*bytes));
            ABI_CHECK(check_zip_member(*ends));
            ABI_TRY(column, open_npz_utf8_column(*bytes, *ends, use));
        }
        return {};
    }

    // "vectors", or else the only array with two axes; null where texts can do without.
    Result<const ZipMember*> find_vectors() const {
        if (const ZipMember* const named = find("vectors"); named != nullptr) {
            return named;
        }
        std::vector<const ZipMember*> found;
        std::string names;
        for (const ZipMember& member : members_) {
            if (has_two_axes(member)) {
                found.push_back(&member);
                names += (names.empty() ? "" : ", ") + quote(member.name);
            }
        }
        if (found.size() == 1) {
            return found[0];
        }
        if (found.empty() && columns_[static_cast<std::size_t>(ColumnUse::kText)] != nullptr) {
            return nullptr;
        }
        return fail(Code::kIncompatible,
                    found.empty() ? "no array of vectors"
                                  : fmt::format("{} arrays with two axes: {}", found.size(), names),
                    "call one of them vectors: numpy.savez(path, vectors=a)");
    }

    static bool has_two_axes(const ZipMember& member) {
        if (!member.name.ends_with(kSuffix)) {
            return false;
        }
        const auto source = open_zip_member(member);
        InputBuffer input(*source);
        const auto header = read_npy_header(input);
        return header && header->shape.size() == 2 && parse_npy_dtype(header->descr);
    }

    Status open_vectors(const ZipMember& member) {
        ABI_CHECK(check_zip_member(member));
        ReaderOptions options = options_;
        options.name = member.name;
        vectors_source_ = open_zip_member(member);
        InputBuffer input(*vectors_source_);
        auto header = read_npy_header(input);
        if (!header) {
            return fail(std::move(header).error().with_context(quote(member.name)));
        }
        ABI_TRY(const ArrayLayout layout, npy_layout(options, *header));
        ABI_TRY(vectors_,
                make_array_reader(std::move(input), *vectors_source_, std::move(options), layout));
        return check_zip_member(member);
    }

    Status check_rows() {
        std::optional<std::uint64_t> rows;
        const auto agree = [&rows](std::string_view name, std::uint64_t count) -> Status {
            if (rows && *rows != count) {
                return fail(Code::kIncompatible,
                            fmt::format("{} rows of {}, but {} before", count, name, *rows));
            }
            rows = count;
            return {};
        };
        if (vectors_ != nullptr) {
            ABI_CHECK(agree("vectors", vectors_->rows_total()));
        }
        for (const ColumnUse use : kUses) {
            const auto& column = columns_[static_cast<std::size_t>(use)];
            ABI_CHECK(column == nullptr ? Status() : agree(member_name(use), column->rows()));
        }
        ABI_CHECK(present_ ? agree("texts_present", present_->rows) : Status());
        rows_ = rows.value_or(0);
        return {};
    }

    Status fill(RecordBatch& out, std::size_t max_rows) {
        std::vector<ColumnFault> faults;
        if (Status status = fill_columns(out, max_rows, faults); !status) {
            out.clear();
            return fail(std::move(status).error().with_context(input_name(options_)));
        }
        return faults.empty() ? Status() : sift(out, std::move(faults));
    }

    Status fill_columns(RecordBatch& out, std::size_t max_rows, std::vector<ColumnFault>& faults) {
        auto rows = static_cast<std::size_t>(
            std::min<std::uint64_t>(std::max<std::size_t>(max_rows, 1), rows_ - row_));
        if (rows == 0) {
            return {};
        }
        for (const auto& column : columns_) {
            if (column != nullptr) {
                ABI_TRY(rows, column->fit(rows));
            }
        }
        if (vectors_ != nullptr) {
            ABI_TRY(const bool more, vectors_->next(out, rows));
            if (!more) {
                return fail(Code::kCorrupt, "fewer vectors than rows");
            }
            rows = out.rows;
        } else {
            for (std::size_t i = 0; i < rows; ++i) {
                out.lines.push_back(row_ + i);
            }
        }
        ABI_CHECK(fill_strings(out, rows, faults));
        out.rows = rows;
        row_ += rows;
        return {};
    }

    Status fill_strings(RecordBatch& out, std::size_t rows, std::vector<ColumnFault>& faults) {
        std::span<const std::byte> present;
        if (present_) {
            ABI_TRY(present, present_->take(rows));
        }
        const std::array targets = {&out.ids, &out.texts, &out.metadata};
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (columns_[i] != nullptr) {
                const bool is_text = i == static_cast<std::size_t>(ColumnUse::kText);
                ABI_CHECK(columns_[i]->read(rows, is_text ? present : std::span<const std::byte>(),
                                            *targets[i], faults));
            }
        }
        for (std::size_t row = 0; vectors_ == nullptr && row < rows; ++row) {
            if (!out.texts.has(row)) {
                faults.push_back({row, "neither vector nor text"});
            }
        }
        return {};
    }

    // Takes the faulty rows out; the first that may not be skipped ends the batch before it.
    Status sift(RecordBatch& out, std::vector<ColumnFault> faults) {
        std::stable_sort(faults.begin(), faults.end(),
                         [](const ColumnFault& a, const ColumnFault& b) { return a.row < b.row; });
        RecordBatch kept;
        BatchBuilder builder(kept);
        Status status;
        auto fault = faults.begin();
        for (std::size_t row = 0; row < out.rows && status; ++row) {
            if (fault != faults.end() && fault->row == row) {
                status = reject_row(out.lines[row], std::move(fault->reason));
                fault = std::find_if(fault, faults.end(),
                                     [row](const ColumnFault& f) { return f.row != row; });
                continue;
            }
            builder.append(
                {value_of(out.ids, row), value_of(out.texts, row), value_of(out.metadata, row),
                 out.vectors.subspan(row * out.dimension, out.dimension), out.lines[row]});
        }
        builder.finish();
        out = std::move(kept);
        out.vectors = out.owned_vectors;
        return status;
    }

    Status reject_row(std::uint64_t row, std::string reason) const {
        if (options_.on_reject) {
            return options_.on_reject({row, std::move(reason)});
        }
        return fail(Code::kInvalidData,
                    fmt::format("{}, row {}: {}", input_name(options_), row, reason));
    }

    ReaderOptions options_;
    std::vector<std::byte> held_;
    std::span<const std::byte> bytes_;
    std::vector<ZipMember> members_;
    std::unique_ptr<ByteSource> vectors_source_;
    std::unique_ptr<RecordReader> vectors_;
    std::array<std::unique_ptr<NpzColumn>, kUses.size()> columns_;  // by ColumnUse
    std::optional<NpzArray> present_;
    std::uint64_t rows_ = 0;
    std::uint64_t row_ = 0;
    FailureGate gate_;
};

}  // namespace

Result<std::unique_ptr<RecordReader>> make_npz_reader(ByteSource& source, ReaderOptions options) {
    auto reader = std::make_unique<NpzReader>(std::move(options));
    ABI_CHECK(reader->open(source));
    return std::unique_ptr<RecordReader>(std::move(reader));
}

}  // namespace abikit::data
