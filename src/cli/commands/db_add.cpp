// `abi db add` and `abi db update`: one row from the command line, or members of many.
#include <fmt/format.h>

#include <abi/storage/bulk.hpp>

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

// What --set and --unset say.
Result<std::vector<storage::MetadataChange>> changes_of(const Invocation& invocation) {
    std::vector<storage::MetadataChange> changes;
    for (const std::string& word : invocation.list("set")) {
        const std::size_t sign = word.find('=');
        if (sign == std::string::npos || sign == 0) {
            return fail(Code::kInvalidArgument, fmt::format("'{}' sets nothing", word),
                        "write a field, '=' and a value: --set lang=en");
        }
        std::string value = word.substr(sign + 1);
        if (!data::parse_json(value)) {  // a bare word is a string
            value = data::to_json(data::Value(value));
        }
        changes.push_back({word.substr(0, sign), std::move(value)});
    }
    for (const std::string& field : invocation.list("unset")) {
        changes.push_back({field, std::nullopt});
    }
    return changes;
}

Outcome update_outcome(const Invocation& invocation, const storage::BulkInfo& done) {
    Outcome outcome;
    data::Value& body = outcome.report.body;
    outcome.report.schema = "abi.db.update/1";
    body.set("matched", done.matched);
    body.set("changed", done.changed);
    body.set("lsn", done.lsn);
    body.set("dry_run", invocation.dry_run());
    outcome.report.blocks = {{.kind = report::Block::Kind::kText,
                              .text = fmt::format("{} {} row{} of {} that match{}",
                                                  invocation.dry_run() ? "would update" : "updated",
                                                  done.changed, done.changed == 1 ? "" : "s",
                                                  done.matched, done.matched == 1 ? "es" : "")}};
    return outcome;
}

Result<Outcome> update_by_filter(Invocation& invocation, const storage::Filter& filter,
                                 const std::vector<storage::MetadataChange>& changes) {
    for (const char* const option : {"vector", "text", "metadata"}) {
        if (invocation.has(option)) {
            return fail(Code::kInvalidArgument,
                        fmt::format("--{} is for one row, not for all that match", option),
                        "change members of the metadata with --set and --unset");
        }
    }
    ABI_TRY(storage::Database database, open_for_writing(invocation));
    const auto mode = invocation.dry_run() ? storage::BulkMode::kLook : storage::BulkMode::kWrite;
    ABI_TRY(const storage::BulkInfo done,
            storage::update_matching(invocation.context(), database, filter, changes, mode));
    return close_with(database, update_outcome(invocation, done));
}

// What is not given stays; a new text without a vector is embedded anew where the database can.
Status keep_rest(const storage::Database& database, const storage::RowView& old,
                 const std::vector<storage::MetadataChange>& changes, RowParts& parts) {
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
    ABI_TRY(parts.metadata, storage::change_metadata(parts.metadata, changes));
    return {};
}

Result<Outcome> update_by_id(Invocation& invocation,
                             const std::vector<storage::MetadataChange>& changes) {
    ABI_TRY(RowParts parts, parts_of(invocation));
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
    ABI_CHECK(keep_rest(database, old, changes, parts));
    storage::CommitInfo done;
    if (!invocation.dry_run()) {
        ABI_TRY(done, commit_row(database, parts, storage::WriteMode::kUpdate));
    }
    done.first_id = parts.id;
    Outcome outcome =
        row_outcome("abi.db.update/1", invocation.dry_run() ? "would update" : "updated", done);
    outcome.report.body.set("dry_run", invocation.dry_run());
    return close_with(database, std::move(outcome));
}

Result<Outcome> run_update(Invocation& invocation) {
    ABI_TRY(const auto filter, filter_of(invocation));
    ABI_TRY(const std::vector<storage::MetadataChange> changes, changes_of(invocation));
    const bool by_id = !invocation.operand("ID").empty();
    if (filter.has_value() == by_id) {
        return fail(
            Code::kInvalidArgument,
            filter ? "both an id and a filter were given" : "neither an id nor a filter was given",
            "name the row, or say which rows with --filter");
    }
    if (changes.empty() && !invocation.has("vector") && !invocation.has("text") &&
        !invocation.has("metadata")) {
        return fail(Code::kInvalidArgument, "nothing to change was given",
                    "give --set, --unset, --vector, --text or --metadata");
    }
    return filter ? update_by_filter(invocation, *filter, changes)
                  : update_by_id(invocation, changes);
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
    options.push_back(merge_option());
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
    options.push_back({.name = "set",
                       .metavar = "FIELD=VALUE",
                       .help = "set a member of the metadata; VALUE is JSON, or a string as it is",
                       .repeatable = true});
    options.push_back({.name = "unset",
                       .metavar = "FIELD",
                       .help = "remove a member of the metadata",
                       .repeatable = true});
    options.push_back(filter_option("change all rows whose metadata match"));
    options.push_back(collection_option());
    options.push_back(sync_option());
    options.push_back(dry_run_option());
    options.push_back(merge_option());
    return {
        .path = {"db", "update"},
        .summary = "change the vector, text or metadata of rows",
        .description =
            "Replaces what is given and keeps the rest. A new text is embedded anew when the "
            "database has an "
            "embedder and no vector is given with it.\n\n"
            "With --filter members of the metadata change in all rows that match, in one atomic "
            "commit.",
        .operands = {database_operand(),
                     {.name = "ID", .help = "id of the row", .required = false}},
        .options = std::move(options),
        .examples = {{"abi db update notes.wdbx 0 --text 'the backup runs at three'", "a new text"},
                     {"abi db update notes.wdbx 0 --metadata '{}'", "no metadata"},
                     {"abi db update notes.wdbx --filter 'year < 2020' --set archived=true "
                      "--unset draft",
                      "members of many rows"}},
        .exit_notes = {"1  the id is not there"},
        .handler = run_update,
    };
}

}  // namespace abikit::cli
