// Rows as values, and databases that read and write them: what tests and campaigns share. Nothing
// here needs a test framework; support.hpp adds what does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <abi/core/random.hpp>
#include <abi/storage/database.hpp>

namespace abikit::storage::test {

// A row as a test writes it.
struct Row {
    std::optional<std::string> id = {};
    std::vector<float> vector = {};
    std::optional<std::string> text = {};
    std::optional<std::string> metadata = {};
    friend bool operator==(const Row&, const Row&) = default;
};

inline void put_cell(data::StringColumn& column, const std::optional<std::string>& value) {
    value ? column.append(*value) : column.append_null();
}

// Columns that no row has stay empty, as the readers leave them.
inline data::RecordBatch batch_of(const std::vector<Row>& rows, std::uint32_t dimension) {
    data::RecordBatch batch;
    batch.rows = rows.size();
    batch.dimension = dimension;
    const auto any = [&rows](auto member) {
        for (const Row& row : rows) {
            if (row.*member) {
                return true;
            }
        }
        return false;
    };
    const bool ids = any(&Row::id), texts = any(&Row::text), metadata = any(&Row::metadata);
    for (const Row& row : rows) {
        batch.owned_vectors.insert(batch.owned_vectors.end(), row.vector.begin(), row.vector.end());
        if (ids) {
            put_cell(batch.ids, row.id);
        }
        if (texts) {
            put_cell(batch.texts, row.text);
        }
        if (metadata) {
            put_cell(batch.metadata, row.metadata);
        }
    }
    batch.vectors = batch.owned_vectors;
    return batch;
}

inline Result<CommitInfo> commit(Database& database, const std::vector<Row>& rows,
                                 WriteMode mode = WriteMode::kUpsert,
                                 std::vector<std::string> deletes = {}) {
    const data::RecordBatch batch = batch_of(rows, database.dimension());
    return database.commit({&batch, std::move(deletes), mode});
}

inline std::optional<std::string> owned(const std::optional<std::string_view>& view) {
    return view ? std::optional<std::string>(*view) : std::nullopt;
}

inline Result<Row> load_row(const Snapshot& snapshot, RowNumber number) {
    ABI_TRY(RowView view, snapshot.read(number));
    return Row{std::move(view.id),
               {view.vector.begin(), view.vector.end()},
               owned(view.text),
               owned(view.metadata)};
}

// All live rows in order of insertion.
inline Result<std::vector<Row>> load_rows(const Snapshot& snapshot) {
    std::vector<Row> rows;
    ABI_CHECK(snapshot.scan(0, [&](RowNumber number) -> Result<bool> {
        ABI_TRY(Row row, load_row(snapshot, number));
        rows.push_back(std::move(row));
        return true;
    }));
    return rows;
}

inline std::vector<float> random_vector(Random& random, std::uint32_t dimension) {
    std::vector<float> vector(dimension);
    for (float& value : vector) {
        value = static_cast<float>(random.normal());
    }
    return vector;
}

inline Context context_on(FileSystem& fs, ThreadPool* pool = nullptr) {
    Context context;
    context.fs = &fs;
    context.pool = pool;
    return context;
}

}  // namespace abikit::storage::test
