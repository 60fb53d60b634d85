// `abi db init`: makes an empty database.
#include <fmt/format.h>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
Result<Outcome> run(Invocation& invocation) {
    ABI_TRY(storage::CreateOptions options, shape_of(invocation));
    options.name = invocation.text("collection");
    const std::string path = invocation.operand("PATH");
    ABI_TRY(storage::Database database,
            storage::Database::create(invocation.context(), path, options));
    const storage::SnapshotStats stats = database.snapshot().stats();
    Outcome outcome;
    outcome.report.schema = "abi.db.init/1";
    data::Value& body = outcome.report.body;
    body.set("path", path);
    body.set("uuid", stats.uuid);
    body.set("dimension", database.dimension());
    body.set("metric", storage::metric_name(database.metric()));
    body.set("element", storage::element_name(database.element()));
    body.set("collection", database.name());
    body.set("embedder", options.embedder ? data::Value(options.embedder->kind) : data::Value());
    outcome.report.blocks = {
        {.kind = report::Block::Kind::kText,
         .text = fmt::format(
             "made database '{}': {} dimension{}, {} distance{}", path, database.dimension(),
             database.dimension() == 1 ? "" : "s", storage::metric_name(database.metric()),
             options.embedder ? ", texts are embedded by " + options.embedder->kind : "")}};
    return close_with(database, std::move(outcome));
}
}  // namespace

CommandSpec db_init_spec() {
    std::vector<OptionSpec> options = shape_options();
    options.push_back(collection_option());
    return {
        .path = {"db", "init"},
        .summary = "make an empty database",
        .description =
            "Makes a database in the directory PATH, which must not exist yet or be empty. Its "
            "dimension and metric stay as "
            "they are for its whole life.\n\n"
            "With --embedder hash the database turns texts into vectors itself: words and parts of "
            "words are hashed, "
            "weighted by how rare they are among the first imported documents. It needs no model "
            "and gives the same "
            "vectors on every machine.",
        .operands = {database_operand()},
        .options = std::move(options),
        .examples = {{"abi db init notes.wdbx --embedder hash", "a database that takes text"},
                     {"abi db init images.wdbx --dim 512 --metric l2",
                      "a database for vectors of your own"}},
        .exit_notes = {"1  there is a database at PATH already"},
        .handler = run,
    };
}

}  // namespace abikit::cli
