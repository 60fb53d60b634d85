// `abi db index`: builds, shows or drops the approximate index of a collection.
#include <fmt/format.h>

#include <abi/core/time.hpp>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
data::Array curve_values(const storage::IndexInfo& info) {
    data::Array curve;
    for (const storage::AnnEffort& point : info.curve) {
        data::Value value;
        value.set("effort", point.effort);
        value.set("recall", static_cast<double>(point.recall));
        curve.push_back(std::move(value));
    }
    return curve;
}

std::string summary_of(const Invocation& invocation, const storage::IndexInfo& info) {
    if (invocation.flag("drop")) {
        return invocation.dry_run() ? fmt::format("would drop {} indexes", info.segments)
                                    : fmt::format("dropped {} indexes", info.segments);
    }
    return fmt::format("{} of {} rows are indexed; {} are scanned by every query", info.rows,
                       info.rows + info.unindexed_rows, info.unindexed_rows);
}

Result<storage::IndexInfo> work(Invocation& invocation, storage::Database& database) {
    storage::IndexInfo info = database.index_info();
    if (invocation.dry_run()) {
        return info;
    }
    if (invocation.flag("drop")) {
        ABI_CHECK(database.drop_index());
        return info;
    }
    const storage::IndexOptions options{
        .degree = static_cast<std::uint32_t>(invocation.integer("degree")),
        .build_effort = static_cast<std::uint32_t>(invocation.integer("build-effort")),
        .rebuild = invocation.flag("rebuild")};
    ABI_TRY(info, database.build_index(invocation.context(), options));
    return info;
}

Result<Outcome> run(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    ABI_TRY(storage::Database database,
            storage::Database::open(
                invocation.context(), invocation.operand("PATH"),
                invocation.dry_run() ? storage::AccessMode::kRead : storage::AccessMode::kReadWrite,
                {.collection = invocation.text("collection")}));
    ABI_TRY(const storage::IndexInfo info, work(invocation, database));
    Outcome outcome;
    outcome.report.schema = "abi.db.index/1";
    data::Value& body = outcome.report.body;
    body.set("path", database.path());
    body.set("collection", database.name());
    body.set("dry_run", invocation.dry_run());
    body.set("dropped", invocation.flag("drop") && !invocation.dry_run());
    body.set("segments", info.segments);
    body.set("built", info.built);
    body.set("rows", info.rows);
    body.set("unindexed_rows", info.unindexed_rows);
    body.set("size_bytes", info.size_bytes);
    body.set("curve", curve_values(info));
    body.set("seconds", static_cast<double>(monotonic_ns() - start) * 1e-9);
    outcome.report.rows_path = "curve";
    outcome.report.columns = {
        {.key = "effort", .header = "effort", .align = report::Align::kRight},
        {.key = "recall", .header = "recall@10", .align = report::Align::kRight}};
    outcome.report.blocks = {
        {.kind = report::Block::Kind::kText, .text = summary_of(invocation, info)}};
    if (invocation.dry_run()) {
        return outcome;
    }
    return close_with(database, std::move(outcome));
}
}  // namespace

CommandSpec db_index_spec() {
    return {
        .path = {"db", "index"},
        .summary = "build the index that makes queries fast",
        .description =
            "Builds an approximate index for every segment that has none: a graph over rows "
            "reduced to 8-bit codes. Queries walk it and compare what they find exactly; how far "
            "they walk follows from the recall that is asked for, which was measured while "
            "building ('curve' in the JSON output). Rows that are added later are scanned by every "
            "query until the next call. Where more than 2 % of the rows are new, or 5 % deleted, "
            "all "
            "are merged into one segment, and its index is derived from the one that is there: new "
            "rows are inserted, the graph is mended around deleted ones.\n\n"
            "The index can be built again from the rows at any time; a damaged one is left out, "
            "with a warning. 'abi db optimize' keeps an indexed collection indexed. Collections "
            "with the metrics hamming and jaccard are always scanned.",
        .operands = {database_operand()},
        .options = {collection_option(),
                    {.name = "rebuild",
                     .type = ValueType::kFlag,
                     .help = "build also where there is an index"},
                    {.name = "drop", .type = ValueType::kFlag, .help = "remove the index instead"},
                    {.name = "degree",
                     .type = ValueType::kInteger,
                     .metavar = "N",
                     .help = "edges of a row: 8 to 64 in steps of 8",
                     .default_value = "32",
                     .minimum = 8},
                    {.name = "build-effort",
                     .type = ValueType::kInteger,
                     .metavar = "N",
                     .help = "candidates that an insertion looks at: more builds slower and finds "
                             "better",
                     .default_value = "96",
                     .minimum = 8},
                    dry_run_option()},
        .examples = {{"abi db index images.wdbx", "after loading many rows"},
                     {"abi db index images.wdbx --dry-run", "how much of it is indexed?"}},
        .handler = run,
    };
}

}  // namespace abikit::cli
