// The report of a benchmark run: the body is the schema abi.bench.run/1, the view one table for
// each group of a suite.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bench_common.hpp"

namespace abikit::cli {
namespace {

using bench::BenchmarkResult;
using bench::Statistics;

data::Value number_or_null(double value) {
    return value > 0.0 ? data::Value(value) : data::Value();
}

data::Value text_or_null(const std::string& text) {
    return text.empty() ? data::Value() : data::Value(text);
}

data::Value size_or_null(std::uint64_t size) {
    return size == 0 ? data::Value() : data::Value(size);
}

data::Value environment_value(const bench::Environment& environment) {
    data::Value value;
    value.set("started", environment.started);
    value.set("cpu", text_or_null(environment.cpu));
    value.set("architecture", environment.architecture);
    value.set("logical_cpus", environment.logical_cpus);
    value.set("usable_cpus", environment.usable_cpus);
    value.set("threads", environment.threads);
    value.set("simd_target", text_or_null(environment.simd_target));
    value.set("l1d_cache_bytes", size_or_null(environment.l1d_cache_bytes));
    value.set("l2_cache_bytes", size_or_null(environment.l2_cache_bytes));
    value.set("l3_cache_bytes", size_or_null(environment.l3_cache_bytes));
    value.set("memory_bytes", size_or_null(environment.memory_bytes));
    value.set("os", text_or_null(environment.os));
    value.set("kernel", text_or_null(environment.kernel));
    value.set("compiler", environment.compiler);
    value.set("build_type", environment.build_type);
    return value;
}

data::Value statistics_value(const Statistics& statistics) {
    data::Value value;
    value.set("median", statistics.median);
    value.set("min", statistics.min);
    value.set("max", statistics.max);
    value.set("mean", statistics.mean);
    value.set("stddev", statistics.stddev);
    value.set("mad", statistics.mad);
    data::Value interval;
    if (statistics.interval) {
        interval.set("low", statistics.interval->low);
        interval.set("high", statistics.interval->high);
        interval.set("confidence", statistics.interval->confidence);
    }
    value.set("interval", std::move(interval));
    value.set("samples", std::uint64_t{statistics.count});
    value.set("mild_outliers", std::uint64_t{statistics.mild_outliers});
    value.set("severe_outliers", std::uint64_t{statistics.severe_outliers});
    return value;
}

data::Value peak_value(const bench::PeakShare& peak) {
    data::Value value;
    value.set("limit", peak.limit);
    value.set("limit_per_second", peak.limit_per_second);
    return value;
}

data::Value parameters_value(const BenchmarkResult& result) {
    data::Value parameters = data::Object();
    for (const auto& [key, parameter] : result.parameters) {
        parameters.set(key, parameter);
    }
    return parameters;
}

data::Value result_value(const BenchmarkResult& result) {
    data::Value throughput;
    throughput.set("bytes_per_second", number_or_null(result.throughput.bytes_per_second));
    throughput.set("operations_per_second",
                   number_or_null(result.throughput.operations_per_second));
    data::Value value;
    value.set("name", result.name);
    value.set("suite", result.suite);
    value.set("parameters", parameters_value(result));
    value.set("threads", result.threads);
    value.set("iterations", result.iterations);
    value.set("complete", result.complete);
    value.set("time_ns", statistics_value(result.time_ns));
    value.set("cpu_time_ns", statistics_value(result.cpu_time_ns));
    value.set("throughput", std::move(throughput));
    value.set("peak", result.peak ? peak_value(*result.peak) : data::Value());
    value.set("peak_share", result.peak ? data::Value(result.peak->share) : data::Value());
    value.set("scalar_time_ns",
              result.scalar_time_ns ? data::Value(*result.scalar_time_ns) : data::Value());
    value.set("speedup_over_scalar", result.speedup_over_scalar
                                         ? data::Value(*result.speedup_over_scalar)
                                         : data::Value());
    return value;
}

data::Value rate_value(const bench::PeakRate& rate) {
    data::Value value;
    value.set("limit", rate.limit);
    value.set("threads", rate.threads);
    value.set("working_set_bytes", size_or_null(rate.working_set_bytes));
    value.set("per_second", rate.per_second);
    return value;
}

// One row of CSV and JSON lines.
data::Value flat_value(const BenchmarkResult& result) {
    std::string parameters;
    for (const auto& [key, parameter] : result.parameters) {
        parameters += fmt::format("{}{}:{}", parameters.empty() ? "" : "/", key, parameter);
    }
    const Statistics& time = result.time_ns;
    const auto& interval = time.interval;
    data::Value value;
    value.set("suite", result.suite);
    value.set("name", result.name);
    value.set("parameters", parameters);
    value.set("threads", result.threads);
    value.set("iterations", result.iterations);
    value.set("samples", std::uint64_t{time.count});
    value.set("median_time_ns", time.median);
    value.set("min_time_ns", time.min);
    value.set("max_time_ns", time.max);
    value.set("mean_time_ns", time.mean);
    value.set("stddev_time_ns", time.stddev);
    value.set("mad_time_ns", time.mad);
    value.set("low_time_ns", interval ? data::Value(interval->low) : data::Value());
    value.set("high_time_ns", interval ? data::Value(interval->high) : data::Value());
    value.set("median_cpu_time_ns", result.cpu_time_ns.median);
    value.set("bytes_per_second", number_or_null(result.throughput.bytes_per_second));
    value.set("operations_per_second", number_or_null(result.throughput.operations_per_second));
    value.set("peak_limit", result.peak ? data::Value(result.peak->limit) : data::Value());
    value.set("peak_share", result.peak ? data::Value(result.peak->share) : data::Value());
    value.set("scalar_time_ns",
              result.scalar_time_ns ? data::Value(*result.scalar_time_ns) : data::Value());
    value.set("speedup_over_scalar", result.speedup_over_scalar
                                         ? data::Value(*result.speedup_over_scalar)
                                         : data::Value());
    return value;
}

// "23.4 G" of 23,412,000,000, in powers of 1000 as vendors and rivals count them.
std::string scaled(double value) {
    static constexpr std::array<const char*, 6> kPrefixes{"", "k", "M", "G", "T", "P"};
    std::size_t step = 0;
    while (value >= 999.5 && step + 1 < kPrefixes.size()) {
        value /= 1000.0;
        ++step;
    }
    const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f} {}", value, digits, kPrefixes[step]);
}

std::string rate_text(double value, const char* unit) {
    return value > 0.0 ? scaled(value) + unit : "-";
}

// Operations a second of arithmetic limits are multiply-adds counted twice, as everywhere.
std::string peak_text(const bench::PeakRate& rate) {
    const bool memory = rate.working_set_bytes > 0;
    return rate_text(rate.per_second, memory ? "B/s" : "op/s");
}

data::Value shown_value(const BenchmarkResult& result) {
    std::string size;
    for (const auto& [key, parameter] : result.parameters) {
        size += fmt::format("{}{} {}", size.empty() ? "" : ", ", key, parameter);
    }
    if (result.threads > 1) {
        size += fmt::format("{}{} threads", size.empty() ? "" : ", ", result.threads);
    }
    const double spread =
        result.time_ns.median > 0.0 ? 100.0 * result.time_ns.mad / result.time_ns.median : 0.0;
    data::Value value;
    value.set("name", result.name);
    value.set("size", size);
    value.set("time_ns", result.time_ns.median);
    value.set("spread", fmt::format("{:.1f} %", spread));
    value.set("bytes", rate_text(result.throughput.bytes_per_second, "B/s"));
    value.set("operations", rate_text(result.throughput.operations_per_second, "op/s"));
    value.set("peak", result.peak ? fmt::format("{:.0f} % {}", 100.0 * result.peak->share,
                                                result.peak->limit)
                                  : "-");
    value.set("speedup", result.speedup_over_scalar
                             ? fmt::format("{:.1f}x", *result.speedup_over_scalar)
                             : "-");
    return value;
}

report::Block group_block(const std::string& title, std::string path) {
    using report::Align;
    return {.kind = report::Block::Kind::kTable,
            .text = title,
            .rows_path = std::move(path),
            .columns = {{.key = "name", .header = "kernel"},
                        {.key = "size", .header = "size"},
                        {.key = "time_ns",
                         .header = "time",
                         .unit = report::Unit::kNanoseconds,
                         .align = Align::kRight},
                        {.key = "spread", .header = "+-", .align = Align::kRight},
                        {.key = "bytes", .header = "bytes/s", .align = Align::kRight},
                        {.key = "operations", .header = "op/s", .align = Align::kRight},
                        {.key = "peak", .header = "of peak", .align = Align::kRight},
                        {.key = "speedup", .header = "vs scalar", .align = Align::kRight}}};
}

report::Block peaks_block() {
    using report::Align;
    return {.kind = report::Block::Kind::kTable,
            .text = "measured peaks",
            .rows_path = "peaks",
            .columns = {{.key = "limit", .header = "limit"},
                        {.key = "threads", .header = "threads", .align = Align::kRight},
                        {.key = "working_set_bytes",
                         .header = "data",
                         .unit = report::Unit::kBytes,
                         .align = Align::kRight},
                        {.key = "rate", .header = "rate", .align = Align::kRight}}};
}

void add_view(const bench::Run& run, report::Report& report) {
    report.blocks.push_back({.kind = report::Block::Kind::kFields,
                             .fields = {{"environment.cpu", "processor"},
                                        {"environment.simd_target", "vector target"},
                                        {"environment.threads", "threads"}}});
    std::vector<std::string> groups;
    std::vector<data::Array> tables;
    data::Array flat;
    for (const BenchmarkResult& result : run.benchmarks) {
        auto place = std::ranges::find(groups, result.suite);
        if (place == groups.end()) {
            groups.push_back(result.suite);
            tables.emplace_back();
            place = groups.end() - 1;
        }
        tables[static_cast<std::size_t>(place - groups.begin())].push_back(shown_value(result));
        flat.push_back(flat_value(result));
    }
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const std::string path = fmt::format("group{}", i);
        report.view.set(path, std::move(tables[i]));
        report.blocks.push_back(group_block(groups[i], path));
    }
    data::Array peaks;
    for (const bench::PeakRate& rate : run.peaks) {
        data::Value value = rate_value(rate);
        value.set("rate", peak_text(rate));
        peaks.push_back(std::move(value));
    }
    if (!peaks.empty()) {
        report.view.set("peaks", std::move(peaks));
        report.blocks.push_back(peaks_block());
    }
    report.flat_rows = std::move(flat);
}

}  // namespace

report::Report run_report(const bench::Run& run) {
    report::Report report{.schema = "abi.bench.run/1"};
    data::Array peaks, benchmarks;
    for (const bench::PeakRate& rate : run.peaks) {
        peaks.push_back(rate_value(rate));
    }
    for (const BenchmarkResult& result : run.benchmarks) {
        benchmarks.push_back(result_value(result));
    }
    report.body.set("environment", environment_value(run.environment));
    report.body.set("peaks", std::move(peaks));
    report.body.set("benchmarks", std::move(benchmarks));
    add_view(run, report);
    return report;
}

}  // namespace abikit::cli
