// `abi db repair`: what can be read of a damaged database, as a new one.
#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/storage/repair.hpp>

#include "all.hpp"
#include "db_backup.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
data::Array finding_values(const storage::RepairInfo& info) {
    data::Array values;
    for (const storage::Finding& finding : info.findings) {
        data::Value value;
        value.set("kind", storage::finding_name(finding.kind));
        value.set("file", finding.file);
        value.set("offset", finding.offset);
        value.set("collection",
                  finding.collection.empty() ? data::Value() : data::Value(finding.collection));
        value.set("rows", finding.rows ? data::Value(*finding.rows) : data::Value());
        value.set("ids", data::Array(finding.ids.begin(), finding.ids.end()));
        value.set("what", finding.what);
        values.push_back(std::move(value));
    }
    return values;
}

// One sentence: what there is now, and what is missing.
std::string verdict(const storage::RepairInfo& info, const std::string& destination,
                    bool rehearsal) {
    std::string text =
        fmt::format("{} {} in {} to '{}'", rehearsal ? "would recover" : "recovered",
                    plural(info.rows, "row"), plural(info.collections, "collection"), destination);
    if (info.findings_total == 0) {
        return text + "; nothing was damaged";
    }
    text += fmt::format("; {} lost", plural(info.rows_lost, "row"));
    if (info.commits_lost != 0) {
        text += fmt::format(", {} unreadable", plural(info.commits_lost, "commit"));
    }
    if (info.rows_doubt != 0) {
        text +=
            fmt::format(", at most {} back that had been deleted", plural(info.rows_doubt, "row"));
    }
    return text;
}

std::vector<report::Block> blocks_of(const storage::RepairInfo& info, std::string text) {
    std::vector<report::Block> blocks = {
        {.kind = report::Block::Kind::kText, .text = std::move(text)}};
    if (info.findings.empty()) {
        return blocks;
    }
    const auto right = report::Align::kRight;
    blocks.push_back({.kind = report::Block::Kind::kTable,
                      .rows_path = "findings",
                      .columns = {{.key = "kind", .header = "finding"},
                                  {.key = "file", .header = "file"},
                                  {.key = "offset", .header = "offset", .align = right},
                                  {.key = "rows", .header = "rows", .align = right},
                                  {.key = "what", .header = "what"}}});
    if (info.findings_total > info.findings.size()) {
        blocks.push_back(
            {.kind = report::Block::Kind::kText,
             .text = fmt::format("{} more findings", info.findings_total - info.findings.size())});
    }
    return blocks;
}

Result<Outcome> run(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    const std::string destination = invocation.operand("DESTINATION");
    ABI_TRY(const storage::RepairInfo info,
            storage::repair(invocation.context(), invocation.operand("PATH"), destination,
                            rehearsal_of(invocation)));
    Outcome outcome;
    outcome.exit_code = info.lost_total + info.doubt_total == 0 ? 0 : 1;
    report::Report& report = outcome.report;
    report.schema = "abi.db.repair/1";
    data::Value& body = report.body;
    body.set("dry_run", invocation.dry_run());
    body.set("destination", destination);
    body.set("uuid", info.uuid.empty() ? data::Value() : data::Value(info.uuid));
    body.set("manifest", storage::manifest_source_name(info.manifest));
    body.set("collections", info.collections);
    body.set("snapshots", info.snapshots);
    body.set("rows", info.rows);
    body.set("rows_lost", info.rows_lost);
    body.set("rows_doubt", info.rows_doubt);
    body.set("commits_lost", info.commits_lost);
    body.set("findings_total", info.findings_total);
    body.set("findings", finding_values(info));
    body.set("seconds", static_cast<double>(monotonic_ns() - start) * 1e-9);
    report.rows_path = "findings";
    report.columns = {{.key = "kind"}, {.key = "file"}, {.key = "offset"}, {.key = "collection"},
                      {.key = "rows"}, {.key = "ids"},  {.key = "what"}};
    report.blocks = blocks_of(info, verdict(info, destination, invocation.dry_run()));
    return outcome;
}
}  // namespace

CommandSpec db_repair_spec() {
    return {
        .path = {"db", "repair"},
        .summary = "make a new database of what can be read of a damaged one",
        .description =
            "Reads a damaged database as far as its checksums hold and writes a new one: every "
            "row whose vector, id, text and metadata pass, all collections and named snapshots, "
            "every whole commit of the log before and behind damage. What is derived from rows is "
            "made anew; without a manifest the files themselves tell what belongs together. The "
            "damaged database is only read.\n\n"
            "The report lists what was found, with file and offset: 'lost' is what cannot be "
            "read, with the ids where they are known; 'doubt' is what was kept or left out "
            "without certainty, such as rows whose deletion cannot be read; 'made anew' is damage "
            "without a loss. The new database passes 'abi db verify' and has a UUID of its own.\n\n"
            "A backup gives back everything: repair is for when there is none.",
        .operands = {database_operand(),
                     {.name = "DESTINATION",
                      .type = ValueType::kDirectory,
                      .help = "directory of the new database"}},
        .options = {dry_run_option()},
        .examples = {{"abi db repair notes.wdbx repaired.wdbx --dry-run", "what would be lost?"},
                     {"abi db repair notes.wdbx repaired.wdbx --format json --output lost.json",
                      "repair, and keep the list"}},
        .exit_notes = {"1  something was lost or is in doubt, or the destination holds something",
                       "4  nothing can be read, or a newer version wrote it",
                       "7  a writer has the database open"},
        .handler = run,
    };
}

}  // namespace abikit::cli
