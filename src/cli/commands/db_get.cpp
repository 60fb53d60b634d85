// `abi db get`, `abi db delete`, `abi db list`, `abi db count`: rows by id and in order.
#include <fmt/format.h>

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

Result<Outcome> run_delete(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_for_writing(invocation));
    const storage::Snapshot snapshot = database.snapshot();
    std::vector<std::string> found, missing;
    for (const std::string& id : invocation.operands("ID")) {
        ABI_TRY(const auto row, snapshot.find(id));
        (row ? found : missing).push_back(id);
    }
    if (!invocation.dry_run() && !found.empty()) {
        ABI_TRY(const storage::CommitInfo done,
                database.commit({nullptr, found, storage::WriteMode::kUpsert}));
        static_cast<void>(done);
    }
    Outcome outcome;
    outcome.exit_code = missing.empty() ? 0 : 1;
    report::Report& report = outcome.report;
    report.schema = "abi.db.delete/1";
    report.body.set("deleted", std::uint64_t{found.size()});
    report.body.set("missing", strings(missing));
    report.body.set("dry_run", invocation.dry_run());
    report.blocks.push_back(
        {.kind = report::Block::Kind::kText,
         .text = fmt::format("{} {} row{}", invocation.dry_run() ? "would delete" : "deleted",
                             found.size(), found.size() == 1 ? "" : "s")});
    if (!missing.empty()) {
        report.blocks.push_back(
            {.kind = report::Block::Kind::kText, .text = "not found: " + quoted_list(missing)});
    }
    return close_with(database, std::move(outcome));
}

Result<Outcome> run_list(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_for_reading(invocation));
    const storage::Snapshot snapshot = database.snapshot();
    const auto limit = static_cast<std::uint64_t>(invocation.integer("limit"));
    data::Array rows;
    const RowMembers members{.vector = invocation.flag("vectors")};
    ABI_CHECK(snapshot.scan(static_cast<std::uint64_t>(invocation.integer("offset")),
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
    report.body.set("total", snapshot.rows());
    report.columns = row_columns();
    if (members.vector) {
        report.columns.push_back({.key = "vector", .header = "vector", .max_width = 40});
    }
    report.blocks = {
        {.kind = report::Block::Kind::kTable, .rows_path = "rows", .columns = report.columns},
        {.kind = report::Block::Kind::kText,
         .text = fmt::format("{} of {} rows", rows.size(), snapshot.rows())}};
    report.body.set("rows", std::move(rows));
    report.rows_path = "rows";
    return outcome;
}

Result<Outcome> run_count(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_for_reading(invocation));
    Outcome outcome;
    outcome.report.schema = "abi.db.count/1";
    const std::uint64_t rows = database.snapshot().rows();
    outcome.report.body.set("rows", rows);
    outcome.report.blocks = {{.kind = report::Block::Kind::kText, .text = std::to_string(rows)}};
    return outcome;
}

OperandSpec id_operands() {
    return {.name = "ID", .help = "id of a row", .repeatable = true};
}
}  // namespace

CommandSpec db_get_spec() {
    return {
        .path = {"db", "get"},
        .summary = "show rows by id",
        .description =
            "Shows the rows with these ids: vector, text and metadata. Ids that are not there are "
            "listed.",
        .operands = {database_operand(), id_operands()},
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
        .summary = "delete rows by id",
        .description =
            "Deletes the rows with these ids in one atomic commit. Their space is freed by 'abi db "
            "optimize'.",
        .operands = {database_operand(), id_operands()},
        .options = {collection_option(), sync_option(), dry_run_option()},
        .examples = {{"abi db delete notes.wdbx 0 1 2", "three rows"},
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
                    {.name = "vectors", .type = ValueType::kFlag, .help = "show the vectors too"},
                    collection_option(),
                    snapshot_option()},
        .examples = {{"abi db list notes.wdbx --limit 5", "the first five rows"},
                     {"abi db list notes.wdbx --limit 0 --format csv --output rows.csv",
                      "all rows into a file"}},
        .handler = run_list,
    };
}

CommandSpec db_count_spec() {
    return {
        .path = {"db", "count"},
        .summary = "count the rows",
        .description = "Prints the number of live rows.",
        .operands = {database_operand()},
        .options = {collection_option(), snapshot_option()},
        .examples = {{"abi db count notes.wdbx", "the number of rows"}},
        .handler = run_count,
    };
}

}  // namespace abikit::cli
