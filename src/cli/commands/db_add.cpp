// `abi db add` and `abi db update`: one row from the command line.
#include <fmt/format.h>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
Result<RowParts> parts_of(const Invocation& invocation) {
    RowParts parts;
    if (invocation.has("vector")) {
        ABI_TRY(parts.vector, parse_vector(invocation.text("vector")));
    }
    if (invocation.has("text")) {
        parts.text = invocation.text("text");
    }
    if (invocation.has("metadata")) {
        ABI_TRY(parts.metadata, parse_metadata(invocation.text("metadata")));
    }
    return parts;
}

Outcome row_outcome(std::string_view schema, std::string_view verb,
                    const storage::CommitInfo& done) {
    Outcome outcome;
    outcome.report.schema = schema;
    outcome.report.body.set("id", done.first_id);
    outcome.report.body.set("lsn", done.lsn);
    outcome.report.blocks = {
        {.kind = report::Block::Kind::kText, .text = fmt::format("{} '{}'", verb, done.first_id)}};
    return outcome;
}

Result<Outcome> run_add(Invocation& invocation) {
    ABI_TRY(RowParts parts, parts_of(invocation));
    parts.id = invocation.text("id");
    if (invocation.has("id") && parts.id.empty()) {
        return fail(Code::kInvalidData, "an id is empty", "leave --id out to get the next ordinal");
    }
    ABI_TRY(storage::Database database, open_for_writing(invocation));
    ABI_TRY(const storage::CommitInfo done,
            commit_row(database, parts, storage::WriteMode::kInsert));
    return close_with(database, row_outcome("abi.db.add/1", "added", done));
}

Result<Outcome> run_update(Invocation& invocation) {
    ABI_TRY(RowParts parts, parts_of(invocation));
    if (!invocation.has("vector") && !invocation.has("text") && !invocation.has("metadata")) {
        return fail(Code::kInvalidArgument, "nothing to change was given",
                    "give --vector, --text or --metadata");
    }
    ABI_TRY(storage::Database database, open_for_writing(invocation));
    const storage::Snapshot snapshot = database.snapshot();
    parts.id = invocation.operand("ID");
    ABI_TRY(const auto row, snapshot.find(parts.id));
    if (!row) {
        return fail(Code::kNotFound,
                    fmt::format("id '{}' is not in '{}'", parts.id, database.path()),
                    "'abi db list' shows the ids; 'abi db add' makes a row");
    }
    ABI_TRY(const storage::RowView old, snapshot.read(*row));
    // What is not given stays; a new text without a vector is embedded anew where the database can.
    const bool embed = parts.text && parts.vector.empty() && database.embedder() != nullptr;
    if (parts.vector.empty() && !embed) {
        parts.vector.assign(old.vector.begin(), old.vector.end());
    }
    if (!parts.text && old.text) {
        parts.text = std::string(*old.text);
    }
    if (!parts.metadata && old.metadata) {
        parts.metadata = std::string(*old.metadata);
    }
    ABI_TRY(const storage::CommitInfo done,
            commit_row(database, parts, storage::WriteMode::kUpdate));
    return close_with(database, row_outcome("abi.db.update/1", "updated", done));
}
}  // namespace

CommandSpec db_add_spec() {
    std::vector<OptionSpec> options = {
        {.name = "id", .metavar = "ID", .help = "id of the row (default: the next ordinal)"}};
    for (OptionSpec& option : row_options()) {
        options.push_back(std::move(option));
    }
    options.push_back(collection_option());
    options.push_back(sync_option());
    return {
        .path = {"db", "add"},
        .summary = "add one row",
        .description =
            "Adds one row and returns once it is on disk. The row needs a vector, or a text in a "
            "database with an "
            "embedder. An id that is there already is refused: 'abi db update' changes rows.",
        .operands = {database_operand()},
        .options = std::move(options),
        .examples = {{"abi db add notes.wdbx --text 'the backup runs at two' --metadata '{\"by\": "
                      "\"ops\"}'",
                      "a text"},
                     {"abi db add points.wdbx --id p1 --vector '0.1,0.2'", "a vector"}},
        .exit_notes = {"1  the id is there already"},
        .handler = run_add,
    };
}

CommandSpec db_update_spec() {
    std::vector<OptionSpec> options = row_options();
    options.push_back(collection_option());
    options.push_back(sync_option());
    return {
        .path = {"db", "update"},
        .summary = "change the vector, text or metadata of a row",
        .description =
            "Replaces what is given and keeps the rest. A new text is embedded anew when the "
            "database has an "
            "embedder and no vector is given with it.",
        .operands = {database_operand(), {.name = "ID", .help = "id of the row"}},
        .options = std::move(options),
        .examples = {{"abi db update notes.wdbx 0 --text 'the backup runs at three'", "a new text"},
                     {"abi db update notes.wdbx 0 --metadata '{}'", "no metadata"}},
        .exit_notes = {"1  the id is not there"},
        .handler = run_update,
    };
}

}  // namespace abikit::cli
