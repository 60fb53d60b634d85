// `abi db upgrade`: a database of an older format becomes writable.
#include <fmt/format.h>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
Result<Outcome> run(Invocation& invocation) {
    const std::string path = invocation.operand("PATH");
    ABI_TRY(const storage::UpgradeInfo info,
            storage::Database::upgrade(invocation.context(), path,
                                       invocation.dry_run() ? storage::UpgradeMode::kLook
                                                            : storage::UpgradeMode::kUpgrade));
    const bool needed = info.from != info.to;
    Outcome outcome;
    outcome.report.schema = "abi.db.upgrade/1";
    data::Value& body = outcome.report.body;
    body.set("path", path);
    body.set("dry_run", invocation.dry_run());
    body.set("from", info.from);
    body.set("to", info.to);
    body.set("upgraded", needed && !invocation.dry_run());
    outcome.report.blocks = {
        {.kind = report::Block::Kind::kText,
         .text = !needed ? fmt::format("'{}' has format {} already", path, info.to)
                         : fmt::format("{} '{}' from format {} to {}",
                                       invocation.dry_run() ? "would upgrade" : "upgraded", path,
                                       info.from, info.to)}};
    return outcome;
}
}  // namespace

CommandSpec db_upgrade_spec() {
    return {
        .path = {"db", "upgrade"},
        .summary = "make a database of an older format writable",
        .description =
            "Databases of older formats can be read as they are. This writes the next generation "
            "in the newest format, in one atomic step; rows that are in segments stay where they "
            "are. Older versions of abi cannot read the database afterwards.",
        .operands = {database_operand()},
        .options = {dry_run_option()},
        .examples = {{"abi db upgrade notes.wdbx --dry-run", "is there something to do?"}},
        .handler = run,
    };
}

}  // namespace abikit::cli
