// CSV: the header names the columns, each further record is a row. Splitting is csv_scanner.cpp,
// meaning is csv_row.cpp.
#include <algorithm>

#include <fmt/format.h>

#include "batch_builder.hpp"
#include "csv_row.hpp"
#include "reader_base.hpp"

namespace abikit::data {
namespace {

class CsvReader final : public RecordReader {
public:
    CsvReader(CsvScanner scanner, CsvColumns columns, ReaderOptions options)
        : options_(std::move(options)),
          scanner_(std::move(scanner)),
          dimension_(options_.dimension != 0
                         ? options_.dimension
                         : (columns.vector.size() > 1 ? columns.vector.size() : 0)),
          rows_(std::move(columns)) {}

    Result<bool> next(RecordBatch& out, std::size_t max_rows) override {
        out.clear();
        if (gate_.failed()) {
            return gate_.settle(out, {});
        }
        BatchBuilder builder(out);
        Status status =
            guarded([&] { return fill(out, builder, std::max<std::size_t>(max_rows, 1)); });
        builder.finish();
        return gate_.settle(out, std::move(status));
    }
    std::uint64_t bytes_read() const noexcept override { return scanner_.bytes_read(); }
    std::uint64_t rows_total() const noexcept override { return 0; }

private:
    Status fill(const RecordBatch& out, BatchBuilder& builder, std::size_t max_rows) {
        while (out.rows < max_rows) {
            if (!holding_) {
                ABI_TRY(const bool more, read_row());
                if (!more) {
                    return {};
                }
            }
            if (!builder.fits(!rows_.row().vector.empty())) {
                return {};  // it is the first of the next batch
            }
            builder.append(rows_.row());
            holding_ = false;
        }
        return {};
    }

    // Reads up to the next good row and holds it. False at the end.
    Result<bool> read_row() {
        while (true) {
            ABI_TRY(const bool more, scanner_.next(record_));
            if (!more) {
                return false;
            }
            if (record_.reason.empty() && record_.is_blank()) {
                continue;
            }
            if (!rows_.read(record_)) {
                ABI_CHECK(reject(options_, {record_.line, rows_.reason()}));
                continue;
            }
            const std::size_t dimension = rows_.row().vector.size();
            dimension_ = dimension_ == 0 ? dimension : dimension_;
            if (dimension != 0 && dimension != dimension_) {
                ABI_CHECK(
                    reject(options_, {record_.line, fmt::format("vector has {} values, expected {}",
                                                                dimension, dimension_)}));
                continue;
            }
            holding_ = true;
            return true;
        }
    }

    ReaderOptions options_;
    CsvScanner scanner_;
    std::size_t dimension_;  // 0 until the first vector
    CsvRowReader rows_;
    CsvRecord record_;
    bool holding_ = false;  // rows_ has a row that is in no batch yet
    FailureGate gate_;
};

}  // namespace

Result<std::unique_ptr<RecordReader>> make_csv_reader(ByteSource& source, ReaderOptions options) {
    if (options.separator == '"' || options.separator == '\n' || options.separator == '\r') {
        return fail(Code::kInvalidArgument, "a quote or line end cannot separate CSV fields");
    }
    CsvScanner scanner(source, options.separator);
    CsvRecord header;
    do {
        ABI_TRY(const bool more, scanner.next(header));
        if (!more) {
            return fail(Code::kCorrupt,
                        fmt::format("{} is empty: the line that names the columns is missing",
                                    input_name(options)));
        }
    } while (header.reason.empty() && header.is_blank());
    ABI_TRY(CsvColumns columns, find_csv_columns(header, options));
    return std::unique_ptr<RecordReader>(
        std::make_unique<CsvReader>(std::move(scanner), std::move(columns), std::move(options)));
}

}  // namespace abikit::data
