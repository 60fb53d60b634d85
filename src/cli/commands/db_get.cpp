// `abi db get`, `abi db delete`, `abi db list`, `abi db count`: rows by id and in order.
#include <fmt/format.h>

#include <abi/storage/bulk.hpp>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
std::vector<report::Column> row_columns() {
    return {{.key = "id", .header = "id", .max_width = 40},
            {.key = "text", .header = "text", .max_width = 60},
            {.key = "metadata", .header = "metadata", .max_width = 60}};
}

data::Array strings(const std::vector<std::string>& words) {
    return data::Array(words.begin(), words.end());
}

std::string quoted_list(const std::vector<std::string>& ids) {
    std::string text;
    for (const std::string& id : ids) {
        text += fmt::format("{}'{}'", text.empty() ? "" : ", ", id);
    }
    return text;
}

Result<Outcome> run_get(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_for_reading(invocation));
    const storage::Snapshot snapshot = database.snapshot();
    data::Array rows;
    std::vector<std::string> missing;
    for (const std::string& id : invocation.operands("ID")) {
        ABI_TRY(const auto row, snapshot.find(id));
        if (!row) {
            missing.push_back(id);
            continue;
        }
        ABI_TRY(data::Value value, row_value(snapshot, *row, {.vector = true}));
        rows.push_back(std::move(value));
    }
    Outcome outcome;
    outcome.exit_code = missing.empty() ? 0 : 1;
    report::Report& report = outcome.report;
    report.schema = "abi.db.get/1";
    std::vector<report::Column> columns = row_columns();
    columns.push_back({.key = "vector", .header = "vector", .max_width = 40});
    if (!rows.empty()) {
        report.blocks.push_back(
            {.kind = report::Block::Kind::kTable, .rows_path = "rows", .columns = columns});
    }
    if (!missing.empty()) {
        report.blocks.push_back(
            {.kind = report::Block::Kind::kText, .text = "not found: " + quoted_list(missing)});
    }
    report.body.set("rows", std::move(rows));
    report.body.set("missing", strings(missing));
    report.rows_path = "rows";
    report.columns = columns;
    return outcome;
}

// Deletes what the operands name; ids that are not there are left to `missing`.
Result<std::uint64_t> delete_by_id(Invocation& invocation, storage::Database& database,
                                   std::vector<std::string>& missing) {
    const storage::Snapshot snapshot = database.snapshot();
    std::vector<std::string> found;
    for (const std::string& id : invocation.operands("ID")) {
        ABI_TRY(const auto row, snapshot.find(id));
        (row ? found : missing).push_back(id);
    }
    if (!invocation.dry_run() && !found.empty()) {
        ABI_TRY(const storage::CommitInfo done,
                database.commit({nullptr, found, storage::WriteMode::kUpsert}));
        static_cast<void>(done);
    }
    return std::uint64_t{found.size()};
}

Result<Outcome> run_delete(Invocation& invocation) {
    ABI_TRY(const auto filter, filter_of(invocation));
    if (filter.has_value() != invocation.operands("ID").empty()) {
        return fail(
            Code::kInvalidArgument,
            filter ? "both ids and a filter were given" : "neither an id nor a filter was given",
            "name the rows, or say which with --filter");
    }
    ABI_TRY(storage::Database database, open_for_writing(invocation));
    std::vector<std::string> missing;
    std::uint64_t deleted = 0;
    if (filter) {
        const auto mode =
            invocation.dry_run() ? storage::BulkMode::kLook : storage::BulkMode::kWrite;
        ABI_TRY(const storage::BulkInfo done,
                storage::delete_matching(invocation.context(), database, *filter, mode));
        deleted = done.changed;
    } else {
        ABI_TRY(deleted, delete_by_id(invocation, database, missing));
    }
    Outcome outcome;
    outcome.exit_code = missing.empty() ? 0 : 1;
    report::Report& report = outcome.report;
    report.schema = "abi.db.delete/1";
    report.body.set("deleted", deleted);
    report.body.set("missing", strings(missing));
    report.body.set("dry_run", invocation.dry_run());
    report.blocks.push_back(
        {.kind = report::Block::Kind::kText,
         .text = fmt::format("{} {} row{}", invocation.dry_run() ? "would delete" : "deleted",
                             deleted, deleted == 1 ? "" : "s")});
    if (!missing.empty()) {
        report.blocks.push_back(
            {.kind = report::Block::Kind::kText, .text = "not found: " + quoted_list(missing)});
    }
    return close_with(database, std::move(outcome));
}

// Visits the live rows that --filter selects, or all, in order, from the `offset`-th on; stops when
// the visitor returns false.
Status scan_rows(const storage::Snapshot& snapshot, const std::optional<storage::RowSet>& rows,
                 std::uint64_t offset,
                 const std::function<Result<bool>(storage::RowNumber)>& visit) {
    if (!rows) {
        return snapshot.scan(offset, visit);
    }
    for (auto row = rows->next(0); row; row = rows->next(*row + 1)) {
        if (offset != 0) {
            --offset;
            continue;
        }
        ABI_TRY(const bool go_on, visit(*row));
        if (!go_on) {
            break;
        }
    }
    return {};
}

