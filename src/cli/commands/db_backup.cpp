// `abi db backup` with `list`, `verify` and `prune`: copies of a database in a repository.
#include <charconv>

#include <fmt/format.h>

#include <abi/core/time.hpp>

#include "../../report/humanise.hpp"
#include "all.hpp"
#include "db_backup.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
using report::Unit;

Result<Outcome> run_backup(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    ABI_TRY(const storage::BackupInfo info,
            storage::make_backup(invocation.context(), invocation.operand("PATH"),
                                 invocation.operand("REPOSITORY"), rehearsal_of(invocation)));
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.backup/1";
    data::Value& body = report.body;
    body.set("dry_run", invocation.dry_run());
    body.set("repository", invocation.operand("REPOSITORY"));
    body.set("backup", info.number);
    body.set("uuid", info.uuid);
    body.set("lsn", info.lsn);
    body.set("time", format_iso8601_utc(info.time_ns));
    body.set("files", info.files);
    body.set("bytes", info.bytes);
    body.set("copied_files", info.copied_files);
    body.set("copied_bytes", info.copied_bytes);
    body.set("shared_files", info.shared_files);
    body.set("shared_bytes", info.shared_bytes);
    body.set("seconds", static_cast<double>(monotonic_ns() - start) * 1e-9);
    report.blocks = {
        {.kind = report::Block::Kind::kText,
         .text = fmt::format("{} backup {}: {} in {}, {} copied, {} shared with earlier backups",
                             invocation.dry_run() ? "would make" : "made", info.number,
                             size_text(info.bytes), plural(info.files, "file"),
                             size_text(info.copied_bytes), size_text(info.shared_bytes))}};
    return outcome;
}

data::Value backup_value(const storage::BackupEntry& entry) {
    data::Value value;
    value.set("backup", entry.number);
    const bool known = entry.fault.empty();
    value.set("fault", known ? data::Value() : data::Value(entry.fault));
    value.set("time", known ? data::Value(format_iso8601_utc(entry.time_ns)) : data::Value());
    value.set("lsn", known ? data::Value(entry.lsn) : data::Value());
    value.set("uuid", known ? data::Value(entry.uuid) : data::Value());
    value.set("files", known ? data::Value(entry.files) : data::Value());
    value.set("bytes", known ? data::Value(entry.bytes) : data::Value());
    value.set("own_bytes", known ? data::Value(entry.own_bytes) : data::Value());
    return value;
}

Result<Outcome> run_list(Invocation& invocation) {
    ABI_TRY(const auto entries,
            storage::list_backups(invocation.context(), invocation.operand("REPOSITORY")));
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.backup.list/1";
    data::Array backups;
    bool damaged = false;
    for (const storage::BackupEntry& entry : entries) {
        backups.push_back(backup_value(entry));
        damaged = damaged || !entry.fault.empty();
    }
    outcome.exit_code = damaged ? 4 : 0;
    report.body.set("repository", invocation.operand("REPOSITORY"));
    report.body.set("backups", std::move(backups));
    report.rows_path = "backups";
    report.columns = {{.key = "backup"}, {.key = "time"},  {.key = "lsn"},       {.key = "uuid"},
                      {.key = "files"},  {.key = "bytes"}, {.key = "own_bytes"}, {.key = "fault"}};
    const auto right = report::Align::kRight;
    std::vector<report::Column> shown = {
        {.key = "backup", .header = "backup", .align = right},
        {.key = "time", .header = "time"},
        {.key = "lsn", .header = "lsn", .align = right},
        {.key = "files", .header = "files", .align = right},
        {.key = "bytes", .header = "size", .unit = Unit::kBytes, .align = right},
        {.key = "own_bytes", .header = "its own", .unit = Unit::kBytes, .align = right}};
    if (damaged) {
        shown.push_back({.key = "fault", .header = "fault"});
    }
    report.blocks = {
        {.kind = report::Block::Kind::kTable, .rows_path = "backups", .columns = std::move(shown)}};
    return outcome;
}

report::Report check_report(const storage::BackupCheck& check, double seconds) {
    report::Report report;
    report.schema = "abi.db.backup.verify/1";
    data::Array faults;
    for (const storage::Fault& fault : check.faults) {
        data::Value value;
        value.set("file", fault.file);
        value.set("offset", fault.offset);
        value.set("what", fault.what);
        faults.push_back(std::move(value));
    }
    data::Value& body = report.body;
    body.set("ok", check.faults_total == 0);
    body.set("backups", check.backups);
    body.set("files", check.files);
    body.set("bytes", check.bytes);
    body.set("seconds", seconds);
    body.set("faults_total", check.faults_total);
    body.set("faults", std::move(faults));
    body.set("leftovers", data::Array(check.leftovers.begin(), check.leftovers.end()));
    body.set("foreign_files", data::Array(check.foreign.begin(), check.foreign.end()));
    report.rows_path = "faults";
    report.columns = {{.key = "file", .header = "file"},
                      {.key = "offset", .header = "offset", .align = report::Align::kRight},
                      {.key = "what", .header = "fault"}};
    const std::string verdict =
        check.faults_total == 0
            ? fmt::format("ok: {}, {} in {} hold", plural(check.backups, "backup"),
                          size_text(check.bytes), plural(check.files, "file"))
            : fmt::format("damaged: {}", plural(check.faults_total, "fault"));
    report.blocks = {{.kind = report::Block::Kind::kText, .text = verdict}};
    if (check.faults_total != 0) {
        report.blocks.push_back({.kind = report::Block::Kind::kTable,
                                 .rows_path = "faults",
                                 .columns = report.columns});
    }
    for (const std::string& name : check.leftovers) {
        report.blocks.push_back(
            {.kind = report::Block::Kind::kText,
             .text = fmt::format("left over, removed by the next backup: '{}'", name)});
    }
    for (const std::string& name : check.foreign) {
        report.blocks.push_back({.kind = report::Block::Kind::kText,
                                 .text = fmt::format("foreign file, left alone: '{}'", name)});
    }
    return report;
}

