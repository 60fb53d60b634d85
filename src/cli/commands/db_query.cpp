// `abi db query`: the nearest rows of a vector, a text, or a file of either.
#include <algorithm>

#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/data/reader.hpp>

#include "all.hpp"
#include "db_common.hpp"
#include "db_query_text.hpp"

namespace abikit::cli {

namespace {
using storage::Database;

Status check_dimension(const Database& database, std::size_t dimension) {
    if (dimension != database.dimension()) {
        return fail(Code::kIncompatible,
                    fmt::format("the query has dimension {}, database '{}' has {}", dimension,
                                database.path(), database.dimension()));
    }
    return {};
}

Result<std::vector<float>> embed_one(const Context& context, const storage::Snapshot& snapshot,
                                     const std::string& text) {
    data::RecordBatch batch;
    batch.rows = 1;
    batch.texts.append(text);
    ABI_CHECK(snapshot.embed(context, batch));
    return std::move(batch.owned_vectors);
}

// All vectors of a query file; its texts are embedded.
Result<std::vector<float>> read_queries(Invocation& invocation, const Database& database,
                                        const storage::Snapshot& snapshot) {
    const std::string path = invocation.text("file");
    data::Format format{};
    if (invocation.has("from")) {
        ABI_TRY(format, data::parse_format(invocation.text("from")));
    } else if (!data::format_from_path(path, format)) {
        return fail(Code::kInvalidArgument,
                    fmt::format("the extension of '{}' does not tell its format", path),
                    "say what it is with --from npy|npz|fvecs|bvecs|fbin|u8bin|i8bin|csv|jsonl");
    }
    std::unique_ptr<ByteSource> file;
    if (path != "-") {
        ABI_TRY(file, invocation.context().fs->open_source(path));
    }
    data::ReaderOptions options;
    options.name = path == "-" ? "standard input" : path;
    options.dimension = database.dimension();
    options.separator = data::separator_from_path(path);
    options.pool = invocation.context().pool;
    ABI_TRY(const auto reader,
            data::make_reader(format, file == nullptr ? invocation.in() : *file, options));
    std::vector<float> queries;
    data::RecordBatch batch;
    while (true) {
        ABI_TRY(const bool more, reader->next(batch, 4096));
        if (!more) {
            return queries;
        }
        if (batch.dimension == 0) {
            ABI_CHECK(snapshot.embed(invocation.context(), batch));
        }
        ABI_CHECK(check_dimension(database, batch.dimension));
        queries.insert(queries.end(), batch.vectors.begin(), batch.vectors.end());
    }
}

// `snapshot` is what will be searched.
Result<std::vector<float>> queries_of(Invocation& invocation, const Database& database,
                                      const storage::Snapshot& snapshot) {
    const int given =
        int{invocation.has("vector")} + int{invocation.has("text")} + int{invocation.has("file")};
    if (given != 1) {
        return fail(Code::kInvalidArgument,
                    given == 0 ? "no query was given" : "more than one kind of query was given",
                    "give one of --vector, --text, --file and --match");
    }
    if (invocation.has("vector")) {
        ABI_TRY(std::vector<float> vector, parse_vector(invocation.text("vector")));
        ABI_CHECK(check_dimension(database, vector.size()));
        return vector;
    }
    return invocation.has("text")
               ? embed_one(invocation.context(), snapshot, invocation.text("text"))
               : read_queries(invocation, database, snapshot);
}

Result<data::Value> hit_value(const storage::Snapshot& snapshot, const FoundRow& found,
                              const TextRequest& request, RowMembers members) {
    ABI_TRY(data::Value row, row_value(snapshot, found.row, members));
    data::Value value;
    value.set("id", *row.find("id"));
    for (const auto& [key, score] : found.scores.as_object()) {
        value.set(key, score);
    }
    const data::Value* const text = row.find("text");
    if (request.snippets && text != nullptr) {
        ABI_TRY(std::string snippet, marked_snippet(text->as_string(), *request.snippets));
        value.set("snippet", std::move(snippet));
    }
    for (const char* const key : {"text", "metadata", "vector"}) {
        if (const data::Value* const member = row.find(key)) {
            value.set(key, *member);
        }
    }
    return value;
}

// The nearest rows of each query.
Result<std::vector<std::vector<FoundRow>>> find_near(const Context& context,
                                                     const Database& database,
                                                     const storage::Snapshot& snapshot,
                                                     const std::vector<float>& values,
                                                     const storage::SearchOptions& options) {
    const std::size_t count = values.size() / database.dimension();
    ABI_TRY(const auto results, snapshot.search(context, values, count, options));
    std::vector<std::vector<FoundRow>> found;
    for (const std::vector<storage::Hit>& hits : results) {
        std::vector<FoundRow>& rows = found.emplace_back();
        for (const storage::Hit& hit : hits) {
            data::Value scores;
            scores.set("distance", shown(hit.distance));
            scores.set("score", storage::score_of(database.metric(), shown(hit.distance)));
            rows.push_back({hit.row, std::move(scores)});
        }
    }
    return found;
}

// The path and line of a document's chunk, or the id of any other row.
std::string place_of(const data::Value& hit) {
    const data::Value* const metadata = hit.find("metadata");
    const data::Value* const path = metadata == nullptr ? nullptr : metadata->find("path");
    const data::Value* const line = metadata == nullptr ? nullptr : metadata->find("line");
    if (path == nullptr || line == nullptr || !path->is_string() || !line->is_integer()) {
        return hit.find("id")->as_string();
    }
    return fmt::format("{}:{}", path->as_string(), data::to_json(*line));
}

// For a person: white space folded, one line.
std::string one_line(const std::string& text) {
    std::string line;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!blank) {
            line += c;
        } else if (!line.empty() && line.back() != ' ') {
            line += ' ';
        }
    }
    return line;
}

