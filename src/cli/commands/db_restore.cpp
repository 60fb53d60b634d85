// `abi db restore`: a database out of a backup.
#include <fmt/format.h>

#include <abi/core/time.hpp>

#include "all.hpp"
#include "db_backup.hpp"

namespace abikit::cli {

namespace {
Result<Outcome> run_restore(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    ABI_TRY(const auto number, backup_number(invocation.text("backup")));
    ABI_TRY(const storage::RestoreInfo info,
            storage::restore_backup(invocation.context(), invocation.operand("REPOSITORY"),
                                    invocation.operand("DESTINATION"), number,
                                    rehearsal_of(invocation)));
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.restore/1";
    data::Value& body = report.body;
    body.set("dry_run", invocation.dry_run());
    body.set("destination", invocation.operand("DESTINATION"));
    body.set("backup", info.number);
    body.set("uuid", info.uuid);
    body.set("lsn", info.lsn);
    body.set("time", format_iso8601_utc(info.time_ns));
    body.set("files", info.files);
    body.set("bytes", info.bytes);
    body.set("rows", invocation.dry_run() ? data::Value() : data::Value(info.rows));
    body.set("seconds", static_cast<double>(monotonic_ns() - start) * 1e-9);
    const std::string what =
        fmt::format("backup {} of {} to '{}'", info.number, format_iso8601_utc(info.time_ns),
                    invocation.operand("DESTINATION"));
    report.blocks = {
        {.kind = report::Block::Kind::kText,
         .text = invocation.dry_run()
                     ? fmt::format("would restore {}: {} in {}, every checksum holds", what,
                                   size_text(info.bytes), plural(info.files, "file"))
                     : fmt::format("restored {}: {} in {}, verified", what,
                                   plural(info.rows, "row"), plural(info.files, "file"))}};
    return outcome;
}
}  // namespace

CommandSpec db_restore_spec() {
    return {
        .path = {"db", "restore"},
        .summary = "make a database from a backup",
        .description =
            "Tests every checksum of the backup, builds the database beside the destination, "
            "verifies it there and renames it. The destination must not exist, or be an empty "
            "directory. Interrupted at any point, there is no database at the destination, or the "
            "whole.\n\n"
            "What comes back is the same database as it was then, with the same UUID: it can be "
            "backed up into the same repository again.",
        .operands = {repository_operand(),
                     {.name = "DESTINATION",
                      .type = ValueType::kDirectory,
                      .help = "directory of the database to be made"}},
        .options = {{.name = "backup",
                     .metavar = "N",
                     .help = "number of the backup, or latest",
                     .default_value = "latest"},
                    dry_run_option()},
        .examples = {{"abi db restore notes-backup notes.wdbx", "the newest backup"},
                     {"abi db restore notes-backup old.wdbx --backup 3", "an earlier one"}},
        .exit_notes = {"1  the destination holds something, or there is no such backup",
                       "4  the backup is damaged"},
        .handler = run_restore,
    };
}

}  // namespace abikit::cli
