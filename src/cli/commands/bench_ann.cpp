// `abi bench ann`: recall and speed of approximate search over files of vectors.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <abi/core/thread_pool.hpp>

#include "../../suites/ann/sweep.hpp"
#include "../invocation.hpp"
#include "../spec.hpp"
#include "all.hpp"

namespace abikit::cli {
namespace {

struct Inputs {
    suites::Vectors base, queries;
    std::optional<suites::NearestRows> truth;
};

Result<Inputs> read_inputs(Invocation& invocation, std::size_t k) {
    const Context& context = invocation.context();
    Inputs inputs;
    const std::string base = invocation.text("base"), queries = invocation.text("query");
    ABI_TRY(inputs.base, suites::read_vectors(context, base));
    ABI_TRY(inputs.queries, suites::read_vectors(context, queries));
    if (inputs.base.dimension != inputs.queries.dimension) {
        return fail(Code::kIncompatible,
                    fmt::format("'{}' has dimension {}, '{}' has {}", queries,
                                inputs.queries.dimension, base, inputs.base.dimension));
    }
    if (!invocation.has("truth")) {
        return inputs;
    }
    const std::string path = invocation.text("truth");
    ABI_TRY(inputs.truth, suites::read_nearest(context, path, inputs.base.count));
    const std::size_t needed = std::min(k, inputs.base.count);
    if (inputs.truth->count != inputs.queries.count || inputs.truth->width < needed) {
        return fail(
            Code::kIncompatible,
            fmt::format("'{}' has {} rows for each of {} queries, needed are {} for each of {}",
                        path, inputs.truth->width, inputs.truth->count, needed,
                        inputs.queries.count),
            "leave --truth out to have the nearest rows computed");
    }
    return inputs;
}

// Numbers of an option that may be given several times.
template <class Number>
Result<std::vector<Number>> numbers_of(const Invocation& invocation, const char* option,
                                       Number least, Number most) {
    std::vector<Number> numbers;
    for (const std::string& word : invocation.list(option)) {
        Number number{};
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (error != std::errc() || end != word.data() + word.size() || !(number >= least) ||
            !(number <= most)) {
            return fail(Code::kInvalidArgument, fmt::format("--{} '{}' is no number from {} to {}",
                                                            option, word, least, most));
        }
        numbers.push_back(number);
    }
    return numbers;
}

Result<suites::SweepOptions> sweep_options(const Invocation& invocation) {
    suites::SweepOptions options;
    options.k = static_cast<std::size_t>(invocation.integer("k"));
    options.rounds = static_cast<unsigned>(invocation.integer("rounds"));
    ABI_TRY(options.efforts, numbers_of<std::uint32_t>(invocation, "effort", 1, 1'000'000));
    ABI_TRY(options.recalls, numbers_of<double>(invocation, "recall", 0.0, 1.0));
    return options;
}

// The most memory that the process has held; null where the system does not say.
data::Value peak_memory(const Context& context) {
    const auto status = context.fs->read_file("/proc/self/status");
    if (!status) {
        return {};
    }
    const std::size_t place = status->find("VmHWM:");
    const std::size_t number = status->find_first_of("0123456789", place);
    if (place == std::string::npos || number == std::string::npos) {
        return {};
    }
    std::uint64_t kilobytes = 0;
    std::from_chars(status->data() + number, status->data() + status->size(), kilobytes);
    return data::Value(kilobytes * 1024);
}

data::Value point_value(const suites::SweepPoint& point) {
    data::Value value;
    value.set("effort", point.effort ? data::Value(std::uint64_t{*point.effort}) : data::Value());
    value.set("asked_recall",
              point.asked_recall ? data::Value(*point.asked_recall) : data::Value());
    value.set("recall", point.recall);
    value.set("qps", point.qps);
    value.set("latency_us_p50", point.latency_us_p50);
    value.set("latency_us_p99", point.latency_us_p99);
    return value;
}

data::Value shown_value(const suites::SweepPoint& point) {
    data::Value value;
    value.set("effort", point.effort ? fmt::format("{}", *point.effort)
                                     : fmt::format("recall {}", *point.asked_recall));
    value.set("recall", fmt::format("{:.4f}", point.recall));
    value.set("qps", fmt::format("{:.0f}", point.qps));
    value.set("p50", fmt::format("{:.1f} us", point.latency_us_p50));
    value.set("p99", fmt::format("{:.1f} us", point.latency_us_p99));
    return value;
}

report::Report ann_report(const Invocation& invocation, const Inputs& inputs,
                          const suites::AnnBuild& built,
                          const std::vector<suites::SweepPoint>& points) {
    using report::Align;
    data::Array all, shown;
    for (const suites::SweepPoint& point : points) {
        all.push_back(point_value(point));
        shown.push_back(shown_value(point));
    }
    report::Report report{.schema = "abi.bench.ann/1"};
    data::Value& body = report.body;
    body.set("rows", std::uint64_t{inputs.base.count});
    body.set("dimension", std::uint64_t{inputs.base.dimension});
    body.set("queries", std::uint64_t{inputs.queries.count});
    body.set("metric", invocation.text("metric"));
    body.set("k", static_cast<std::uint64_t>(invocation.integer("k")));
    body.set("bare", invocation.flag("bare"));
    body.set("build_seconds", built.seconds);
    body.set("import_seconds", built.import_seconds);
    body.set("index_size_bytes", built.index_size_bytes);
    body.set("hot_bytes_per_row", built.hot_bytes_per_row);
    body.set("rss_peak_bytes", peak_memory(invocation.context()));
    body.set("points", std::move(all));
    report.view.set("shown", std::move(shown));
    report.rows_path = "points";
    report.columns = {{.key = "effort"}, {.key = "asked_recall"},   {.key = "recall"},
                      {.key = "qps"},    {.key = "latency_us_p50"}, {.key = "latency_us_p99"}};
    report.blocks = {{.kind = report::Block::Kind::kFields,
                      .fields = {{"rows", "rows", report::Unit::kCount},
                                 {"dimension", "dimension"},
                                 {"build_seconds", "built in", report::Unit::kSeconds},
                                 {"index_size_bytes", "index", report::Unit::kBytes},
                                 {"hot_bytes_per_row", "hot bytes per row"}}},
                     {.kind = report::Block::Kind::kTable,
                      .rows_path = "shown",
                      .columns = {{.key = "effort", .header = "effort", .align = Align::kRight},
                                  {.key = "recall", .header = "recall", .align = Align::kRight},
                                  {.key = "qps", .header = "queries/s", .align = Align::kRight},
                                  {.key = "p50", .header = "p50", .align = Align::kRight},
                                  {.key = "p99", .header = "p99", .align = Align::kRight}}}};
    return report;
}

Result<std::string> work_directory(const Invocation& invocation) {
    if (invocation.has("dir")) {
        return invocation.text("dir");
    }
    std::error_code error;
    const std::filesystem::path directory = std::filesystem::temp_directory_path(error);
    if (error) {
        return fail(Code::kIo, "there is no directory for temporary files",
                    "name one for the database with --dir");
    }
    return directory.string();
}

Result<std::unique_ptr<suites::AnnSubject>> subject_of(const Invocation& invocation,
                                                       const Inputs& inputs,
                                                       storage::Metric metric) {
    if (invocation.flag("bare")) {
        return suites::bare_subject(inputs.base, metric);
    }
    ABI_TRY(const std::string directory, work_directory(invocation));
    return suites::database_subject(invocation.context(), directory, invocation.text("base"),
                                    inputs.base, metric);
}

Result<Outcome> run(Invocation& invocation) {
    ABI_TRY(const suites::SweepOptions options, sweep_options(invocation));
    ABI_TRY(const storage::Metric metric, storage::parse_metric(invocation.text("metric")));
    ABI_TRY(const Inputs inputs, read_inputs(invocation, options.k));
    ABI_TRY(const suites::Judge judge,
            suites::Judge::make(invocation.context(), inputs.base, inputs.queries, metric,
                                options.k, inputs.truth));
    ABI_TRY(const auto subject, subject_of(invocation, inputs, metric));
    Context building = invocation.context();
    std::optional<ThreadPool> own;
    if (invocation.has("build-threads")) {
        own.emplace(static_cast<unsigned>(invocation.integer("build-threads")));
        building.pool = &*own;
    }
    ABI_TRY(const suites::AnnBuild built, subject->build(building));
    ABI_TRY(const auto points,
            suites::sweep(invocation.context(), *subject, inputs.queries, judge, options));
    Outcome outcome;
    outcome.report = ann_report(invocation, inputs, built, points);
    return outcome;
}

std::vector<OptionSpec> options() {
    return {
        {.name = "base",
         .type = ValueType::kPath,
         .metavar = "FILE",
         .help = "the rows: .npy, .fvecs or .fbin",
         .required = true},
        {.name = "query",
         .type = ValueType::kPath,
         .metavar = "FILE",
         .help = "the queries, in one of the same formats",
         .required = true},
        {.name = "truth",
         .type = ValueType::kPath,
         .metavar = "FILE",
         .help = "the nearest rows of each query: .ivecs (default: computed)"},
        {.name = "metric",
         .type = ValueType::kChoice,
         .metavar = "METRIC",
         .help = "what distance means",
         .default_value = "l2",
         .choices = {"l2", "cosine", "dot"}},
        {.name = "k",
         .short_name = 'k',
         .type = ValueType::kInteger,
         .metavar = "N",
         .help = "number of hits a query",
         .default_value = "10",
         .minimum = 1,
         .maximum = 10'000},
        {.name = "build-threads",
         .type = ValueType::kInteger,
         .metavar = "N",
         .help = "threads that build (default: those of --threads)",
         .minimum = 1,
         .maximum = 1024},
        {.name = "bare", .type = ValueType::kFlag, .help = "the index alone, without a database"},
        {.name = "effort",
         .metavar = "N",
         .help = "an effort to measure (default: from k on until nearly all is found)",
         .repeatable = true},
        {.name = "recall",
         .metavar = "R",
         .help = "a recall to ask for, instead of an effort",
         .repeatable = true},
        {.name = "rounds",
         .type = ValueType::kInteger,
         .metavar = "N",
         .help = "timed passes over all efforts",
         .default_value = "3",
         .minimum = 1,
         .maximum = 1000},
        {.name = "dir",
         .type = ValueType::kDirectory,
         .metavar = "DIR",
         .help = "where the database is made and removed (default: the system's temporary files)"}};
}

}  // namespace

CommandSpec bench_ann_spec() {
    return {
        .path = {"bench", "ann"},
        .summary = "measure recall and speed of approximate search",
        .description =
            "Makes a database from a file of vectors, builds its index, and searches it with the "
            "queries of another file, one by one on one thread, at rising efforts. For each effort "
            "it tells the recall - how many of the k nearest rows are found, a row as near as the "
            "last of them being one of them - the queries a second (the median of the rounds, "
            "which "
            "go over all efforts in turn) and the median and 99th percentile of the latency.\n\n"
            "What is timed is what a program that embeds the database does: a search of a snapshot "
            "and the ids of its hits. With --bare the index alone is built over the rows in memory "
            "and asked for row numbers. The database is removed afterwards.",
        .options = options(),
        .examples = {{"abi bench ann --base base.npy --query query.npy --truth truth.ivecs",
                      "a whole sweep"},
                     {"abi bench ann --base base.fvecs --query query.fvecs --recall 0.95 --bare",
                      "the index alone, asked for a recall"}},
        .exit_notes = {"4  the files do not go together, or hold values that are not finite"},
        .handler = run,
    };
}

}  // namespace abikit::cli
