// `abi db stats`, `verify`, `optimize`, `export`: what an operator does with a database.
#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/storage/archive.hpp>
#include <abi/storage/import.hpp>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
using report::Unit;

// Bytes of all files of the directory, what they are worth to an operator who looks at the disk.
Result<std::uint64_t> directory_bytes(FileSystem& fs, const std::string& path) {
    std::uint64_t bytes = 0;
    ABI_TRY(const auto entries, fs.list(path));
    for (const DirectoryEntry& entry : entries) {
        ABI_TRY(const auto info, fs.stat(join_path(path, entry.name)));
        bytes += info && info->kind == FileKind::kFile ? info->size_bytes : 0;
    }
    return bytes;
}

data::Value collection_value(const storage::Database& database) {
    const storage::SnapshotStats stats = database.snapshot().stats();
    data::Value collection;
    collection.set("name", database.name());
    collection.set("dimension", database.dimension());
    collection.set("metric", storage::metric_name(database.metric()));
    collection.set("element", storage::element_name(database.element()));
    collection.set("rows", stats.rows);
    collection.set("deleted_rows", stats.deleted_rows);
    collection.set("segments", stats.segments);
    const auto embedder = database.embedder();
    collection.set("embedder", embedder == nullptr ? data::Value() : data::Value(embedder->kind()));
    collection.set("learned_documents", stats.learned_documents);
    collection.set("embedder_drift",
                   embedder == nullptr ? data::Value() : data::Value(stats.embedder_drift));
    return collection;
}

// Sums over all collections; what belongs to the whole database is that of any.
struct Totals {
    storage::SnapshotStats stats;
    data::Array collections;
};
Result<Totals> totals_of(const storage::Database& database) {
    Totals totals;
    for (const storage::CollectionInfo& info : database.collections()) {
        ABI_TRY(const storage::Database each, database.collection(info.name));
        const storage::SnapshotStats stats = each.snapshot().stats();
        storage::SnapshotStats& sum = totals.stats;
        if (totals.collections.empty()) {
            sum = stats;
        } else {
            sum.rows += stats.rows;
            sum.deleted_rows += stats.deleted_rows;
            sum.segments += stats.segments;
            sum.log_rows += stats.log_rows;
            sum.vector_bytes += stats.vector_bytes;
            sum.id_bytes += stats.id_bytes;
            sum.text_bytes += stats.text_bytes;
            sum.metadata_bytes += stats.metadata_bytes;
        }
        totals.collections.push_back(collection_value(each));
    }
    return totals;
}

double share_of(std::uint64_t part, std::uint64_t rest) {
    return part + rest == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(part + rest);
}

Result<Outcome> run_stats(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_database(invocation, storage::AccessMode::kRead));
    ABI_TRY(Totals totals, totals_of(database));
    const storage::SnapshotStats& stats = totals.stats;
    ABI_TRY(const std::uint64_t bytes, directory_bytes(*invocation.context().fs, database.path()));
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.stats/1";
    data::Value& body = report.body;
    body.set("path", database.path());
    body.set("uuid", stats.uuid);
    body.set("rows", stats.rows);
    body.set("deleted_rows", stats.deleted_rows);
    body.set("fragmentation", share_of(stats.deleted_rows, stats.rows));
    body.set("size_bytes", bytes);
    body.set("vector_bytes", stats.vector_bytes);
    body.set("id_bytes", stats.id_bytes);
    body.set("text_bytes", stats.text_bytes);
    body.set("metadata_bytes", stats.metadata_bytes);
    body.set("segments", stats.segments);
    body.set("log_rows", stats.log_rows);
    body.set("log_bytes", stats.log_bytes);
    body.set("generation", stats.generation);
    body.set("lsn", stats.lsn);
    body.set("created", format_iso8601_utc(stats.created_ns));
    body.set("checkpointed", format_iso8601_utc(stats.checkpoint_ns));
    body.set("named_snapshots", std::uint64_t{database.snapshots().size()});
    body.set("collections", std::move(totals.collections));
    report.blocks = {
        {.kind = report::Block::Kind::kFields,
         .fields = {{"rows", "rows", Unit::kCount},
                    {"deleted_rows", "deleted rows", Unit::kCount},
                    {"size_bytes", "on disk", Unit::kBytes},
                    {"vector_bytes", "vectors", Unit::kBytes},
                    {"text_bytes", "texts", Unit::kBytes},
                    {"metadata_bytes", "metadata", Unit::kBytes},
                    {"segments", "segments", Unit::kCount},
                    {"log_rows", "rows in the log", Unit::kCount},
                    {"created", "created", Unit::kNone},
                    {"checkpointed", "last checkpoint", Unit::kNone}}},
        {.kind = report::Block::Kind::kTable,
         .rows_path = "collections",
         .columns = {{.key = "name", .header = "collection"},
                     {.key = "dimension", .header = "dimension", .align = report::Align::kRight},
                     {.key = "metric", .header = "metric"},
                     {.key = "element", .header = "element"},
                     {.key = "rows",
                      .header = "rows",
                      .unit = Unit::kCount,
                      .align = report::Align::kRight},
                     {.key = "embedder", .header = "embedder"}}}};
    return outcome;
}