void add_view(report::Report& report, const data::Array& queries, const TextRequest& request) {
    data::Array flat, shown;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        for (const data::Value& hit : queries[i].find("hits")->as_array()) {
            data::Value row;
            row.set("query", std::uint64_t{i});
            for (const auto& [key, value] : hit.as_object()) {
                row.set(key, value);
            }
            flat.push_back(row);
            data::Value line;
            line.set("query", std::uint64_t{i});
            line.set("place", place_of(hit));
            line.set("score", fmt::format("{:.4f}", hit.find("score")->as_double()));
            const data::Value* const text = hit.find(request.snippets ? "snippet" : "text");
            line.set("text", text == nullptr ? std::string() : one_line(text->as_string()));
            shown.push_back(std::move(line));
        }
    }
    report.flat_rows = std::move(flat);
    report.columns = {{.key = "query"}, {.key = "id"}};
    for (const std::string& key : request.score_columns()) {
        report.columns.push_back({.key = key});
    }
    if (request.snippets) {
        report.columns.push_back({.key = "snippet"});
    }
    report.columns.push_back({.key = "text"});
    report.columns.push_back({.key = "metadata"});
    std::vector<report::Column> columns = {{.key = "score",
                                            .header = "score",
                                            .unit = report::Unit::kDistance,
                                            .align = report::Align::kRight},
                                           {.key = "place", .header = "row", .max_width = 48},
                                           {.key = "text", .header = "text", .max_width = 72}};
    if (queries.size() != 1) {
        columns.insert(columns.begin(),
                       {.key = "query", .header = "query", .align = report::Align::kRight});
    }
    report.view = data::Value();
    report.view.set("hits", std::move(shown));
    report.blocks = {
        {.kind = report::Block::Kind::kTable, .rows_path = "hits", .columns = std::move(columns)}};
}

// --exact, --effort and --recall, in this order of strength.
Result<storage::SearchOptions> search_options(const Invocation& invocation) {
    storage::SearchOptions options{.k = static_cast<std::size_t>(invocation.integer("k"))};
    options.recall = invocation.number("recall");
    if (!(*options.recall > 0.0 && *options.recall <= 1.0)) {
        return fail(Code::kInvalidArgument,
                    fmt::format("--recall {}: above 0 and at most 1 is possible", *options.recall),
                    "1 compares every row");
    }
    if (invocation.has("effort")) {
        options.effort = static_cast<std::uint32_t>(invocation.integer("effort"));
    }
    if (invocation.flag("exact")) {
        options.mode = storage::SearchMode::kExact;
    }
    return options;
}

Result<Outcome> run(Invocation& invocation) {
    ABI_TRY(const auto filter, filter_of(invocation));
    ABI_TRY(TextRequest request, text_request(invocation));
    ABI_TRY(Database database, open_for_reading(invocation));
    const std::uint64_t start = monotonic_ns();
    const storage::Snapshot snapshot = database.snapshot();
    std::vector<float> values;
    if (!request.match || request.hybrid) {
        ABI_TRY(values, queries_of(invocation, database, snapshot));
    }
    ABI_TRY(storage::SearchOptions options, search_options(invocation));
    options.filter = filter ? &*filter : nullptr;
    request.options.vector = options;
    request.options.text.filter = options.filter;
    std::vector<std::vector<FoundRow>> results;
    if (request.match) {
        ABI_TRY(results.emplace_back(), find_text(invocation.context(), snapshot, request, values));
    } else {
        ABI_TRY(results, find_near(invocation.context(), database, snapshot, values, options));
    }
    const std::uint64_t took_us = (monotonic_ns() - start) / 1000;
    const RowMembers members{.vector = invocation.flag("vectors")};
    data::Array queries;
    for (const std::vector<FoundRow>& hits : results) {
        data::Array values_of_hits;
        for (const FoundRow& hit : hits) {
            ABI_TRY(data::Value value, hit_value(snapshot, hit, request, members));
            values_of_hits.push_back(std::move(value));
        }
        data::Value query;
        query.set("hits", std::move(values_of_hits));
        queries.push_back(std::move(query));
    }
    Outcome outcome;
    outcome.report.schema = "abi.db.query/1";
    outcome.report.body.set("took_us", took_us);
    add_view(outcome.report, queries, request);
    outcome.report.body.set("queries", std::move(queries));
    return outcome;
}

