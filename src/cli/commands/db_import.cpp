// `abi db import`: files, directories and streams into a database.
#include <filesystem>

#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/storage/archive.hpp>
#include <abi/storage/import.hpp>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
using report::Unit;

data::Array rejection_values(const std::vector<storage::ImportRejection>& rejections) {
    data::Array values;
    for (const storage::ImportRejection& rejection : rejections) {
        data::Value value;
        value.set("file", rejection.file);
        value.set("line", rejection.line);
        value.set("reason", rejection.reason);
        values.push_back(std::move(value));
    }
    return values;
}

report::Report import_report(const storage::ImportInfo& info, double seconds) {
    report::Report report;
    report.schema = "abi.db.import/1";
    data::Value& body = report.body;
    const double rate = seconds > 0 ? static_cast<double>(info.rows_read) / seconds : 0.0;
    const double bytes_rate = seconds > 0 ? static_cast<double>(info.bytes_read) / seconds : 0.0;
    body.set("files", info.files);
    body.set("files_skipped", info.files_skipped);
    body.set("rows_read", info.rows_read);
    body.set("rows_added", info.rows_added);
    body.set("rows_replaced", info.rows_replaced);
    body.set("rows_unchanged", info.rows_unchanged);
    body.set("rows_dropped", info.rows_dropped);
    body.set("rows_rejected", info.rows_rejected);
    body.set("commits", info.commits);
    body.set("embedder_learned", info.embedder_learned);
    body.set("bytes_read", info.bytes_read);
    body.set("seconds", seconds);
    body.set("rows_per_second", rate);
    body.set("bytes_per_second", bytes_rate);
    body.set("rejections", rejection_values(info.rejections));
    body.set("skipped", rejection_values(info.skipped));
    report.blocks = {{.kind = report::Block::Kind::kFields,
                      .fields = {{"files", "files", Unit::kCount},
                                 {"rows_read", "rows read", Unit::kCount},
                                 {"rows_added", "added", Unit::kCount},
                                 {"rows_replaced", "replaced", Unit::kCount},
                                 {"rows_unchanged", "unchanged", Unit::kCount},
                                 {"rows_dropped", "dropped", Unit::kCount},
                                 {"rows_rejected", "rejected", Unit::kCount},
                                 {"bytes_read", "input", Unit::kBytes},
                                 {"seconds", "time", Unit::kSeconds},
                                 {"rows_per_second", "rate", Unit::kPerSecond}}}};
    const std::vector<report::Column> columns = {
        {.key = "file", .header = "file"},
        {.key = "line", .header = "line", .align = report::Align::kRight},
        {.key = "reason", .header = "reason"}};
    if (!info.rejections.empty()) {
        report.blocks.push_back({.kind = report::Block::Kind::kTable,
                                 .text = "rejected",
                                 .rows_path = "rejections",
                                 .columns = columns});
    }
    if (!info.skipped.empty()) {
        report.blocks.push_back({.kind = report::Block::Kind::kTable,
                                 .text = "skipped",
                                 .rows_path = "skipped",
                                 .columns = columns});
    }
    return report;
}

// Where this process stands as seen from the database, so that a project may move as a whole.
// Beside the database, where nearly everyone stands, it is not worth a word.
std::string base_of(const std::string& database) {
    namespace fs = std::filesystem;
    std::error_code error;
    const fs::path here = fs::current_path(error);
    if (error) {
        return {};
    }
    const std::string base =
        here.lexically_relative((here / database).lexically_normal() / "").string();
    return base == ".." ? std::string() : base;
}

storage::ImportOptions import_options(Invocation& invocation) {
    storage::ImportOptions options;
    options.base = base_of(invocation.operand("PATH"));
    options.from = invocation.text("from");
    options.commit_every = static_cast<std::size_t>(invocation.integer("commit-every"));
    options.on_error =
        invocation.text("on-error") == "skip" ? storage::OnError::kSkip : storage::OnError::kFail;
    options.id_column = invocation.text("id-column");
    options.text_column = invocation.text("text-column");
    options.vector_columns = invocation.list("vector-columns");
    if (invocation.flag("acks")) {
        options.on_durable = [&invocation](std::uint64_t rows) -> Status {
            ABI_CHECK(invocation.out().write(fmt::format("{{\"durable_rows\":{}}}\n", rows)));
            return invocation.out().flush();
        };
    }
    return options;
}

bool is_archive(const Invocation& invocation, const std::string& input) {
    const std::string from = invocation.text("from");
    return from == "wdbx" || (from.empty() && storage::is_archive_path(input));
}

// An archive given for a database that is not there yet: it is made whole, or not at all. Nothing:
// the ordinary import.
Result<std::optional<Outcome>> run_create(Invocation& invocation, std::uint64_t start) {
    const std::vector<std::string> inputs = invocation.operands("FILE");
    const std::string path = invocation.operand("PATH");
    if (inputs.size() != 1 || inputs[0] == "-" || !is_archive(invocation, inputs[0])) {
        return std::nullopt;
    }
    ABI_TRY(const auto there, invocation.context().fs->stat(path));
    if (there) {
        return std::nullopt;
    }
    ABI_TRY(const storage::ArchiveInfo made,
            storage::create_from_archive(invocation.context(), inputs[0], path));
    storage::ImportInfo info;
    info.files = 1;
    info.rows_read = info.rows_added = made.rows;
    info.commits = 1;
    info.bytes_read = made.bytes;
    Outcome outcome;
    outcome.report = import_report(info, static_cast<double>(monotonic_ns() - start) * 1e-9);
    outcome.format = invocation.flag("acks") ? "jsonl" : "";
    if (invocation.flag("acks")) {
        ABI_CHECK(invocation.out().write(fmt::format("{{\"durable_rows\":{}}}\n", made.rows)));
        ABI_CHECK(invocation.out().flush());
    }
    return outcome;
}

