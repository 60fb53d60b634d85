// The report of `abi bench --check`: a row for each kernel and target.
#include <fmt/format.h>

#include <algorithm>

#include "bench_common.hpp"

namespace abikit::cli {
namespace {

data::Value result_value(const suites::CheckResult& result) {
    data::Array messages;
    for (const std::string& message : result.messages) {
        messages.emplace_back(message);
    }
    data::Value value;
    value.set("suite", result.suite);
    value.set("name", result.kernel);
    value.set("target", result.target);
    value.set("passed", result.failures == 0);
    value.set("comparisons", std::uint64_t{result.comparisons});
    value.set("failures", std::uint64_t{result.failures});
    value.set("messages", std::move(messages));
    return value;
}

std::string outcome_text(const suites::CheckResult& result) {
    if (result.failures == 0) {
        return "ok";
    }
    return fmt::format("{} of {} wrong: {}", result.failures, result.comparisons,
                       result.messages.empty() ? "" : result.messages.front());
}

std::string summary(std::span<const suites::CheckResult> results, std::size_t failed) {
    if (failed == 0) {
        return fmt::format("all {} checks passed", results.size());
    }
    return fmt::format("{} of {} checks failed", failed, results.size());
}

}  // namespace

report::Report check_report(std::span<const suites::CheckResult> results) {
    data::Array checks, shown;
    for (const suites::CheckResult& result : results) {
        checks.push_back(result_value(result));
        data::Value line = checks.back();
        line.set("outcome", outcome_text(result));
        shown.push_back(std::move(line));
    }
    const auto failed = static_cast<std::size_t>(std::ranges::count_if(
        results, [](const suites::CheckResult& result) { return result.failures > 0; }));
    report::Report report{.schema = "abi.bench.check/1"};
    report.body.set("passed", failed == 0);
    report.body.set("failed", std::uint64_t{failed});
    report.body.set("checks", std::move(checks));
    report.view.set("shown", std::move(shown));
    report.rows_path = "checks";
    report.columns = {{.key = "suite"},   {.key = "name"},        {.key = "target"},
                      {.key = "passed"},  {.key = "comparisons"}, {.key = "failures"},
                      {.key = "messages"}};
    report.blocks = {{.kind = report::Block::Kind::kTable,
                      .rows_path = "shown",
                      .columns = {{.key = "suite", .header = "suite"},
                                  {.key = "name", .header = "kernel"},
                                  {.key = "target", .header = "target"},
                                  {.key = "comparisons",
                                   .header = "compared",
                                   .unit = report::Unit::kCount,
                                   .align = report::Align::kRight},
                                  {.key = "outcome", .header = "outcome"}}},
                     {.kind = report::Block::Kind::kText, .text = summary(results, failed)}};
    return report;
}

}  // namespace abikit::cli
