#include "db_query_explain.hpp"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <abi/data/value.hpp>

namespace abikit::cli {

namespace {
using Part = storage::SearchExplain::Part;

bool used(const Part& part) {
    return part.rows != 0 || part.exact_distances != 0;
}

std::vector<std::string> plans(const storage::SearchExplain& explain) {
    std::vector<std::string> names;
    if (used(explain.walk)) {
        names.emplace_back("index walk");
    }
    if (used(explain.codes)) {
        names.emplace_back("codes of the allowed rows");
    }
    if (used(explain.scan)) {
        names.emplace_back(explain.restricted ? "scan of matches" : "exact scan");
    }
    return names;
}

data::Value part_value(const Part& part) {
    data::Value value;
    value.set("segments", part.segments);
    value.set("rows", part.rows);
    value.set("exact_distances", part.exact_distances);
    value.set("code_distances", part.code_distances);
    value.set("time_ns", part.time_ns);
    return value;
}

double selectivity(const storage::SearchExplain& explain) {
    return static_cast<double>(explain.matching_rows) / static_cast<double>(explain.live_rows);
}

data::Value explain_value(const storage::SearchExplain& explain, std::uint64_t fetch_ns) {
    data::Value value;
    data::Array names;
    for (const std::string& plan : plans(explain)) {
        names.emplace_back(plan);
    }
    value.set("plan", std::move(names));
    value.set("searches", explain.searches);
    value.set("queries", explain.queries);
    value.set("live_rows", explain.live_rows);
    value.set("matching_rows", explain.matching_rows);
    value.set("selectivity",
              explain.live_rows == 0 ? data::Value() : data::Value(selectivity(explain)));
    value.set("recall", explain.recall ? data::Value(*explain.recall) : data::Value());
    value.set("effort", std::uint64_t{explain.effort});
    value.set("exact_distances", explain.walk.exact_distances + explain.codes.exact_distances +
                                     explain.scan.exact_distances);
    value.set("code_distances", explain.walk.code_distances + explain.codes.code_distances);
    value.set("walk", part_value(explain.walk));
    value.set("codes", part_value(explain.codes));
    value.set("scan", part_value(explain.scan));
    value.set("repeated", explain.repeated);
    value.set("filter_ns", explain.filter_ns);
    value.set("rerank_ns", explain.rerank_ns);
    value.set("fetch_ns", fetch_ns);
    return value;
}

std::string shown_time(std::uint64_t ns) {
    return fmt::format("{:.3f} ms", static_cast<double>(ns) / 1e6);
}

std::string shown_part(const Part& part) {
    return fmt::format("{} row{}, {} segment{}, {}", part.rows, part.rows == 1 ? "" : "s",
                       part.segments, part.segments == 1 ? "" : "s", shown_time(part.time_ns));
}

std::string shown_goal(const storage::SearchExplain& explain) {
    const std::string recall = explain.recall ? fmt::format("{}", *explain.recall) : "-";
    return explain.effort == 0 ? recall : fmt::format("{}, effort {}", recall, explain.effort);
}
}  // namespace

OptionSpec explain_option() {
    return {.name = "explain",
            .type = ValueType::kFlag,
            .help = "tell how the search was done: plan, rows, distances, time of each stage"};
}

void add_explanation(report::Report& report, const storage::SearchExplain& explain,
                     std::uint64_t fetch_ns) {
    const std::vector<std::string> names = plans(explain);
    data::Value shown;
    report::Block block{.kind = report::Block::Kind::kFields};
    const auto add = [&](const char* key, const char* label, const std::string& text) {
        shown.set(key, text);
        block.fields.push_back({.path = fmt::format("plan.{}", key), .label = label});
    };
    add("names", "plan",
        names.empty() ? "no row matches" : fmt::format("{}", fmt::join(names, ", ")));
    add("rows", "rows",
        explain.live_rows == 0 ? std::string("0")
                               : fmt::format("{} of {} ({:.4g} %)", explain.matching_rows,
                                             explain.live_rows, 100 * selectivity(explain)));
    add("goal", "recall", shown_goal(explain));
    add("exact", "exact distances",
        std::to_string(explain.walk.exact_distances + explain.codes.exact_distances +
                       explain.scan.exact_distances));
    add("code", "code distances",
        std::to_string(explain.walk.code_distances + explain.codes.code_distances));
    add("searches", "searches",
        explain.repeated == 0
            ? std::to_string(explain.searches)
            : fmt::format("{}, {} of them again by a scan", explain.searches, explain.repeated));
    add("filter", "filter", shown_time(explain.filter_ns));
    for (const auto& [name, part] :
         {std::pair{"walk", &explain.walk}, {"codes", &explain.codes}, {"scan", &explain.scan}}) {
        if (used(*part)) {
            add(name, name, shown_part(*part));
        }
    }
    add("rerank", "re-rank", shown_time(explain.rerank_ns));
    add("fetch", "fetch", shown_time(fetch_ns));
    report.view.set("plan", std::move(shown));
    report.blocks.push_back(std::move(block));
    report.body.set("explain", explain_value(explain, fetch_ns));
}

}  // namespace abikit::cli