Result<Outcome> run_list(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_for_reading(invocation));
    const storage::Snapshot snapshot = database.snapshot();
    const auto limit = static_cast<std::uint64_t>(invocation.integer("limit"));
    data::Array rows;
    const RowMembers members{.vector = invocation.flag("vectors")};
    ABI_TRY(const auto selected, matching_rows(invocation, snapshot));
    const std::uint64_t total = selected ? selected->count() : snapshot.rows();
    ABI_CHECK(scan_rows(snapshot, selected,
                        static_cast<std::uint64_t>(invocation.integer("offset")),
                        [&](storage::RowNumber row) -> Result<bool> {
                            if (limit != 0 && rows.size() == limit) {
                                return false;
                            }
                            ABI_CHECK(invocation.context().cancel.check());
                            ABI_TRY(data::Value value, row_value(snapshot, row, members));
                            rows.push_back(std::move(value));
                            return true;
                        }));
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.list/1";
    report.body.set("total", total);
    report.columns = row_columns();
    if (members.vector) {
        report.columns.push_back({.key = "vector", .header = "vector", .max_width = 40});
    }
    report.blocks = {
        {.kind = report::Block::Kind::kTable, .rows_path = "rows", .columns = report.columns},
        {.kind = report::Block::Kind::kText,
         .text = fmt::format("{} of {} rows", rows.size(), total)}};
    report.body.set("rows", std::move(rows));
    report.rows_path = "rows";
    return outcome;
}

Result<Outcome> run_count(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_for_reading(invocation));
    Outcome outcome;
    outcome.report.schema = "abi.db.count/1";
    const storage::Snapshot snapshot = database.snapshot();
    ABI_TRY(const auto selected, matching_rows(invocation, snapshot));
    const std::uint64_t rows = selected ? selected->count() : snapshot.rows();
    outcome.report.body.set("rows", rows);
    outcome.report.blocks = {{.kind = report::Block::Kind::kText, .text = std::to_string(rows)}};
    return outcome;
}

enum class Ids { kRequired, kOptional };
OperandSpec id_operands(Ids ids) {
    return {
        .name = "ID", .help = "id of a row", .required = ids == Ids::kRequired, .repeatable = true};
}
}  // namespace

CommandSpec db_get_spec() {
    return {
        .path = {"db", "get"},
        .summary = "show rows by id",
        .description =
            "Shows the rows with these ids: vector, text and metadata. Ids that are not there are "
            "listed.",
        .operands = {database_operand(), id_operands(Ids::kRequired)},
        .options = {collection_option(), snapshot_option()},
        .examples = {{"abi db get notes.wdbx 0 'docs/guide.md#2' --format json",
                      "two rows as JSON"}},
        .exit_notes = {"1  an id is not there"},
        .handler = run_get,
    };
}

CommandSpec db_delete_spec() {
    return {
        .path = {"db", "delete"},
        .summary = "delete rows by id or by filter",
        .description =
            "Deletes the rows with these ids, or all that a filter matches, in one atomic commit. "
            "Their space is freed by 'abi db "
            "optimize'.",
        .operands = {database_operand(), id_operands(Ids::kOptional)},
        .options = {filter_option("delete all rows whose metadata match"), collection_option(),
                    sync_option(), merge_option(), dry_run_option()},
        .examples = {{"abi db delete notes.wdbx 0 1 2", "three rows"},
                     {"abi db delete notes.wdbx --filter 'year < 2020'", "all that match"},
                     {"abi db delete notes.wdbx 0 --dry-run", "only say what would be deleted"}},
        .exit_notes = {"1  an id was not there; the others were deleted"},
        .handler = run_delete,
    };
}

CommandSpec db_list_spec() {
    return {
        .path = {"db", "list"},
        .summary = "list rows in the order of their insertion",
        .description = "Lists ids, texts and metadata.",
        .operands = {database_operand()},
        .options = {{.name = "limit",
                     .type = ValueType::kInteger,
                     .metavar = "N",
                     .help = "show at most N rows; 0: all",
                     .default_value = "100",
                     .config_key = "db.list_limit",
                     .minimum = 0},
                    {.name = "offset",
                     .type = ValueType::kInteger,
                     .metavar = "N",
                     .help = "leave the first N rows out",
                     .default_value = "0",
                     .minimum = 0},
                    filter_option("only rows whose metadata match"),
                    {.name = "vectors", .type = ValueType::kFlag, .help = "show the vectors too"},
                    collection_option(),
                    snapshot_option()},
        .examples = {{"abi db list notes.wdbx --limit 5", "the first five rows"},
                     {"abi db list notes.wdbx --filter 'lang = \"en\"'", "some rows"},
                     {"abi db list notes.wdbx --limit 0 --format csv --output rows.csv",
                      "all rows into a file"}},
        .handler = run_list,
    };
}

CommandSpec db_count_spec() {
    return {
        .path = {"db", "count"},
        .summary = "count the rows",
        .description = "Prints the number of live rows, or of those that a filter matches.",
        .operands = {database_operand()},
        .options = {filter_option("only rows whose metadata match"), collection_option(),
                    snapshot_option()},
        .examples = {{"abi db count notes.wdbx", "the number of rows"},
                     {"abi db count notes.wdbx --filter 'tags CONTAINS \"db\"'", "of some"}},
        .handler = run_count,
    };
}

}  // namespace abikit::cli