Result<Outcome> run_verify(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    ABI_TRY(const auto number, backup_number(invocation.text("backup")));
    ABI_TRY(
        const storage::BackupCheck check,
        storage::verify_backups(invocation.context(), invocation.operand("REPOSITORY"), number));
    Outcome outcome;
    outcome.report = check_report(check, static_cast<double>(monotonic_ns() - start) * 1e-9);
    outcome.exit_code = check.faults_total == 0 ? 0 : 4;
    return outcome;
}

Result<Outcome> run_prune(Invocation& invocation) {
    ABI_TRY(const storage::PruneInfo info,
            storage::prune_backups(invocation.context(), invocation.operand("REPOSITORY"),
                                   static_cast<std::uint64_t>(invocation.integer("keep")),
                                   rehearsal_of(invocation)));
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.backup.prune/1";
    data::Value& body = report.body;
    body.set("dry_run", invocation.dry_run());
    body.set("removed", data::Array(info.removed.begin(), info.removed.end()));
    body.set("kept", info.kept);
    body.set("removed_files", info.removed_files);
    body.set("freed_bytes", info.freed_bytes);
    report.blocks = {{.kind = report::Block::Kind::kText,
                      .text = fmt::format("{} {}, {} freed; {} kept",
                                          invocation.dry_run() ? "would remove" : "removed",
                                          plural(info.removed.size(), "backup"),
                                          size_text(info.freed_bytes), info.kept)}};
    return outcome;
}

}  // namespace

std::string plural(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string size_text(std::uint64_t bytes) {
    return report::human_bytes(static_cast<double>(bytes));
}

storage::Rehearsal rehearsal_of(const Invocation& invocation) {
    return invocation.dry_run() ? storage::Rehearsal::kYes : storage::Rehearsal::kNo;
}

OperandSpec repository_operand() {
    return {
        .name = "REPOSITORY", .type = ValueType::kDirectory, .help = "directory of the backups"};
}

Result<std::optional<std::uint64_t>> backup_number(const std::string& word) {
    if (word.empty() || word == "latest") {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || number == 0) {
        return fail(Code::kInvalidArgument, fmt::format("'{}' is no number of a backup", word),
                    "'abi db backup list' shows them; 'latest' is the newest");
    }
    return number;
}

CommandSpec db_backup_spec() {
    return {
        .path = {"db", "backup"},
        .summary = "back a database up into a repository, beside its writer",
        .description =
            "Adds a backup of the database to a repository, a directory that the first backup "
            "makes. The backup is consistent: it holds every commit that was acknowledged before "
            "it began, and no half of any other. Writers and readers go on meanwhile.\n\n"
            "Files of a database never change, so the repository keeps each of them once: a later "
            "backup copies what is new and shares the rest. Everything that is copied is checked; "
            "a damaged database is refused and the earlier backups stay. Interrupted at any "
            "point, earlier backups are whole and the next one cleans up.",
        .operands = {database_operand(), repository_operand()},
        .options = {dry_run_option()},
        .examples = {{"abi db backup notes.wdbx notes-backup", "the first one, or one more"},
                     {"abi db backup notes.wdbx notes-backup --dry-run", "how much is new?"}},
        .exit_notes = {"1  the repository's directory holds something else",
                       "4  the database is damaged, or the backups are of another one",
                       "7  another process changes the repository"},
        .handler = run_backup,
    };
}

CommandSpec db_backup_list_spec() {
    return {
        .path = {"db", "backup", "list"},
        .summary = "list the backups of a repository",
        .description =
            "Lists the backups, the oldest first: when each was made, the log sequence "
            "number of the last commit in it, the size of the database, and how much "
            "of that no other backup has.",
        .operands = {repository_operand()},
        .examples = {{"abi db backup list notes-backup", "which backups are there?"}},
        .exit_notes = {"4  the list of a backup is damaged"},
        .handler = run_list,
    };
}

CommandSpec db_backup_verify_spec() {
    return {
        .path = {"db", "backup", "verify"},
        .summary = "check every byte of a repository",
        .description =
            "Reads every file of one backup, or of all, and compares it with its "
            "checksum. Nothing is changed.",
        .operands = {repository_operand()},
        .options = {{.name = "backup",
                     .metavar = "N",
                     .help = "the backup to check; without it all of them"}},
        .examples = {{"abi db backup verify notes-backup", "can all of them be restored?"},
                     {"abi db backup verify notes-backup --backup 3", "can this one?"}},
        .exit_notes = {"4  something is damaged or missing"},
        .handler = run_verify,
    };
}

CommandSpec db_backup_prune_spec() {
    return {
        .path = {"db", "backup", "prune"},
        .summary = "remove old backups",
        .description =
            "Removes all but the newest backups, and the files that none of these "
            "needs. Interrupted at any point, every backup that is still listed is "
            "whole.",
        .operands = {repository_operand()},
        .options = {{.name = "keep",
                     .type = ValueType::kInteger,
                     .metavar = "N",
                     .help = "how many of the newest stay",
                     .minimum = 1,
                     .maximum = 1e9,
                     .required = true},
                    dry_run_option()},
        .examples = {{"abi db backup prune notes-backup --keep 7", "keep a week"},
                     {"abi db backup prune notes-backup --keep 7 --dry-run", "what would go?"}},
        .exit_notes = {"4  the list of a backup is damaged: nothing is removed",
                       "7  another process changes the repository"},
        .handler = run_prune,
    };
}

}  // namespace abikit::cli
