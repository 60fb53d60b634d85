// `abi db watch`: the changes of a database as JSON lines, as any process commits them.
#include <chrono>
#include <limits>
#include <span>
#include <thread>

#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/storage/watch.hpp>

#include "all.hpp"
#include "db_common.hpp"

namespace abikit::cli {

namespace {
constexpr auto kPause = std::chrono::milliseconds(20);

Status write_changes(Invocation& invocation, std::span<const storage::Change> changes) {
    for (const storage::Change& change : changes) {
        data::Value line;
        line.set("change", storage::change_kind_name(change.kind));
        if (!change.id.empty()) {
            line.set("id", change.id);
        }
        line.set("lsn", change.lsn);
        line.set("time", format_iso8601_utc(change.time_ns));
        line.set("collection", change.collection);
        ABI_CHECK(invocation.out().write(data::to_json(line) + "\n"));
    }
    return changes.empty() ? Status() : invocation.out().flush();
}

Result<Outcome> run(Invocation& invocation) {
    const std::uint64_t start = monotonic_ns();
    const double seconds =
        invocation.has("for") ? invocation.number("for") : std::numeric_limits<double>::infinity();
    storage::WatchOptions options;
    options.collection = invocation.text("collection");
    if (invocation.has("from")) {
        options.from = static_cast<std::uint64_t>(invocation.integer("from"));
    }
    // A look is short and must not end half-way: only the loop asks whether to go on.
    Context context = invocation.context();
    context.cancel = {};
    ABI_TRY(storage::Watch watch,
            storage::Watch::open(context, invocation.operand("PATH"), options));
    std::uint64_t told = 0;
    while (true) {
        // The last look comes after the time is over, so that what was committed within it is told.
        const bool last = invocation.context().cancel.cancelled() ||
                          static_cast<double>(monotonic_ns() - start) * 1e-9 >= seconds;
        ABI_TRY(const std::vector<storage::Change> changes, watch.poll());
        ABI_CHECK(write_changes(invocation, changes));
        told += changes.size();
        if (last) {
            break;
        }
        std::this_thread::sleep_for(kPause);
    }
    Outcome outcome;
    outcome.format = "jsonl";
    outcome.report.schema = "abi.db.watch/1";
    data::Value& body = outcome.report.body;
    body.set("path", invocation.operand("PATH"));
    body.set("changes", told);
    body.set("lsn", watch.lsn());
    body.set("seconds", static_cast<double>(monotonic_ns() - start) * 1e-9);
    return outcome;
}
}  // namespace

CommandSpec db_watch_spec() {
    return {
        .path = {"db", "watch"},
        .summary = "print changes as they are committed",
        .description =
            "Prints a JSON line for each row that any process inserts, updates or deletes: "
            "{\"change\",\"id\",\"lsn\",\"time\",\"collection\"}; and for each collection that is "
            "made or dropped (\"create\", \"drop\"). The lines of one commit have its number "
            "(lsn) and follow each other. The writer does not notice it.\n\n"
            "It begins with the next commit, or behind the one that --from names, as far as the "
            "log goes back: checkpoints fold it away. It ends after --for, or when it is "
            "interrupted (Ctrl-C, which is no error here); the report is the last line, and its "
            "lsn is where to go on.\n\n"
            "Where several checkpoints come between two looks, 20 ms apart, the rows are compared "
            "instead: what several commits did to one row is one line then, with the number of "
            "the last commit.",
        .operands = {database_operand()},
        .options = {{.name = "collection",
                     .metavar = "NAME",
                     .help = "only this collection (default: all)"},
                    {.name = "from",
                     .type = ValueType::kInteger,
                     .metavar = "LSN",
                     .help = "begin behind this commit instead of now",
                     .minimum = 0},
                    {.name = "for",
                     .type = ValueType::kNumber,
                     .metavar = "SECONDS",
                     .help = "end after this time",
                     .minimum = 0}},
        .examples = {{"abi db watch notes.wdbx", "until Ctrl-C"},
                     {"abi db watch notes.wdbx --from 120 --for 0",
                      "what was committed since number 120"}},
        .exit_notes = {"1  the log does not go back to --from, or there is no such collection"},
        .handler = run,
    };
}

}  // namespace abikit::cli
