// `abi db collection` with `list`, `add` and `drop`: several sets of rows in one database.
#include <fmt/format.h>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
OperandSpec name_operand() {
    return {.name = "NAME", .help = "name of the collection"};
}

data::Value value_of(const storage::CollectionInfo& info) {
    data::Value value;
    value.set("name", info.name);
    value.set("dimension", info.dimension);
    value.set("metric", storage::metric_name(info.metric));
    value.set("element", storage::element_name(info.element));
    value.set("embedder", info.embedder.empty() ? data::Value() : data::Value(info.embedder));
    value.set("rows", info.rows);
    return value;
}

Result<Outcome> run_list(Invocation& invocation) {
    ABI_TRY(const storage::Database database,
            open_database(invocation, storage::AccessMode::kRead));
    data::Array collections;
    for (const storage::CollectionInfo& info : database.collections()) {
        collections.push_back(value_of(info));
    }
    Outcome outcome;
    report::Report& report = outcome.report;
    report.schema = "abi.db.collection.list/1";
    report.body.set("collections", std::move(collections));
    report.rows_path = "collections";
    report.columns = {{.key = "name", .header = "collection"},
                      {.key = "dimension", .header = "dimension", .align = report::Align::kRight},
                      {.key = "metric", .header = "metric"},
                      {.key = "element", .header = "element"},
                      {.key = "embedder", .header = "embedder"},
                      {.key = "rows",
                       .header = "rows",
                       .unit = report::Unit::kCount,
                       .align = report::Align::kRight}};
    report.blocks = {{.kind = report::Block::Kind::kTable,
                      .rows_path = "collections",
                      .columns = report.columns}};
    return outcome;
}

Result<Outcome> run_add(Invocation& invocation) {
    ABI_TRY(storage::CollectionOptions options, shape_of(invocation));
    options.name = invocation.operand("NAME");
    ABI_TRY(storage::Database database, open_database(invocation, storage::AccessMode::kReadWrite));
    ABI_CHECK(database.create_collection(options));
    ABI_TRY(const storage::Database made, database.collection(options.name));
    Outcome outcome;
    outcome.report.schema = "abi.db.collection.add/1";
    data::Value& body = outcome.report.body;
    body.set("name", made.name());
    body.set("dimension", made.dimension());
    body.set("metric", storage::metric_name(made.metric()));
    body.set("element", storage::element_name(made.element()));
    body.set("embedder", options.embedder ? data::Value(options.embedder->kind) : data::Value());
    outcome.report.blocks = {
        {.kind = report::Block::Kind::kText,
         .text = fmt::format("made collection '{}': {} dimension{} of {}, {} distance", made.name(),
                             made.dimension(), made.dimension() == 1 ? "" : "s",
                             storage::element_name(made.element()),
                             storage::metric_name(made.metric()))}};
    return close_with(database, std::move(outcome));
}

Result<Outcome> run_drop(Invocation& invocation) {
    ABI_TRY(storage::Database database, open_database(invocation, storage::AccessMode::kReadWrite));
    const std::string name = invocation.operand("NAME");
    ABI_TRY(const storage::Database dropped, database.collection(name));
    const std::uint64_t rows = dropped.snapshot().rows();
    if (!invocation.dry_run()) {
        ABI_CHECK(database.drop_collection(name));
    }
    Outcome outcome;
    outcome.report.schema = "abi.db.collection.drop/1";
    outcome.report.body.set("name", name);
    outcome.report.body.set("rows", rows);
    outcome.report.body.set("dry_run", invocation.dry_run());
    outcome.report.blocks = {{.kind = report::Block::Kind::kText,
                              .text = fmt::format("{} collection '{}' with {} row{}",
                                                  invocation.dry_run() ? "would drop" : "dropped",
                                                  name, rows, rows == 1 ? "" : "s")}};
    return close_with(database, std::move(outcome));
}
}  // namespace

CommandSpec db_collection_spec() {
    return {
        .path = {"db", "collection"},
        .summary = "several collections in one database",
        .description =
            "A database holds one or more collections, each with its own dimension, metric, "
            "element type, embedder and ids. They share one log, so that one backup and one "
            "snapshot hold all of them at the same moment. Commands about rows take --collection; "
            "without it they mean 'default', the one that 'abi db init' makes.",
        .examples = {{"abi db collection list notes.wdbx", "what there is"}},
    };
}

CommandSpec db_collection_list_spec() {
    return {
        .path = {"db", "collection", "list"},
        .summary = "list the collections",
        .description = "Lists the collections in the order of their creation.",
        .operands = {database_operand()},
        .examples = {{"abi db collection list notes.wdbx --format json", "as JSON"}},
        .handler = run_list,
    };
}

CommandSpec db_collection_add_spec() {
    return {
        .path = {"db", "collection", "add"},
        .summary = "make an empty collection",
        .description =
            "Makes an empty collection. Its dimension, metric and element type stay as they are "
            "for its whole life. A vector that the element type cannot hold is refused: int8 "
            "takes whole numbers from -128 to 127, bits take 0 and 1; f16 and bf16 round.",
        .operands = {database_operand(), name_operand()},
        .options = shape_options(),
        .examples = {{"abi db collection add notes.wdbx images --dim 512 --element f16",
                      "half the space"},
                     {"abi db collection add notes.wdbx prints --dim 1024 --element bits",
                      "bits, compared by hamming distance"}},
        .exit_notes = {"1  there is a collection of that name already"},
        .handler = run_add,
    };
}

CommandSpec db_collection_drop_spec() {
    return {
        .path = {"db", "collection", "drop"},
        .summary = "drop a collection with all its rows",
        .description =
            "Drops the collection and its rows in one atomic step. What named snapshots hold of "
            "it stays until they are dropped. The last collection of a database stays.",
        .operands = {database_operand(), name_operand()},
        .options = {dry_run_option()},
        .examples = {{"abi db collection drop notes.wdbx images --dry-run",
                      "how many rows would go"}},
        .exit_notes = {"1  there is no collection of that name"},
        .handler = run_drop,
    };
}

}  // namespace abikit::cli
