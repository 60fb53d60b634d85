// Export: all live rows of one snapshot through a record writer.
#include <abi/core/memory.hpp>
#include <abi/data/writer.hpp>
#include <abi/storage/import.hpp>

namespace abikit::storage {

namespace {
constexpr std::size_t kBatchRows = 4096;

class Exporter {
public:
    Exporter(const Context& context, const Snapshot& snapshot, data::RecordWriter& writer,
             std::uint32_t dimension)
        : context_(context), snapshot_(snapshot), writer_(writer), dimension_(dimension) {}

    Result<ExportInfo> run() {
        ABI_CHECK(snapshot_.scan(0, [this](RowNumber row) -> Result<bool> {
            ABI_CHECK(add(row));
            return true;
        }));
        ABI_CHECK(flush());
        ABI_CHECK(writer_.finish());
        return info_;
    }

private:
    static void put(data::StringColumn& column, const std::optional<std::string_view>& value) {
        value ? column.append(*value) : column.append_null();
    }
    Status add(RowNumber row) {
        ABI_TRY(const RowView view, snapshot_.read(row));
        batch_.ids.append(view.id);
        put(batch_.texts, view.text);
        put(batch_.metadata, view.metadata);
        batch_.owned_vectors.insert(batch_.owned_vectors.end(), view.vector.begin(),
                                    view.vector.end());
        ++batch_.rows;
        return batch_.rows == kBatchRows ? flush() : Status();
    }
    Status flush() {
        ABI_CHECK(context_.cancel.check());
        batch_.dimension = dimension_;
        batch_.vectors = batch_.owned_vectors;
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
    data::RecordWriter& writer_;
    std::uint32_t dimension_;
    data::RecordBatch batch_;
    ExportInfo info_;
};
}  // namespace

Result<ExportInfo> export_rows(const Context& context, const Database& database,
                               std::string_view to, ByteSink& sink) try {
    const RoomScope room(Room::kStorage);
    const TraceSpan span(context.trace, "storage", "export");
    const Snapshot snapshot = database.snapshot();
    ABI_TRY(const data::Format format, data::parse_format(to));
    ABI_TRY(const auto writer,
            data::make_writer(format, sink, {database.dimension(), snapshot.rows()}));
    if (context.progress != nullptr) {
        context.progress->begin("export", "rows", snapshot.rows());
    }
    Result<ExportInfo> info = Exporter(context, snapshot, *writer, database.dimension()).run();
    if (context.progress != nullptr) {
        context.progress->end();
    }
    return info;
} catch (...) {
    return fail(error_from_current_exception());
}

}  // namespace abikit::storage