data::Array fault_values(const storage::VerifyInfo& info) {
    data::Array faults;
    for (const storage::Fault& fault : info.faults) {
        data::Value value;
        value.set("file", fault.file);
        value.set("offset", fault.offset);
        value.set("what", fault.what);
        faults.push_back(std::move(value));
    }
    return faults;
}

Result<Outcome> run_verify(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    ABI_TRY(const storage::VerifyInfo info,
            storage::verify(invocation.context(), invocation.operand("PATH")));
    const double seconds = static_cast<double>(monotonic_ns() - start) * 1e-9;
    Outcome outcome;
    outcome.exit_code = info.faults_total == 0 ? 0 : 4;
    report::Report& report = outcome.report;
    report.schema = "abi.db.verify/1";
    data::Value& body = report.body;
    body.set("ok", info.faults_total == 0);
    body.set("files", info.files);
    body.set("rows", info.rows);
    body.set("bytes", info.bytes);
    body.set("checksums", info.checksums);
    body.set("seconds", seconds);
    body.set("log_replayed", info.log_replayed);
    body.set("indexed_rows", info.indexed_rows);
    body.set("unreachable_rows", info.unreachable_rows);
    body.set("faults_total", info.faults_total);
    body.set("faults", fault_values(info));
    body.set("foreign_files", data::Array(info.foreign.begin(), info.foreign.end()));
    report.rows_path = "faults";
    report.columns = {{.key = "file", .header = "file"},
                      {.key = "offset", .header = "offset", .align = report::Align::kRight},
                      {.key = "what", .header = "fault"}};
    const std::string verdict = info.faults_total == 0
                                    ? fmt::format("ok: {} rows in {} files, {} checksums hold",
                                                  info.rows, info.files, info.checksums)
                                    : fmt::format("damaged: {} fault{}", info.faults_total,
                                                  info.faults_total == 1 ? "" : "s");
    report.blocks = {{.kind = report::Block::Kind::kText, .text = verdict}};
    if (info.faults_total != 0) {
        report.blocks.push_back({.kind = report::Block::Kind::kTable,
                                 .rows_path = "faults",
                                 .columns = report.columns});
    }
    if (info.unreachable_rows != 0) {
        report.blocks.push_back(
            {.kind = report::Block::Kind::kText,
             .text = fmt::format("{} of {} indexed rows are out of reach of walks: 'abi db index "
                                 "--rebuild' helps",
                                 info.unreachable_rows, info.indexed_rows)});
    }
    for (const std::string& name : info.foreign) {
        report.blocks.push_back({.kind = report::Block::Kind::kText,
                                 .text = fmt::format("foreign file, left alone: '{}'", name)});
    }
    return outcome;
}

