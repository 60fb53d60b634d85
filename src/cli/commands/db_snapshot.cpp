// `abi db snapshot` with `create`, `list` and `drop`: moments of a database that keep their name.
#include <fmt/format.h>

#include <abi/core/time.hpp>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
OperandSpec name_operand() {
    return {.name = "NAME", .help = "name of the snapshot"};
}

data::Value value_of(const storage::SnapshotInfo& info) {
    data::Value value;
    value.set("name", info.name);
    value.set("time", format_iso8601_utc(info.time_ns));
    value.set("lsn", info.lsn);
    value.set("rows", info.rows);
    return value;
}

Result<storage::SnapshotInfo> find_snapshot(const storage::Database& database,
                                            const std::string& name) {
    for (storage::SnapshotInfo& info : database.snapshots()) {
        if (info.name == name) {
            return std::move(info);
        }
    }
    return fail(Code::kNotFound,
                fmt::format("database '{}' has no snapshot '{}'", database.path(), name),
                fmt::format("'abi db snapshot list {}' names them", database.path()));
}

Result<Outcome> run_create(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_database(invocation, storage::AccessMode::kReadWrite));
    const std::string name = invocation.operand("NAME");
    ABI_CHECK(database.create_snapshot(name));
    ABI_TRY(const storage::SnapshotInfo info, find_snapshot(database, name));
    Outcome outcome;
    outcome.report.body = value_of(info);
    outcome.report.schema = "abi.db.snapshot.create/1";
    outcome.report.blocks = {{.kind = report::Block::Kind::kText,
                              .text = fmt::format("made snapshot '{}' of {} row{}", name, info.rows,
                                                  info.rows == 1 ? "" : "s")}};
    return close_with(database, std::move(outcome));
}

Result<Outcome> run_list(Invocation& invocation) {
    ABI_TRY(const storage::Database database,
            open_database(invocation, storage::AccessMode::kRead));
    data::Array snapshots;
    for (const storage::SnapshotInfo& info : database.snapshots()) {
        snapshots.push_back(value_of(info));
    }
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.snapshot.list/1";
    report.body.set("snapshots", std::move(snapshots));
    report.rows_path = "snapshots";
    const auto right = report::Align::kRight;
    report.columns = {
        {.key = "name", .header = "snapshot"},
        {.key = "time", .header = "time"},
        {.key = "lsn", .header = "lsn", .align = right},
        {.key = "rows", .header = "rows", .unit = report::Unit::kCount, .align = right}};
    report.blocks = {
        {.kind = report::Block::Kind::kTable, .rows_path = "snapshots", .columns = report.columns}};
    return outcome;
}

Result<Outcome> run_drop(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_database(invocation, storage::AccessMode::kReadWrite));
    ABI_TRY(const storage::SnapshotInfo info, find_snapshot(database, invocation.operand("NAME")));
    if (!invocation.dry_run()) {
        ABI_CHECK(database.drop_snapshot(info.name));
    }
    Outcome outcome;
    outcome.report.body = value_of(info);
    outcome.report.body.set("dry_run", invocation.dry_run());
    outcome.report.schema = "abi.db.snapshot.drop/1";
    outcome.report.blocks = {
        {.kind = report::Block::Kind::kText,
         .text = fmt::format("{} snapshot '{}'", invocation.dry_run() ? "would drop" : "dropped",
                             info.name)}};
    return close_with(database, std::move(outcome));
}
}  // namespace

CommandSpec db_snapshot_spec() {
    return {
        .path = {"db", "snapshot"},
        .summary = "give moments of a database a name",
        .description =
            "A named snapshot keeps what all collections hold at one moment, at the cost of the "
            "space of what changes afterwards. Reading commands take --snapshot NAME. Snapshots "
            "live in the database itself: against the loss of the disk make backups.",
        .examples = {{"abi db snapshot list notes.wdbx", "what there is"}},
    };
}

CommandSpec db_snapshot_create_spec() {
    return {
        .path = {"db", "snapshot", "create"},
        .summary = "keep this moment under a name",
        .description =
            "Keeps what all collections hold now until the snapshot is dropped. No row is copied "
            "but those that are still in the log.",
        .operands = {database_operand(), name_operand()},
        .examples = {{"abi db snapshot create notes.wdbx before-cleanup", "before a risky change"}},
        .exit_notes = {"1  there is a snapshot of that name already"},
        .handler = run_create,
    };
}

CommandSpec db_snapshot_list_spec() {
    return {
        .path = {"db", "snapshot", "list"},
        .summary = "list the named snapshots",
        .description = "Lists the named snapshots in the order of their creation.",
        .operands = {database_operand()},
        .examples = {{"abi db snapshot list notes.wdbx --format json", "as JSON"}},
        .handler = run_list,
    };
}

CommandSpec db_snapshot_drop_spec() {
    return {
        .path = {"db", "snapshot", "drop"},
        .summary = "drop a named snapshot",
        .description = "Drops the snapshot and frees the files that only it needed.",
        .operands = {database_operand(), name_operand()},
        .options = {dry_run_option()},
        .examples = {{"abi db snapshot drop notes.wdbx before-cleanup", "no longer needed"}},
        .exit_notes = {"1  there is no snapshot of that name"},
        .handler = run_drop,
    };
}

}  // namespace abikit::cli
