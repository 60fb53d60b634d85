// Export: all live rows of one snapshot through a record writer, as often as it asks for them.
// Runs of rows without a deleted one among them go out as they lie in the segment.
#include <abi/core/memory.hpp>
#include <abi/data/writer.hpp>
#include <abi/storage/import.hpp>

namespace abikit::storage {

namespace {
constexpr std::size_t kBatchRows = 4096;
// Shorter runs, as deleted rows leave them, are gathered by copying.
constexpr std::size_t kShortRun = 256;

class Exporter {
public:
    // rows: null for all.
    Exporter(const Context& context, const Snapshot& snapshot, const RowSet* rows,
             data::RecordWriter& writer)
        : context_(context),
          snapshot_(snapshot),
          rows_(rows),
          writer_(writer),
          dimension_(snapshot.stats().dimension) {}

    Result<ExportInfo> run() {
        while (true) {
            columns_ = writer_.columns();
            info_.rows = 0;
            ABI_CHECK(snapshot_.scan_runs(kBatchRows, [this](RowRun run) {
                return rows_ == nullptr ? add(run) : add_members(run);
            }));
            ABI_CHECK(flush());
            ABI_TRY(const bool again, writer_.next_pass());
            if (!again) {
                break;
            }
        }
        ABI_CHECK(writer_.finish());
        return info_;
    }

private:
    // The parts of a run that are in the set.
    Status add_members(RowRun run) {
        const RowNumber end = run.first + run.count;
        for (auto row = rows_->next(run.first); row && *row < end;) {
            RowRun part{*row, 1};
            while (part.first + part.count < end && rows_->contains(part.first + part.count)) {
                ++part.count;
            }
            ABI_CHECK(add(part));
            row = rows_->next(part.first + part.count);
        }
        return {};
    }
    Status add(RowRun run) {
        const bool gather = run.count < kShortRun;
        if (batch_.rows != 0 && (!gather || batch_.rows + run.count > kBatchRows)) {
            ABI_CHECK(flush());
        }
        if (columns_.vectors) {
            ABI_TRY(batch_.vectors, snapshot_.read_vectors(run, decoded_));
            if (gather) {
                batch_.owned_vectors.insert(batch_.owned_vectors.end(), batch_.vectors.begin(),
                                            batch_.vectors.end());
                batch_.vectors = batch_.owned_vectors;
            }
        }
        ABI_CHECK(add_strings(run));
        batch_.rows += run.count;
        return gather ? Status() : flush();
    }

    static void put(data::StringColumn& column, const std::optional<std::string_view>& value) {
        value ? column.append(*value) : column.append_null();
    }
    Status add_strings(RowRun run) {
        for (RowNumber row = run.first; columns_.ids && row < run.first + run.count; ++row) {
            ABI_TRY(const std::string id, snapshot_.read_id(row));
            batch_.ids.append(id);
        }
        for (RowNumber row = run.first; columns_.texts && row < run.first + run.count; ++row) {
            ABI_TRY(const auto text, snapshot_.read_text(row));
            put(batch_.texts, text);
        }
        for (RowNumber row = run.first; columns_.metadata && row < run.first + run.count; ++row) {
            ABI_TRY(const auto metadata, snapshot_.read_metadata(row));
            put(batch_.metadata, metadata);
        }
        return {};
    }

    Status flush() {
        ABI_CHECK(context_.cancel.check());
        batch_.dimension = columns_.vectors ? dimension_ : 0;
        info_.rows += batch_.rows;
        Status status = batch_.rows == 0 ? Status() : writer_.write(batch_);
        batch_.clear();
        if (context_.progress != nullptr) {
            context_.progress->update(info_.rows);
        }
        return status;
    }

    const Context& context_;
    const Snapshot& snapshot_;
    const RowSet* rows_;
    data::RecordWriter& writer_;
    std::uint32_t dimension_;
    data::Columns columns_;
    std::vector<float> decoded_;
    data::RecordBatch batch_;
    ExportInfo info_;
};
}  // namespace

Result<ExportInfo> export_rows(const Context& context, const Database& database, ByteSink& sink,
                               const ExportOptions& options) try {
    const RoomScope room(Room::kStorage);
    const TraceSpan span(context.trace, "storage", "export");
    const Snapshot snapshot = database.snapshot();
    ABI_TRY(const data::Format format, data::parse_format(options.to));
    std::optional<RowSet> rows;
    if (options.filter != nullptr) {
        ABI_TRY(rows, snapshot.match(context, *options.filter));
    }
    const std::uint64_t count = rows ? rows->count() : snapshot.rows();
    ABI_TRY(const auto writer,
            data::make_writer(format, sink, {database.dimension(), count, context.pool}));
    if (context.progress != nullptr) {
        context.progress->begin("export", "rows", count);
    }
    Result<ExportInfo> info = Exporter(context, snapshot, rows ? &*rows : nullptr, *writer).run();
    if (context.progress != nullptr) {
        context.progress->end();
    }
    return info;
} catch (...) {
    return fail(error_from_current_exception());
}

}  // namespace abikit::storage