// What optimize() did, or would do, over the collections that are meant.
Result<storage::OptimizeInfo> optimize_each(Invocation& invocation, storage::Database& database) {
    storage::OptimizeInfo total;
    const std::string only = invocation.text("collection");
    std::vector<std::string> names;
    for (const storage::CollectionInfo& info : database.collections()) {
        if (only.empty() || info.name == only) {
            names.push_back(info.name);
        }
    }
    if (names.empty()) {
        names.push_back(only);  // whose error tells
    }
    for (const std::string& name : names) {
        ABI_TRY(storage::Database each, database.collection(name));
        storage::OptimizeInfo info;
        if (invocation.dry_run()) {
            const storage::SnapshotStats stats = each.snapshot().stats();
            info.rows = stats.rows;
            info.dropped_rows = stats.deleted_rows;
            info.segments_before = stats.segments;
            info.segments_after = stats.rows == 0 ? 0 : 1;
        } else {
            ABI_TRY(info, each.optimize({.purge = invocation.flag("purge")}));
        }
        total.rows += info.rows;
        total.dropped_rows += info.dropped_rows;
        total.segments_before += info.segments_before;
        total.segments_after += info.segments_after;
        total.size_bytes_before += info.size_bytes_before;
        total.size_bytes_after += info.size_bytes_after;
        total.reembedded = total.reembedded || info.reembedded;
        total.purged_files += info.purged_files;
        total.purged_bytes += info.purged_bytes;
        total.pending_files = info.pending_files;  // of the whole database, as the next one
        total.snapshot_files = info.snapshot_files;
    }
    return total;
}

// What became of the replaced files, and where deleted rows may be left.
void add_purge_lines(const storage::OptimizeInfo& info, report::Report& report) {
    const auto add = [&report](std::string line) {
        report.blocks.push_back({.kind = report::Block::Kind::kText, .text = std::move(line)});
    };
    const auto files = [](std::uint64_t count) {
        return fmt::format("{} file{}", count, count == 1 ? "" : "s");
    };
    add(fmt::format("overwrote {}, {} bytes", files(info.purged_files), info.purged_bytes));
    if (info.pending_files != 0) {
        add(
            fmt::format("{} left to overwrite: a reader still uses what they hold; run it again "
                        "when it is done",
                        files(info.pending_files)));
    }
    if (info.snapshot_files != 0) {
        add(fmt::format("{} kept by named snapshots, with the rows that were deleted since",
                        files(info.snapshot_files)));
    }
}

Result<Outcome> run_optimize(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    ABI_TRY(storage::Database database, open_database(invocation, storage::AccessMode::kReadWrite));
    ABI_TRY(const storage::OptimizeInfo info, optimize_each(invocation, database));
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.optimize/1";
    data::Value& body = report.body;
    body.set("dry_run", invocation.dry_run());
    body.set("rows", info.rows);
    body.set("dropped_rows", info.dropped_rows);
    body.set("segments_before", info.segments_before);
    body.set("segments_after", info.segments_after);
    body.set("size_bytes_before", info.size_bytes_before);
    body.set("size_bytes_after", info.size_bytes_after);
    body.set("reembedded", info.reembedded);
    body.set("purged_files", info.purged_files);
    body.set("purged_bytes", info.purged_bytes);
    body.set("pending_files", info.pending_files);
    body.set("snapshot_files", info.snapshot_files);
    body.set("seconds", static_cast<double>(monotonic_ns() - start) * 1e-9);
    report.blocks = {
        {.kind = report::Block::Kind::kText,
         .text = fmt::format("{} {} segment{} into {}, {} deleted row{} dropped{}",
                             invocation.dry_run() ? "would merge" : "merged", info.segments_before,
                             info.segments_before == 1 ? "" : "s", info.segments_after,
                             info.dropped_rows, info.dropped_rows == 1 ? "" : "s",
                             info.reembedded ? ", texts embedded anew" : "")}};
    if (invocation.dry_run()) {
        return outcome;
    }
    if (invocation.flag("purge")) {
        add_purge_lines(info, report);
    }
    return close_with(database, std::move(outcome));
}

Result<Outcome> run_export(Invocation& invocation) {
    ABI_TRY(const auto filter, filter_of(invocation));
    ABI_TRY(storage::Database database, open_for_reading(invocation));
    if (invocation.text("to") == "wdbx") {
        if (filter) {
            return fail(Code::kInvalidArgument, "an archive holds whole collections, not some rows",
                        "give another --to, such as jsonl");
        }
        ABI_TRY(const storage::ArchiveInfo made,
                storage::export_archive(invocation.context(), database, invocation.out()));
        static_cast<void>(made);
        Outcome archived;
        archived.silent = true;
        return archived;
    }
    ABI_TRY(
        const storage::ExportInfo info,
        storage::export_rows(invocation.context(), database, invocation.out(),
                             {.to = invocation.text("to"), .filter = filter ? &*filter : nullptr}));
    static_cast<void>(info);
    Outcome outcome;
    outcome.silent = true;
    return outcome;
}
}  // namespace

