// `abi db query`: the nearest rows of a vector, a text, or a file of either.
#include <algorithm>

#include <fmt/format.h>

#include <abi/core/time.hpp>
#include <abi/data/reader.hpp>

#include "all.hpp"
#include "db_common.hpp"
#include "db_query_explain.hpp"
#include "db_query_forms.hpp"
#include "db_query_hits.hpp"
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

// `snapshot` is what will be searched. The row of --id is left out of the hits.
Result<std::vector<float>> queries_of(Invocation& invocation, const Database& database,
                                      const storage::Snapshot& snapshot,
                                      storage::QueryOptions& options) {
    const int given = int{invocation.has("vector")} + int{invocation.has("text")} +
                      int{invocation.has("file")} + int{invocation.has("id")};
    if (given != 1) {
        return fail(Code::kInvalidArgument,
                    given == 0 ? "no query was given" : "more than one kind of query was given",
                    "give one of --vector, --text, --file, --id and --match");
    }
    if (invocation.has("vector")) {
        ABI_TRY(std::vector<float> vector, parse_vector(invocation.text("vector")));
        ABI_CHECK(check_dimension(database, vector.size()));
        return vector;
    }
    if (invocation.has("id")) {
        ABI_TRY(storage::ExampleQuery example,
                storage::query_by_example(snapshot, invocation.text("id")));
        if (!invocation.flag("include-self")) {
            options.leave_out = example.row;
        }
        return std::move(example.vector);
    }
    return invocation.has("text")
               ? embed_one(invocation.context(), snapshot, invocation.text("text"))
               : read_queries(invocation, database, snapshot);
}

// The nearest rows of each query.
Result<std::vector<std::vector<FoundRow>>> find_near(const Context& context,
                                                     const Database& database,
                                                     const storage::Snapshot& snapshot,
                                                     const std::vector<float>& values,
                                                     const storage::QueryOptions& options) {
    const std::size_t count = values.size() / database.dimension();
    ABI_TRY(const auto results, storage::query_rows(context, snapshot, values, count, options));
    std::vector<std::vector<FoundRow>> found;
    for (const std::vector<storage::QueryHit>& hits : results) {
        std::vector<FoundRow>& rows = found.emplace_back();
        for (const storage::QueryHit& hit : hits) {
            data::Value scores;
            scores.set("distance", shown(hit.distance));
            scores.set("score", storage::score_of(database.metric(), shown(hit.distance)));
            if (!hit.group.empty()) {
                ABI_TRY(data::Value group, data::parse_json(hit.group));
                scores.set("group", std::move(group));
            }
            rows.push_back({hit.row, std::move(scores)});
        }
    }
    return found;
}

// The groups nearest to all vectors together, each with one of its rows.
Result<std::vector<FoundRow>> find_groups(const Context& context, const Database& database,
                                          const storage::Snapshot& snapshot,
                                          const std::vector<float>& values,
                                          const storage::QueryOptions& options) {
    ABI_TRY(const auto groups,
            storage::max_sim(context, snapshot, values, values.size() / database.dimension(),
                             {.search = options.search,
                              .offset = options.offset,
                              .group_by = options.group_by,
                              .candidates = options.candidates}));
    std::vector<FoundRow> rows;
    for (const storage::GroupHit& hit : groups) {
        data::Value scores;
        scores.set("score", shown(static_cast<float>(hit.score)));
        ABI_TRY(data::Value group, data::parse_json(hit.group));
        scores.set("group", std::move(group));
        rows.push_back({hit.row, std::move(scores)});
    }
    return rows;
}

