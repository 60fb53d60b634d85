// Reads the options, runs the searches, and shows what they found.
#include "db_query_text.hpp"

#include "db_common.hpp"

namespace abikit::cli {

namespace {
using storage::TextQuery;

// Only with --hybrid do these mean anything.
Status check_alone(const Invocation& invocation) {
    for (const char* const name : {"text-weight", "rank-constant"}) {
        if (invocation.has(name)) {
            return fail(Code::kInvalidArgument, std::string("--") + name + " needs --hybrid");
        }
    }
    if (invocation.has("candidates") && !invocation.has("mmr") && !invocation.flag("max-sim")) {
        return fail(Code::kInvalidArgument, "--candidates needs --hybrid, --mmr or --max-sim");
    }
    return {};
}

Status check_kinds(const Invocation& invocation) {
    const bool others =
        invocation.has("vector") || invocation.has("text") || invocation.has("file");
    if (invocation.has("match") && others && !invocation.has("hybrid")) {
        return fail(Code::kInvalidArgument, "more than one kind of query was given",
                    "give --match alone, or fuse both with --hybrid rrf");
    }
    if (invocation.has("match-all") && !invocation.has("match") && !invocation.has("hybrid")) {
        return fail(Code::kInvalidArgument, "--match-all needs --match or --hybrid");
    }
    if (!invocation.has("hybrid")) {
        return check_alone(invocation);
    }
    if (invocation.has("file")) {
        return fail(Code::kInvalidArgument, "--hybrid takes one query, --file gives many",
                    "give --text, or --vector and --match");
    }
    if (!invocation.has("text") && !(invocation.has("vector") && invocation.has("match"))) {
        return fail(Code::kInvalidArgument, "--hybrid needs words and a vector",
                    "give --text, or --vector and --match");
    }
    return {};
}

void warn(const Context& context, const std::vector<std::string>& notes) {
    for (const std::string& note : notes) {
        if (context.log != nullptr) {
            context.log->write(LogLevel::kWarn, "storage", note);
        }
    }
}

data::Value scores_of(const storage::FusedHit& hit) {
    data::Value scores;
    scores.set("score", hit.score);
    if (hit.distance) {
        scores.set("distance", shown(*hit.distance));
    }
    if (hit.text_score) {
        scores.set("text_score", *hit.text_score);
    }
    if (hit.text_rank) {
        scores.set("text_rank", std::uint64_t{*hit.text_rank});
    }
    if (hit.vector_rank) {
        scores.set("vector_rank", std::uint64_t{*hit.vector_rank});
    }
    return scores;
}
}  // namespace

std::vector<OptionSpec> text_query_options() {
    return {
        {.name = "match",
         .metavar = "WORDS",
         .help = "the query: words, \"phrases\", beginnings* and -exclusions"},
        {.name = "match-all", .type = ValueType::kFlag, .help = "rows with every item of --match"},
        {.name = "hybrid",
         .type = ValueType::kChoice,
         .metavar = "METHOD",
         .help = "fuse words and vector: by reciprocal ranks or by weighted scores",
         .choices = {"rrf", "weighted"}},
        {.name = "text-weight",
         .type = ValueType::kNumber,
         .metavar = "SHARE",
         .help = "how much the words count with --hybrid; the vector has the rest",
         .default_value = "0.5",
         .minimum = 0,
         .maximum = 1},
        {.name = "rank-constant",
         .type = ValueType::kInteger,
         .metavar = "N",
         .help = "what --hybrid rrf adds to each rank",
         .default_value = "60",
         .minimum = 1},
        {.name = "candidates",
         .type = ValueType::kInteger,
         .metavar = "N",
         .help =
             "hits of each search that --hybrid fuses (unset: 10 k, at least 100), or rows that "
             "--mmr picks from (4 k)",
         .minimum = 1},
        {.name = "snippets",
         .type = ValueType::kFlag,
         .help = "show the part of each text where the words stand"}};
}

std::vector<std::string> TextRequest::score_columns() const {
    if (hybrid) {
        return {"score", "distance", "text_score", "text_rank", "vector_rank"};
    }
    return match ? std::vector<std::string>{"score"}
                 : std::vector<std::string>{"distance", "score"};
}

Result<TextRequest> text_request(const Invocation& invocation) {
    ABI_CHECK(check_kinds(invocation));
    TextRequest request;
    request.hybrid = invocation.has("hybrid");
    if (invocation.has("match")) {
        ABI_TRY(request.match, TextQuery::parse(invocation.text("match")));
    } else if (request.hybrid) {
        ABI_TRY(request.match, TextQuery::of_words(invocation.text("text")));
    }
    if (invocation.flag("snippets")) {
        if (request.match) {
            request.snippets = request.match;
        } else if (invocation.has("text")) {
            ABI_TRY(request.snippets, TextQuery::of_words(invocation.text("text")));
        } else {
            return fail(Code::kInvalidArgument, "--snippets needs --match or --text");
        }
    }
    storage::HybridOptions& options = request.options;
    options.text.k = static_cast<std::size_t>(invocation.integer("k"));
    options.text.match =
        invocation.flag("match-all") ? storage::TextMatch::kAll : storage::TextMatch::kAny;
    options.fusion.method = request.hybrid && invocation.text("hybrid") == "weighted"
                                ? storage::FusionMethod::kWeighted
                                : storage::FusionMethod::kReciprocalRank;
    options.fusion.text_weight = invocation.number("text-weight");
    options.fusion.rank_constant = static_cast<double>(invocation.integer("rank-constant"));
    if (invocation.has("candidates")) {
        options.candidates = static_cast<std::size_t>(invocation.integer("candidates"));
    }
    return request;
}

Result<std::vector<FoundRow>> find_text(const Context& context, const storage::Snapshot& snapshot,
                                        const TextRequest& request, std::span<const float> vector) {
    std::vector<FoundRow> rows;
    if (request.hybrid) {
        ABI_TRY(const storage::HybridResult found,
                storage::search_hybrid(context, snapshot, *request.match, vector, request.options));
        warn(context, found.notes);
        for (const storage::FusedHit& hit : found.hits) {
            rows.push_back({hit.row, scores_of(hit)});
        }
        return rows;
    }
    ABI_TRY(const storage::TextSearchResult found,
            snapshot.search_text(context, *request.match, request.options.text));
    warn(context, found.notes);
    for (const storage::TextHit& hit : found.hits) {
        data::Value scores;
        scores.set("score", hit.score);
        rows.push_back({hit.row, std::move(scores)});
    }
    return rows;
}

Result<std::string> marked_snippet(std::string_view text, const TextQuery& query) {
    ABI_TRY(const storage::Snippet snippet, storage::make_snippet(text, query));
    std::string marked = snippet.cut_before ? "... " : "";
    std::size_t at = 0;
    for (const auto& [begin, end] : snippet.marks) {
        marked += snippet.text.substr(at, begin - at);
        marked += "**" + snippet.text.substr(begin, end - begin) + "**";
        at = end;
    }
    marked += snippet.text.substr(at);
    return snippet.cut_after ? marked + " ..." : marked;
}

}  // namespace abikit::cli