CommandSpec db_stats_spec() {
    return {
        .path = {"db", "stats"},
        .summary = "show rows, sizes and settings",
        .description = "Shows what the database holds and what it takes on disk.",
        .operands = {database_operand()},
        .examples = {{"abi db stats notes.wdbx --format json", "as JSON"}},
        .handler = run_stats,
    };
}

CommandSpec db_verify_spec() {
    return {
        .path = {"db", "verify"},
        .summary = "check every checksum and cross-reference",
        .description =
            "Reads the whole database and reports every fault with its file and offset. Nothing is "
            "changed.",
        .operands = {database_operand()},
        .examples = {{"abi db verify notes.wdbx", "is it whole?"}},
        .exit_notes = {"4  the database is damaged"},
        .handler = run_verify,
    };
}

CommandSpec db_optimize_spec() {
    return {
        .path = {"db", "optimize"},
        .summary = "merge segments, free the space of deleted rows, relearn the embedder",
        .description =
            "Writes all live rows into one segment and swaps it in atomically; interrupted at any "
            "point, the database is as "
            "before. In a database with an embedder the document frequencies are learned again "
            "from all stored texts, "
            "and every text is embedded anew.\n\n"
            "With --purge the files that this replaces, log and indexes included, are overwritten "
            "with zeros on the disk before they are removed, so that nothing of the deleted rows "
            "is left in the directory. A file that a reader may still use is left aside as "
            "*.purge and overwritten by the next --purge or writing command that finds it unused. "
            "Named snapshots keep their rows, and so do backups. Out of reach is what was removed "
            "before without --purge, and what the file system or the device copied by itself.",
        .operands = {database_operand()},
        .options = {{.name = "collection",
                     .metavar = "NAME",
                     .help = "only this collection (default: all)"},
                    {.name = "purge",
                     .type = ValueType::kFlag,
                     .help = "overwrite what is replaced, and the deleted rows with it"},
                    dry_run_option()},
        .examples = {{"abi db optimize notes.wdbx", "merge and relearn"},
                     {"abi db optimize notes.wdbx --purge", "and leave no trace of deleted rows"}},
        .handler = run_optimize,
    };
}

CommandSpec db_export_spec() {
    return {
        .path = {"db", "export"},
        .summary = "write all rows to standard output or a file",
        .description =
            "Writes the live rows in the order of their insertion. JSON lines, CSV and npz hold "
            "ids, "
            "vectors, texts and "
            "metadata; npy, fvecs, bvecs and fbin hold the vectors alone, bvecs only integers from "
            "0 "
            "to 255. What is exported is imported again bit for "
            "bit.\n\n"
            "wdbx is an archive in one file: all collections with their settings and embedders, at "
            "one moment.",
        .operands = {database_operand()},
        .options = {{.name = "to",
                     .type = ValueType::kChoice,
                     .metavar = "FORMAT",
                     .help = "format of the data",
                     .default_value = "jsonl",
                     .choices = {"npy", "npz", "fvecs", "bvecs", "fbin", "csv", "jsonl", "wdbx"}},
                    filter_option("only rows whose metadata match"),
                    collection_option(),
                    snapshot_option()},
        .examples = {{"abi db export notes.wdbx --to jsonl --output notes.jsonl", "everything"},
                     {"abi db export notes.wdbx --filter 'lang = \"en\"' --output en.jsonl",
                      "some rows"},
                     {"abi db export images.wdbx --to npy --output vectors.npy", "the vectors"},
                     {"abi db export notes.wdbx --to npz --output notes.npz", "for numpy.load"},
                     {"abi db export notes.wdbx --to wdbx --output notes.wda", "an archive"}},
        .handler = run_export,
    };
}

}  // namespace abikit::cli
