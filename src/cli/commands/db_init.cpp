// `abi db init`: makes an empty database.
#include <fmt/format.h>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
Result<storage::CreateOptions> create_options(const Invocation& invocation) {
    storage::CreateOptions options;
    if (!invocation.has("dim") && !invocation.has("embedder")) {
        return fail(Code::kInvalidArgument, "a database needs a dimension or an embedder",
                    "give '--dim 384' for vectors of your own, or '--embedder hash' for texts");
    }
    if (invocation.has("dim")) {
        options.dimension = static_cast<std::uint32_t>(invocation.integer("dim"));
    }
    ABI_TRY(options.metric, storage::parse_metric(invocation.text("metric")));
    if (invocation.has("embedder")) {
        ABI_TRY(options.embedder, storage::parse_embedder(invocation.text("embedder")));
    }
    return options;
}

Result<Outcome> run(Invocation& invocation) {
    ABI_TRY(const storage::CreateOptions options, create_options(invocation));
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
    body.set("embedder", options.embedder ? data::Value(options.embedder->kind) : data::Value());
    outcome.report.blocks = {
        {.kind = report::Block::Kind::kText,
         .text = fmt::format(
             "made database '{}': {} dimensions, {} distance{}", path, database.dimension(),
             storage::metric_name(database.metric()),
             options.embedder ? ", texts are embedded by " + options.embedder->kind : "")}};
    return close_with(database, std::move(outcome));
}
}  // namespace

CommandSpec db_init_spec() {
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
        .options = {{.name = "dim",
                     .type = ValueType::kInteger,
                     .metavar = "N",
                     .help = "dimension of the vectors",
                     .minimum = 1,
                     .maximum = storage::kMaxDimension},
                    {.name = "metric",
                     .type = ValueType::kChoice,
                     .metavar = "NAME",
                     .help = "how distance is measured",
                     .default_value = "cosine",
                     .choices = {"l2", "cosine", "dot"},
                     .config_key = "db.metric"},
                    {.name = "embedder",
                     .metavar = "NAME[:DIM]",
                     .help = "embed texts with this embedder (hash)",
                     .config_key = "db.embedder"}},
        .examples = {{"abi db init notes.wdbx --embedder hash", "a database that takes text"},
                     {"abi db init images.wdbx --dim 512 --metric l2",
                      "a database for vectors of your own"}},
        .exit_notes = {"1  there is a database at PATH already"},
        .handler = run,
    };
}

}  // namespace abikit::cli