// Everything found, best first, by whichever search was asked for.
Result<std::vector<std::vector<FoundRow>>> find(Invocation& invocation, const Database& database,
                                                const storage::Snapshot& snapshot,
                                                TextRequest& request,
                                                storage::QueryOptions options) {
    std::vector<float> values;
    if (!request.match || request.hybrid) {
        ABI_TRY(values, queries_of(invocation, database, snapshot, options));
    }
    std::vector<std::vector<FoundRow>> found;
    if (invocation.flag("max-sim")) {
        ABI_TRY(found.emplace_back(),
                find_groups(invocation.context(), database, snapshot, values, options));
        return found;
    }
    if (!request.match) {
        return find_near(invocation.context(), database, snapshot, values, options);
    }
    request.options.vector = options.search;
    request.options.text.filter = options.search.filter;
    request.options.text.k += options.offset;
    ABI_TRY(std::vector<FoundRow> rows, find_text(invocation.context(), snapshot, request, values));
    rows.erase(rows.begin(),
               rows.begin() + static_cast<std::ptrdiff_t>(std::min(options.offset, rows.size())));
    found.push_back(std::move(rows));
    return found;
}

Result<Outcome> run(Invocation& invocation) {
    ABI_TRY(const auto filter, filter_of(invocation));
    ABI_TRY(TextRequest request, text_request(invocation));
    ABI_TRY(storage::QueryOptions options, query_form(invocation));
    ABI_TRY(const HitMembers members, hit_members(invocation, request));
    options.search.filter = filter ? &*filter : nullptr;
    storage::SearchExplain explain;
    options.search.explain = invocation.flag("explain") ? &explain : nullptr;
    ABI_TRY(Database database, open_for_reading(invocation));
    const std::uint64_t start = monotonic_ns();
    const storage::Snapshot snapshot = database.snapshot();
    ABI_TRY(const auto results, find(invocation, database, snapshot, request, options));
    const std::uint64_t took_us = (monotonic_ns() - start) / 1000;
    const std::uint64_t found = monotonic_ns();
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
    const std::uint64_t fetch_ns = monotonic_ns() - found;
    Outcome outcome;
    outcome.report.schema = "abi.db.query/1";
    outcome.report.body.set("took_us", took_us);
    add_hit_tables(outcome.report, queries, request, members);
    outcome.report.body.set("queries", std::move(queries));
    if (invocation.flag("explain")) {
        add_explanation(outcome.report, explain, fetch_ns);
    }
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
        explain_option(),
        filter_option("only rows whose metadata match, such as 'year >= 2020'"),
        collection_option(),
        snapshot_option()};
    const std::vector<OptionSpec> text = text_query_options();
    const auto behind = std::find_if(options.begin(), options.end(), [](const OptionSpec& option) {
        return option.name == "file";
    });
    options.insert(behind, text.begin(), text.end());
    const auto last = std::find_if(options.begin(), options.end(), [](const OptionSpec& option) {
        return option.name == "collection";
    });
    std::vector<OptionSpec> more = form_options();
    const std::vector<OptionSpec> shown_members = hit_options();
    more.insert(more.end(), shown_members.begin(), shown_members.end());
    options.insert(last, more.begin(), more.end());
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
            "back where k match. A filter that matches nothing gives an empty result.\n\n"
            "--id searches with the vector of a stored row. --within keeps the rows that are at "
            "most so far, compared one by one: at most k, or --limit. --offset leaves hits out, "
            "for the next page. --group-by allows few hits with the same value in a field, such as "
            "one chunk of each document; --mmr picks hits that are unlike each other; --max-sim "
            "takes all "
            "vectors of --file as one query for whole groups. "
            "--fields chooses what is shown of a hit.",
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
                     {"abi db query notes.wdbx --id 'docs/guide.md#2' -k 5", "by example"},
                     {"abi db query points.wdbx --vector '0.1,0.2' --within 0.5 --limit 0",
                      "all within a distance"},
                     {"abi db query notes.wdbx --text backup --group-by path --per-group 2",
                      "at most two chunks of a document"},
                     {"abi db query notes.wdbx --text backup --mmr 0.7", "unlike each other"},
                     {"abi db query pages.wdbx --file words.npy --max-sim --group-by page",
                      "by many vectors at once"},
                     {"abi db query notes.wdbx --text backup --offset 10 --fields "
                      "id,score,metadata.path",
                      "the second page, and little of it"},
                     {"abi db query images.wdbx --file one.npy --explain", "what a search does"},
                     {"abi db query images.wdbx --file queries.fvecs -k 100 --format csv",
                      "a batch"}},
        .handler = run,
    };
}

}  // namespace abikit::cli