std::vector<OptionSpec> query_options() {
    std::vector<OptionSpec> options = {
        {.name = "vector", .metavar = "NUMBERS", .help = "the query: numbers separated by commas"},
        {.name = "text", .metavar = "TEXT", .help = "the query: a text"},
        {.name = "file",
         .type = ValueType::kPath,
         .metavar = "FILE",
         .help = "a file of queries, or - for standard input"},
        {.name = "from",
         .type = ValueType::kChoice,
         .metavar = "FORMAT",
         .help = "format of --file when its extension does not tell",
         .choices = {"npy", "npz", "fvecs", "bvecs", "fbin", "u8bin", "i8bin", "csv", "jsonl"}},
        {.name = "k",
         .short_name = 'k',
         .type = ValueType::kInteger,
         .metavar = "N",
         .help = "number of hits a query",
         .default_value = "10",
         .config_key = "db.k",
         .minimum = 1},
        {.name = "recall",
         .type = ValueType::kNumber,
         .metavar = "SHARE",
         .help = "share of the true nearest rows to find on average, above 0; 1 is "
                 "exact",
         .default_value = "0.98",
         .config_key = "db.recall"},
        {.name = "effort",
         .type = ValueType::kInteger,
         .metavar = "N",
         .help = "candidates that a walk keeps, instead of --recall",
         .minimum = 1,
         .maximum = 1000000},
        {.name = "exact", .type = ValueType::kFlag, .help = "compare every row, index or not"},
        filter_option("only rows whose metadata match, such as 'year >= 2020'"),
        {.name = "vectors", .type = ValueType::kFlag, .help = "show the vectors of the hits too"},
        collection_option(),
        snapshot_option()};
    const std::vector<OptionSpec> text = text_query_options();
    const auto behind = std::find_if(options.begin(), options.end(), [](const OptionSpec& option) {
        return option.name == "file";
    });
    options.insert(behind, text.begin(), text.end());
    return options;
}
}  // namespace

CommandSpec db_query_spec() {
    return {
        .path = {"db", "query"},
        .summary = "find the rows nearest to a vector or text, or with some words",
        .description =
            "Finds the k rows with the smallest distance to each query. Where the collection has "
            "an "
            "index ('abi db index'), it is walked until the recall that is asked for can be "
            "expected; everything else is compared row by row. The distance is always exact: the "
            "squared Euclidean distance (l2), 1 - cos (cosine) or the negated inner product (dot); "
            "hits ascend by "
            "distance, and a score that is higher for better hits stands beside it.\n\n"
            "Texts are embedded by the database's embedder. A file gives one query a row: vectors, "
            "or JSON lines and CSV "
            "with texts.\n\n"
            "--match looks for words instead: the rows whose texts answer best by BM25, without "
            "regard to case and accents. Words in quotation marks are a phrase, a star ends the "
            "beginning of a word, and a minus leaves out rows with what follows. --hybrid fuses "
            "the hits of words and vector, --snippets shows where the words stand.\n\n"
            "With --filter only rows whose metadata match are compared; never fewer than k come "
            "back where k match. A filter that matches nothing gives an empty result.",
        .operands = {database_operand()},
        .options = query_options(),
        .examples = {{"abi db query notes.wdbx --text 'how to restore a backup' -k 3", "by text"},
                     {"abi db query points.wdbx --vector '0.1,0.2' --format json", "by vector"},
                     {"abi db query notes.wdbx --text backup --filter 'lang = \"en\" AND year >= "
                      "2020'",
                      "among some rows"},
                     {"abi db query notes.wdbx --match 'backup \"every night\" restor* -tape' "
                      "--snippets",
                      "by words"},
                     {"abi db query notes.wdbx --text 'restore a backup' --hybrid rrf",
                      "by words and meaning"},
                     {"abi db query images.wdbx --file queries.fvecs -k 100 --format csv",
                      "a batch"}},
        .handler = run,
    };
}

}  // namespace abikit::cli
