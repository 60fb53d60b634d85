// `abi bench list`: the names of all benchmarks.
#include <fmt/format.h>

#include "all.hpp"
#include "bench_common.hpp"

namespace abikit::cli {
namespace {

Result<Outcome> run(Invocation& invocation) {
    ABI_TRY(const BenchSelection selection, select_benchmarks(invocation.operands("SUITE")));
    Outcome outcome;
    outcome.report = list_report(selection.rows);
    return outcome;
}

}  // namespace

std::string parameters_text(const suites::KernelBenchmark& row) {
    std::string text;
    for (const auto& [key, value] : row.parameters) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, value);
    }
    return text;
}

report::Report list_report(std::span<const suites::KernelBenchmark> rows) {
    data::Array all, shown;
    for (const suites::KernelBenchmark& row : rows) {
        data::Value parameters = data::Object();
        for (const auto& [key, value] : row.parameters) {
            parameters.set(key, value);
        }
        data::Value item;
        item.set("name", row.name);
        item.set("suite", suites::suite_name(row));
        item.set("parameters", std::move(parameters));
        item.set("pattern", suites::row_name(row));
        all.push_back(item);
        item.set("size", parameters_text(row));
        shown.push_back(std::move(item));
    }
    report::Report report{.schema = "abi.bench.list/1"};
    report.body.set("benchmarks", std::move(all));
    report.view.set("shown", std::move(shown));
    report.rows_path = "benchmarks";
    report.columns = {{.key = "suite"}, {.key = "name"}, {.key = "parameters"}, {.key = "pattern"}};
    report.blocks = {{.kind = report::Block::Kind::kTable,
                      .rows_path = "shown",
                      .columns = {{.key = "suite", .header = "suite"},
                                  {.key = "name", .header = "kernel"},
                                  {.key = "size", .header = "size"}}}};
    return report;
}

CommandSpec bench_list_spec() {
    return {.path = {"bench", "list"},
            .summary = "list the benchmarks",
            .description =
                "Lists the benchmarks that 'abi bench' with the same words would run, in the order "
                "in which it runs them. With --format json or csv the member 'pattern' is the word "
                "that chooses one row alone.",
            .operands = {suite_operand()},
            .examples = {{"abi bench list", "all benchmarks"},
                         {"abi bench list simd/vector --format csv", "one group, with patterns"}},
            .handler = run};
}

}  // namespace abikit::cli