Result<Outcome> run(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    ABI_TRY(std::optional<Outcome> created, run_create(invocation, start));
    if (created) {
        return *std::move(created);
    }
    ABI_TRY(storage::Database database, open_for_writing(invocation));
    const std::vector<std::string> inputs = invocation.operands("FILE");
    storage::ImportInfo info;
    Status status = storage::import_files(invocation.context(), database, inputs, &invocation.in(),
                                          import_options(invocation), info);
    if (!status) {
        static_cast<void>(
            database.close());  // what was committed is durable with or without a checkpoint
        return fail(std::move(status).error());
    }
    ABI_CHECK(database.close());
    Outcome outcome;
    outcome.report = import_report(info, static_cast<double>(monotonic_ns() - start) * 1e-9);
    outcome.exit_code =
        invocation.flag("strict") && info.rows_rejected + info.files_skipped != 0 ? 1 : 0;
    outcome.format = invocation.flag("acks") ? "jsonl" : "";
    return outcome;
}

std::vector<OptionSpec> options() {
    return {
        {.name = "from",
         .type = ValueType::kChoice,
         .metavar = "FORMAT",
         .help = "format of the input when its extension does not tell",
         .choices = {"npy", "npz", "fvecs", "bvecs", "fbin", "u8bin", "i8bin", "csv", "tsv",
                     "jsonl", "text", "markdown", "wdbx"}},
        {.name = "commit-every",
         .type = ValueType::kInteger,
         .metavar = "N",
         .help = "rows in one atomic commit",
         .default_value = "8192",
         .config_key = "db.commit_every",
         .minimum = 1,
         .maximum = 10000000},
        {.name = "on-error",
         .type = ValueType::kChoice,
         .metavar = "ACTION",
         .help = "what a bad row does",
         .default_value = "fail",
         .choices = {"fail", "skip"},
         .config_key = "db.on_error"},
        {.name = "id-column", .metavar = "NAME", .help = "CSV column of the ids (default: id)"},
        {.name = "text-column",
         .metavar = "NAME",
         .help = "CSV column of the texts (default: text)"},
        {.name = "vector-columns",
         .metavar = "NAMES",
         .help = "CSV columns of the vectors, such as v0..v127",
         .repeatable = true},
        {.name = "acks", .type = ValueType::kFlag, .help = "print a JSON line after each commit"},
        {.name = "strict",
         .type = ValueType::kFlag,
         .help = "exit with 1 when a row was rejected or a file skipped"},
        collection_option(),
        sync_option(),
        merge_option(),
    };
}
}  // namespace

CommandSpec db_import_spec() {
    return {
        .path = {"db", "import"},
        .summary = "import vectors, records and documents",
        .description =
            "Reads .npy, .npz, .fvecs, .bvecs, .fbin, .u8bin, .i8bin, CSV, TSV and JSON lines "
            "({\"id\",\"vector\",\"text\",\"metadata\"}) as rows, and "
            "everything else as text documents. Documents are chunked by paragraph (Markdown: by "
            "heading) into rows "
            "\"PATH#N\" that carry path and line as metadata. A directory is walked without hidden "
            "names; imported again, "
            "it replaces what changed and drops what vanished. \"-\" is standard input.\n\n"
            "Rows whose id is in the database replace the old ones. A row without an id gets its "
            "ordinal. Rows are "
            "committed in atomic batches, each durable before the next begins; with --acks every "
            "such commit prints "
            "{\"durable_rows\":N} on standard output, where N counts this import's rows so far, "
            "and the report is the last "
            "line.\n\n"
            "An archive (.wda, made by 'abi db export --to wdbx') brings whole collections: into a "
            "new database where PATH does not exist, else into the collections of the same name. "
            "It is checked to the last byte before anything is written.\n\n"
            "The first bad row ends the import unless --on-error skip is given; what was committed "
            "before stays.",
        .operands = {database_operand(),
                     {.name = "FILE",
                      .type = ValueType::kPath,
                      .help = "file or directory to import, or - for standard input",
                      .repeatable = true}},
        .options = options(),
        .examples = {{"abi db import notes.wdbx docs README.md", "documents"},
                     {"abi db import images.wdbx vectors.npy", "vectors; their ids are ordinals"},
                     {"abi db import copy.wdbx notes.wda", "an archive"},
                     {"abi db import shop.wdbx items.csv --id-column sku --text-column title",
                      "a table"},
                     {"zcat rows.jsonl.gz | abi db import notes.wdbx - --from jsonl", "a stream"}},
        .exit_notes = {"1  --strict, and a row was rejected or a file skipped",
                       "4  a row was bad (--on-error fail)"},
        .handler = run,
    };
}

}  // namespace abikit::cli
